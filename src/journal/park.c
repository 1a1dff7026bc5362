/* park.c - see park.h. A publish belongs to its publisher and to the loop; the last of them frees
 * it. */
#include "journal/park.h"

#include <assert.h>
#include <errno.h>
#include <ox/topic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "io/pg.h"
#include "io/pg_value.h"

enum {
  PAGE = 500,
  LOOKS_MAX = 4096, /* more are left to the roll */
  PUBLISHES_MAX = 1024,
  INTERVAL_MS = 500,
  FORGET_EVERY_MS = 3600 * 1000,
};

#define NOW "WITH now AS MATERIALIZED (SELECT clock_timestamp() AS at), "

/* $1 topics, $2 levels; of several for one topic the last counts. */
#define PUBLISH                                                                                    \
  "INSERT INTO topics AS t (topic, level, at)"                                                     \
  " SELECT DISTINCT ON (u.topic) u.topic, u.level, clock_timestamp()"                              \
  " FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS u(topic, level, n)"                   \
  " ORDER BY u.topic, u.n DESC ON CONFLICT (topic) DO UPDATE"                                      \
  " SET level = excluded.level, ver = t.ver + 1, at = excluded.at, owed = true"

/* The compare-and-set park -> due of a page: orders first, then their parks, as steps lock them. */
#define WAKE_PAGE                                                                                  \
  " m AS (UPDATE orders o SET due_at = now.at FROM page, now WHERE o.order_id = page.order_id"     \
  " AND o.fence = page.fence AND o.phase = 0 RETURNING o.order_id),"                               \
  " d AS (DELETE FROM parks p USING page WHERE p.order_id = page.order_id"                         \
  " AND p.fence = page.fence AND (SELECT count(*) FROM m) >= 0)"

/* A level that the clock has yet to reach, after it was set back, counts as seen: or its parks
 * would be woken by it again and again. */
#define UNSEEN "t.at BETWEEN p.since AND now.at"

/* Wakes a page of those whom topics that owe wakes concern; $1 is the length of a page, and a
 * shorter one is the last. */
#define WAKE                                                                                       \
  NOW "t AS MATERIALIZED (SELECT topic, level, ver, at FROM topics WHERE owed"                     \
      " ORDER BY topic LIMIT 100),"                                                                \
      " hit AS MATERIALIZED (SELECT p.order_id, p.fence FROM now, t JOIN parks p"                  \
      " ON p.topic = t.topic AND p.side = 1 AND p.level <= t.level WHERE " UNSEEN                  \
      " UNION ALL SELECT p.order_id, p.fence FROM now, t JOIN parks p"                             \
      " ON p.topic = t.topic AND p.side = -1 AND p.level >= t.level WHERE " UNSEEN "),"            \
      " page AS MATERIALIZED (SELECT order_id, fence FROM hit ORDER BY order_id"                   \
      " LIMIT $1::bigint)," WAKE_PAGE ","                                                          \
      " c AS (UPDATE topics x SET owed = false FROM t WHERE x.topic = t.topic AND x.ver = t.ver"   \
      " AND (SELECT count(*) FROM page) < $1::bigint)"                                             \
      " SELECT order_id, order_id IN (SELECT order_id FROM m) FROM page ORDER BY order_id"

/* Looks at parks once more: wakes those whose level was reached since their order was, and gives
 * these and all that are due. $1 ids. */
#define LOOK                                                                                       \
  NOW "page AS MATERIALIZED (SELECT p.order_id, p.fence FROM now, parks p"                         \
      " JOIN topics t ON t.topic = p.topic WHERE p.order_id = ANY($1::uuid[]) AND " UNSEEN         \
      " AND CASE p.side WHEN 1 THEN p.level <= t.level ELSE p.level >= t.level END"                \
      " ORDER BY p.order_id)," WAKE_PAGE " SELECT o.order_id, true FROM orders o, now"             \
      " WHERE o.order_id = ANY($1::uuid[]) AND (o.order_id IN (SELECT order_id FROM m)"            \
      " OR (o.phase = 0 AND o.owner IS NULL AND o.due_at <= now.at)) ORDER BY o.order_id"

/* A page of parks behind $1, of length $2; those not in force any more go. */
#define ROLL                                                                                       \
  "WITH page AS MATERIALIZED (SELECT order_id, fence FROM parks WHERE order_id > $1::uuid"         \
  " ORDER BY order_id LIMIT $2::bigint),"                                                          \
  " d AS (DELETE FROM parks p USING page WHERE p.order_id = page.order_id"                         \
  " AND p.fence = page.fence AND NOT EXISTS (SELECT 1 FROM orders o"                               \
  " WHERE o.order_id = p.order_id AND o.fence = p.fence AND o.phase = 0))"                         \
  " SELECT order_id FROM page ORDER BY order_id"

