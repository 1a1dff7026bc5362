/* totals.c - see totals.h. The counts belong to it, and change only when PostgreSQL has answered.
 */
#include "store/totals.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "io/pg_value.h"

enum { DEADLINE_MS = 20000, WAITING_MAX = 64, REST = 10 };

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
  bool asking, answered, closing;
  struct waiter waiting[WAITING_MAX];
  size_t n_waiting;
  void (*on_closed)(void *arg);
  void *closed_arg;
};

enum column { COL_STATUS, COL_N, COL_ENDED, COL_TOOK_MS };

static const struct pg_statement statements[] = {
    {"totals_planner", "SELECT set_config('enable_seqscan', 'on', true)"},
    {"totals", "SELECT status, count(*), count(*) FILTER (WHERE phase = 2),"
               " coalesce(sum(extract(epoch FROM completed_at - created_at) * 1000)"
               "  FILTER (WHERE phase = 2), 0)::bigint"
               " FROM orders GROUP BY status ORDER BY status"},
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

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct totals *t = arg;
  int64_t now = clock_mono_ms();
  (void)outcome, (void)sqlstate;
  t->asking = false;
  if (t->answered) t->good_until_ms = now + REST * (now - t->asked_ms);
  answer(t, t->answered ? ST_OK : ST_AWAY);
}

static bool ask(struct totals *t)
{
  struct pg_batch *batch = pg_batch_begin(t->pg);
  if (!batch) return false;
  t->asking = true;
  t->answered = false;
  t->asked_ms = clock_mono_ms();
  pg_batch_add(batch, "totals_planner", NULL, 0, NULL, NULL);
  pg_batch_add(batch, "totals", NULL, 0, on_counts, t);
  pg_batch_send(batch, on_end, t);
  return true;
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
