/*
 * board.c - the newest scenario, and the thread that keeps it so. lock guards current and the two
 * flags; nobody holds it while talking to PostgreSQL.
 */
#include "board.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "board_db.h"

enum {
  RECONNECT_MS = 250,
  LOOK_MS = 5000, /* between looks without being told: a dead connection is found by them */
  TRIES = 8,
  POLL_MS = 5,
};

struct board {
  const struct ox_config *config;
  char *url;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* current is another */
  struct scenario *current;
  int wake_fd;
  bool stopping;

  struct db db; /* from here on: the thread's own */
  int64_t learned;
  bool read_once;
  bool away; /* and said so */
};

static struct timespec in_ms(int64_t ms)
{
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  ms += at.tv_nsec / 1000000;
  return (struct timespec){.tv_sec = at.tv_sec + ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

struct scenario *board_scenario(struct board *b)
{
  pthread_mutex_lock(&b->lock);
  struct scenario *scenario = scenario_hold(b->current);
  pthread_mutex_unlock(&b->lock);
  return scenario;
}

static void replace(struct board *b, struct scenario *next)
{
  pthread_mutex_lock(&b->lock);
  struct scenario *before = b->current;
  b->current = next;
  pthread_cond_broadcast(&b->changed);
  pthread_mutex_unlock(&b->lock);
  scenario_drop(before);
}

/* ── learning ────────────────────────────────────────────────────────────────────────────────── */

/* A change that was right when it was made may not be so with other data files: it is left out. */
static void apply(struct board *b, const PGresult *rows, int row)
{
  enum scenario_kind kind = scenario_kind_of(PQgetvalue(rows, row, 0));
  struct scenario_mark mark = {db_number(rows, row, 2), db_number(rows, row, 3), !b->read_once};
  json_t *body = json_loads(PQgetvalue(rows, row, 1), 0, NULL);
  struct scenario *next = scenario_copy(b->current);
  if (next && !scenario_apply(next, kind, body, &mark, NULL)) {
    b->config->log("warn", "sim: a change to the scenario does not go with the data files");
    scenario_drop(next);
    next = scenario_copy(b->current);
    if (next) next->version = mark.version;
  }
  json_decref(body);
  if (next) replace(b, next);
}

/* With other faults the venues get another chance. */
static void reset_venues(const struct board *b)
{
  if (b->config->reset_venue) b->config->reset_venue(b->config, NULL);
}

/* Reads what is new, and says so. */
static bool catch_up(struct board *b)
{
  PGresult *rows = board_db_read(&b->db, b->current->version);
  if (!rows) return false;
  struct scenario *before = scenario_hold(b->current);
  for (int i = 0; i < PQntuples(rows); i++) apply(b, rows, i);
  PQclear(rows);
  if (b->read_once && before->faults != b->current->faults) reset_venues(b);
  scenario_drop(before);
  b->read_once = true;
  if (b->learned == b->current->version) return true;
  if (!board_db_learned(&b->db, b->learned, b->current->version)) return false;
  b->learned = b->current->version;
  return true;
}

static bool connect_board(struct board *b)
{
  b->learned = 0;
  bool up = board_db_connect(&b->db, b->url, true) && catch_up(b);
  if (up == b->away) {
    char line[320];
    snprintf(line, sizeof line, up ? "sim board: PostgreSQL is back" : "sim board: %s",
             b->db.error);
    b->config->log(up ? "info" : "warn", line);
    b->away = !up;
  }
  return up;
}

static bool stopped(struct board *b)
{
  pthread_mutex_lock(&b->lock);
  bool stop = b->stopping;
  pthread_mutex_unlock(&b->lock);
  return stop;
}

static void rest(struct board *b)
{
  struct timespec until = in_ms(RECONNECT_MS);
  pthread_mutex_lock(&b->lock);
  if (!b->stopping) pthread_cond_clockwait(&b->changed, &b->lock, CLOCK_MONOTONIC, &until);
  pthread_mutex_unlock(&b->lock);
}

static void *run(void *arg)
{
  struct board *b = arg;
  while (!stopped(b)) {
    if (!b->db.conn && !connect_board(b)) {
      rest(b);
      continue;
    }
    if (board_db_await(&b->db, b->wake_fd, LOOK_MS) && !stopped(b)) (void)catch_up(b);
  }
  return NULL;
}

/* ── changing ────────────────────────────────────────────────────────────────────────────────── */

/* Waits until this process has learned version; false: not in time. */
static bool await_version(struct board *b, int64_t version)
{
  struct timespec until = in_ms(BOARD_SPREAD_MS);
  int late = 0;
  pthread_mutex_lock(&b->lock);
  while (b->current->version < version && !late)
    late = pthread_cond_clockwait(&b->changed, &b->lock, CLOCK_MONOTONIC, &until);
  bool there = b->current->version >= version;
  pthread_mutex_unlock(&b->lock);
  return there;
}

static void await_others(struct board *b, struct db *db, int64_t version)
{
  int64_t missing = 1;
  for (int waited = 0; waited <= BOARD_SPREAD_MS; waited += POLL_MS) {
    if (!board_db_missing(db, version, &missing) || missing == 0) return;
    struct timespec pause = {.tv_nsec = POLL_MS * 1000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
  char line[128];
  snprintf(line, sizeof line, "sim board: %lld processes have not learned of a change yet",
           (long long)missing);
  b->config->log("warn", line);
}

/* Tries a change out on the scenario known here; *version is what it was tried on. */
static bool try_out(struct board *b, enum scenario_kind kind, json_t *body,
                    struct ox_errors *errors, int64_t *version)
{
  struct scenario *now = board_scenario(b);
  struct scenario *next = scenario_copy(now);
  struct scenario_mark mark = {.version = now->version};
  *version = now->version;
  bool fits = next && scenario_apply(next, kind, body, &mark, errors);
  scenario_drop(next);
  scenario_drop(now);
  return fits;
}

static enum board_result put(struct board *b, struct db *db, enum scenario_kind kind, json_t *body,
                             struct ox_errors *errors)
{
  char name[SCENARIO_NAME_MAX];
  enum board_result result = BOARD_BUSY;
  char *text = json_dumps(body, JSON_COMPACT);
  if (!text) return BOARD_AWAY;
  scenario_name(kind, body, name);
  for (int tries = 0; tries < TRIES && result == BOARD_BUSY; tries++) {
    struct board_change change = {.kind = kind, .name = name, .body = text};
    int64_t version;
    if (!try_out(b, kind, body, errors, &change.after))
      result = BOARD_WRONG;
    else if (!board_db_put(db, &change, &version))
      result = BOARD_AWAY;
    else if (version == 0)
      (void)await_version(b, change.after + 1);
    else
      result = await_version(b, version) ? BOARD_OK : BOARD_AWAY;
    if (result == BOARD_OK) await_others(b, db, version);
  }
  free(text);
  return result;
}

enum board_result board_change(struct board *b, enum scenario_kind kind, json_t *body,
                               struct ox_errors *errors)
{
  struct db db = {0};
  int64_t unused;
  if (!try_out(b, kind, body, errors, &unused)) return BOARD_WRONG;
  enum board_result result = BOARD_AWAY;
  if (board_db_connect(&db, b->url, false)) result = put(b, &db, kind, body, errors);
  db_close(&db);
  return result;
}

/* ── life ────────────────────────────────────────────────────────────────────────────────────── */

/* Signals are for the threads of the host. */
static bool start_thread(struct board *b)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&b->thread, NULL, run, b);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return !failed;
}

static void board_free(struct board *b)
{
  db_close(&b->db);
  scenario_drop(b->current);
  pthread_cond_destroy(&b->changed);
  pthread_mutex_destroy(&b->lock);
  if (b->wake_fd >= 0) close(b->wake_fd);
  free(b->url);
  free(b);
}

struct board *board_create(const struct ox_config *config, const char *database_url,
                           struct scenario *files)
{
  struct board *b = calloc(1, sizeof *b);
  if (!b) {
    scenario_drop(files);
    return NULL;
  }
  b->config = config;
  b->current = files;
  b->url = strdup(database_url);
  b->wake_fd = eventfd(0, EFD_CLOEXEC);
  pthread_mutex_init(&b->lock, NULL);
  pthread_cond_init(&b->changed, NULL);
  if (b->url && b->wake_fd >= 0) {
    (void)connect_board(b);
    if (start_thread(b)) return b;
  }
  board_free(b);
  return NULL;
}

void board_destroy(struct board *b)
{
  if (!b) return;
  pthread_mutex_lock(&b->lock);
  b->stopping = true;
  pthread_cond_broadcast(&b->changed);
  pthread_mutex_unlock(&b->lock);
  (void)eventfd_write(b->wake_fd, 1);
  pthread_join(b->thread, NULL);
  board_free(b);
}