const struct pg_statement parks_statements[] = {
    {"planner", "SELECT set_config('enable_seqscan', 'off', false),"
                " set_config('enable_hashjoin', 'off', false),"
                " set_config('enable_mergejoin', 'off', false),"
                " set_config('plan_cache_mode', 'force_generic_plan', false)"},
    {"publish", PUBLISH},
    {"wake", WAKE},
    {"look", LOOK},
    {"roll", ROLL},
    {"forget", "DELETE FROM topics WHERE NOT owed AND at < now() - interval '1 day'"},
};
const size_t n_parks_statements = sizeof parks_statements / sizeof *parks_statements;

struct publish {
  struct list_node node;
  char topic[OX_TOPIC_MAX];
  int64_t level;
  int64_t deadline_ns; /* monotonic */
  enum status result;
  bool done;
  bool abandoned; /* its publisher has gone */
};

struct parks {
  struct relay *relay;
  struct pg_conn *conn;
  uv_async_t async;
  uv_timer_t timer;
  struct mailbox *inbox; /* of struct publish */
  pthread_mutex_t lock;  /* of what a publish says to its publisher */
  pthread_cond_t answered;
  struct list publishes, publishing; /* waiting; in the statement under way */
  struct ulid looks[LOOKS_MAX];      /* parks to be looked at once more */
  size_t n_looks, n_looking;         /* the first n_looking are in the statement under way */
  struct ulid rolled;                /* the roll goes on behind it */
  size_t n_rows;                     /* of the page under way */
  bool asking;                       /* a statement is under way */
  bool owed;                         /* there may be somebody to wake */
  bool rolling;                      /* it is time for the next page of the roll */
  _Atomic bool closed;
  size_t turn; /* which kind of work is next */
  int64_t forgot_ms;
  struct pg_array topics, levels, ids;
  int parts;
  void (*on_closed)(void *arg);
  void *closed_arg;
};

static void advance(struct parks *p);

/* ── publishing ─────────────────────────────────────────────────────────────────────────────── */

bool parks_topic_valid(const char *topic)
{
  size_t len = strlen(topic);
  if (len == 0 || len >= OX_TOPIC_MAX) return false;
  for (; *topic; topic++)
    if (*topic <= ' ' || *topic > '~') return false;
  return true;
}

/* Waits for the loop's answer; then, or when the time is up, pub is the loop's alone. */
static enum status await_answer(struct parks *p, struct publish *pub)
{
  const int64_t second = 1000000000;
  struct timespec until = {pub->deadline_ns / second, pub->deadline_ns % second};
  int error = 0;
  pthread_mutex_lock(&p->lock);
  while (!pub->done && error != ETIMEDOUT)
    error = pthread_cond_timedwait(&p->answered, &p->lock, &until);
  bool done = pub->done;
  enum status result = done ? pub->result : ST_AWAY;
  pub->abandoned = true;
  pthread_mutex_unlock(&p->lock);
  if (done) free(pub);
  return result;
}

enum status parks_publish(struct parks *p, const char *topic, int64_t level, int64_t deadline_ms)
{
  struct publish *pub = mem_alloc(sizeof *pub);
  snprintf(pub->topic, sizeof pub->topic, "%s", topic);
  pub->level = level;
  pub->deadline_ns = clock_mono_ns() + deadline_ms * 1000000;
  if (mailbox_post(p->inbox, pub)) return await_answer(p, pub);
  free(pub);
  return atomic_load(&p->closed) ? ST_AWAY : ST_FULL;
}

static void answer(struct parks *p, struct list *publishes, enum status result)
{
  pthread_mutex_lock(&p->lock);
  for (struct list_node *n; (n = list_pop(publishes)) != NULL;) {
    struct publish *pub = container_of(n, struct publish, node);
    pub->result = result;
    pub->done = true;
    if (pub->abandoned) free(pub);
  }
  pthread_cond_broadcast(&p->answered);
  pthread_mutex_unlock(&p->lock);
}

static void on_async(uv_async_t *async)
{
  struct parks *p = async->data;
  void *items[64];
  for (size_t n; (n = mailbox_drain(p->inbox, items, 64)) > 0;)
    for (size_t i = 0; i < n; i++) list_append(&p->publishes, &((struct publish *)items[i])->node);
  advance(p);
}

/* Levels that nobody waits for any more are old: a newer one must not be undone by them. */
static void give_up_late(struct parks *p)
{
  struct list late;
  int64_t now = clock_mono_ns();
  list_init(&late);
  for (struct list_node *n; (n = list_first(&p->publishes)) != NULL;) {
    if (container_of(n, struct publish, node)->deadline_ns > now) break;
    list_remove(&p->publishes, n);
    list_append(&late, n);
  }
  if (!list_empty(&late)) answer(p, &late, ST_AWAY);
}

