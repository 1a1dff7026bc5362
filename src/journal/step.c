/*
 * step.c - moving orders that this process owns. All that an order has waiting becomes one step:
 * one compare-and-set of its row, all its events. Loop thread; entries belong to the journal from
 * journal_post() until done was called.
 */
#include <assert.h>
#include <ox/text.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/log.h"
#include "journal/claim_op.h"
#include "journal/count.h"
#include "journal/internal.h"
#include "metrics/metrics.h"

void journal_order_init(struct journal_order *o, const struct journal_claimed *claimed,
                        const struct order_type *type, const char *token)
{
  memset(o, 0, sizeof *o);
  o->id = claimed->order.id;
  o->type = type;
  o->fence = claimed->fence;
  o->step = claimed->step;
  o->ver = claimed->order.ver;
  o->attempt = claimed->order.attempt;
  o->phase = claimed->order.phase;
  o->grouped = claimed->grouped;
  ox_text_copy(o->token, sizeof o->token, token);
  list_init(&o->waiting);
  list_init(&o->in_flight);
}

void journal_order_deinit(struct journal_order *o)
{
  if (o->heir) o->heir->after = NULL;
  o->heir = NULL;
}

bool journal_order_idle(const struct journal_order *o)
{
  return list_empty(&o->waiting) && list_empty(&o->in_flight);
}

void journal_entry_free(struct journal_entry *e)
{
  if (!e) return;
  free(e->data);
  free(e->error);
  free(e->intent);
  free(e->keep);
  free(e->park);
  free(e);
}

static bool ends(const struct journal_entry *e)
{
  return e->state && order_phase_terminal(e->state->phase);
}

/* An order comes for its next step. */
static void come(struct journal *j, struct journal_order *o)
{
  if (list_linked(&o->node)) return;
  list_append(&j->orders, &o->node);
  company_came(&j->company, o->told, clock_mono_ns());
}

void journal_post(struct journal *j, struct journal_entry *entry)
{
  struct journal_order *o = entry->order;
  list_append(&o->waiting, &entry->node);
  if (list_empty(&o->in_flight)) come(j, o);
}

/* Answers the entries of a list, oldest first. done may free the order: nothing is read after. */
static void answer(struct list *entries, enum status status)
{
  struct list taken;
  list_init(&taken);
  list_move_all(&taken, entries);
  for (struct list_node *n; (n = list_pop(&taken)) != NULL;) {
    struct journal_entry *e = container_of(n, struct journal_entry, node);
    if (e->done) e->done(e, status);
    journal_entry_free(e);
  }
}

/* ── going out ──────────────────────────────────────────────────────────────────────────────── */

/* What a step is about, beside its events. */
enum step_about { NOTHING, INTENT, SETTLE, PARK };

/* A transaction is settled in one step and the next one opened in another, and a park is begun in a
 * step of its own; nothing follows an end. */
static bool fits(const struct journal_entry *e, enum step_about about, bool over)
{
  if (over) return false;
  if (e->intent || e->park) return about == NOTHING;
  if (e->settle || ends(e)) return about != INTENT;
  return true;
}

/* Moves what goes together from waiting to in_flight, and sums it up in op. */
static enum step_kind gather(struct journal_order *o, struct step_op *op)
{
  enum step_about about = NOTHING;
  bool over = false;
  *op = (struct step_op){.order = o, .ver = o->ver, .phase = o->phase, .hold = JOURNAL_KEEP};
  for (struct list_node *n; (n = list_first(&o->waiting)) != NULL;) {
    struct journal_entry *e = container_of(n, struct journal_entry, node);
    if (!fits(e, about, over)) break;
    list_remove(&o->waiting, n);
    list_append(&o->in_flight, n);
    if (e->intent) about = INTENT;
    if (e->park) about = PARK;
    if (e->settle || ends(e)) about = SETTLE;
    if (e->state) {
      op->ver++;
      op->phase = e->state->phase;
    }
    if (e->hold != JOURNAL_KEEP) {
      op->hold = e->hold;
      op->phase = OX_QUEUED;
    }
    over = ends(e) || e->hold != JOURNAL_KEEP;
  }
  return about == PARK ? STEP_PARKS : STEP_MOVES;
}

