/*
 * redis_test.c - the connection against a real Redis behind a proxy that breaks what can break, and
 * against a false one that answers what a real one seldom does.
 */
#include "io/redis.h"

#include <unistd.h>

#include "base/log.h"
#include "support.h"

enum { DEADLINE_MS = 600 };

struct fixture {
  uv_loop_t loop;
  struct proxy proxy;
  char via[256];
  struct redis_conn *redis;
  bool up, down, closed, got;
  int ups, messages;
  char message[64];
};

/* What came back; text is that of a string, a status or an error. */
struct answer {
  bool done;
  bool lost;
  int type;
  long long integer;
  char text[128];
  struct fixture *f;
};

static void on_up(void *arg)
{
  struct fixture *f = arg;
  f->up = true;
  f->ups++;
}

static void on_down(void *arg)
{
  struct fixture *f = arg;
  f->up = false;
  f->down = true;
}

static void on_message(void *arg, const char *channel, const char *text, size_t len)
{
  struct fixture *f = arg;
  cr_assert_eq(strlen(text), len);
  f->got = true;
  f->messages++;
  snprintf(f->message, sizeof f->message, "%s=%s", channel, text);
}

static void on_reply(void *arg, const redisReply *reply)
{
  struct answer *a = arg;

  cr_assert_not(a->done, "answered twice");
  a->done = true;
  a->lost = !reply;
  if (!reply) return;
  a->type = reply->type;
  a->integer = reply->integer;
  if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS ||
      reply->type == REDIS_REPLY_ERROR)
    snprintf(a->text, sizeof a->text, "%s", reply->str);
}

static void setup(struct fixture *f)
{
  signal(SIGPIPE, SIG_IGN);
  log_set_level(LOG_LEVEL_ERROR);
  *f = (struct fixture){0};
  uv_loop_init(&f->loop);
  proxy_start(&f->proxy, &f->loop, url_port(need_env("REDIS_URL")));
  through(f->via, sizeof f->via, need_env("REDIS_URL"), "127.0.0.1", f->proxy.port);
}

static void open_conn(struct fixture *f, const char *url)
{
  const struct redis_options o = {.url = url,
                                  .name = "redis_test",
                                  .deadline_ms = DEADLINE_MS,
                                  .on_up = on_up,
                                  .on_down = on_down,
                                  .on_message = on_message,
                                  .arg = f};
  f->redis = redis_connect(&f->loop, &o);
  cr_assert_not(f->up, "a callback ran inside the call");
}

static void start(struct fixture *f)
{
  setup(f);
  open_conn(f, f->via);
  wait_for(&f->loop, &f->up);
}

static void close_conn(struct fixture *f)
{
  f->closed = false;
  redis_close(f->redis, set_flag, &f->closed);
  cr_assert_not(f->closed, "a callback ran inside the call");
  wait_for(&f->loop, &f->closed);
}

static void stop(struct fixture *f)
{
  proxy_stop(&f->proxy);
  while (uv_run(&f->loop, UV_RUN_ONCE)) continue; /* look-ups end by themselves */
  loop_finish(&f->loop);
}

static void finish(struct fixture *f)
{
  close_conn(f);
  stop(f);
}

#define COMMAND(f, answer, ...)                                                                    \
  redis_command((f)->redis, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                \
                (const char *[]){__VA_ARGS__}, NULL, on_reply, answer)

static struct answer ask(struct fixture *f, const char *verb, const char *key, const char *value)
{
  struct answer a = {0};
  const char *argv[] = {verb, key, value};

  cr_assert_eq(redis_command(f->redis, 1 + !!key + !!value, argv, NULL, on_reply, &a), ST_OK);
  cr_assert_not(a.done, "a callback ran inside the call");
  wait_for(&f->loop, &a.done);
  return a;
}

/* ask_directly() uses a connection of its own, past the proxy. */
static void ask_directly(const char *command, ...)
{
  const char *url = need_env("REDIS_URL"), *password = strrchr(url, ':');
  redisContext *c = redisConnect("127.0.0.1", url_port(url));
  va_list args;

  while (password > url && *(password - 1) != ':') password--;
  freeReplyObject(redisCommand(c, "AUTH %b", password, (size_t)(strrchr(url, '@') - password)));
  va_start(args, command);
  freeReplyObject(redisvCommand(c, command, args));
  va_end(args);
  redisFree(c);
}