static void on_published(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct parks *p = arg;
  if (outcome == PG_ROLLED_BACK) LOG_WARN("publish refused", LOG_STR("sqlstate", sqlstate));
  p->asking = false;
  p->owed = true;
  answer(p, &p->publishing, outcome == PG_COMMITTED ? ST_OK : ST_AWAY);
  advance(p);
}

static bool send_publishes(struct parks *p)
{
  give_up_late(p);
  if (list_empty(&p->publishes)) return false;
  pg_array_reset(&p->topics);
  pg_array_reset(&p->levels);
  for (struct list_node *n; p->publishing.len < PAGE && (n = list_pop(&p->publishes)) != NULL;) {
    const struct publish *pub = container_of(n, struct publish, node);
    pg_array_text(&p->topics, pub->topic);
    pg_array_int8(&p->levels, pub->level);
    list_append(&p->publishing, n);
  }
  struct pg_param params[2];
  params[0].data = pg_array_param(&p->topics, &params[0].len);
  params[1].data = pg_array_param(&p->levels, &params[1].len);
  p->asking = pg_run(p->conn, "publish", params, 2, NULL, on_published, p) == ST_OK;
  if (!p->asking) answer(p, &p->publishing, ST_AWAY);
  return p->asking;
}

/* ── waking ─────────────────────────────────────────────────────────────────────────────────── */

/* Rows are orders in order of accept, and whether each is due now. */
static void on_woken(void *arg, const PGresult *r)
{
  struct parks *p = arg;
  p->n_rows = (size_t)PQntuples(r);
  for (int i = 0; i < PQntuples(r); i++) {
    struct ulid id = pg_get_ulid(r, i, 0);
    if (pg_get_bool(r, i, 1)) relay_enqueue(p->relay, &id);
  }
}

static void on_wake_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct parks *p = arg;
  p->asking = false;
  if (outcome == PG_ROLLED_BACK) LOG_WARN("wake refused", LOG_STR("sqlstate", sqlstate));
  if (outcome == PG_COMMITTED) {
    p->owed = p->owed || p->n_rows == PAGE;
    relay_flush(p->relay);
  }
  advance(p); /* after anything else the next tick goes on */
}

static bool send_wake(struct parks *p)
{
  if (!p->owed) return false;
  unsigned char page[8];
  pg_put_int8(page, PAGE);
  struct pg_param params[] = {{page, sizeof page}};
  p->owed = false;
  p->asking = pg_run(p->conn, "wake", params, 1, on_woken, on_wake_end, p) == ST_OK;
  return p->asking;
}

/* ── looking once more ──────────────────────────────────────────────────────────────────────── */

static void on_parked(void *arg, const struct ulid *ids, size_t n)
{
  struct parks *p = arg;
  if (n > LOOKS_MAX - p->n_looks) n = LOOKS_MAX - p->n_looks;
  memcpy(p->looks + p->n_looks, ids, n * sizeof *ids);
  p->n_looks += n;
  advance(p);
}

static void on_look_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct parks *p = arg;
  p->asking = false;
  if (outcome == PG_ROLLED_BACK) LOG_WARN("look refused", LOG_STR("sqlstate", sqlstate));
  if (outcome != PG_IN_DOUBT) { /* what PostgreSQL refuses now is left to the roll */
    p->n_looks -= p->n_looking;
    memmove(p->looks, p->looks + p->n_looking, p->n_looks * sizeof *p->looks);
  }
  p->n_looking = 0;
  if (outcome != PG_COMMITTED) return;
  relay_flush(p->relay);
  advance(p);
}

static bool send_look(struct parks *p)
{
  if (p->n_looks == 0) return false;
  p->n_looking = p->n_looks < PAGE ? p->n_looks : PAGE;
  pg_array_reset(&p->ids);
  for (size_t i = 0; i < p->n_looking; i++) pg_array_ulid(&p->ids, &p->looks[i]);
  struct pg_param params[1];
  params[0].data = pg_array_param(&p->ids, &params[0].len);
  p->asking = pg_run(p->conn, "look", params, 1, on_woken, on_look_end, p) == ST_OK;
  return p->asking;
}

/* ── the roll ───────────────────────────────────────────────────────────────────────────────── */

static void on_rolled(void *arg, const PGresult *r)
{
  struct parks *p = arg;
  p->n_rows = (size_t)PQntuples(r);
  for (int i = 0; i < PQntuples(r); i++) {
    p->rolled = pg_get_ulid(r, i, 0);
    if (p->n_looks < LOOKS_MAX) p->looks[p->n_looks++] = p->rolled;
  }
}

static void on_roll_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct parks *p = arg;
  p->asking = false;
  if (outcome == PG_ROLLED_BACK) LOG_WARN("roll refused", LOG_STR("sqlstate", sqlstate));
  if (outcome != PG_COMMITTED) return;
  if (p->n_rows < PAGE) memset(&p->rolled, 0, sizeof p->rolled);
  advance(p);
}

