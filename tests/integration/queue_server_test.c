/*
 * queue_server_test.c - the queue on a Redis of its own: one that dies, restarts, hangs, forgets
 * its scripts, is full, or is a cluster.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "queue/channel.h"
#include "tests/integration/queue_kit.h"

enum { LEASE_MS = 60000, WINDOW_MS = 100 };

static struct {
  char dir[64], socket[96], url[128];
  pid_t pid;
} server;

static struct kit kit;
static struct kit *const k = &kit;
static struct kit_answer answer;
static struct kit_answer *const a = &answer;

static void start_server_with(const char *const *more, size_t n)
{
  const char *argv[24] = {"redis-server", "--port", "0", "--unixsocket", server.socket, "--dir",
                          server.dir,     "--save", "",  "--appendonly", "no",          "--logfile",
                          "/dev/null"};
  for (size_t i = 0; i < n; i++) argv[13 + i] = more[i];
  unlink(server.socket);
  server.pid = fork();
  cr_assert_geq(server.pid, 0);
  if (server.pid > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves no server behind */
  execvp(argv[0], (char *const *)argv);
  _exit(127);
}

static void start_server(void)
{
  start_server_with(NULL, 0);
}

static int free_port(void)
{
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0);
  cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
  close(fd);
  return ntohs(at.sin_port);
}

/* A cluster of one, which listens for others on a port of its own. */
static void start_cluster(void)
{
  char port[8];
  snprintf(port, sizeof port, "%d", free_port());
  const char *more[] = {"--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", port};
  start_server_with(more, sizeof more / sizeof *more);
}

static void stop_server(void)
{
  kill(server.pid, SIGKILL);
  waitpid(server.pid, NULL, 0);
}

static void setup(void)
{
  snprintf(server.dir, sizeof server.dir, "/tmp/queue-test-XXXXXX");
  cr_assert(mkdtemp(server.dir));
  snprintf(server.socket, sizeof server.socket, "%s/redis.sock", server.dir);
  snprintf(server.url, sizeof server.url, "unix://%s", server.socket);
  start_server();
  kit_init_at(
      k, server.url,
      &(struct queue_options){.lease_ms = LEASE_MS, .rate_limit = 5, .rate_window_ms = WINDOW_MS});
}

static void teardown(void)
{
  kit_free(a);
  kit_deinit(k);
  stop_server();
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", server.dir);
  cr_assert_eq(system(command), 0);
}

TestSuite(queue_server, .init = setup, .fini = teardown, .timeout = 60);

/* A command of its own, not about a key of the queue. */
static void command(const char *const *argv, int argc)
{
  size_t lens[8];
  for (int i = 0; i < argc; i++) lens[i] = strlen(argv[i]);
  struct kit_answer got = {0};
  cr_assert_eq(redis_command(k->redis, argc, argv, lens, kit_on_reply, &got), ST_OK);
  kit_until(k, got.calls == 1);
  cr_assert_eq(got.status, ST_OK, "%s", got.text);
}

static void open_and_wait(void)
{
  kit_done(k, queue_open_epoch(k->q, WINDOW_MS, NULL, kit_on_done, ok));
  kit_repeat(kit_claim(k, a, 0), a->gate == QUEUE_OPEN);
}

/* One order through everything. */
static void check_that_it_works(void)
{
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 1);
  cr_assert_eq(a->n, 1);
  struct queue_item mine = a->items[0];
  kit_call(k, a, queue_beat(k->q, &mine, 1, kit_on_ids, a));
  cr_assert_eq(a->n, 0);
  kit_done(k, queue_put_back(k->q, &mine, 1, true, kit_on_done, ok));
  kit_claim(k, a, 1);
  mine = a->items[0];
  kit_call(k, a, queue_reap(k->q, 5, kit_on_ids, a));
  kit_done(k, queue_pause(k->q, true, kit_version(), kit_on_done, ok));
  kit_done(k, queue_pause(k->q, false, kit_version(), kit_on_done, ok));
  kit_done(k, queue_finish(k->q, &mine, 1, true, kit_on_done, ok));
  kit_done(k, queue_drop(k->q, &mine.id, 1, kit_on_done, ok));
  cr_assert_eq(kit_where(k), 0);
  cr_assert_eq(kit_counts(k).counts.completed, 1);
  free(items);
}

