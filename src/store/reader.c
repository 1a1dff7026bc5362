/*
 * reader.c - look-ups, gathered. Loop thread. The reader owns its connection and every ask until
 * it is answered.
 *
 * DESIGN. An ask waits in the list of its kind till the end of the turn, or till fewer than
 * FLIGHTS_MAX statements of that kind are under way; then everything that waits there, up to
 * ASKS_MAX, leaves as one statement, a flight. Heads come as whole lists and fly alone. A timer
 * of 0 ms ends the turn: unlike a prepare handle it also keeps the loop from sleeping.
 */
#include "store/reader.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "io/pg_value.h"
#include "order/type.h"
#include "store/dead_letters.h"
#include "store/order_row.h"
#include "store/replay.h"
#include "store/tail.h"

enum {
  OUTSTANDING_MAX = 4096, /* asks */
  ASKS_MAX = 256,         /* in a flight */
  FLIGHTS_MAX = 2,        /* of a kind */
  HEADS_MAX = 1000,
  DEADLINE_MS = 3000, /* nobody waits longer for a server that hangs */
  SILENT_MS = 1500,   /* and nobody begins to, when it has been silent for so long */
  PING_MS = 500,
  TEXT_MAX = 64 << 20, /* events of one ask */
};

enum kind { KIND_ORDER, KIND_OWN_ID, KIND_EVENTS, KIND_HEADS, KINDS };
enum {
  DEAD_LETTERS_PAGE = KINDS,
  DEAD_LETTERS_COUNT,
  REPLAY,
  REPLAY_NAMES,
  TAIL
}; /* asked on their own */

struct ask {
  struct list_node node;
  size_t ord; /* its place among the keys of the statement, from 1 */
  int row;    /* of the result: its first; -1: none */
  int rows;   /* how many are its own */
  struct ulid id;
  uint64_t known;
  int32_t since;
  struct ulid *ids; /* heads */
  size_t n_ids;
  char *tenant;
  char *own_id;
  reader_order_fn on_order;
  reader_events_fn on_events;
  reader_heads_fn on_heads;
  void *arg;
};

struct flight {
  struct reader *reader;
  enum kind kind;
  bool answered;
  size_t n;
  struct ask *asks[ASKS_MAX];
};

struct reader {
  struct pg_conn *pg;
  uv_timer_t flush;
  struct list waiting[KINDS]; /* of ask */
  size_t flights[KINDS];
  size_t outstanding;
  uint32_t connections; /* so far */
  struct pg_array ids, numbers, tenants, own_ids;
  struct buf text;
  bool closing;
  int open; /* the connection and the timer */
  void (*on_closed)(void *arg);
  void *closed_arg;
};

enum event_column { EV_ORD, EV_SEQ, EV_STATUS, EV_PHASE, EV_ATTEMPT, EV_AT, EV_DATA };

/* Each key is looked up by index whatever the planner thinks of the table's size: a LIMIT inside
 * LATERAL cannot become a hash join. The columns of an order are null when its row is as known:
 * what is not shown is not made. */
#define ORDER_IF_CHANGED(keys, found)                                                              \
  "SELECT f.*, k.ord, orders.tenant FROM unnest(" keys ", known, ord)"                             \
  " CROSS JOIN LATERAL (SELECT *, xmin AS version FROM orders WHERE " found " LIMIT 1) AS orders"  \
  " LEFT JOIN LATERAL (SELECT " ORDER_COLUMNS ", version WHERE version <> k.known) f ON true"

enum { FOUND_VERSION = ORDER_COLS, FOUND_ORD, FOUND_TENANT };

