/*
 * accept.c - making new orders durable. Orders without a name of the caller's own go the short way;
 * those with a clientOrderId or an idempotency key are inserted only where neither is taken, and
 * otherwise told who has it. Those that are moved by hand go that way, too; and those of groups,
 * in one transaction at a time, so that they keep the order in which they came. Loop thread.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "journal/accept_op.h"
#include "journal/batch_op.h"
#include "journal/count.h"
#include "metrics/metrics.h"

/* ── coming in ──────────────────────────────────────────────────────────────────────────────── */

static char *copy_into(char **room, const char *text)
{
  if (!text) return NULL;
  size_t size = strlen(text) + 1;
  char *at = memcpy(*room, text, size);
  *room += size;
  return at;
}

static size_t text_size(const char *text)
{
  return text ? strlen(text) + 1 : 0;
}

struct accept_op *accept_op_create(const struct journal_accept *a)
{
  size_t size = sizeof(struct accept_op) + text_size(a->tenant) + text_size(a->client_order_id) +
                text_size(a->idempotency_key) + text_size(a->group) + text_size(a->type) +
                text_size(a->status) + text_size(a->payload);
  struct accept_op *op = mem_alloc(size);
  char *room = (char *)(op + 1);
  op->tenant = copy_into(&room, a->tenant);
  op->own = copy_into(&room, a->client_order_id);
  op->key = copy_into(&room, a->idempotency_key);
  op->group = copy_into(&room, a->group);
  op->type = copy_into(&room, a->type);
  op->status = copy_into(&room, a->status);
  op->payload = copy_into(&room, a->payload);
  if (op->own) memcpy(op->hash, a->request_hash, JOURNAL_HASH_LEN);
  if (op->key) memcpy(op->key_hash, a->key_hash, JOURNAL_HASH_LEN);
  op->phase = a->phase;
  op->by_hand = a->by_hand;
  op->id = ulid_make();
  op->begun_ns = clock_mono_ns();
  return op;
}

static bool same_text(const char *a, const char *b)
{
  return a && b && strcmp(a, b) == 0;
}

static bool under_way(const struct accept_op *op, const struct journal_accept *a)
{
  return strcmp(op->tenant, a->tenant) == 0 &&
         (same_text(op->own, a->client_order_id) || same_text(op->key, a->idempotency_key));
}

/* The first request with this name or key has not been answered by PostgreSQL yet. */
static bool busy(const struct journal *j, const struct journal_accept *a)
{
  if (a->idempotency_key && batch_has_key(j, a->tenant, a->idempotency_key)) return true;
  list_each(n, &j->keyed) if (under_way(container_of(n, struct accept_op, node), a)) return true;
  list_each(n, &j->grouped) if (under_way(container_of(n, struct accept_op, node), a)) return true;
  for (int i = 0; i < TRANSACTIONS; i++)
    for (size_t k = 0; k < j->transactions[i].n_keyed; k++)
      if (under_way(j->transactions[i].keyed[k], a)) return true;
  return false;
}

bool accept_key_busy(const struct journal *j, const char *tenant, const char *key)
{
  return busy(j, &(struct journal_accept){.tenant = tenant, .idempotency_key = key});
}

static size_t under_way_in_all(const struct journal *j)
{
  size_t n = j->accepts.len + j->keyed.len + j->grouped.len;
  for (int i = 0; i < TRANSACTIONS; i++)
    n += j->transactions[i].n_accepts + j->transactions[i].n_keyed;
  return n;
}

static struct list *list_of(struct journal *j, const struct accept_op *op)
{
  if (op->group) return &j->grouped;
  return op->own || op->key || op->by_hand ? &j->keyed : &j->accepts;
}

enum status journal_accept(struct journal *j, const struct journal_accept *a,
                           journal_accepted_fn done, void *arg)
{
  if (j->closed || !journal_up(j)) return ST_AWAY;
  if (journal_refusing(j) && under_way_in_all(j) > 0) return ST_AWAY;
  if (j->accepts.len + j->keyed.len + j->grouped.len >= j->options.max_waiting) return ST_FULL;
  bool named = a->client_order_id || a->idempotency_key;
  assert(!a->client_order_id || a->request_hash);
  assert(!a->idempotency_key || a->key_hash);
  if (named && busy(j, a)) return ST_BUSY;
  struct accept_op *op = accept_op_create(a);
  op->deadline_ms = clock_mono_ms() + ANSWER_DEADLINE_MS;
  op->done = done;
  op->arg = arg;
  list_append(list_of(j, op), &op->node);
  return ST_OK;
}