static int by_id(const void *a, const void *b)
{
  const struct step_op *x = a, *y = b;
  return ulid_compare(&x->order->id, &y->order->id);
}

static bool leaves(const struct step_op *op)
{
  return op->hold != JOURNAL_KEEP || order_phase_terminal(op->phase);
}

size_t step_take(struct transaction *t, size_t max)
{
  struct list *from = &t->lane->journal->orders;
  size_t n = 0;
  for (; n < max && !list_empty(from); n++) {
    struct journal_order *o = container_of(list_pop(from), struct journal_order, node);
    struct step_op op;
    enum step_kind kind = gather(o, &op);
    t->steps[kind][t->n_steps[kind]++] = op;
    o->leaving = leaves(&op) ? t : NULL;
  }
  for (int k = 0; k < STEP_KINDS; k++)
    if (t->n_steps[k] > 1) qsort(t->steps[k], t->n_steps[k], sizeof **t->steps, by_id);
  return n;
}

/* The last of its entries says whether an order leaves. */
static bool waits_to_leave(const struct journal_order *o)
{
  const struct journal_entry *e = container_of(o->waiting.head.prev, struct journal_entry, node);
  return ends(e) || e->hold != JOURNAL_KEEP;
}

unsigned step_awaits(const struct journal *j)
{
  unsigned kinds = 0;
  list_each(n, &j->orders)
  {
    const struct journal_order *o = container_of(n, struct journal_order, node);
    kinds |= waits_to_leave(o) ? COMPANY_ALL : 1u << o->told;
  }
  return kinds;
}

size_t step_workers(const struct transaction *t)
{
  size_t n = 0;
  for (int k = 0; k < STEP_KINDS; k++)
    for (size_t i = 0; i < t->n_steps[k]; i++) n += !t->steps[k][i].order->heir;
  return n;
}

struct step_sum {
  const struct journal_entry *shown; /* with the newest event; NULL: there is none, as below */
  const struct journal_entry *kept, *held, *settled;
  const char *error;
  const struct journal_intent *intent;
  const struct journal_park *park;
};

static struct step_sum sum_up(const struct journal_order *o)
{
  struct step_sum sum = {0};
  list_each(n, &o->in_flight)
  {
    const struct journal_entry *e = container_of(n, struct journal_entry, node);
    if (e->state) sum.shown = e;
    if (e->error) sum.error = e->error;
    if (e->keep) sum.kept = e;
    if (e->hold != JOURNAL_KEEP) sum.held = e;
    if (e->settle) sum.settled = e;
    if (e->intent) sum.intent = e->intent;
    if (e->park) sum.park = e->park;
  }
  return sum;
}

static void put_order(struct pg_array *r, const struct step_op *op, const struct step_sum *sum)
{
  const struct journal_order *o = op->order;
  pg_array_ulid(r, &o->id);
  pg_array_int8(r, o->fence);
  pg_array_int4(r, o->step);
  pg_array_int4(r, op->ver);
  pg_array_text(r, sum->shown ? sum->shown->state->name : NULL);
  pg_array_int2(r, (int16_t)op->phase);
  pg_array_int2(r, (int16_t)op->hold);
  pg_array_int8(r, sum->held ? sum->held->delay_ms : 0);
  pg_array_text(r, sum->error);
  pg_array_bytes(r, sum->kept ? sum->kept->keep : NULL, sum->kept ? sum->kept->keep_len : 0);
}

