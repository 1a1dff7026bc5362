/*
 * lister.c - see lister.h. A walk belongs to the statement it waits for; the lister outlives all of
 * them. Loop thread.
 */
#include "store/lister.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/pg_value.h"
#include "store/order_row.h"

enum { PAGE_PARAMS = 14, EDGE_PARAMS = 4, DEADLINE_MS = 5000 };

/* An id is made before its order is accepted, on another clock: so far apart they may be. */
enum { SLACK_MS = 10000 };

/* ── the statements ──────────────────────────────────────────────────────────────────────────────
 * What is looked at: $1 and $2 bounds of the ids, both excluded, $3 how many, $4 the key of what
 * they are found by. */
#define RANGE(id) id " > $1::uuid AND " id " < $2::uuid"
#define NO_KEY    "$4::text IS NULL AND "

#define FIND_ALL(what, way)                                                                        \
  "SELECT " what " FROM orders WHERE " NO_KEY RANGE("order_id") " ORDER BY order_id " way          \
                                                                " LIMIT $3::bigint"
#define FIND_OPEN_OF(what, who, way)                                                               \
  "(SELECT " what " FROM orders WHERE " NO_KEY "completed_at IS NULL AND " who                     \
  " AND " RANGE("order_id") " ORDER BY by_hand " way ", order_id " way " LIMIT $3::bigint)"
#define FIND_OPEN(what, way)                                                                       \
  "SELECT " what " FROM (" FIND_OPEN_OF(what, "NOT by_hand", way) " UNION ALL " FIND_OPEN_OF(      \
      what, "by_hand", way) ") x ORDER BY order_id " way " LIMIT $3::bigint"
/* By both columns of the index, or the planner walks the primary key. */
#define FIND_ENDED(what, way)                                                                      \
  "SELECT " what " FROM steps WHERE phase >= 3"                                                    \
  " AND (phase, order_id) > ($4::text::smallint, $1::uuid)"                                        \
  " AND (phase, order_id) < ($4::text::smallint, $2::uuid)"                                        \
  " ORDER BY phase " way ", order_id " way " LIMIT $3::bigint"
#define FIND_USER(what, way)                                                                       \
  "SELECT " what " FROM orders WHERE type = 'delivery'"                                            \
  " AND (payload->>'user_id', order_id) > ($4::text, $1::uuid)"                                    \
  " AND (payload->>'user_id', order_id) < ($4::text, $2::uuid)"                                    \
  " ORDER BY payload->>'user_id' " way ", order_id " way " LIMIT $3::bigint"

#define FIND_CLIENT(what, way)                                                                     \
  "SELECT " what " FROM orders WHERE tenant <> '" LISTER_SOLE "'"                                  \
  " AND (tenant, order_id) > ($4::text, $1::uuid) AND (tenant, order_id) < ($4::text, $2::uuid)"   \
  " ORDER BY tenant " way ", order_id " way " LIMIT $3::bigint"

/* Then what else is asked for: $5 tenant, $6 type, $7 state, $8 phase, $9 user, $10 and $11 tokens,
 * $12 and $13 first and last moment in ms, $14 how many. */
#define MATCH                                                                                      \
  "o.tenant = $5::text AND ($6::text IS NULL OR o.type = $6::text)"                                \
  " AND ($7::text IS NULL OR o.status = $7::text) AND ($8::bigint IS NULL OR o.phase = "           \
  "$8::bigint)"                                                                                    \
  " AND ($12::bigint IS NULL OR o.created_at >= to_timestamp(0) + $12::bigint * interval '1 ms')"  \
  " AND ($13::bigint IS NULL OR o.created_at < to_timestamp(0) + ($13::bigint + 1) * interval '1 " \
  "ms')"                                                                                           \
  " AND ($9::text IS NULL OR o.payload->>'user_id' = $9::text)"                                    \
  " AND ($10::text IS NULL OR o.payload->>'tokenIn' = $10::text)"                                  \
  " AND ($11::text IS NULL OR o.payload->>'tokenOut' = $11::text)"

#define PAGE(rows, way)                                                                            \
  "SELECT o.* FROM (SELECT " ORDER_COLUMNS " FROM (" rows("*", way) ") AS orders) o WHERE " MATCH  \
                                                                    " LIMIT $14::bigint"

/* Who is found by a step is looked up. LATERAL keeps the order: it can only be a nested loop. */
#define ROWS_ENDED(what, way)                                                                      \
  "SELECT x." what " FROM (" FIND_ENDED(                                                           \
      "order_id", way) ") d CROSS JOIN LATERAL"                                                    \
                       " (SELECT * FROM orders WHERE orders.order_id = d.order_id LIMIT 1) x"

