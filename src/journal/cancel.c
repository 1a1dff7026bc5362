/*
 * cancel.c - cancels and moves by hand, gathered into the journal's transactions. Loop thread; an
 * op belongs to a list or a transaction until it is answered and freed.
 *
 * DESIGN. A cancel waits for no row: one that another transaction holds is passed over and tried
 * again, so cancels cannot be part of a deadlock. What became of each is read in the same
 * transaction. After a lost COMMIT an order that is where we wanted it was moved by us or by
 * somebody who wanted the same.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "journal/cancel_op.h"
#include "journal/count.h"

enum { AT_ONCE = 3 }; /* tries; the next wait for the journal's timer */

/* ── coming in ──────────────────────────────────────────────────────────────────────────────── */

enum status cancel_add(struct journal *j, const struct cancel_op *wanted)
{
  if (j->closed || !journal_up(j)) return ST_AWAY;
  if (j->cancels.len + j->cancels_held.len >= j->options.max_waiting) return ST_FULL;
  struct cancel_op *op = mem_alloc(sizeof *op);
  *op = *wanted;
  if (!op->target) op->target = order_type_flagged(op->type, OX_STATE_ON_CANCEL);
  op->deadline_ms = clock_mono_ms() + ANSWER_DEADLINE_MS;
  assert(op->target);
  list_append(&j->cancels, &op->node);
  return ST_OK;
}

enum status journal_cancel(struct journal *j, const struct ulid *id, const struct order_type *type,
                           journal_cancelled_fn done, void *arg)
{
  return cancel_add(j, &(struct cancel_op){.id = *id, .type = type, .done = done, .arg = arg});
}

enum status journal_move(struct journal *j, const struct ulid *id, const struct order_type *type,
                         const struct ox_state *target, journal_cancelled_fn done, void *arg)
{
  assert(target->flags & OX_STATE_BY_HAND);
  return cancel_add(
      j, &(struct cancel_op){
             .id = *id, .type = type, .target = target, .by_hand = true, .done = done, .arg = arg});
}

/* ── going out ──────────────────────────────────────────────────────────────────────────────── */

static int by_id(const void *a, const void *b)
{
  const struct cancel_op *const *x = a, *const *y = b;
  return ulid_compare(&(*x)->id, &(*y)->id);
}

size_t cancel_take(struct transaction *t, size_t max)
{
  struct list *from = &t->lane->journal->cancels;
  size_t n = 0;
  while (n < max && !list_empty(from))
    t->cancels[n++] = container_of(list_pop(from), struct cancel_op, node);
  t->n_cancels = n;
  if (n > 1) qsort(t->cancels, n, sizeof *t->cancels, by_id);
  return n;
}