/* Data that would not stay where it is put is left out, so that PostgreSQL refuses the text. */
static void write_event(struct json_writer *w, const struct journal_entry *e)
{
  json_begin(w, NULL);
  json_str(w, "status", e->state->name);
  json_int(w, "phase", e->state->phase);
  if (e->data) {
    size_t len = strlen(e->data);
    json_raw(w, "data", e->data, json_raw_ends_itself(e->data, len) ? len : 0);
  }
  json_end(w);
}

/* The events before the newest one. */
static void put_before(struct pg_array *r, const struct journal_order *o,
                       const struct step_sum *sum)
{
  struct buf text;
  struct json_writer w;
  buf_init(&text, SIZE_MAX / 8);
  json_writer_init(&w, &text);
  json_begin_array(&w, NULL);
  list_each(n, &o->in_flight)
  {
    const struct journal_entry *e = container_of(n, struct journal_entry, node);
    if (e->state && e != sum->shown) write_event(&w, e);
  }
  json_end_array(&w);
  pg_array_bytes(r, text.data, text.len);
  buf_deinit(&text);
}

static void put_nulls(struct pg_array *r, int n)
{
  while (n-- > 0) pg_array_null(r);
}

static void put_events(struct pg_array *r, const struct step_op *op, const struct step_sum *sum)
{
  const struct journal_order *o = op->order;
  if (sum->shown)
    pg_array_int2(r, (int16_t)sum->shown->state->phase);
  else
    pg_array_null(r);
  pg_array_int4(r, o->attempt);
  pg_array_text(r, sum->shown ? sum->shown->data : NULL);
  if (op->ver - o->ver > 1)
    put_before(r, o, sum);
  else
    pg_array_null(r);
}

/* The transaction it opens. */
static void put_intent(struct pg_array *r, const struct journal_intent *i)
{
  pg_array_text(r, i->venue);
  pg_array_text(r, i->tx.tx_hash);
  pg_array_bytes(r, i->tx.bytes, i->tx.n_bytes);
  pg_array_int8(r, (int64_t)i->in_amount);
  pg_array_int8(r, (int64_t)i->min_out_amount);
  pg_array_time(r, i->tx.expires_at_ms);
  put_nulls(r, 3);
}

/* The one it closes: what went in has the place of what was to go in. */
static void put_outcome(struct pg_array *r, const struct journal_entry *e)
{
  static const char *const outcomes[] = {NULL, "landed", "reverted", "dead"};
  put_nulls(r, 3);
  pg_array_int8(r, (int64_t)e->landing.in_amount);
  put_nulls(r, 2);
  pg_array_text(r, outcomes[e->settle]);
  pg_array_int8(r, (int64_t)e->landing.out_amount);
  pg_array_time(r, e->landing.landed_at_ms);
}

static void put_park(struct pg_array *r, const struct journal_park *park)
{
  pg_array_text(r, park->topic);
  pg_array_int2(r, park->side == OX_AT_LEAST ? 1 : -1);
  pg_array_int8(r, park->level);
  pg_array_time(r, park->since_ms);
}

static void put_step(struct pg_array *r, const struct step_op *op)
{
  struct step_sum sum = sum_up(op->order);
  pg_array_row(r);
  put_order(r, op, &sum);
  put_events(r, op, &sum);
  if (sum.intent)
    put_intent(r, sum.intent);
  else if (sum.settled)
    put_outcome(r, sum.settled);
  else
    put_nulls(r, 9);
  if (sum.park)
    put_park(r, sum.park);
  else
    put_nulls(r, 4);
}

static struct step_op *find(struct transaction *t, const struct ulid *id)
{
  struct journal_order order = {.id = *id};
  struct step_op key = {.order = &order}, *op = NULL;
  for (int k = 0; k < STEP_KINDS && !op; k++)
    op = bsearch(&key, t->steps[k], t->n_steps[k], sizeof key, by_id);
  return op;
}

