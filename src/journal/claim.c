/*
 * claim.c - becoming the owner of an order. The compare-and-set gives the order with it; a claim
 * that found a transaction open reads that too, and one that was refused learns why. Loop thread.
 */
#include <assert.h>
#include <ox/text.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/claim_op.h"

enum { REFUSED_RETRY_MS = 250 };

/* ── coming in, going out ───────────────────────────────────────────────────────────────────── */

void journal_claim(struct journal *j, const struct journal_claim *claim, journal_claimed_fn done,
                   void *arg)
{
  assert(!claim->after || !claim->after->heir);
  struct claim_op *op = mem_alloc(sizeof *op);
  op->id = claim->id;
  op->session = claim->session;
  op->handover_by_ms = claim->handover_by_ms;
  op->after = claim->after;
  op->done = done;
  op->arg = arg;
  list_append(&j->claims, &op->node);
  if (claim->after)
    claim->after->heir = op;
  else
    company_came(&j->company, TOLD_OF_STEP, clock_mono_ns());
}

static int by_id(const void *a, const void *b)
{
  const struct claim_op *const *x = a, *const *y = b;
  return ulid_compare(&(*x)->id, &(*y)->id);
}

/* Who takes another's place comes in the transaction with which that one leaves, or later. */
static bool may_go(const struct claim_op *op, const struct transaction *t)
{
  const struct transaction *last = op->after ? op->after->leaving : t;
  return last && (last == t || last->telling);
}

size_t claim_held(const struct transaction *t)
{
  size_t n = 0;
  list_each(node, &t->lane->journal->claims)
  {
    const struct claim_op *op = container_of(node, struct claim_op, node);
    n += op->after && op->after->leaving && !may_go(op, t);
  }
  return n;
}

/* Claims of one transaction are of one session: a newer one waits for the next. */
size_t claim_take(struct transaction *t, size_t max)
{
  size_t n = 0;
  list_each(node, &t->lane->journal->claims)
  {
    struct claim_op *op = container_of(node, struct claim_op, node);
    bool newer = n > 0 && ulid_compare(&op->session, &t->claims[0]->session) != 0;
    if (n == max || newer) break;
    if (!may_go(op, t)) continue;
    list_remove(&t->lane->journal->claims, node);
    t->claims[n++] = op;
  }
  t->n_claims = n;
  if (n > 1) qsort(t->claims, n, sizeof *t->claims, by_id);
  return n;
}

static struct claim_op *find(const struct transaction *t, const struct ulid *id)
{
  struct claim_op key = {.id = *id}, *pkey = &key;
  struct claim_op *const *at = bsearch(&pkey, t->claims, t->n_claims, sizeof *t->claims, by_id);
  return at ? *at : NULL;
}

static struct journal_claimed *read_claimed(const PGresult *r, int i)
{
  struct journal_claimed *c = mem_alloc(sizeof *c);
  struct order *o = &c->order;
  o->id = pg_get_ulid(r, i, 0);
  o->client_order_id = pg_dup_text(r, i, 1);
  o->type = pg_dup_text(r, i, 2);
  o->status = pg_dup_text(r, i, 3);
  o->phase = OX_ACTIVE;
  o->attempt = pg_get_int4(r, i, 4);
  o->ver = pg_get_int4(r, i, 5);
  c->step = pg_get_int4(r, i, 6);
  c->fence = pg_get_int8(r, i, 7);
  c->takeovers = pg_get_int4(r, i, 8);
  o->payload = pg_dup_text(r, i, 10);
  if (!pg_is_null(r, i, 11)) {
    c->state_len = (size_t)PQgetlength(r, i, 11);
    c->state = mem_alloc(c->state_len + 1);
    memcpy(c->state, PQgetvalue(r, i, 11), c->state_len);
  }
  o->created_at_ms = pg_get_time_ms(r, i, 12);
  o->updated_at_ms = pg_get_time_ms(r, i, 13);
  c->grouped = pg_get_bool(r, i, 15);
  return c;
}