/* Every operation, each with an answer of its own; gives how many were taken. */
static int call_all(struct kit_answer *answers, const struct queue_item *items, size_t n)
{
  struct ulid id = items[0].id;
  const enum status taken[] = {
      queue_enqueue(k->q, items, n, kit_on_done, &answers[0]),
      queue_claim(k->q, "session", 3, kit_on_claimed, &answers[1]),
      queue_beat(k->q, items, n, kit_on_ids, &answers[2]),
      queue_finish(k->q, items, n, true, kit_on_done, &answers[3]),
      queue_put_back(k->q, items, n, true, kit_on_done, &answers[4]),
      queue_drop(k->q, &id, 1, kit_on_done, &answers[5]),
      queue_reap(k->q, 5, kit_on_ids, &answers[6]),
      queue_open_epoch(k->q, 5, NULL, kit_on_done, &answers[7]),
      queue_pause(k->q, false, kit_version(), kit_on_done, &answers[8]),
      queue_counts(k->q, kit_on_counts, &answers[9]),
      queue_enqueue(k->q, items, n, NULL, NULL),
      queue_publish(k->q, "x", 1),
  };
  int ok = 0;
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
    cr_assert(taken[i] == ST_OK || taken[i] == ST_AWAY);
    ok += taken[i] == ST_OK;
  }
  return ok;
}

Test(queue_server, away_is_said_at_once_and_nobody_is_called)
{
  struct queue_item *items = kit_items(700);
  struct kit_answer answers[10] = {0};
  stop_server();
  kit_until(k, !redis_up(k->redis));
  cr_assert_eq(call_all(answers, items, 700), 0);
  kit_pause(k, 50);
  for (size_t i = 0; i < 10; i++) cr_assert_eq(answers[i].calls, 0);
  start_server();
  kit_until(k, redis_up(k->redis));
  kit_pause(k, 20);
  for (size_t i = 0; i < 10; i++) cr_assert_eq(answers[i].calls, 0);
  free(items);
}

Test(queue_server, disconnected_is_away)
{
  struct queue_item *items = kit_items(700);
  struct kit_answer answers[10] = {0};
  cr_assert(queue_up(k->q));
  queue_disconnect(k->q);
  cr_assert_not(queue_up(k->q));
  cr_assert_eq(call_all(answers, items, 700), 0);
  free(items);
}

Test(queue_server, answers_that_are_lost_are_said_to_be_once)
{
  struct queue_item *items = kit_items(1700);
  struct kit_answer answers[10] = {0};
  kill(server.pid, SIGSTOP);
  cr_assert_eq(call_all(answers, items, 1700), 12);
  kit_pause(k, 20);
  for (size_t i = 0; i < 10; i++) cr_assert_eq(answers[i].calls, 0);
  stop_server();
  for (size_t i = 0; i < 10; i++) {
    kit_until(k, answers[i].calls > 0);
    cr_assert_eq(answers[i].status, ST_AWAY);
    cr_assert(answers[i].n == 0);
    kit_free(&answers[i]);
    answers[i].calls = 1;
  }
  start_server();
  kit_until(k, redis_up(k->redis));
  kit_pause(k, 20);
  for (size_t i = 0; i < 10; i++) cr_assert_eq(answers[i].calls, 1);
  free(items);
}

Test(queue_server, a_restart_closes_the_limiter)
{
  open_and_wait();
  check_that_it_works();
  kit_done(k, queue_counts(k->q, kit_on_counts, ok));
  struct kit_answer epoch = kit_command(k, "GET", "epoch", NULL);
  stop_server();
  kit_until(k, !redis_up(k->redis));
  start_server();
  kit_until(k, redis_up(k->redis));
  kit_claim(k, a, 1);
  cr_assert_eq(a->gate, QUEUE_CLOSED, "all is gone");
  kit_command(k, "SET", "epoch", epoch.text);
  kit_claim(k, a, 1);
  cr_assert_eq(a->gate, QUEUE_CLOSED, "it came back from a disk, of another run");
  open_and_wait();
  check_that_it_works();
}

