/* totals.c - see totals.h. The counts belong to it, and change only when PostgreSQL has answered.
 */
#include "store/totals.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "io/pg_value.h"

enum { DEADLINE_MS = 20000, WAITING_MAX = 64, REST = 10, PAGE = 50000 };

struct waiter {
  totals_fn done;
  void *arg;
};

struct totals {
  struct pg_conn *pg;
  struct totals_count *counts;
  size_t n_counts;
  int64_t n_orders;
  double average_s;
  int64_t asked_ms, good_until_ms; /* monotonic */
  bool asking, answered, more, closing;
  struct waiter waiting[WAITING_MAX];
  size_t n_waiting;
  void (*on_closed)(void *arg);
  void *closed_arg;
};

enum column { COL_STATUS, COL_N, COL_ENDED, COL_TOOK_MS };

/* clang-format off */
/* Sums of the orders that ended, by their last steps; from: where these are found. */
#define SUMS(from)                                                                                 \
  "SELECT e.status, count(*) AS n, count(*) FILTER (WHERE e.phase = 2) AS done,"                   \
  " coalesce(sum(extract(epoch FROM e.at - o.created_at) * 1000) FILTER (WHERE e.phase = 2), 0)"   \
  "::bigint AS took_ms FROM " from " CROSS JOIN LATERAL"                                           \
  " (SELECT created_at FROM orders WHERE orders.order_id = e.order_id LIMIT 1) o"                  \
  " WHERE e.phase >= 2 GROUP BY e.status"

/* Carries the sums on by $1 steps, and by what else the transaction of the next one wrote. Only
 * what is older than every transaction still running: before that nothing can appear any more.
 * Whether there are more of these. Who finds somebody else doing it leaves it to him: no row. */
#define CARRY                                                                                      \
  "WITH s AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin),"               \
  " m AS MATERIALIZED (SELECT upto FROM totals_upto FOR UPDATE SKIP LOCKED),"                      \
  " b AS MATERIALIZED (SELECT m.upto AS since, greatest(m.upto, coalesce((SELECT"                  \
  " (e.xid::text::bigint + 1)::text::xid8 FROM steps e WHERE e.xid >= m.upto"                      \
  " AND e.xid < s.xmin ORDER BY e.xid OFFSET $1::bigint LIMIT 1), s.xmin)) AS upto FROM m, s),"    \
  " c AS (INSERT INTO totals AS t (status, n, done, took_ms) "                                     \
  SUMS("b JOIN steps e ON e.xid >= b.since AND e.xid < b.upto")                             \
  " ON CONFLICT (status) DO UPDATE SET n = t.n + excluded.n, done = t.done + excluded.done,"       \
  " took_ms = t.took_ms + excluded.took_ms),"                                                      \
  " u AS (UPDATE totals_upto t SET upto = b.upto FROM b WHERE b.upto > b.since)"                   \
  " SELECT b.upto < s.xmin FROM b, s"

/* The sums, what ended later, and what has not ended. */
#define TOTALS                                                                                     \
  "SELECT status, sum(n)::bigint, sum(done)::bigint, sum(took_ms)::bigint FROM ("                  \
  "SELECT status, n, done, took_ms FROM totals UNION ALL "                                         \
  SUMS("totals_upto u JOIN steps e ON e.xid >= u.upto") " UNION ALL"                        \
  " SELECT status, count(*), 0, 0 FROM orders WHERE completed_at IS NULL GROUP BY status) s"       \
  " GROUP BY status ORDER BY status"
/* clang-format on */

/* The tables may have grown since the statements were planned: all is found by index. */
#define PLANNER                                                                                    \
  "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"

static const struct pg_statement statements[] = {
    {"totals_planner", PLANNER},
    {"totals_carry", CARRY},
    {"totals", TOTALS},
};

static void answer(struct totals *t, enum status status)
{
  const struct totals_sums sums = {t->counts, t->n_counts, t->n_orders, t->average_s};
  struct waiter waiting[WAITING_MAX];
  size_t n = t->n_waiting;
  memcpy(waiting, t->waiting, n * sizeof *waiting);
  t->n_waiting = 0;
  for (size_t i = 0; i < n; i++)
    waiting[i].done(waiting[i].arg, status, status == ST_OK ? &sums : NULL);
}