const struct pg_statement reader_statements[] = {
    [KIND_ORDER] = {"order", ORDER_IF_CHANGED("$1::uuid[], $2::int4[]) WITH ORDINALITY AS k(id",
                                              "orders.order_id = k.id")},
    [KIND_OWN_ID] = {"own_id",
                     ORDER_IF_CHANGED(
                         "$1::text[], $2::text[], $3::int4[]) WITH ORDINALITY AS k(owner, own",
                         "orders.tenant = k.owner AND client_order_id = k.own")},
    [KIND_EVENTS] = {"events",
                     "SELECT k.ord, e.*"
                     " FROM unnest($1::uuid[], $2::int4[]) WITH ORDINALITY AS k(id, since, ord)"
                     " CROSS JOIN LATERAL (SELECT seq, status, phase, attempt, at, data"
                     "  FROM order_events WHERE order_id = k.id AND seq > k.since"
                     "  ORDER BY seq LIMIT 10000) AS e ORDER BY k.ord, e.seq"},
    [DEAD_LETTERS_PAGE] = {"dead_letters", DEAD_LETTERS_PAGE_SQL},
    [DEAD_LETTERS_COUNT] = {"dead_letters_count", DEAD_LETTERS_COUNT_SQL},
    [REPLAY] = {"replay", REPLAY_SQL},
    [REPLAY_NAMES] = {"replay_names", REPLAY_NAMES_SQL},
    [TAIL] = {"tail", TAIL_SQL},
    [KIND_HEADS] = {"heads", "SELECT order_id, ver FROM orders WHERE order_id = ANY($1::uuid[])"},
};
const size_t n_reader_statements = sizeof reader_statements / sizeof *reader_statements;

/* ── answers ────────────────────────────────────────────────────────────────────────────────── */

static void ask_free(struct reader *r, struct ask *a)
{
  r->outstanding--;
  free(a->ids);
  free(a->tenant);
  free(a->own_id);
  free(a);
}

static void ask_give_up(struct reader *r, struct ask *a)
{
  if (a->on_order) a->on_order(a->arg, ST_AWAY, NULL);
  if (a->on_events) a->on_events(a->arg, ST_AWAY, NULL, 0);
  if (a->on_heads) a->on_heads(a->arg, ST_AWAY, NULL, 0);
  ask_free(r, a);
}

/* Transactions that another server counted are not compared with this one's. */
static uint64_t version_of(const struct reader *r, int32_t xmin)
{
  return (uint64_t)r->connections << 32 | (uint32_t)xmin;
}

static int32_t known_xmin(const struct reader *r, const struct ask *a)
{
  return a->known >> 32 == r->connections ? (int32_t)(uint32_t)a->known : 0;
}

static void answer_order(const struct reader *r, const struct ask *a, const PGresult *res)
{
  int row = a->row;
  struct order o;

  if (row < 0 || strcmp(pg_get_text(res, row, FOUND_TENANT), a->tenant) != 0) {
    a->on_order(a->arg, ST_NOT_FOUND, NULL);
  } else if (pg_is_null(res, row, COL_ID)) {
    a->on_order(a->arg, ST_OK, NULL);
  } else {
    o = order_row_read(res, row);
    o.version = version_of(r, pg_get_int4(res, row, FOUND_VERSION));
    a->on_order(a->arg, ST_OK, &o);
  }
}

static void event_write(const struct ask *a, const PGresult *res, int row, struct buf *text)
{
  const struct order_event e = {
      .order_id = a->id,
      .seq = pg_get_int4(res, row, EV_SEQ),
      .attempt = pg_get_int4(res, row, EV_ATTEMPT),
      .status = pg_get_text(res, row, EV_STATUS),
      .phase = (enum ox_phase)pg_get_int4(res, row, EV_PHASE),
      .at_ms = pg_get_time_ms(res, row, EV_AT),
      .data = pg_get_text(res, row, EV_DATA),
  };

  order_event_write(&e, text);
}

/* The text grows and moves while it is written: pointers into it are set when it is complete. */
static void answer_events(struct reader *r, const struct ask *a, const PGresult *res)
{
  size_t n = (size_t)a->rows, at = 0;
  struct reader_event *events = mem_alloc((n + 1) * sizeof *events);

  buf_clear(&r->text);
  for (size_t i = 0; i < n; i++) {
    int row = a->row + (int)i;
    size_t before = r->text.len;

    event_write(a, res, row, &r->text);
    events[i].seq = pg_get_int4(res, row, EV_SEQ);
    events[i].terminal = order_phase_terminal((enum ox_phase)pg_get_int4(res, row, EV_PHASE));
    events[i].json_len = r->text.len - before;
  }
  for (size_t i = 0; i < n; i++) {
    events[i].json = r->text.data + at;
    at += events[i].json_len;
  }
  if (r->text.overflow)
    a->on_events(a->arg, ST_FULL, NULL, 0);
  else
    a->on_events(a->arg, ST_OK, events, n);
  free(events);
}