Test(queue_server, forgotten_scripts_are_sent_again)
{
  open_and_wait();
  check_that_it_works();
  struct queue_item *items = kit_items(1700);
  for (int round = 0; round < 2; round++) {
    struct kit_answer three[3] = {0};
    command((const char *[]){"SCRIPT", "FLUSH"}, 2);
    for (int i = 0; i < 3; i++)
      cr_assert_eq(queue_enqueue(k->q, items, 1700, kit_on_done, &three[i]), ST_OK);
    for (int i = 0; i < 3; i++) {
      kit_until(k, three[i].calls == 1);
      cr_assert_eq(three[i].status, ST_OK);
    }
  }
  cr_assert_eq(kit_counts(k).counts.waiting, 1700);
  free(items);
}

Test(queue_server, a_full_redis_drains)
{
  open_and_wait();
  struct queue_item *items = kit_items(8);
  kit_enqueue(k, items, 6);
  command((const char *[]){"CONFIG", "SET", "maxmemory", "1"}, 4);

  kit_call(k, a, queue_enqueue(k->q, items + 6, 2, kit_on_done, a));
  cr_assert_eq(a->status, ST_BROKEN);
  kit_claim(k, a, 3);
  cr_assert_eq(a->n, 3);
  struct queue_item mine[3];
  memcpy(mine, a->items, sizeof mine);
  kit_call(k, a, queue_beat(k->q, mine, 3, kit_on_ids, a));
  cr_assert(a->status == ST_OK && a->n == 0);
  mine[0].delay_ms = 1000;
  kit_done(k, queue_put_back(k->q, mine, 1, false, kit_on_done, ok));
  kit_done(k, queue_finish(k->q, mine + 1, 2, true, kit_on_done, ok));
  kit_done(k, queue_pause(k->q, true, kit_version(), kit_on_done, ok));
  kit_command(k, "DEL", "epoch", NULL);
  kit_done(k, queue_open_epoch(k->q, 0, NULL, kit_on_done, ok));
  kit_pause(k, 3); /* another time to be kept */
  kit_call(k, a, queue_reap(k->q, 5, kit_on_ids, a));
  cr_assert_eq(a->status, ST_OK);
  cr_assert_eq(kit_where(k), 301);
  cr_assert_eq(kit_counts(k).counts.completed, 2);
  free(items);
}

/* A row of refusals is one line of log; after a success the next row is another. */
Test(queue_server, refusals_are_logged_once)
{
  int ends[2];
  cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
  log_set_fd(ends[1]);
  struct queue_item *items = kit_items(3);
  for (size_t row = 0; row < 2; row++) {
    command((const char *[]){"CONFIG", "SET", "maxmemory", "1"}, 4);
    for (int i = 0; i < 5; i++) {
      kit_call(k, a, queue_enqueue(k->q, items, 3, kit_on_done, a));
      cr_assert_eq(a->status, ST_BROKEN);
    }
    command((const char *[]){"CONFIG", "SET", "maxmemory", "0"}, 4);
    kit_enqueue(k, items, row + 1);
  }
  static char text[8192];
  ssize_t len = read(ends[0], text, sizeof text - 1);
  log_set_fd(2);
  int lines = 0;
  for (ssize_t i = 0; i < len; i++) lines += text[i] == '\n';
  cr_assert_eq(lines, 2, "%s", text);
  cr_assert(strstr(text, "enqueue") && strstr(text, "OOM"));
  close(ends[0]);
  close(ends[1]);
  free(items);
}

Test(queue_server, works_on_a_cluster)
{
  stop_server();
  kit_until(k, !redis_up(k->redis));
  start_cluster();
  kit_until(k, redis_up(k->redis));
  command((const char *[]){"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}, 4);
  /* The cluster is not up at once. */
  kit_repeat(kit_call(k, a, queue_counts(k->q, kit_on_counts, a)), a->status == ST_OK);
  open_and_wait();
  check_that_it_works();
}