/* The last of that many ids, if there are so many. */
#define EDGE(ids, way)                                                                             \
  "SELECT order_id FROM (" ids("order_id", way) ") d OFFSET $3::bigint - 1 LIMIT 1"

/* What was written since a snapshot, up to $3 of each sort: by transactions that began later, and
 * by those that ran then. Nothing is written by one that the snapshot had seen the end of. */
#define WRITTEN(what, from)                                                                        \
  "(SELECT " what " FROM " from " WHERE xid >= pg_snapshot_xmax($2::text::pg_snapshot)"            \
  " ORDER BY xid LIMIT $3::bigint)"                                                                \
  " UNION ALL SELECT v.* FROM pg_snapshot_xip($2::text::pg_snapshot) AS ran(id)"                   \
  " CROSS JOIN LATERAL (SELECT " what " FROM " from " WHERE xid = ran.id LIMIT $3::bigint) v"
#define ACCEPTED                                                                                   \
  WRITTEN("order_id, 0 AS step, 0 AS phase", "accepts CROSS JOIN unnest(order_ids) AS order_id")
#define STEPPED WRITTEN("order_id, step, phase", "steps")

/* $1 tenant, $2 a snapshot (null: none), $3 how many steps to look at. Whether a step of the
 * client's own making came since, and the snapshot of now. His are the accept, the cancel, and what
 * is moved by hand. */
#define SINCE                                                                                      \
  "SELECT $2::text IS NULL OR (SELECT count(*) >= $3::bigint OR coalesce(bool_or(own), false)"     \
  " FROM (SELECT o.tenant = $1::text AND (e.step = 0 OR e.phase = 4 OR o.by_hand) AS own"          \
  " FROM (" ACCEPTED " UNION ALL " STEPPED " LIMIT $3::bigint) e CROSS JOIN LATERAL"               \
  " (SELECT tenant, by_hand FROM orders WHERE orders.order_id = e.order_id LIMIT 1) o) later),"    \
  " pg_current_snapshot()::text"

#define STATEMENTS(name, rows, ids)                                                                \
  {"list_" name, PAGE(rows, "DESC")}, {"list_" name "_oldest", PAGE(rows, "ASC")},                 \
      {"edge_" name, EDGE(ids, "DESC")},                                                           \
  {                                                                                                \
    "edge_" name "_oldest", EDGE(ids, "ASC")                                                       \
  }

/* The planner must not bet on what the tables were like when they were empty. */
#define PLANNER                                                                                    \
  "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', "       \
  "false),"                                                                                        \
  " set_config('enable_mergejoin', 'off', false), set_config('enable_sort', 'off', false),"        \
  " set_config('enable_bitmapscan', 'off', false), set_config('jit', 'off', false),"               \
  " set_config('max_parallel_workers_per_gather', '0', false),"                                    \
  " set_config('plan_cache_mode', 'force_generic_plan', false)"

/* clang-format off */
const struct pg_statement lister_statements[] = {
  {"planner", PLANNER},
  STATEMENTS("all", FIND_ALL, FIND_ALL), /* as enum lister_source */
  STATEMENTS("open", FIND_OPEN, FIND_OPEN),
  STATEMENTS("ended", ROWS_ENDED, FIND_ENDED),
  STATEMENTS("user", FIND_USER, FIND_USER),
  STATEMENTS("client", FIND_CLIENT, FIND_CLIENT),
  {"since", SINCE},
};
/* clang-format on */
const size_t n_lister_statements = sizeof lister_statements / sizeof *lister_statements;
_Static_assert(sizeof lister_statements / sizeof *lister_statements == 2 + 4 * LISTER_SOURCES, "");

struct lister {
  struct pg_conn *pg;
  uint32_t connections; /* so far: another server has other snapshots */
  size_t walks;
  bool closing;
  void (*on_closed)(void *arg);
  void *closed_arg;
};

/* ── a walk ─────────────────────────────────────────────────────────────────────────────────── */

struct walk {
  struct lister *lister;
  enum lister_source source;
  bool oldest_first;
  struct ulid low, high;
  char *key, *tenant, *type, *status, *user_id, *token_in, *token_out, *mark;
  int64_t phase, from_ms, to_ms; /* -1: any */
  size_t limit, found, asked;
  int rounds;
  bool answered, more; /* of the statement under way */
  bool marked, stands; /* the mark was given; and the page that it is of still stands */
  struct ulid last;    /* the last order that was given, or the last id of a round */
  const struct lister_sink *sink;
  void *arg;
};

static void walk_free(struct walk *w)
{
  w->lister->walks--;
  char *const texts[] = {w->key,     w->tenant,   w->type,      w->status,
                         w->user_id, w->token_in, w->token_out, w->mark};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
  free(w);
}

static void end(struct walk *w, enum status status, const struct ulid *next)
{
  w->sink->on_end(w->arg, status, next);
  walk_free(w);
}