/* ── going out ──────────────────────────────────────────────────────────────────────────────── */

static size_t take(struct list *from, struct accept_op **to, size_t max)
{
  size_t n = 0;
  while (n < max && !list_empty(from))
    to[n++] = container_of(list_pop(from), struct accept_op, node);
  return n;
}

static int by_id(const void *a, const void *b)
{
  const struct accept_op *const *x = a, *const *y = b;
  return ulid_compare(&(*x)->id, &(*y)->id);
}

/* Two transactions that make room in the same group would be in any order. */
static bool grouped_in_flight(const struct journal *j)
{
  for (int i = 0; i < TRANSACTIONS; i++)
    if (j->transactions[i].n_grouped) return true;
  return false;
}

static void take_grouped(struct transaction *t, size_t max)
{
  struct journal *j = t->lane->journal;
  if (list_empty(&j->grouped) || grouped_in_flight(j)) return;
  t->n_grouped = take(&j->grouped, t->keyed + t->n_keyed, max);
  t->n_keyed += t->n_grouped;
  qsort(t->keyed, t->n_keyed, sizeof *t->keyed, by_id);
}

size_t accept_take(struct transaction *t, size_t max)
{
  struct journal *j = t->lane->journal;
  t->n_accepts = take(&j->accepts, t->accepts, max);
  t->n_keyed = take(&j->keyed, t->keyed, max - t->n_accepts);
  take_grouped(t, max - t->n_accepts - t->n_keyed);
  return t->n_accepts + t->n_keyed;
}

static void put_orders(struct transaction *t, struct accept_op *const *ops, size_t n,
                       struct pg_param *param)
{
  static const enum pg_oid new_order[] = {PG_UUID, PG_TEXT,  PG_TEXT,  PG_TEXT, PG_TEXT, PG_TEXT,
                                          PG_TEXT, PG_BYTEA, PG_BYTEA, PG_INT2, PG_BOOL, PG_TEXT};
  struct pg_array *r = &t->lane->arrays[0];
  pg_array_rows(r, t->lane->new_order, new_order, sizeof new_order / sizeof *new_order);
  for (size_t i = 0; i < n; i++) {
    const struct accept_op *op = ops[i];
    pg_array_row(r);
    pg_array_ulid(r, &op->id);
    pg_array_text(r, op->tenant);
    pg_array_text(r, op->type);
    pg_array_text(r, op->status);
    pg_array_text(r, op->payload);
    pg_array_text(r, op->own);
    pg_array_text(r, op->key);
    pg_array_bytes(r, op->own ? op->hash : NULL, JOURNAL_HASH_LEN);
    pg_array_bytes(r, op->key ? op->key_hash : NULL, JOURNAL_HASH_LEN);
    pg_array_int2(r, (int16_t)op->phase);
    pg_array_bool(r, op->by_hand);
    pg_array_text(r, op->group);
  }
  params_get(t->lane, param, 1);
}

static void on_accepted(void *arg, const PGresult *r)
{
  struct transaction *t = arg;
  if (PQntuples(r) == 1) t->at_ms = pg_get_time_ms(r, 0, 0);
}

static void send_plain(struct transaction *t, struct pg_batch *batch)
{
  struct pg_param orders;
  put_orders(t, t->accepts, t->n_accepts, &orders);
  pg_batch_add(batch, "accept", &orders, 1, on_accepted, t);
}

/* Ids are made in order, and the arrays keep it. */
static struct accept_op *find(struct accept_op **ops, size_t n, const struct ulid *id)
{
  size_t low = 0;
  while (low < n) {
    size_t mid = low + (n - low) / 2;
    int cmp = ulid_compare(&ops[mid]->id, id);
    if (cmp == 0) return ops[mid];
    if (cmp < 0)
      low = mid + 1;
    else
      n = mid;
  }
  return NULL;
}