static void on_moved(void *arg, const PGresult *r)
{
  for (int i = 0; i < PQntuples(r); i++) {
    struct ulid id = pg_get_ulid(r, i, 0);
    struct step_op *op = find(arg, &id);
    if (op) op->at_ms = pg_get_time_ms(r, i, 1);
  }
}

static void send_kind(struct transaction *t, struct pg_batch *batch, enum step_kind kind)
{
  static const enum pg_oid new_step[] = {
      PG_UUID, PG_INT8,        PG_INT4,  PG_INT4, PG_TEXT, PG_INT2,        PG_INT2,
      PG_INT8, PG_TEXT,        PG_BYTEA, PG_INT2, PG_INT4, PG_TEXT,        PG_TEXT,
      PG_TEXT, PG_TEXT,        PG_BYTEA, PG_INT8, PG_INT8, PG_TIMESTAMPTZ, PG_TEXT,
      PG_INT8, PG_TIMESTAMPTZ, PG_TEXT,  PG_INT2, PG_INT8, PG_TIMESTAMPTZ};
  static const char *const statements[] = {"step", "step_park"};
  struct pg_array *rows = &t->lane->arrays[0];
  struct pg_param params[1];
  pg_array_rows(rows, t->lane->new_step, new_step, sizeof new_step / sizeof *new_step);
  for (size_t i = 0; i < t->n_steps[kind]; i++) put_step(rows, &t->steps[kind][i]);
  params_get(t->lane, params, 1);
  pg_batch_add(batch, statements[kind], params, 1, on_moved, t);
}

void step_send(struct transaction *t, struct pg_batch *batch)
{
  for (int k = 0; k < STEP_KINDS; k++)
    if (t->n_steps[k]) {
      FAILPOINT("before_step");
      send_kind(t, batch, (enum step_kind)k);
    }
}

/* ── coming back ────────────────────────────────────────────────────────────────────────────── */

static void relay_events(struct relay *relay, const struct step_op *op)
{
  const struct journal_order *o = op->order;
  int32_t seq = o->ver;
  list_each(n, &o->in_flight)
  {
    const struct journal_entry *e = container_of(n, struct journal_entry, node);
    if (!e->state) continue;
    struct order_event event = {.order_id = o->id,
                                .seq = ++seq,
                                .attempt = o->attempt,
                                .status = e->state->name,
                                .phase = e->state->phase,
                                .at_ms = op->at_ms,
                                .data = e->data};
    relay_event(relay, &event);
  }
}

static void relay_step(struct relay *relay, const struct step_op *op)
{
  const struct journal_order *o = op->order;
  relay_events(relay, op);
  if (order_phase_terminal(op->phase)) {
    relay_finish(relay, &o->id, o->token, op->phase == OX_SUCCEEDED);
  } else if (op->hold != JOURNAL_KEEP) {
    const struct journal_entry *held = sum_up(o).held;
    if (held->park)
      relay_park(relay, &o->id, o->token, held->delay_ms);
    else if (held->never_ran)
      relay_return(relay, &o->id, o->token);
    else
      relay_put_back(relay, &o->id, o->token, held->delay_ms);
  }
}

/* The order goes on to its next step, if it has one waiting, before anybody is told of this one. */
static void requeue_order(struct journal *j, struct journal_order *o)
{
  if (!list_empty(&o->waiting)) come(j, o);
}

static void happened(struct journal *j, const struct step_op *op)
{
  struct journal_order *o = op->order;
  FAILPOINT("step_committed");
  relay_step(j->relay, op);
  count_end(o->type->name, op->phase);
  if (op->hold == JOURNAL_RETRY)
    metric_add(metric_series(METRIC_RETRIED, o->type->name, NULL, NULL), 1);
  if (o->grouped && order_phase_terminal(op->phase)) turn_ask(j, &o->id);
  o->ver = op->ver;
  o->phase = op->phase;
  o->step++;
  o->told = TOLD_OF_STEP;
  struct list entries;
  list_init(&entries);
  list_move_all(&entries, &o->in_flight);
  requeue_order(j, o);
  answer(&entries, ST_OK);
}