static void answer_heads(const struct ask *a, const PGresult *res)
{
  size_t n = (size_t)PQntuples(res);
  struct reader_head *heads = mem_alloc((n + 1) * sizeof *heads);

  for (size_t i = 0; i < n; i++)
    heads[i] = (struct reader_head){pg_get_ulid(res, (int)i, 0), pg_get_int4(res, (int)i, 1)};
  a->on_heads(a->arg, ST_OK, heads, n);
  free(heads);
}

/* ── whose row is it? ───────────────────────────────────────────────────────────────────────── */

/* Rows carry the place of the key they are for, from 1; those of one stand together. */
static void flight_match(struct flight *f, const PGresult *res)
{
  static const int ord_columns[KINDS] = {
      [KIND_ORDER] = FOUND_ORD, [KIND_OWN_ID] = FOUND_ORD, [KIND_EVENTS] = EV_ORD};
  struct {
    int first, n;
  } rows[ASKS_MAX + 1] = {{0}};

  if (f->kind == KIND_HEADS) return;
  for (int row = PQntuples(res) - 1; row >= 0; row--) {
    size_t ord = (size_t)pg_get_int8(res, row, ord_columns[f->kind]);
    assert(ord >= 1 && ord <= f->n);
    rows[ord].first = row;
    rows[ord].n++;
  }
  for (size_t i = 0; i < f->n; i++) {
    struct ask *a = f->asks[i];
    a->rows = rows[a->ord].n;
    a->row = a->rows ? rows[a->ord].first : -1;
  }
}

static void flight_on_result(void *arg, const PGresult *res)
{
  struct flight *f = arg;

  f->answered = true;
  flight_match(f, res);
  for (size_t i = 0; i < f->n; i++) {
    struct ask *a = f->asks[i];
    if (a->on_order) answer_order(f->reader, a, res);
    if (a->on_events) answer_events(f->reader, a, res);
    if (a->on_heads) answer_heads(a, res);
    ask_free(f->reader, a);
  }
}

static void wake(struct reader *r);

static void flight_on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct flight *f = arg;

  (void)outcome; /* nothing was written: an answer that came is good whatever became of the rest */
  (void)sqlstate;
  f->reader->flights[f->kind]--;
  wake(f->reader);
  for (size_t i = 0; !f->answered && i < f->n; i++) ask_give_up(f->reader, f->asks[i]);
  free(f);
}

/* ── sending ────────────────────────────────────────────────────────────────────────────────── */

static struct pg_param array_param(struct pg_array *a)
{
  struct pg_param p;
  p.data = pg_array_param(a, &p.len);
  return p;
}

static int compare_asks(const void *x, const void *y)
{
  const struct ask *const *a = x, *const *b = y;
  int order = ulid_compare(&(*a)->id, &(*b)->id);

  return order ? order : ((*a)->known > (*b)->known) - ((*a)->known < (*b)->known);
}

/* Several may ask for the same one. */
static int params_of_ids(struct reader *r, struct flight *f, struct pg_param *params)
{
  qsort(f->asks, f->n, sizeof *f->asks, compare_asks);
  for (size_t i = 0; i < f->n; i++) {
    if (i == 0 || compare_asks(&f->asks[i - 1], &f->asks[i]) != 0) {
      pg_array_ulid(&r->ids, &f->asks[i]->id);
      pg_array_int4(&r->numbers, known_xmin(r, f->asks[i]));
    }
    f->asks[i]->ord = r->ids.n;
  }
  params[0] = array_param(&r->ids);
  params[1] = array_param(&r->numbers);
  return 2;
}