Test(redis, answers_come_in_order)
{
  struct fixture f;
  struct answer a[3] = {{0}};

  start(&f);
  cr_assert_eq(COMMAND(&f, &a[0], "SET", "test:order", "1"), ST_OK);
  cr_assert_eq(COMMAND(&f, &a[1], "INCR", "test:order"), ST_OK);
  cr_assert_eq(COMMAND(&f, &a[2], "GET", "test:order"), ST_OK);
  cr_assert_eq(redis_command(f.redis, 1, (const char *[]){"PING"}, NULL, NULL, NULL), ST_OK);
  wait_for(&f.loop, &a[2].done);
  cr_assert_str_eq(a[0].text, "OK");
  cr_assert_eq(a[1].integer, 2);
  cr_assert_str_eq(a[2].text, "2");
  cr_assert_eq(ask(&f, "NONSENSE", NULL, NULL).type, REDIS_REPLY_ERROR);
  ask(&f, "DEL", "test:order", NULL);
  finish(&f);
}

Test(redis, arguments_may_hold_any_byte)
{
  const char *argv[] = {"SET", "test:bytes", "a\0b\r\n"};
  const size_t lens[] = {3, 10, 5};
  struct answer a = {0};
  struct fixture f;

  start(&f);
  cr_assert_eq(redis_command(f.redis, 3, argv, lens, on_reply, &a), ST_OK);
  wait_for(&f.loop, &a.done);
  cr_assert_eq(ask(&f, "STRLEN", "test:bytes", NULL).integer, 5);
  ask(&f, "DEL", "test:bytes", NULL);
  finish(&f);
}

Test(redis, commands_of_a_turn_leave_together)
{
  enum { N = 200 };
  static struct answer a[N];
  struct fixture f;

  start(&f);
  f.proxy.reads_up = 0;
  for (int i = 0; i < N; i++) cr_assert_eq(COMMAND(&f, &a[i], "PING"), ST_OK);
  wait_for(&f.loop, &a[N - 1].done);
  cr_assert_eq(f.proxy.reads_up, 1);
  finish(&f);
}

Test(redis, selects_the_database)
{
  struct fixture f;
  char url[256];

  setup(&f);
  snprintf(url, sizeof url, "%s", f.via);
  snprintf(strrchr(url, '/'), 4, "/3");
  open_conn(&f, url);
  wait_for(&f.loop, &f.up);
  ask(&f, "SET", "test:db", "x");
  close_conn(&f);
  f.up = false;
  open_conn(&f, f.via);
  wait_for(&f.loop, &f.up);
  cr_assert_eq(ask(&f, "GET", "test:db", NULL).type, REDIS_REPLY_NIL);
  cr_assert_eq(ask(&f, "MOVE", "test:db", "3").integer, 0);
  finish(&f);
}

Test(redis, a_wrong_password_is_not_up_and_not_logged)
{
  struct fixture f;
  char url[256], text[4096];
  int fd[2];
  ssize_t n;

  setup(&f);
  cr_assert_eq(pipe(fd), 0);
  log_set_fd(fd[1]);
  log_set_level(LOG_LEVEL_DEBUG);
  snprintf(url, sizeof url, "redis://default:not-the-secret@127.0.0.1:%d", f.proxy.port);
  open_conn(&f, url);
  cr_assert_not(turn_until(&f.loop, 300, is_set, &f.up));
  cr_assert_geq(f.proxy.accepted, 2);
  cr_assert_not(f.down);
  n = read(fd[0], text, sizeof text - 1);
  cr_assert_gt(n, 0);
  text[n] = '\0';
  cr_assert(strstr(text, "WRONGPASS"), "%s", text);
  cr_assert_null(strstr(text, "not-the-secret"));
  finish(&f);
}

Test(redis, run_id_is_known_while_it_is_up)
{
  struct fixture f;

  setup(&f);
  open_conn(&f, f.via);
  cr_assert_str_eq(redis_run_id(f.redis), "");
  wait_for(&f.loop, &f.up);
  cr_assert_eq(strlen(redis_run_id(f.redis)), 40);
  f.up = false;
  proxy_cut(&f.proxy);
  wait_for(&f.loop, &f.down);
  cr_assert_str_eq(redis_run_id(f.redis), "");
  cr_assert_not(redis_up(f.redis));
  wait_for(&f.loop, &f.up);
  cr_assert_eq(f.ups, 2);
  finish(&f);
}

