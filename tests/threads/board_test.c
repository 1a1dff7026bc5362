/*
 * board_test.c - the board under the thread sanitizer, against the PostgreSQL of DATABASE_URL: many
 * threads look at scenarios and ask their faults, two boards change them, backends end.
 */
#include "executors/board.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { READERS = 6, CHANGES = 15 };

static struct board *boards[2];
static _Atomic bool stop;
static _Atomic long looks, made, wrong;

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const char *level, const char *message)
{
  (void)level, (void)message;
}

static void ignore(struct ox_errors *errors, const char *pointer, const char *code,
                   const char *detail)
{
  (void)errors, (void)pointer, (void)code, (void)detail;
}

static void *look(void *arg)
{
  struct board *board = arg;
  for (int64_t last = 0; !atomic_load(&stop); atomic_fetch_add(&looks, 1)) {
    struct scenario *s = board_scenario(board);
    struct fault_call call = {FAULT_AT_QUOTE, "raydium", "k", 1, 7, now_ms()};
    faults_strike(s->faults, &call);
    if (s->version < last) atomic_fetch_add(&wrong, 1);
    last = s->version;
    scenario_drop(s);
  }
  return NULL;
}

static void *change(void *arg)
{
  struct ox_errors errors = {.size = sizeof errors, .add = ignore};
  for (int i = 0; i < CHANGES; i++) {
    json_t *body = json_pack("{s:[{s:s,s:s,s:i}]}", "faults", "venue", "raydium", "kind", "halted",
                             "nth", i + 1);
    enum board_result result = board_change(arg, SCENARIO_FAULTS, body, &errors);
    atomic_fetch_add(&made, result == BOARD_OK);
    if (result == BOARD_WRONG) atomic_fetch_add(&wrong, 1);
    json_decref(body);
  }
  return NULL;
}

/* Others use the same database. */
static void clear(struct board *board)
{
  json_t *none = json_pack("{s:[]}", "faults");
  if (board_change(board, SCENARIO_FAULTS, none, NULL) != BOARD_OK) atomic_fetch_add(&wrong, 1);
  json_decref(none);
}

static void cut(const char *url)
{
  PGconn *conn = PQconnectdb(url);
  PQclear(PQexec(conn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name = 'ox sim board'"));
  PQfinish(conn);
}

static struct board *start(const struct ox_config *config, const char *url)
{
  char error[256] = "";
  struct scenario *files = scenario_load("executors", 24, error, sizeof error);
  if (!files) fprintf(stderr, "%s\n", error);
  return files ? board_create(config, url, files) : NULL;
}

int main(void)
{
  static const struct ox_config config = {.size = sizeof config, .now_ms = now_ms, .log = say};
  const char *url = getenv("DATABASE_URL");
  pthread_t readers[READERS], changers[2];
  for (int i = 0; i < 2; i++)
    if (!url || !(boards[i] = start(&config, url))) return 2;
  for (int i = 0; i < READERS; i++) pthread_create(&readers[i], NULL, look, boards[i % 2]);
  for (int i = 0; i < 2; i++) pthread_create(&changers[i], NULL, change, boards[i]);
  cut(url);
  for (int i = 0; i < 2; i++) pthread_join(changers[i], NULL);
  atomic_store(&stop, true);
  for (int i = 0; i < READERS; i++) pthread_join(readers[i], NULL);
  clear(boards[0]);
  for (int i = 0; i < 2; i++) board_destroy(boards[i]);
  printf("%ld looks, %ld changes, %ld wrong\n", atomic_load(&looks), atomic_load(&made),
         atomic_load(&wrong));
  return atomic_load(&made) > 0 && atomic_load(&wrong) == 0 ? 0 : 1;
}