static int params_of_own_ids(struct reader *r, struct flight *f, struct pg_param *params)
{
  for (size_t i = 0; i < f->n; i++) {
    pg_array_text(&r->tenants, f->asks[i]->tenant);
    pg_array_text(&r->own_ids, f->asks[i]->own_id);
    pg_array_int4(&r->numbers, known_xmin(r, f->asks[i]));
    f->asks[i]->ord = i + 1;
  }
  params[0] = array_param(&r->tenants);
  params[1] = array_param(&r->own_ids);
  params[2] = array_param(&r->numbers);
  return 3;
}

static int params_of_events(struct reader *r, struct flight *f, struct pg_param *params)
{
  for (size_t i = 0; i < f->n; i++) {
    pg_array_ulid(&r->ids, &f->asks[i]->id);
    pg_array_int4(&r->numbers, f->asks[i]->since);
    f->asks[i]->ord = i + 1;
  }
  params[0] = array_param(&r->ids);
  params[1] = array_param(&r->numbers);
  return 2;
}

static int params_of_heads(struct reader *r, struct flight *f, struct pg_param *params)
{
  for (size_t i = 0; i < f->asks[0]->n_ids; i++) pg_array_ulid(&r->ids, &f->asks[0]->ids[i]);
  params[0] = array_param(&r->ids);
  return 1;
}

static enum status flight_send(struct reader *r, struct flight *f)
{
  static int (*const PARAMS[])(struct reader *, struct flight *, struct pg_param *) = {
      params_of_ids, params_of_own_ids, params_of_events, params_of_heads};
  struct pg_param params[3];
  int n;

  pg_array_reset(&r->ids);
  pg_array_reset(&r->numbers);
  pg_array_reset(&r->tenants);
  pg_array_reset(&r->own_ids);
  n = PARAMS[f->kind](r, f, params);
  return pg_run(r->pg, reader_statements[f->kind].name, params, n, flight_on_result, flight_on_end,
                f);
}

static void flight_start(struct reader *r, enum kind kind)
{
  size_t max = kind == KIND_HEADS ? 1 : ASKS_MAX;
  struct flight *f = mem_alloc(sizeof *f);

  f->reader = r;
  f->kind = kind;
  while (f->n < max && !list_empty(&r->waiting[kind])) {
    struct list_node *n = list_pop(&r->waiting[kind]);
    f->asks[f->n++] = container_of(n, struct ask, node);
  }
  r->flights[kind]++;
  if (flight_send(r, f) != ST_OK) flight_on_end(f, PG_IN_DOUBT, "");
}

static void on_flush(uv_timer_t *timer)
{
  struct reader *r = timer->data;

  for (enum kind kind = 0; kind < KINDS; kind++)
    while (r->flights[kind] < FLIGHTS_MAX && !list_empty(&r->waiting[kind])) flight_start(r, kind);
}

static void wake(struct reader *r)
{
  if (!r->closing && !uv_is_active((uv_handle_t *)&r->flush))
    uv_timer_start(&r->flush, on_flush, 0, 0);
}

/* ── asking ─────────────────────────────────────────────────────────────────────────────────── */

/* ask_check() tells whether one more may be asked. */
static enum status ask_check(const struct reader *r)
{
  if (!reader_up(r)) return ST_AWAY;
  return r->outstanding < OUTSTANDING_MAX ? ST_OK : ST_FULL;
}

static struct ask *ask_begin(struct reader *r, enum kind kind, void *arg)
{
  struct ask *a = mem_alloc(sizeof *a);

  a->row = -1;
  a->arg = arg;
  r->outstanding++;
  list_append(&r->waiting[kind], &a->node);
  wake(r);
  return a;
}

enum status reader_find(struct reader *r, const struct reader_ref *ref, reader_order_fn done,
                        void *arg)
{
  enum status st = ask_check(r);
  struct ask *a;

  if (st != ST_OK) return st;
  a = ask_begin(r, ref->own_id ? KIND_OWN_ID : KIND_ORDER, arg);
  a->tenant = mem_strdup(ref->tenant);
  a->own_id = ref->own_id ? mem_strdup(ref->own_id) : NULL;
  a->id = ref->id;
  a->known = ref->known;
  a->on_order = done;
  return ST_OK;
}