Test(redis, a_refused_connection_is_tried_until_it_works)
{
  struct answer a = {0};
  struct fixture f;

  setup(&f);
  proxy_refuse(&f.proxy);
  open_conn(&f, f.via);
  cr_assert_not(turn_until(&f.loop, 400, is_set, &f.up));
  cr_assert_eq(COMMAND(&f, &a, "PING"), ST_AWAY);
  proxy_listen(&f.proxy);
  wait_for(&f.loop, &f.up);
  cr_assert_not(f.down);
  cr_assert_not(a.done);
  finish(&f);
}

Test(redis, a_broken_connection_loses_pending_answers)
{
  struct answer a[3] = {{0}};
  struct fixture f;

  start(&f);
  proxy_hold(&f.proxy, true);
  for (int i = 0; i < 3; i++) cr_assert_eq(COMMAND(&f, &a[i], "PING"), ST_OK);
  turn_until(&f.loop, 50, never, NULL);
  proxy_cut(&f.proxy);
  proxy_hold(&f.proxy, false);
  wait_for(&f.loop, &f.down);
  for (int i = 0; i < 3; i++) cr_assert(a[i].done && a[i].lost);
  f.up = false;
  wait_for(&f.loop, &f.up);
  cr_assert_str_eq(ask(&f, "PING", NULL, NULL).text, "PONG");
  finish(&f);
}

Test(redis, a_silent_server_is_given_up_at_the_deadline)
{
  struct answer a = {0};
  struct fixture f;
  uint64_t began;

  start(&f);
  proxy_hold(&f.proxy, true);
  cr_assert_eq(COMMAND(&f, &a, "PING"), ST_OK);
  began = uv_hrtime();
  wait_for(&f.loop, &f.down);
  began = (uv_hrtime() - began) / 1000000;
  cr_assert(a.done && a.lost);
  cr_assert(began >= DEADLINE_MS - 50 && began < 2 * DEADLINE_MS, "%d ms", (int)began);
  /* Greeting a server that says nothing is given up as well. */
  f.up = false;
  cr_assert_not(turn_until(&f.loop, 2 * DEADLINE_MS, is_set, &f.up));
  cr_assert_geq(f.proxy.accepted, 2);
  proxy_hold(&f.proxy, false);
  wait_for(&f.loop, &f.up);
  finish(&f);
}

Test(redis, a_half_open_connection_is_found_while_idle)
{
  struct fixture f;

  start(&f);
  cr_assert_not(turn_until(&f.loop, 3 * DEADLINE_MS, is_set, &f.down), "an idle one is kept");
  proxy_hold(&f.proxy, true);
  cr_assert(turn_until(&f.loop, 3 * DEADLINE_MS, is_set, &f.down));
  proxy_hold(&f.proxy, false);
  finish(&f);
}

Test(redis, answers_owed_are_bounded)
{
  enum { N = 10000 };
  static struct answer a[N];
  struct answer late = {0};
  struct fixture f;

  start(&f);
  for (int i = 0; i < N; i++) cr_assert_eq(COMMAND(&f, &a[i], "PING"), ST_OK);
  cr_assert_eq(COMMAND(&f, &late, "PING"), ST_FULL);
  wait_for(&f.loop, &a[N - 1].done);
  cr_assert_not(late.done);
  cr_assert_str_eq(ask(&f, "PING", NULL, NULL).text, "PONG");
  finish(&f);
}

Test(redis, large_values_flow_both_ways)
{
  enum { SIZE = 2 << 20 };
  char *value = malloc(SIZE);
  const char *argv[] = {"ECHO", value};
  const size_t lens[] = {4, SIZE};
  struct answer a[2] = {{0}};
  struct fixture f;

  memset(value, 'x', SIZE);
  start(&f);
  for (int i = 0; i < 2; i++)
    cr_assert_eq(redis_command(f.redis, 2, argv, lens, on_reply, &a[i]), ST_OK);
  wait_for(&f.loop, &a[1].done);
  for (int i = 0; i < 2; i++) cr_assert(!a[i].lost && a[i].type == REDIS_REPLY_STRING);
  free(value);
  finish(&f);
}

Test(redis, an_idle_connection_does_not_spin)
{
  struct fixture f;
  int turns = 0;

  start(&f);
  ask(&f, "PING", NULL, NULL);
  turn_until(&f.loop, 300, count_turn, &turns);
  cr_assert_lt(turns, 100, "%d turns", turns); /* the test's own tick makes 60 */
  finish(&f);
}