static struct pg_param text_param(const char *text)
{
  return (struct pg_param){text, text ? (int)strlen(text) : 0};
}

/* NULL for -1. */
static struct pg_param number_param(unsigned char room[8], int64_t value)
{
  pg_put_int8(room, value);
  return (struct pg_param){value < 0 ? NULL : room, 8};
}

/* ── its mark ───────────────────────────────────────────────────────────────────────────────── */

/* A mark is the number of the connection, and the snapshot. NULL: none, or not of this one. */
static const char *snapshot_of(const struct walk *w)
{
  char *end;
  if (!w->mark) return NULL;
  unsigned long connection = strtoul(w->mark, &end, 10);
  return connection == w->lister->connections && *end == ' ' ? end + 1 : NULL;
}

static void on_since(void *arg, const PGresult *r)
{
  struct walk *w = arg;
  char mark[LISTER_MARK_MAX];
  w->marked = true;
  w->stands = !pg_get_bool(r, 0, 0);
  int len =
      snprintf(mark, sizeof mark, "%" PRIu32 " %s", w->lister->connections, pg_get_text(r, 0, 1));
  w->sink->on_mark(w->arg, len < LISTER_MARK_MAX ? mark : "", w->stands);
}

static void add_since(struct walk *w, struct pg_batch *batch)
{
  unsigned char later[8];
  const struct pg_param params[] = {text_param(w->tenant), text_param(snapshot_of(w)),
                                    number_param(later, LISTER_LATER)};
  pg_batch_add(batch, "since", params, sizeof params / sizeof *params, on_since, w);
}

static bool ask_page(struct walk *w);

static void on_since_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct walk *w = arg;
  (void)outcome, (void)sqlstate;
  if (w->marked && w->stands)
    end(w, ST_OK, NULL);
  else if (!w->marked || !ask_page(w))
    end(w, ST_AWAY, NULL);
}

/* Whether the page that is there stands. */
static bool ask_since(struct walk *w)
{
  struct pg_batch *batch = pg_batch_begin(w->lister->pg);
  if (!batch) return false;
  add_since(w, batch);
  pg_batch_send(batch, on_since_end, w);
  return true;
}

/* ── its rounds ─────────────────────────────────────────────────────────────────────────────── */

/* A page without a mark yet gets it with its first round: what comes between the two statements
 * counts as later. */
static bool run(struct walk *w, bool edge, pg_result_fn on_result, pg_end_fn on_end)
{
  unsigned char scan[8], phase[8], from[8], to[8], asked[8];
  const struct pg_param params[PAGE_PARAMS] = {{w->low.bytes, 16},
                                               {w->high.bytes, 16},
                                               number_param(scan, LISTER_SCAN),
                                               text_param(w->key),
                                               text_param(w->tenant),
                                               text_param(w->type),
                                               text_param(w->status),
                                               number_param(phase, w->phase),
                                               text_param(w->user_id),
                                               text_param(w->token_in),
                                               text_param(w->token_out),
                                               number_param(from, w->from_ms),
                                               number_param(to, w->to_ms),
                                               number_param(asked, (int64_t)w->asked)};
  size_t i = 1 + 4 * (size_t)w->source + 2 * edge + w->oldest_first;
  w->answered = w->more = false;
  struct pg_batch *batch = pg_batch_begin(w->lister->pg);
  if (!batch) return false;
  if (w->sink->on_mark && !w->marked) add_since(w, batch);
  pg_batch_add(batch, lister_statements[i].name, params, edge ? EDGE_PARAMS : PAGE_PARAMS,
               on_result, w);
  pg_batch_send(batch, on_end, w);
  return true;
}

static void on_edge(void *arg, const PGresult *r)
{
  struct walk *w = arg;
  w->answered = true;
  w->more = PQntuples(r) > 0;
  if (w->more) w->last = pg_get_ulid(r, 0, 0);
}

/* Behind the last id of a round comes the next one. */
static void on_edge_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct walk *w = arg;
  (void)outcome, (void)sqlstate;
  if (!w->answered) {
    end(w, ST_AWAY, NULL);
  } else if (!w->more) {
    end(w, ST_OK, NULL);
  } else if (++w->rounds == LISTER_ROUNDS) {
    end(w, ST_OK, &w->last);
  } else {
    *(w->oldest_first ? &w->low : &w->high) = w->last;
    if (!ask_page(w)) end(w, ST_AWAY, NULL);
  }
}

static void on_page(void *arg, const PGresult *r)
{
  struct walk *w = arg;
  size_t rows = (size_t)PQntuples(r);
  w->answered = true;
  w->more = rows == w->asked;
  for (size_t i = 0; i < rows && w->found < w->limit; i++, w->found++) {
    struct order o = order_row_read(r, (int)i);
    w->last = o.id;
    w->sink->on_order(w->arg, &o);
  }
}