/* The first of those for this order; several may want it cancelled. */
static size_t find(const struct transaction *t, const struct ulid *id)
{
  size_t low = 0, high = t->n_cancels;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (ulid_compare(&t->cancels[mid]->id, id) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

static bool is_for(const struct transaction *t, size_t i, const struct ulid *id)
{
  return i < t->n_cancels && ulid_compare(&t->cancels[i]->id, id) == 0;
}

static void settle(struct cancel_op *op, enum cancel_result result)
{
  if (op->settled) return;
  op->settled = true;
  op->result = result;
}

/* Whoever wanted the order where it is now; others that would have had it elsewhere did not. */
static struct cancel_op *wanted(const struct transaction *t, const struct ulid *id,
                                const char *status)
{
  for (size_t i = find(t, id); is_for(t, i, id); i++)
    if (strcmp(t->cancels[i]->target->name, status) == 0) return t->cancels[i];
  return NULL;
}

static void on_cancelled(void *arg, const PGresult *r)
{
  struct transaction *t = arg;
  for (int row = 0; row < PQntuples(r); row++) {
    struct ulid id = pg_get_ulid(r, row, 0);
    struct cancel_op *op = wanted(t, &id, pg_get_text(r, row, 5));
    if (!op) continue;
    settle(op, CANCEL_DONE);
    op->owned = pg_get_bool(r, row, 1);
    op->ver = pg_get_int4(r, row, 2);
    op->attempt = pg_get_int4(r, row, 3);
    op->at_ms = pg_get_time_ms(r, row, 4);
    op->grouped = pg_get_bool(r, row, 6);
  }
}

struct seen {
  enum ox_phase phase;
  const char *status;
  bool sent; /* a transaction may land, or has */
};

/* Why an order was not cancelled. When nothing speaks against it, its row was held by another
 * transaction, and the op stays unsettled. */
static void explain(struct cancel_op *op, const struct seen *seen)
{
  if (order_phase_terminal(seen->phase))
    settle(op, CANCEL_ENDED);
  else if (op->waiting_only && seen->phase != OX_QUEUED)
    settle(op, CANCEL_RUNNING);
  else if (seen->sent || !order_type_may_move(op->type, seen->status, op->target->name))
    settle(op, CANCEL_SUBMITTED);
}

static void on_why(void *arg, const PGresult *r)
{
  struct transaction *t = arg;
  for (int row = 0; row < PQntuples(r); row++) {
    struct ulid id = pg_get_ulid(r, row, 0);
    struct seen seen = {.phase = (enum ox_phase)pg_get_int4(r, row, 1),
                        .status = pg_get_text(r, row, 2),
                        .sent = pg_get_bool(r, row, 3)};
    for (size_t i = find(t, &id); is_for(t, i, &id); i++) {
      t->cancels[i]->there = true;
      explain(t->cancels[i], &seen);
    }
  }
  for (size_t i = 0; i < t->n_cancels; i++)
    if (!t->cancels[i]->there) settle(t->cancels[i], CANCEL_UNKNOWN);
}

/* A row for each state from which the order may go there. */
static void put_moves(struct pg_array *p, const struct cancel_op *op)
{
  for (size_t s = 0; s < op->type->n_states; s++) {
    const char *from = op->type->states[s].name;
    if (!order_type_may_move(op->type, from, op->target->name)) continue;
    pg_array_ulid(&p[1], &op->id);
    pg_array_text(&p[2], from);
    pg_array_text(&p[3], op->target->name);
    pg_array_bool(&p[4], op->waiting_only);
    pg_array_int2(&p[5], (int16_t)op->target->phase);
    pg_array_bool(&p[6], op->by_hand);
  }
}

void cancel_send(struct transaction *t, struct pg_batch *batch)
{
  static const enum pg_oid types[] = {PG_UUID, PG_UUID, PG_TEXT, PG_TEXT,
                                      PG_BOOL, PG_INT2, PG_BOOL};
  enum { N = sizeof types / sizeof *types };
  struct pg_param params[N];
  if (!t->n_cancels) return;
  params_types(t->lane, types, N);
  for (size_t i = 0; i < t->n_cancels; i++) {
    pg_array_ulid(&t->lane->arrays[0], &t->cancels[i]->id);
    put_moves(t->lane->arrays, t->cancels[i]);
  }
  params_get(t->lane, params, N);
  pg_batch_add(batch, "cancel", params, N, on_cancelled, t);
  pg_batch_add(batch, "cancel_why", params, 1, on_why, t);
}

/* ── coming back ────────────────────────────────────────────────────────────────────────────── */

static void answer(struct cancel_op *op, enum cancel_result result)
{
  if (op->done) op->done(op->arg, result);
  op->done = NULL;
}

/* ver is not known of an order that was read back: whoever watches it reads it, too. */
static void announce(struct journal *j, const struct cancel_op *op)
{
  struct order_event event = {.order_id = op->id,
                              .seq = op->ver,
                              .attempt = op->attempt,
                              .status = op->target->name,
                              .phase = op->target->phase,
                              .at_ms = op->at_ms};
  if (op->ver) relay_event(j->relay, &event);
  count_end(op->type->name, op->target->phase);
  relay_cancel(j->relay, &op->id, op->owned);
  if (op->grouped) turn_ask(j, &op->id);
}

static void finish(struct transaction *t, struct cancel_op *op)
{
  if (op->result == CANCEL_DONE) announce(t->lane->journal, op);
  answer(op, op->result);
  free(op);
}

static void forget(struct cancel_op *op)
{
  op->settled = op->there = false;
}

static void again(struct journal *j, struct cancel_op *op)
{
  forget(op);
  if (!op->done)
    free(op); /* answered meanwhile, and not done: whoever asked asks again, or not */
  else
    list_append(++op->tries < AT_ONCE ? &j->cancels : &j->cancels_held, &op->node);
}

void cancel_committed(struct transaction *t)
{
  size_t n = t->n_cancels;
  t->n_cancels = 0;
  for (size_t i = 0; i < n; i++) {
    if (t->cancels[i]->settled)
      finish(t, t->cancels[i]);
    else
      again(t->lane->journal, t->cancels[i]);
  }
}

void cancel_requeue(struct transaction *t)
{
  for (size_t i = 0; i < t->n_cancels; i++) again(t->lane->journal, t->cancels[i]);
  t->n_cancels = 0;
}

void cancel_refuse(struct transaction *t)
{
  for (size_t i = 0; i < t->n_cancels; i++) {
    answer(t->cancels[i], CANCEL_AWAY);
    free(t->cancels[i]);
  }
  t->n_cancels = 0;
}

static void expire_list(struct list *waiting, int64_t now_ms)
{
  list_each(n, waiting)
  {
    struct cancel_op *op = container_of(n, struct cancel_op, node);
    if (op->deadline_ms > now_ms) continue;
    list_remove(waiting, n);
    answer(op, CANCEL_AWAY);
    free(op);
  }
}

/* What is in flight is answered too, but stays: if it happens, Redis and the worker must know. */
void cancel_expire(struct journal *j, int64_t now_ms)
{
  list_move_all(&j->cancels, &j->cancels_held);
  expire_list(&j->cancels, now_ms);
  for (int i = 0; i < TRANSACTIONS; i++)
    for (size_t k = 0; k < j->transactions[i].n_cancels; k++)
      if (j->transactions[i].cancels[k]->deadline_ms <= now_ms)
        answer(j->transactions[i].cancels[k], CANCEL_AWAY);
}

/* ── in doubt ───────────────────────────────────────────────────────────────────────────────── */

void cancel_forget(struct transaction *t)
{
  for (size_t i = 0; i < t->n_cancels; i++) forget(t->cancels[i]);
}

void cancel_found(struct transaction *t, const struct doubt_row *row)
{
  struct cancel_op *op = wanted(t, &row->id, row->status);
  if (!op || (op->by_hand && !row->by_hand)) return;
  settle(op, CANCEL_DONE);
  op->owned = op->grouped = true; /* perhaps */
  op->ver = 0;
}