static void on_claimed(void *arg, const PGresult *r)
{
  struct transaction *t = arg;
  for (int i = 0; i < PQntuples(r); i++) {
    struct ulid id = pg_get_ulid(r, i, 0);
    struct claim_op *op = find(t, &id);
    if (!op || op->claimed) continue;
    op->claimed = read_claimed(r, i);
    op->intent_open = pg_get_bool(r, i, 9);
    op->entered = pg_get_bool(r, i, 14);
  }
}

void claim_send(struct transaction *t, struct pg_batch *batch)
{
  if (!t->n_claims) return;
  struct journal *j = t->lane->journal;
  params_types(t->lane, (enum pg_oid[]){PG_UUID, PG_TIMESTAMPTZ}, 2);
  for (size_t i = 0; i < t->n_claims; i++) {
    const struct claim_op *op = t->claims[i];
    pg_array_ulid(&t->lane->arrays[0], &op->id);
    pg_array_time(&t->lane->arrays[1], op->handover_by_ms == INT64_MAX ? 0 : op->handover_by_ms);
  }
  struct pg_param params[6];
  unsigned char lease[8];
  params_get(t->lane, params, 2);
  params[2] = (struct pg_param){t->claims[0]->session.bytes, 16};
  params[3].data = pg_array_param(&j->types, &params[3].len);
  params[4].data = pg_array_param(&j->claim_states, &params[4].len);
  pg_put_int8(lease, j->options.lease_ms);
  params[5] = (struct pg_param){lease, sizeof lease};
  pg_batch_add(batch, "claim", params, 6, on_claimed, t);
}

/* ── coming back ────────────────────────────────────────────────────────────────────────────── */

void journal_claimed_free(struct journal_claimed *c)
{
  if (!c) return;
  order_deinit(&c->order);
  free(c->state);
  free(c->open_intent);
  free(c);
}

static void give(struct claim_op *op)
{
  if (op->after) op->after->heir = NULL;
  op->done(op->arg, op->status, op->claimed, op->refusal, op->retry_ms);
  free(op);
}

void claim_away(struct claim_op *op)
{
  journal_claimed_free(op->claimed);
  op->claimed = NULL;
  op->status = ST_AWAY;
  op->refusal = JOURNAL_OWNED;
  op->retry_ms = REFUSED_RETRY_MS;
  give(op);
}

/* One more read for claims that need it, on the same connection. */
struct follow_up {
  struct lane *lane;
  struct list ops; /* of claim_op */
};

static struct claim_op *follow_up_find(const struct follow_up *f, const struct ulid *id)
{
  list_each(n, &f->ops)
  {
    struct claim_op *op = container_of(n, struct claim_op, node);
    if (ulid_compare(&op->id, id) == 0) return op;
  }
  return NULL;
}

static struct journal_intent *read_intent(const PGresult *r, int i)
{
  struct journal_intent *intent = mem_alloc(sizeof *intent);
  int len = PQgetlength(r, i, 3);
  if (len > OX_TX_BYTES_MAX) len = 0; /* not ours: it can be looked up, never resent */
  ox_text_copy(intent->venue, sizeof intent->venue, pg_get_text(r, i, 1));
  ox_text_copy(intent->tx.tx_hash, sizeof intent->tx.tx_hash, pg_get_text(r, i, 2));
  intent->tx.size = sizeof intent->tx;
  intent->tx.n_bytes = (uint32_t)len;
  memcpy(intent->tx.bytes, PQgetvalue(r, i, 3), (size_t)len);
  intent->in_amount = (uint64_t)pg_get_int8(r, i, 4);
  intent->min_out_amount = (uint64_t)pg_get_int8(r, i, 5);
  intent->tx.expires_at_ms = pg_get_time_ms(r, i, 6);
  return intent;
}

static void on_intents(void *arg, const PGresult *r)
{
  struct follow_up *f = arg;
  for (int i = 0; i < PQntuples(r); i++) {
    struct ulid id = pg_get_ulid(r, i, 0);
    struct claim_op *op = follow_up_find(f, &id);
    if (op && !op->claimed->open_intent) op->claimed->open_intent = read_intent(r, i);
  }
}