/* ── scripts ────────────────────────────────────────────────────────────────────────────────── */

static struct redis_script a_script(const char *source)
{
  struct redis_script s = {.name = "test", .source = source};
  redis_script_init(&s);
  return s;
}

Test(redis, scripts_have_the_servers_sha)
{
  struct redis_script s = a_script("return 1");
  cr_assert_str_eq(s.sha, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

/* One nobody has loaded before: SCRIPT FLUSH would take those of the tests beside this one too. */
Test(redis, a_script_is_loaded_when_the_server_does_not_know_it)
{
  enum { N = 50 };
  struct answer a[N];
  struct fixture f;
  char source[80], number[N][16];

  start(&f);
  for (int round = 0; round < 2; round++) {
    snprintf(source, sizeof source, "return tonumber(ARGV[1]) + #KEYS -- round %d of %d", round,
             (int)getpid());
    struct redis_script s = a_script(source);
    memset(a, 0, sizeof a);
    for (int i = 0; i < N; i++) {
      const char *argv[] = {"test:key", number[i]};
      snprintf(number[i], sizeof number[i], "%d", i);
      cr_assert_eq(redis_eval(f.redis, &s, 1, 2, argv, NULL, on_reply, &a[i]), ST_OK);
    }
    wait_for(&f.loop, &a[N - 1].done);
    for (int i = 0; i < N; i++) cr_assert_eq(a[i].integer, i + 1);
  }
  finish(&f);
}

Test(redis, a_script_that_does_not_compile_says_so)
{
  struct redis_script s = a_script("this is no Lua");
  struct answer a = {0};
  struct fixture f;

  start(&f);
  log_set_level(LOG_LEVEL_ERROR + 1);
  cr_assert_eq(redis_eval(f.redis, &s, 0, 0, NULL, NULL, on_reply, &a), ST_OK);
  wait_for(&f.loop, &a.done);
  cr_assert_eq(a.type, REDIS_REPLY_ERROR);
  finish(&f);
}

Test(redis, an_eval_is_lost_with_its_connection)
{
  struct redis_script s = a_script("return 1");
  struct answer a = {0}, b = {0};
  struct fixture f;

  start(&f);
  proxy_hold(&f.proxy, true);
  cr_assert_eq(redis_eval(f.redis, &s, 0, 0, NULL, NULL, on_reply, &a), ST_OK);
  wait_for(&f.loop, &f.down);
  cr_assert(a.done && a.lost);
  cr_assert_eq(redis_eval(f.redis, &s, 0, 0, NULL, NULL, on_reply, &b), ST_AWAY);
  proxy_hold(&f.proxy, false);
  finish(&f);
}

/* ── pub/sub ────────────────────────────────────────────────────────────────────────────────── */

static void publish(struct fixture *f, const char *channel, const char *text)
{
  f->got = false;
  ask_directly("PUBLISH %s %s", channel, text);
}

Test(redis, messages_arrive_also_after_a_reconnect)
{
  struct fixture f;

  setup(&f);
  open_conn(&f, f.via);
  redis_subscribe(f.redis, "test:one");
  redis_subscribe(f.redis, "test:one");
  wait_for(&f.loop, &f.up);
  redis_subscribe(f.redis, "test:two");
  turn_until(&f.loop, 50, never, NULL);
  publish(&f, "test:one", "a");
  wait_for(&f.loop, &f.got);
  cr_assert_str_eq(f.message, "test:one=a");
  publish(&f, "test:two", "b");
  wait_for(&f.loop, &f.got);
  cr_assert_str_eq(f.message, "test:two=b");

  f.up = false;
  proxy_cut(&f.proxy);
  wait_for(&f.loop, &f.up);
  publish(&f, "test:two", "c"); /* up means listening */
  wait_for(&f.loop, &f.got);
  cr_assert_str_eq(f.message, "test:two=c");
  cr_assert_eq(f.messages, 3);
  finish(&f);
}

Test(redis, a_listener_is_asked_while_idle_and_hears_everything_once)
{
  struct fixture f;

  setup(&f);
  open_conn(&f, f.via);
  redis_subscribe(f.redis, "test:idle");
  wait_for(&f.loop, &f.up);
  cr_assert_not(turn_until(&f.loop, 4 * DEADLINE_MS, is_set, &f.down), "an idle one is kept");
  publish(&f, "test:idle", "a");
  wait_for(&f.loop, &f.got);
  cr_assert_eq(f.messages, 1);
  proxy_hold(&f.proxy, true);
  cr_assert(turn_until(&f.loop, 3 * DEADLINE_MS, is_set, &f.down));
  proxy_hold(&f.proxy, false);
  finish(&f);
}

Test(redis, what_is_unsubscribed_is_not_heard)
{
  struct fixture f;

  setup(&f);
  open_conn(&f, f.via);
  redis_subscribe(f.redis, "test:gone");
  wait_for(&f.loop, &f.up);
  redis_unsubscribe(f.redis, "test:gone");
  redis_unsubscribe(f.redis, "test:gone");
  turn_until(&f.loop, 3 * DEADLINE_MS, never, NULL); /* idle without any channel too */
  publish(&f, "test:gone", "a");
  turn_until(&f.loop, 50, never, NULL);
  cr_assert_eq(f.messages, 0);
  cr_assert_not(f.down);
  redis_subscribe(f.redis, "test:back");
  turn_until(&f.loop, 50, never, NULL);
  publish(&f, "test:back", "b");
  wait_for(&f.loop, &f.got);
  finish(&f);
}

/* ── closing ────────────────────────────────────────────────────────────────────────────────── */

Test(redis, closes_in_any_state)
{
  static const char *const URLS[] = {"redis://nobody.invalid", "redis://127.0.0.1:1",
                                     "redis://[broken", "unix:///nonexistent/socket",
                                     "redis://localhost:1"};
  struct fixture f;

  setup(&f);
  for (size_t i = 0; i < sizeof URLS / sizeof *URLS; i++)
    for (int ms = 0; ms <= 120; ms += 120) {
      open_conn(&f, URLS[i]);
      cr_assert_not(turn_until(&f.loop, ms, is_set, &f.up));
      close_conn(&f);
    }
  for (int turns = 0; turns < 12; turns++) { /* in every step of connecting */
    f.up = false;
    open_conn(&f, f.via);
    if (turns % 2) redis_subscribe(f.redis, "test:closes");
    for (int i = 0; i < turns; i++) uv_run(&f.loop, UV_RUN_NOWAIT);
    close_conn(&f);
  }
  cr_assert_not(f.down);
  stop(&f);
}

Test(redis, closing_loses_what_is_pending)
{
  struct answer a = {0}, late = {0};
  struct fixture f;

  start(&f);
  cr_assert_eq(COMMAND(&f, &a, "PING"), ST_OK);
  redis_close(f.redis, set_flag, &f.closed);
  cr_assert_not(a.done, "a callback ran inside the call");
  cr_assert_not(redis_up(f.redis));
  cr_assert_eq(COMMAND(&f, &late, "PING"), ST_AWAY);
  wait_for(&f.loop, &f.closed);
  cr_assert(a.done);
  cr_assert_not(f.down);
  stop(&f);
}

static void close_inside(void *arg, const redisReply *reply)
{
  struct answer *a = arg;
  on_reply(arg, reply);
  redis_close(a->f->redis, set_flag, &a->f->closed);
}

Test(redis, a_callback_may_close)
{
  struct fixture f;
  struct answer a = {.f = &f}, b = {0};

  start(&f);
  cr_assert_eq(redis_command(f.redis, 1, (const char *[]){"PING"}, NULL, close_inside, &a), ST_OK);
  cr_assert_eq(COMMAND(&f, &b, "PING"), ST_OK);
  wait_for(&f.loop, &f.closed);
  cr_assert(a.done && b.done);
  stop(&f);
}

static void close_when_lost(void *arg, const redisReply *reply)
{
  cr_assert_null(reply);
  close_inside(arg, reply);
}

Test(redis, a_callback_may_close_when_its_answer_is_lost)
{
  struct fixture f;
  struct answer a = {.f = &f};

  start(&f);
  proxy_hold(&f.proxy, true);
  cr_assert_eq(redis_command(f.redis, 1, (const char *[]){"PING"}, NULL, close_when_lost, &a),
               ST_OK);
  wait_for(&f.loop, &f.closed);
  stop(&f);
}

/* Cut again and again at any moment: every command is answered or lost, exactly once. */
Test(redis, survives_being_cut_at_random)
{
  enum { N = 2000 };
  struct redis_script s = a_script("return 7");
  static struct answer a[N];
  struct fixture f;
  int sent = 0, lost = 0;

  start(&f);
  srand(42);
  while (sent < N) {
    if (redis_up(f.redis) && rand() % 2)
      sent += redis_eval(f.redis, &s, 0, 0, NULL, NULL, on_reply, &a[sent]) == ST_OK;
    else if (redis_up(f.redis))
      sent += COMMAND(&f, &a[sent], "PING") == ST_OK;
    if (rand() % 100 == 0) proxy_cut(&f.proxy);
    if (redis_up(f.redis))
      uv_run(&f.loop, UV_RUN_NOWAIT);
    else
      wait_for(&f.loop, (f.up = false, &f.up));
  }
  for (int i = 0; i < N; i++) {
    wait_for(&f.loop, &a[i].done);
    lost += a[i].lost;
  }
  cr_assert(lost > 5 && lost < N - 5, "%d lost", lost);
  finish(&f);
}

/* ── a false server ─────────────────────────────────────────────────────────────────────────── */

/* Says text as soon as something is said to it, and nothing else. */
struct fake {
  uv_pipe_t listener, client;
  bool connected;
  const char *text;
  char path[64];
  char url[80];
};

static void fake_on_client_closed(uv_handle_t *client)
{
  ((struct fake *)client->data)->connected = false;
}

static void fake_on_read(uv_stream_t *client, ssize_t n, const uv_buf_t *bytes)
{
  struct fake *k = client->data;
  uv_buf_t out = uv_buf_init((char *)k->text, (unsigned)strlen(k->text));

  free(bytes->base);
  if (n < 0)
    uv_close((uv_handle_t *)client, fake_on_client_closed);
  else if (*k->text)
    uv_try_write(client, &out, 1);
  k->text = "";
}

static void fake_on_connection(uv_stream_t *listener, int status)
{
  struct fake *k = listener->data;

  cr_assert_eq(status, 0);
  if (k->connected) return;
  k->connected = true;
  uv_pipe_init(listener->loop, &k->client, 0);
  k->client.data = k;
  uv_accept(listener, (uv_stream_t *)&k->client);
  uv_read_start((uv_stream_t *)&k->client, proxy_alloc, fake_on_read);
}

/* greeted_by() connects to a server that says text. */
static bool greeted_by(const char *text)
{
  struct fake k = {.text = text};
  struct fixture f;
  bool up;

  setup(&f);
  snprintf(k.path, sizeof k.path, "/tmp/redis_test.%d", (int)getpid());
  snprintf(k.url, sizeof k.url, "unix://%s", k.path);
  uv_pipe_init(&f.loop, &k.listener, 0);
  k.listener.data = &k;
  cr_assert_eq(uv_pipe_bind(&k.listener, k.path), 0);
  cr_assert_eq(uv_listen((uv_stream_t *)&k.listener, 1, fake_on_connection), 0);
  open_conn(&f, k.url);
  up = turn_until(&f.loop, 200, is_set, &f.up);
  if (up) cr_assert_str_eq(redis_run_id(f.redis), "0123456789012345678901234567890123456789");
  close_conn(&f);
  uv_close((uv_handle_t *)&k.listener, NULL);
  if (k.connected && !uv_is_closing((uv_handle_t *)&k.client))
    uv_close((uv_handle_t *)&k.client, fake_on_client_closed);
  stop(&f);
  return up;
}

#define RUN_ID "$65\r\n# Server\r\nrun_id:0123456789012345678901234567890123456789\r\nx:00\r\n\r\n"

Test(redis, only_a_server_that_is_ready_is_up)
{
  cr_assert(greeted_by("+OK\r\n" RUN_ID "+PONG\r\n"));
  cr_assert(greeted_by("-ERR no SETNAME\r\n" RUN_ID "+PONG\r\n"));
  cr_assert_not(greeted_by("+OK\r\n" RUN_ID "-LOADING dataset in memory\r\n"));
  cr_assert_not(greeted_by("+OK\r\n$4\r\nnone\r\n+PONG\r\n"));
  cr_assert_not(greeted_by("+OK\r\n-NOAUTH log in\r\n-NOAUTH log in\r\n"));
  cr_assert_not(greeted_by("-ERR max number of clients reached\r\n"));
  cr_assert_not(greeted_by("HTTP/1.1 400 Bad Request\r\n\r\n"));
  cr_assert_not(greeted_by("+OK\r\n:1\r\n+PONG\r\n"));
}