static void settle(struct accept_op *op, enum status result, const struct ulid *id, int64_t at_ms)
{
  op->settled = true;
  op->result = result;
  op->accepted.id = *id;
  op->accepted.created_at_ms = at_ms;
  op->accepted.status = op->status;
}

static void on_keyed_accepted(void *arg, const PGresult *r)
{
  struct transaction *t = arg;
  for (int i = 0; i < PQntuples(r); i++) {
    struct ulid id = pg_get_ulid(r, i, 0);
    struct accept_op *op = find(t->keyed, t->n_keyed, &id);
    if (op) settle(op, ST_OK, &id, pg_get_time_ms(r, i, 1));
  }
}

static void settle_as_first(struct accept_op *op, const PGresult *r, int row)
{
  struct ulid first = pg_get_ulid(r, row, 1);
  const char *status = pg_get_text(r, row, 4);
  enum status result = ST_CONFLICT;
  if (ulid_compare(&op->id, &first) == 0)
    result = ST_OK;
  else if (pg_get_bool(r, row, 2) && status)
    result = ST_REPLAYED;
  settle(op, result, &first, pg_get_time_ms(r, row, 3));
  if (op->result != ST_REPLAYED) return;
  snprintf(op->first_status, sizeof op->first_status, "%s", status);
  op->accepted.status = op->first_status;
}

/* Whoever was not inserted is told of the first: itself, when this transaction was sent before. */
static void on_first(void *arg, const PGresult *r)
{
  struct transaction *t = arg;
  for (int i = 0; i < PQntuples(r); i++) {
    struct ulid asked = pg_get_ulid(r, i, 0);
    struct accept_op *op = find(t->keyed, t->n_keyed, &asked);
    if (op && !op->settled) settle_as_first(op, r, i);
  }
}

static bool any_grouped(struct accept_op *const *ops, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (ops[i]->group) return true;
  return false;
}

void accept_insert(struct transaction *t, struct pg_batch *batch, struct accept_op *const *ops,
                   size_t n, pg_result_fn on_inserted)
{
  struct pg_param params[2];
  unsigned char ttl[8];
  put_orders(t, ops, n, &params[0]);
  pg_put_int8(ttl, t->lane->journal->options.idempotency_ttl_s);
  params[1] = (struct pg_param){ttl, sizeof ttl};
  bool grouped = any_grouped(ops, n);
  if (grouped) pg_batch_add(batch, "accept_room", params, 1, NULL, NULL);
  pg_batch_add(batch, grouped ? "accept_grouped" : "accept_keyed", params, 2, on_inserted, t);
}

static void send_keyed(struct transaction *t, struct pg_batch *batch)
{
  struct pg_param orders;
  accept_insert(t, batch, t->keyed, t->n_keyed, on_keyed_accepted);
  params_get(t->lane, &orders, 1);
  pg_batch_add(batch, "accept_tidy", &orders, 1, NULL, NULL);
  pg_batch_add(batch, "accept_first", &orders, 1, on_first, t);
}

void accept_send(struct transaction *t, struct pg_batch *batch)
{
  if (t->n_accepts) send_plain(t, batch);
  if (t->n_keyed) send_keyed(t, batch);
}

/* ── coming back ────────────────────────────────────────────────────────────────────────────── */

static void answer(struct accept_op *op, enum status status)
{
  if (op->done) op->done(op->arg, status, &op->accepted);
  op->done = NULL;
}

void accept_announce(struct journal *j, const struct accept_op *op)
{
  struct order_event event = {.order_id = op->id,
                              .seq = 1,
                              .attempt = 1,
                              .status = op->status,
                              .phase = op->phase,
                              .at_ms = op->accepted.created_at_ms};
  relay_event(j->relay, &event);
  metric_add(metric_series(METRIC_ACCEPTED, op->type, NULL, NULL), 1);
  metrics_observe_since(METRIC_ACCEPT, op->begun_ns);
  count_end(op->type, op->phase);
  if (op->by_hand) return;
  if (op->group)
    turn_wait(j, &op->id);
  else
    relay_enqueue(j->relay, &op->id);
}