enum status reader_order(struct reader *r, const char *tenant, const struct ulid *id,
                         reader_order_fn done, void *arg)
{
  return reader_find(r, &(struct reader_ref){.tenant = tenant, .id = *id}, done, arg);
}

enum status reader_events(struct reader *r, const struct ulid *id, int32_t since,
                          reader_events_fn done, void *arg)
{
  enum status st = ask_check(r);
  struct ask *a;

  if (st != ST_OK) return st;
  a = ask_begin(r, KIND_EVENTS, arg);
  a->id = *id;
  a->since = since;
  a->on_events = done;
  return ST_OK;
}

enum status reader_heads(struct reader *r, const struct ulid *ids, size_t n, reader_heads_fn done,
                         void *arg)
{
  enum status st = ask_check(r);
  struct ask *a;

  assert(n <= HEADS_MAX);
  if (st != ST_OK) return st;
  a = ask_begin(r, KIND_HEADS, arg);
  a->ids = mem_alloc((n + 1) * sizeof *ids);
  memcpy(a->ids, ids, n * sizeof *ids);
  a->n_ids = n;
  a->on_heads = done;
  return ST_OK;
}

/* ── the reader itself ──────────────────────────────────────────────────────────────────────── */

static void give_up_waiting(struct reader *r)
{
  for (enum kind kind = 0; kind < KINDS; kind++)
    for (struct list_node *n; (n = list_pop(&r->waiting[kind])) != NULL;)
      ask_give_up(r, container_of(n, struct ask, node));
}

static void on_up(void *arg)
{
  ((struct reader *)arg)->connections++;
}

static void on_down(void *arg)
{
  give_up_waiting(arg);
}

struct reader *reader_create(uv_loop_t *loop, const char *url)
{
  struct reader *r = mem_alloc(sizeof *r);
  const struct pg_options options = {.url = url,
                                     .name = "ox reader",
                                     .statements = reader_statements,
                                     .n_statements = n_reader_statements,
                                     .deadline_ms = DEADLINE_MS,
                                     .ping_ms = PING_MS,
                                     .on_up = on_up,
                                     .on_down = on_down,
                                     .arg = r};

  for (enum kind kind = 0; kind < KINDS; kind++) list_init(&r->waiting[kind]);
  pg_array_init(&r->ids, PG_UUID);
  pg_array_init(&r->numbers, PG_INT4);
  pg_array_init(&r->tenants, PG_TEXT);
  pg_array_init(&r->own_ids, PG_TEXT);
  buf_init(&r->text, TEXT_MAX);
  uv_timer_init(loop, &r->flush);
  r->flush.data = r;
  r->pg = pg_connect(loop, &options);
  return r;
}

static void on_part_closed(void *arg)
{
  struct reader *r = arg;
  void (*on_closed)(void *arg) = r->on_closed;
  void *closed_arg = r->closed_arg;

  if (--r->open > 0) return;
  give_up_waiting(r);
  pg_array_deinit(&r->ids);
  pg_array_deinit(&r->numbers);
  pg_array_deinit(&r->tenants);
  pg_array_deinit(&r->own_ids);
  buf_deinit(&r->text);
  free(r);
  if (on_closed) on_closed(closed_arg);
}

static void on_timer_closed(uv_handle_t *timer)
{
  on_part_closed(timer->data);
}

void reader_destroy(struct reader *r, void (*done)(void *arg), void *arg)
{
  if (!r) return;
  r->closing = true;
  r->on_closed = done;
  r->closed_arg = arg;
  r->open = 2;
  uv_close((uv_handle_t *)&r->flush, on_timer_closed);
  pg_close(r->pg, on_part_closed, r);
}

struct pg_conn *reader_conn(const struct reader *r)
{
  return r->pg;
}

bool reader_up(const struct reader *r)
{
  return !r->closing && pg_up(r->pg) && pg_silent_ms(r->pg) < SILENT_MS;
}
