/*
 * board_test.c - the scenario in a real PostgreSQL: what one process changes every other has, also
 * one that was cut off, stopped, or started later. A board stands for a process.
 */
#include "executors/board.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "executors/board_db.h"
#include "own_database.h"

enum { WAIT_MS = 5000 };

static struct board *board;
static _Atomic int warnings;

static int64_t mono_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const char *level, const char *message)
{
  (void)message;
  if (strcmp(level, "warn") == 0) atomic_fetch_add(&warnings, 1);
}

static const struct ox_config config = {.size = sizeof config, .now_ms = now_ms, .log = say};

static struct board *start(const char *url)
{
  char error[256];
  struct scenario *files = scenario_load("executors", 24, error, sizeof error);
  cr_assert(files, "%s", error);
  struct board *b = board_create(&config, url, files);
  cr_assert(b);
  return b;
}

static void setup(void)
{
  database_create("board_test");
  board = start(database_url);
}

static void teardown(void)
{
  board_destroy(board);
  database_drop();
}

TestSuite(board, .init = setup, .fini = teardown, .timeout = 60);

static void ignore(struct ox_errors *errors, const char *pointer, const char *code,
                   const char *detail)
{
  (void)errors, (void)pointer, (void)code, (void)detail;
}

static enum board_result change(struct board *b, enum scenario_kind kind, const char *text)
{
  struct ox_errors errors = {.size = sizeof errors, .add = ignore};
  json_t *body = json_loads(text, 0, NULL);
  enum board_result result = board_change(b, kind, body, &errors);
  json_decref(body);
  return result;
}

static enum board_result move(struct board *b, const char *price)
{
  char text[128];
  snprintf(text, sizeof text, "{\"tokenIn\":\"SOL\",\"tokenOut\":\"USDC\",\"price\":\"%s\"}",
           price);
  return change(b, SCENARIO_PRICE, text);
}

/* Of raydium's SOL-USDC, in whole USDC for a SOL. */
static long price_at(struct board *b)
{
  bool x_to_y;
  struct scenario *s = board_scenario(b);
  const struct pool *pool = pools_find(s->pools, "raydium", "SOL", "USDC", &x_to_y);
  long price = (long)(pool->raydium.y / (pool->raydium.x / 1000));
  scenario_drop(s);
  return price;
}

static int64_t version_at(struct board *b)
{
  struct scenario *s = board_scenario(b);
  int64_t version = s->version;
  scenario_drop(s);
  return version;
}

static enum fault_kind strike(struct board *b)
{
  struct fault_call call = {FAULT_AT_QUOTE, "raydium", "k", 1, 7, now_ms()};
  struct scenario *s = board_scenario(b);
  enum fault_kind kind = faults_strike(s->faults, &call);
  scenario_drop(s);
  return kind;
}