static void finish(struct transaction *t, struct accept_op *op)
{
  if (op->result == ST_OK) FAILPOINT("accept_committed");
  if (op->result == ST_OK) accept_announce(t->lane->journal, op);
  if (op->result == ST_REPLAYED) metrics_inc(METRIC_REPLAYED);
  answer(op, op->result);
  free(op);
}

void accept_committed(struct transaction *t)
{
  for (size_t i = 0; i < t->n_accepts; i++) {
    settle(t->accepts[i], ST_OK, &t->accepts[i]->id, t->at_ms);
    finish(t, t->accepts[i]);
  }
  for (size_t i = 0; i < t->n_keyed; i++) {
    struct accept_op *op = t->keyed[i];
    if (!op->settled) op->result = ST_AWAY; /* the first went between two statements: ask again */
    finish(t, op);
  }
}

static void requeue(struct journal *j, struct accept_op **ops, size_t n)
{
  while (n > 0) {
    struct accept_op *op = ops[--n];
    op->settled = false;
    if (op->done)
      list_prepend(list_of(j, op), &op->node);
    else
      free(op); /* answered ST_AWAY meanwhile, and not there: the client tries again, or not */
  }
}

void accept_requeue(struct transaction *t)
{
  requeue(t->lane->journal, t->accepts, t->n_accepts);
  requeue(t->lane->journal, t->keyed, t->n_keyed);
}

static void refuse(struct accept_op **ops, size_t n, enum status why)
{
  for (size_t i = 0; i < n; i++) {
    answer(ops[i], why);
    free(ops[i]);
  }
}

void accept_refuse(struct transaction *t, enum status why)
{
  refuse(t->accepts, t->n_accepts, why);
  refuse(t->keyed, t->n_keyed, why);
  t->n_accepts = t->n_keyed = 0;
}

static void expire_list(struct list *waiting, int64_t now_ms)
{
  for (struct list_node *n; (n = list_first(waiting)) != NULL;) {
    struct accept_op *op = container_of(n, struct accept_op, node);
    if (op->deadline_ms > now_ms) return;
    list_remove(waiting, n);
    answer(op, ST_AWAY);
    free(op);
  }
}

/* What is in flight is told too, but stays: it may have happened, and then it has to run. */
void accept_expire(struct journal *j, int64_t now_ms)
{
  expire_list(&j->accepts, now_ms);
  expire_list(&j->keyed, now_ms);
  expire_list(&j->grouped, now_ms);
  for (int i = 0; i < TRANSACTIONS; i++) {
    struct transaction *t = &j->transactions[i];
    for (size_t k = 0; k < t->n_accepts; k++)
      if (t->accepts[k]->deadline_ms <= now_ms) answer(t->accepts[k], ST_AWAY);
    for (size_t k = 0; k < t->n_keyed; k++)
      if (t->keyed[k]->deadline_ms <= now_ms) answer(t->keyed[k], ST_AWAY);
  }
}

/* The results of a transaction that broke off say nothing. */
void accept_forget(struct transaction *t)
{
  for (size_t i = 0; i < t->n_keyed; i++) t->keyed[i]->settled = false;
}

void accept_found(struct transaction *t, const struct ulid *id, int64_t created_at_ms)
{
  struct accept_op *op = find(t->accepts, t->n_accepts, id);
  if (!op) op = find(t->keyed, t->n_keyed, id);
  if (op) settle(op, ST_OK, id, created_at_ms);
}

/* Splits what was in doubt: what is there is finished, the rest goes again. */
static size_t resolve(struct transaction *t, struct accept_op **ops, size_t n)
{
  size_t left = 0;
  for (size_t i = 0; i < n; i++) {
    if (ops[i]->settled)
      finish(t, ops[i]);
    else
      ops[left++] = ops[i];
  }
  return left;
}

void accept_resolved(struct transaction *t)
{
  t->n_accepts = resolve(t, t->accepts, t->n_accepts);
  t->n_keyed = resolve(t, t->keyed, t->n_keyed);
  accept_requeue(t);
}