/* Whoever moved the order instead owns it: what this process still has for it is dropped. */
static void lost(struct journal *j, struct journal_order *o)
{
  LOG_INFO("step refused, the order is another's", LOG_ORDER(&o->id));
  o->lost = true;
  if (list_linked(&o->node)) list_remove(&j->orders, &o->node);
  struct list entries;
  list_init(&entries);
  list_move_all(&entries, &o->in_flight);
  list_move_all(&entries, &o->waiting);
  answer(&entries, ST_STALE);
}

void step_committed(struct transaction *t)
{
  for (int k = 0; k < STEP_KINDS; k++) {
    for (size_t i = 0; i < t->n_steps[k]; i++) {
      struct step_op *op = &t->steps[k][i];
      if (op->at_ms)
        happened(t->lane->journal, op);
      else
        lost(t->lane->journal, op->order);
    }
    t->n_steps[k] = 0;
  }
}

static void requeue(struct journal *j, struct journal_order *o)
{
  o->leaving = NULL;
  list_move_all(&o->in_flight, &o->waiting);
  list_move_all(&o->waiting, &o->in_flight);
  if (!list_linked(&o->node)) list_prepend(&j->orders, &o->node);
}

void step_requeue(struct transaction *t)
{
  for (int k = 0; k < STEP_KINDS; k++) {
    for (size_t i = t->n_steps[k]; i > 0; i--) requeue(t->lane->journal, t->steps[k][i - 1].order);
    t->n_steps[k] = 0;
  }
}

void step_refuse(struct transaction *t, enum status status)
{
  for (int k = 0; k < STEP_KINDS; k++) {
    for (size_t i = 0; i < t->n_steps[k]; i++) {
      struct journal_order *o = t->steps[k][i].order;
      o->leaving = NULL;
      if (status == ST_BROKEN) LOG_ERROR("PostgreSQL will not take this step", LOG_ORDER(&o->id));
      struct list entries;
      list_init(&entries);
      list_move_all(&entries, &o->in_flight);
      requeue_order(t->lane->journal, o);
      answer(&entries, status);
    }
    t->n_steps[k] = 0;
  }
}

/* What is posted for an order that was lost before is told so in the next turn. */
void step_drop_lost(struct journal *j)
{
  list_each(n, &j->orders)
  {
    struct journal_order *o = container_of(n, struct journal_order, node);
    if (!o->lost) continue;
    list_remove(&j->orders, n);
    answer(&o->waiting, ST_STALE);
  }
}

/* ── in doubt ───────────────────────────────────────────────────────────────────────────────── */

/*
 * A step moves (fence, step) in a way nothing else does: if the row shows both as they are after
 * it, it happened; as they were before it, it did not and goes again; else the order is another's.
 */
void step_found(struct transaction *t, const struct doubt_row *row)
{
  struct step_op *op = find(t, &row->id);
  if (!op) return;
  const struct journal_order *o = op->order;
  int64_t fence_after = o->fence + (op->hold != JOURNAL_KEEP);
  op->found = STEP_LOST;
  if (row->step == o->step + 1 && row->fence == fence_after) op->found = STEP_HAPPENED;
  if (row->step == o->step && row->fence == o->fence) op->found = STEP_DID_NOT;
  op->at_ms = row->updated_at_ms;
}

void step_resolved(struct transaction *t)
{
  for (int k = 0; k < STEP_KINDS; k++) {
    for (size_t i = 0; i < t->n_steps[k]; i++) {
      struct step_op *op = &t->steps[k][i];
      if (op->found == STEP_HAPPENED)
        happened(t->lane->journal, op);
      else if (op->found == STEP_DID_NOT)
        requeue(t->lane->journal, op->order);
      else
        lost(t->lane->journal, op->order);
    }
    t->n_steps[k] = 0;
  }
}