static void pause_ms(int ms)
{
  struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

static void wait_for_version(struct board *b, int64_t version)
{
  int64_t until = mono_ms() + WAIT_MS;
  while (version_at(b) < version && mono_ms() < until) pause_ms(1);
  cr_assert(version_at(b) == version, "%ld", (long)version_at(b));
}

#define HALTED      "{\"faults\":[{\"venue\":\"raydium\",\"kind\":\"halted\"}]}"
#define HALTED_ONCE "{\"faults\":[{\"venue\":\"raydium\",\"kind\":\"halted\",\"nth\":1}]}"
#define NONE        "{\"faults\":[]}"
#define POOL                                                                                       \
  "{\"venue\":\"raydium\",\"name\":\"N\",\"kind\":\"constantProduct\",\"x\":\"NEW\","              \
  "\"y\":\"USDC\",\"reserveX\":1000,\"reserveY\":2000,\"feePpm\":3000,"                            \
  "\"tokens\":[{\"symbol\":\"NEW\",\"decimals\":4}]}"

Test(board, every_process_has_a_change_when_it_is_answered)
{
  struct board *others[3];
  for (int i = 0; i < 3; i++) others[i] = start(database_url);
  for (int round = 0; round < 20; round++) {
    char price[8];
    snprintf(price, sizeof price, "%d", 100 + round);
    int64_t began = mono_ms();
    cr_assert(move(others[round % 3], price) == BOARD_OK);
    cr_assert(price_at(board) == 100 + round);
    for (int i = 0; i < 3; i++) cr_assert(price_at(others[i]) == 100 + round);
    cr_assert(mono_ms() - began < 900, "it was not the deadline that ended it");
  }
  for (int i = 0; i < 3; i++) board_destroy(others[i]);
}

Test(board, changes_survive_all_processes)
{
  cr_assert(move(board, "100") == BOARD_OK);
  cr_assert(change(board, SCENARIO_POOL, POOL) == BOARD_OK);
  cr_assert(change(board, SCENARIO_FAULTS, HALTED) == BOARD_OK);
  cr_assert(move(board, "200") == BOARD_OK);
  board_destroy(board);
  board = start(database_url);
  cr_assert(price_at(board) == 200 && version_at(board) == 4, "there before it is asked for");
  cr_assert(strike(board) == FAULT_HALTED);
  struct scenario *s = board_scenario(board);
  cr_assert(tokens_find(s->tokens, "NEW") && scenario_trading(s, "NEW") == 1);
  scenario_drop(s);
  cr_assert(number_of("SELECT count(*) FROM sim.changes", NULL) == 3, "a price replaces a price");
}

Test(board, an_nth_fault_is_over_after_a_restart)
{
  struct board *other = start(database_url);
  cr_assert(change(board, SCENARIO_FAULTS, HALTED_ONCE) == BOARD_OK);
  board_destroy(board);
  board = start(database_url);
  cr_assert(strike(board) == FAULT_NONE);
  cr_assert(strike(other) == FAULT_HALTED && strike(other) == FAULT_NONE);
  cr_assert(change(board, SCENARIO_FAULTS, HALTED_ONCE) == BOARD_OK);
  cr_assert(strike(board) == FAULT_HALTED, "put anew, it counts here, too");
  board_destroy(other);
}

Test(board, what_is_wrong_changes_nothing)
{
  cr_assert(move(board, "x") == BOARD_WRONG);
  cr_assert(change(board, SCENARIO_FAULTS, "{}") == BOARD_WRONG);
  cr_assert(change(board, SCENARIO_POOL, POOL) == BOARD_OK);
  cr_assert(change(board, SCENARIO_POOL, POOL) == BOARD_WRONG, "it is listed already");
  cr_assert(version_at(board) == 1);
}

static void *move_often(void *arg)
{
  struct board *b = arg;
  long made = 0;
  for (int i = 0; i < 10; i++) made += move(b, "5") == BOARD_OK;
  return (void *)made;
}

/* Each is made against the one before it: numbers without holes, and everybody agrees. */
Test(board, changes_at_the_same_time_come_one_after_another)
{
  struct board *boards[4];
  pthread_t threads[4];
  long made = 0;
  for (int i = 0; i < 4; i++) boards[i] = start(database_url);
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, move_often, boards[i]);
  for (int i = 0; i < 4; i++) {
    void *n;
    pthread_join(threads[i], &n);
    made += (long)n;
  }
  cr_assert(made >= 20, "%ld of 40 were made", made);
  cr_assert(move(board, "77") == BOARD_OK && version_at(board) == made + 1);
  for (int i = 0; i < 4; i++) {
    cr_assert(version_at(boards[i]) == made + 1 && price_at(boards[i]) == 77);
    board_destroy(boards[i]);
  }
}