static void on_page_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct walk *w = arg;
  (void)outcome, (void)sqlstate;
  if (!w->answered)
    end(w, ST_AWAY, NULL);
  else if (w->more)
    end(w, ST_OK, &w->last);
  else if (!run(w, true, on_edge, on_edge_end))
    end(w, ST_AWAY, NULL);
}

/* One more than is wanted tells whether there are more. */
static bool ask_page(struct walk *w)
{
  w->asked = w->limit - w->found + 1;
  return run(w, false, on_page, on_page_end);
}

/* ── where it begins ────────────────────────────────────────────────────────────────────────── */

static struct ulid ulid_at(int64_t ms, uint8_t fill)
{
  struct ulid id;
  memset(&id, fill, sizeof id);
  for (int i = 0; i < 6; i++) id.bytes[i] = (uint8_t)((uint64_t)ms >> (40 - 8 * i));
  return id;
}

static void set_range(struct walk *w, const struct lister_filter *f)
{
  int64_t from = f->from_ms > SLACK_MS ? f->from_ms - SLACK_MS : 0;
  w->low = ulid_at(from, 0);
  memset(&w->high, 0xff, sizeof w->high);
  if (f->to_ms >= 0) w->high = ulid_at(f->to_ms + SLACK_MS, 0xff);
  if (!f->behind) return;
  if (f->oldest_first && ulid_compare(f->behind, &w->low) > 0) w->low = *f->behind;
  if (!f->oldest_first && ulid_compare(f->behind, &w->high) < 0) w->high = *f->behind;
}

static char *copy(const char *text)
{
  return text ? mem_strdup(text) : NULL;
}

static char *key_of(const struct lister_filter *f)
{
  char phase[] = {(char)('0' + f->phase), '\0'};
  if (f->source == LISTER_ENDED) return mem_strdup(phase);
  if (f->source == LISTER_CLIENT) return mem_strdup(f->tenant);
  return f->source == LISTER_USER ? mem_strdup(f->user_id) : NULL;
}

enum status lister_page(struct lister *l, const struct lister_filter *f, size_t limit,
                        const struct lister_sink *sink, void *arg)
{
  assert(limit >= 1 && limit <= LISTER_PAGE_MAX);
  assert(!f->mark || sink->on_mark);
  if (!lister_up(l)) return ST_AWAY;
  if (l->walks == LISTER_WALKS_MAX) return ST_FULL;
  struct walk *w = mem_alloc(sizeof *w);
  *w = (struct walk){.lister = l,
                     .source = f->source,
                     .oldest_first = f->oldest_first,
                     .key = key_of(f),
                     .tenant = copy(f->tenant),
                     .type = copy(f->type),
                     .status = copy(f->status),
                     .user_id = copy(f->user_id),
                     .token_in = copy(f->token_in),
                     .token_out = copy(f->token_out),
                     .mark = copy(f->mark),
                     .phase = f->phase,
                     .from_ms = f->from_ms,
                     .to_ms = f->to_ms,
                     .limit = limit,
                     .sink = sink,
                     .arg = arg};
  set_range(w, f);
  l->walks++;
  if (snapshot_of(w) ? ask_since(w) : ask_page(w)) return ST_OK;
  walk_free(w);
  return ST_AWAY;
}

/* ── the lister itself ──────────────────────────────────────────────────────────────────────── */

static void on_up(void *arg)
{
  struct lister *l = arg;
  l->connections++;
  struct pg_batch *batch = pg_batch_begin(l->pg);
  if (!batch) return;
  pg_batch_add(batch, "planner", NULL, 0, NULL, NULL);
  pg_batch_send(batch, NULL, NULL);
}

struct lister *lister_create(uv_loop_t *loop, const char *url)
{
  struct lister *l = mem_alloc(sizeof *l);
  const struct pg_options options = {.url = url,
                                     .name = "ox lister",
                                     .statements = lister_statements,
                                     .n_statements = n_lister_statements,
                                     .deadline_ms = DEADLINE_MS,
                                     .on_up = on_up,
                                     .arg = l};
  l->pg = pg_connect(loop, &options);
  return l;
}

static void on_closed(void *arg)
{
  struct lister *l = arg;
  void (*done)(void *arg) = l->on_closed;
  void *done_arg = l->closed_arg;
  free(l);
  if (done) done(done_arg);
}

void lister_destroy(struct lister *l, void (*done)(void *arg), void *arg)
{
  if (!l) return;
  l->closing = true;
  l->on_closed = done;
  l->closed_arg = arg;
  pg_close(l->pg, on_closed, l);
}

bool lister_up(const struct lister *l)
{
  return !l->closing && pg_up(l->pg);
}