static void forget(struct totals *t)
{
  for (size_t i = 0; i < t->n_counts; i++) free((char *)(uintptr_t)t->counts[i].status);
  free(t->counts);
  t->counts = NULL;
  t->n_counts = 0;
}

static void on_counts(void *arg, const PGresult *r)
{
  struct totals *t = arg;
  int64_t ended = 0, took_ms = 0;
  forget(t);
  t->counts = mem_alloc(((size_t)PQntuples(r) + 1) * sizeof *t->counts);
  t->n_orders = 0;
  for (int i = 0; i < PQntuples(r); i++) {
    struct totals_count *c = &t->counts[t->n_counts++];
    *c = (struct totals_count){mem_strdup(pg_get_text(r, i, COL_STATUS)), pg_get_int8(r, i, COL_N)};
    t->n_orders += c->n;
    ended += pg_get_int8(r, i, COL_ENDED);
    took_ms += pg_get_int8(r, i, COL_TOOK_MS);
  }
  t->average_s = ended ? (double)took_ms / (double)ended / 1000 : 0;
  t->answered = true;
}

static void end(struct totals *t)
{
  int64_t now = clock_mono_ms();
  t->asking = false;
  if (t->answered) t->good_until_ms = now + REST * (now - t->asked_ms);
  answer(t, t->answered ? ST_OK : ST_AWAY);
}

static void on_counted(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  (void)outcome, (void)sqlstate;
  end(arg);
}

static bool count(struct totals *t)
{
  struct pg_batch *batch = pg_batch_begin(t->pg);
  if (!batch) return false;
  pg_batch_add(batch, "totals_planner", NULL, 0, NULL, NULL);
  pg_batch_add(batch, "totals", NULL, 0, on_counts, t);
  pg_batch_send(batch, on_counted, t);
  return true;
}

static void on_page(void *arg, const PGresult *r)
{
  struct totals *t = arg;
  t->more = PQntuples(r) == 1 && pg_get_bool(r, 0, 0);
}

static bool carry(struct totals *t);

/* A page that could not be added is counted with what came later. */
static void on_carried(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct totals *t = arg;
  bool late = clock_mono_ms() - t->asked_ms >= DEADLINE_MS;
  (void)sqlstate;
  if (late || !(outcome == PG_COMMITTED && t->more ? carry(t) : count(t))) end(t);
}

static bool carry(struct totals *t)
{
  unsigned char page[8];
  pg_put_int8(page, PAGE);
  const struct pg_param params[] = {{page, sizeof page}};
  struct pg_batch *batch = pg_batch_begin(t->pg);
  if (!batch) return false;
  t->more = false;
  pg_batch_add(batch, "totals_planner", NULL, 0, NULL, NULL);
  pg_batch_add(batch, "totals_carry", params, 1, on_page, t);
  pg_batch_send(batch, on_carried, t);
  return true;
}

static bool ask(struct totals *t)
{
  t->answered = false;
  t->asked_ms = clock_mono_ms();
  t->asking = carry(t);
  return t->asking;
}

enum status totals_read(struct totals *t, totals_fn done, void *arg)
{
  if (t->closing || !pg_up(t->pg)) return ST_AWAY;
  if (t->n_waiting == WAITING_MAX) return ST_FULL;
  bool known = !t->asking && clock_mono_ms() < t->good_until_ms;
  if (!known && !t->asking && !ask(t)) return ST_AWAY;
  t->waiting[t->n_waiting++] = (struct waiter){done, arg};
  if (known) answer(t, ST_OK);
  return ST_OK;
}

struct totals *totals_create(uv_loop_t *loop, const char *url)
{
  struct totals *t = mem_alloc(sizeof *t);
  const struct pg_options options = {.url = url,
                                     .name = "ox totals",
                                     .statements = statements,
                                     .n_statements = sizeof statements / sizeof *statements,
                                     .deadline_ms = DEADLINE_MS,
                                     .arg = t};
  t->pg = pg_connect(loop, &options);
  return t;
}

static void on_closed(void *arg)
{
  struct totals *t = arg;
  void (*done)(void *arg) = t->on_closed;
  void *done_arg = t->closed_arg;
  forget(t);
  free(t);
  if (done) done(done_arg);
}

void totals_destroy(struct totals *t, void (*done)(void *arg), void *arg)
{
  if (!t) return;
  t->closing = true;
  t->on_closed = done;
  t->closed_arg = arg;
  pg_close(t->pg, on_closed, t);
}