static bool send_roll(struct parks *p)
{
  if (!p->rolling) return false;
  unsigned char page[8];
  pg_put_int8(page, PAGE);
  struct pg_param params[] = {{p->rolled.bytes, 16}, {page, sizeof page}};
  p->rolling = false;
  p->asking = pg_run(p->conn, "roll", params, 2, on_rolled, on_roll_end, p) == ST_OK;
  return p->asking;
}

/* ── one statement after the other ──────────────────────────────────────────────────────────── */

/* Each kind of work has its turn, so that none waits for all of another. */
static void advance(struct parks *p)
{
  static bool (*const kinds[])(struct parks *) = {send_publishes, send_look, send_wake, send_roll};
  enum { KINDS = sizeof kinds / sizeof *kinds };
  for (size_t i = 0; i < KINDS && !p->asking && !p->closed && pg_up(p->conn); i++)
    kinds[p->turn++ % KINDS](p);
}

static void on_timer(uv_timer_t *timer)
{
  struct parks *p = timer->data;
  int64_t now = clock_mono_ms();
  give_up_late(p);
  p->owed = p->rolling = true;
  if (now - p->forgot_ms >= FORGET_EVERY_MS &&
      pg_run(p->conn, "forget", NULL, 0, NULL, NULL, NULL) == ST_OK)
    p->forgot_ms = now;
  advance(p);
}

static void on_up(void *arg)
{
  struct parks *p = arg;
  if (pg_run(p->conn, "planner", NULL, 0, NULL, NULL, NULL) == ST_OK) advance(p);
}

/* ── life and death ─────────────────────────────────────────────────────────────────────────── */

static void wake_loop(void *async)
{
  uv_async_send(async);
}

static void lock_init(struct parks *p)
{
  pthread_condattr_t attr;
  int failed = pthread_condattr_init(&attr);
  failed |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  failed |= pthread_mutex_init(&p->lock, NULL);
  failed |= pthread_cond_init(&p->answered, &attr);
  failed |= pthread_condattr_destroy(&attr);
  assert(!failed); /* these need no resources on Linux */
}

struct parks *parks_create(uv_loop_t *loop, const struct parks_options *options,
                           struct relay *relay)
{
  struct parks *p = mem_alloc(sizeof *p);
  p->relay = relay;
  list_init(&p->publishes);
  list_init(&p->publishing);
  pg_array_init(&p->topics, PG_TEXT);
  pg_array_init(&p->levels, PG_INT8);
  pg_array_init(&p->ids, PG_UUID);
  lock_init(p);
  uv_async_init(loop, &p->async, on_async);
  uv_timer_init(loop, &p->timer);
  p->async.data = p->timer.data = p;
  p->inbox = mailbox_create(PUBLISHES_MAX, wake_loop, &p->async);
  uint64_t interval_ms = options->interval_ms ? (uint64_t)options->interval_ms : INTERVAL_MS;
  uv_timer_start(&p->timer, on_timer, interval_ms, interval_ms);
  struct pg_options pg = {.url = options->database_url,
                          .name = "ox parks",
                          .statements = parks_statements,
                          .n_statements = n_parks_statements,
                          .deadline_ms = 10000,
                          .on_up = on_up,
                          .arg = p};
  p->conn = pg_connect(loop, &pg);
  relay_on_parked(relay, on_parked, p);
  return p;
}

static void part_closed(struct parks *p)
{
  if (--p->parts > 0) return;
  if (p->on_closed) p->on_closed(p->closed_arg);
}

static void on_conn_closed(void *arg)
{
  part_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
  part_closed(handle->data);
}

void parks_close(struct parks *p, void (*done)(void *arg), void *arg)
{
  p->on_closed = done;
  p->closed_arg = arg;
  p->closed = true;
  p->parts = 3;
  relay_on_parked(p->relay, NULL, NULL);
  mailbox_close(p->inbox);
  on_async(&p->async); /* what was posted before */
  answer(p, &p->publishes, ST_AWAY);
  uv_close((uv_handle_t *)&p->async, on_handle_closed);
  uv_close((uv_handle_t *)&p->timer, on_handle_closed);
  pg_close(p->conn, on_conn_closed, p);
}

void parks_destroy(struct parks *p)
{
  if (!p) return;
  pg_array_deinit(&p->topics);
  pg_array_deinit(&p->levels);
  pg_array_deinit(&p->ids);
  mailbox_destroy(p->inbox);
  pthread_cond_destroy(&p->answered);
  pthread_mutex_destroy(&p->lock);
  free(p);
}

bool parks_idle(const struct parks *p)
{
  return !p->asking && p->n_looks == 0 && p->publishes.len == 0 && mailbox_len(p->inbox) == 0;
}