static const char cut_sql[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                              " WHERE application_name = 'ox sim board' AND pid <> pg_backend_pid()"
                              " AND datname = current_database()";

/* A change that is made while nobody listens, is found when the connection is back. */
Test(board, a_lost_connection_comes_back_and_catches_up)
{
  struct db db = {0};
  int64_t version, unused;
  cr_assert(board_db_connect(&db, database_url, false));
  cr_assert(number_of(cut_sql, NULL) == 2, "the board's, and this one");
  cr_assert(!board_db_missing(&db, 0, &unused) && db.conn == NULL && db.error[0]);
  cr_assert(board_db_connect(&db, database_url, false));
  struct board_change one = {.kind = SCENARIO_FAULTS, .name = "", .body = HALTED};
  cr_assert(board_db_put(&db, &one, &version) && version == 1);
  wait_for_version(board, 1);
  cr_assert(strike(board) == FAULT_HALTED);
  db_close(&db);
}

/* The news came in one segment with the answer to a statement: the socket will not say so again. */
Test(board, what_came_with_an_answer_is_not_waited_for)
{
  struct db db = {0};
  int64_t unused;
  cr_assert(board_db_connect(&db, database_url, true));
  command(sql, "NOTIFY sim_changes");
  struct pollfd news = {.fd = PQsocket(db.conn), .events = POLLIN};
  cr_assert(poll(&news, 1, WAIT_MS) == 1);
  cr_assert(board_db_missing(&db, 0, &unused) && poll(&news, 1, 0) == 0, "taken with the answer");
  int64_t began = mono_ms();
  cr_assert(board_db_await(&db, -1, WAIT_MS) && mono_ms() - began < WAIT_MS);
  db_close(&db);
}

/* A board that is stopped: connected, and learning nothing. */
Test(board, one_that_is_stopped_is_waited_for_and_left_behind)
{
  struct db stopped = {0};
  int64_t missing;
  cr_assert(board_db_connect(&stopped, database_url, true));
  int64_t began = mono_ms();
  cr_assert(move(board, "50") == BOARD_OK && price_at(board) == 50);
  cr_assert(mono_ms() - began >= BOARD_SPREAD_MS && atomic_load(&warnings) == 1);
  cr_assert(board_db_missing(&stopped, 1, &missing) && missing == 1);
  cr_assert(board_db_learned(&stopped, 0, 1));
  cr_assert(board_db_missing(&stopped, 1, &missing) && missing == 0);
  began = mono_ms();
  db_close(&stopped);
  cr_assert(move(board, "60") == BOARD_OK && mono_ms() - began < 900, "who is gone is not missed");
}

Test(board, a_change_made_for_another_scenario_is_not_made)
{
  struct db db = {0};
  int64_t version;
  cr_assert(board_db_connect(&db, database_url, false));
  struct board_change one = {.kind = SCENARIO_FAULTS, .name = "", .body = NONE, .after = 1};
  cr_assert(board_db_put(&db, &one, &version) && version == 0);
  one.after = 0;
  cr_assert(board_db_put(&db, &one, &version) && version == 1);
  cr_assert(board_db_put(&db, &one, &version) && version == 0);
  db_close(&db);
}

/* The data files may be others than when the change was made. */
Test(board, a_stored_change_that_does_not_fit_is_left_out)
{
  command(sql, "INSERT INTO sim.changes VALUES ('weather', '', 'rain', 1, now()),"
               " ('price', 'A/B', '{\"tokenIn\":\"A\"}', 2, now())");
  command(sql, "NOTIFY sim_changes");
  wait_for_version(board, 2);
  cr_assert(price_at(board) == 150 && atomic_load(&warnings) == 2);
  cr_assert(move(board, "60") == BOARD_OK && version_at(board) == 3);
}

Test(board, without_postgres_there_are_the_files)
{
  struct board *alone = start("postgresql://nobody@127.0.0.1:1/none");
  cr_assert(price_at(alone) == 150 && version_at(alone) == 0 && atomic_load(&warnings) == 1);
  cr_assert(move(alone, "1") == BOARD_AWAY);
  cr_assert(move(alone, "x") == BOARD_WRONG);
  board_destroy(alone);
}

static void *look_always(void *arg)
{
  _Atomic bool *stop = arg;
  long last = 0;
  while (!atomic_load(stop)) {
    struct scenario *s = board_scenario(board);
    cr_assert(s->version >= last, "it never goes back");
    last = (long)s->version;
    scenario_drop(s);
  }
  return NULL;
}

Test(board, scenarios_are_replaced_under_those_who_look)
{
  _Atomic bool stop = false;
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, look_always, &stop);
  for (int i = 0; i < 20; i++)
    cr_assert(change(board, SCENARIO_FAULTS, i % 2 ? HALTED : NONE) == BOARD_OK);
  atomic_store(&stop, true);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}