static void on_why(void *arg, const PGresult *r)
{
  struct follow_up *f = arg;
  for (int i = 0; i < PQntuples(r); i++) {
    struct ulid id = pg_get_ulid(r, i, 0);
    struct claim_op *op = follow_up_find(f, &id);
    if (!op) continue;
    int64_t due_ms = pg_is_null(r, i, 3) ? 0 : pg_get_int8(r, i, 3);
    op->retry_ms = REFUSED_RETRY_MS;
    if (order_phase_terminal((enum ox_phase)pg_get_int4(r, i, 1))) {
      op->refusal = JOURNAL_TERMINAL;
    } else if (pg_get_bool(r, i, 2)) {
      op->refusal = JOURNAL_OWNED;
    } else if (due_ms > 0) {
      op->refusal = JOURNAL_NOT_DUE;
      op->retry_ms = due_ms;
    } else if (!pg_get_bool(r, i, 4)) {
      op->refusal = JOURNAL_BEHIND;
    } else if (pg_get_bool(r, i, 5)) {
      op->refusal = JOURNAL_PAUSED;
    } else {
      op->refusal = JOURNAL_LATE;
      op->retry_ms = 0;
    }
  }
}

static void on_followed(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct follow_up *f = arg;
  (void)sqlstate;
  for (struct list_node *n; (n = list_pop(&f->ops)) != NULL;) {
    struct claim_op *op = container_of(n, struct claim_op, node);
    bool incomplete = op->claimed && op->intent_open && !op->claimed->open_intent;
    if (outcome != PG_COMMITTED || incomplete) op->status = ST_AWAY;
    give(op);
  }
  free(f);
}

static void ask_ids(struct follow_up *f)
{
  params_types(f->lane, (enum pg_oid[]){PG_UUID}, 1);
  list_each(n, &f->ops)
      pg_array_ulid(&f->lane->arrays[0], &container_of(n, struct claim_op, node)->id);
}

static void follow_up_ask(struct follow_up *f, const char *statement, pg_result_fn on_result)
{
  if (list_empty(&f->ops)) {
    free(f);
    return;
  }
  struct journal *j = f->lane->journal;
  struct pg_param params[3];
  unsigned char lease[8];
  ask_ids(f);
  params_get(f->lane, params, 1);
  pg_put_int8(lease, j->options.lease_ms);
  params[1] = (struct pg_param){lease, sizeof lease};
  params[2].data = pg_array_param(&j->types, &params[2].len);
  int n = on_result == on_why ? 3 : 1;
  if (pg_run(f->lane->conn, statement, params, n, on_result, on_followed, f) != ST_OK)
    on_followed(f, PG_IN_DOUBT, "");
}

static struct follow_up *follow_up_create(struct transaction *t)
{
  struct follow_up *f = mem_alloc(sizeof *f);
  f->lane = t->lane;
  list_init(&f->ops);
  return f;
}

static void announce(struct transaction *t, const struct claim_op *op)
{
  const struct order *o = &op->claimed->order;
  struct order_event event = {.order_id = o->id,
                              .seq = o->ver,
                              .attempt = o->attempt,
                              .status = o->status,
                              .phase = OX_ACTIVE,
                              .at_ms = o->updated_at_ms};
  relay_event(t->lane->journal->relay, &event);
}

void claim_committed(struct transaction *t)
{
  if (!t->n_claims) return;
  struct follow_up *intents = follow_up_create(t), *why = follow_up_create(t);
  for (size_t i = 0; i < t->n_claims; i++) {
    struct claim_op *op = t->claims[i];
    if (op->claimed && op->entered) announce(t, op);
    op->status = op->claimed ? ST_OK : ST_STALE;
    if (!op->claimed)
      list_append(&why->ops, &op->node);
    else if (op->intent_open)
      list_append(&intents->ops, &op->node);
    else
      give(op);
  }
  t->n_claims = 0;
  follow_up_ask(intents, "claim_intents", on_intents);
  follow_up_ask(why, "claim_why", on_why);
}

/* The results of a transaction that did not commit say nothing. */
void claim_requeue(struct transaction *t)
{
  while (t->n_claims > 0) {
    struct claim_op *op = t->claims[--t->n_claims];
    journal_claimed_free(op->claimed);
    op->claimed = NULL;
    list_prepend(&t->lane->journal->claims, &op->node);
  }
}

void claim_refuse(struct transaction *t)
{
  for (size_t i = 0; i < t->n_claims; i++) claim_away(t->claims[i]);
  t->n_claims = 0;
}
