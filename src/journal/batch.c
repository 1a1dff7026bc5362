/*
 * batch.c - see batch.h. Loop thread. A batch is in the journal's list from begin to end, and with
 * that its key is taken in this process; it belongs to its caller until it is sent.
 *
 * DESIGN. The transaction may be sent any number of times: what it has inserted before counts as
 * inserted, by the ids. So when the answer to a COMMIT is lost it simply goes again.
 */
#include "journal/batch.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "journal/accept_op.h"
#include "journal/batch_op.h"
#include "journal/count.h"
#include "journal/internal.h"

enum { BATCH_DEADLINE_MS = 5000, CAP_FIRST = 64 };

/* ── putting it together ────────────────────────────────────────────────────────────────────── */

bool batch_has_key(const struct journal *j, const char *tenant, const char *key)
{
  list_each(n, &j->batches)
  {
    const struct journal_batch *b = container_of(n, struct journal_batch, node);
    if (strcmp(b->key, key) == 0 && strcmp(b->tenant, tenant) == 0) return true;
  }
  return false;
}

enum status journal_batch_begin(struct journal *j, const char *tenant, const char *key,
                                const unsigned char key_hash[JOURNAL_HASH_LEN],
                                struct journal_batch **out)
{
  if (j->closed || !journal_up(j)) return ST_AWAY;
  if (accept_key_busy(j, tenant, key)) return ST_BUSY;
  if (j->batches.len >= JOURNAL_BATCHES_MAX) return ST_FULL;
  struct journal_batch *b = mem_alloc(sizeof *b);
  b->journal = j;
  b->id = ulid_make();
  b->tenant = mem_strdup(tenant);
  b->key = mem_strdup(key);
  memcpy(b->key_hash, key_hash, JOURNAL_HASH_LEN);
  list_append(&j->batches, &b->node);
  *out = b;
  return ST_OK;
}

struct ulid journal_batch_add(struct journal_batch *b, const struct journal_accept *order)
{
  assert(!order->idempotency_key);
  if (b->n == b->cap) {
    b->cap = b->cap ? b->cap * 2 : CAP_FIRST;
    b->ops = mem_resize(b->ops, b->cap * sizeof(struct accept_op *));
  }
  struct accept_op *op = accept_op_create(order);
  b->ops[b->n++] = op;
  return op->id;
}

void journal_batch_remove(struct journal_batch *b, const struct ulid *id)
{
  size_t i = 0;
  while (i < b->n && ulid_compare(&b->ops[i]->id, id) != 0) i++;
  assert(i < b->n);
  free(b->ops[i]);
  memmove(&b->ops[i], &b->ops[i + 1], (--b->n - i) * sizeof(struct accept_op *));
}

void journal_batch_drop(struct journal_batch *b)
{
  if (!b) return;
  assert(b->state == BATCH_OPEN);
  if (b->journal) list_remove(&b->journal->batches, &b->node);
  for (size_t i = 0; i < b->n; i++) free(b->ops[i]);
  free(b->ops);
  free(b->tenant);
  free(b->key);
  free(b->response);
  free(b);
}

static void answer(struct journal_batch *b, enum status status)
{
  journal_batch_fn done = b->done;
  b->done = NULL;
  if (done) done(b->arg, status);
}

/* A conflict is for whoever asked to resolve, if he still waits. */
static void end(struct journal_batch *b, enum status status)
{
  bool given_back = status == ST_CONFLICT && b->done;
  b->state = BATCH_OPEN;
  answer(b, status);
  if (!given_back) journal_batch_drop(b);
}

void journal_batch_send(struct journal_batch *b, const char *response, journal_batch_fn done,
                        void *arg)
{
  assert(b->state == BATCH_OPEN && done);
  free(b->response);
  b->response = mem_strdup(response);
  b->done = done;
  b->arg = arg;
  b->state = BATCH_WAITING;
  if (!b->deadline_ms) b->deadline_ms = clock_mono_ms() + BATCH_DEADLINE_MS;
}

/* ── the transaction ────────────────────────────────────────────────────────────────────────── */

static void on_checked(void *arg, const PGresult *r)
{
  struct transaction *t = arg;
  if (PQntuples(r) == 1) t->at_ms = pg_get_time_ms(r, 0, 1);
}

static struct pg_param text(const char *value)
{
  return (struct pg_param){value, (int)strlen(value)};
}

static void add_key(struct journal_batch *b, struct pg_batch *tx)
{
  unsigned char ttl[8];
  pg_put_int8(ttl, b->journal->options.idempotency_ttl_s);
  const struct pg_param params[] = {text(b->tenant),
                                    text(b->key),
                                    {b->key_hash, JOURNAL_HASH_LEN},
                                    {b->id.bytes, sizeof b->id.bytes},
                                    text(b->response),
                                    {ttl, sizeof ttl}};
  pg_batch_add(tx, "batch_key", params, 6, NULL, NULL);
}

static void add_check(struct journal_batch *b, struct transaction *t, struct pg_batch *tx)
{
  struct lane *lane = t->lane;
  struct pg_param ids[1];
  params_types(lane, (enum pg_oid[]){PG_UUID}, 1);
  for (size_t i = 0; i < b->n; i++) pg_array_ulid(&lane->arrays[0], &b->ops[i]->id);
  params_get(lane, ids, 1);
  const struct pg_param params[] = {
      text(b->tenant), text(b->key), {b->id.bytes, sizeof b->id.bytes}, ids[0]};
  pg_batch_add(tx, "batch_check", params, 4, on_checked, t);
}

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate);

static void place(struct journal_batch *b)
{
  struct transaction *t = &b->journal->bulk_transaction;
  struct pg_batch *tx = pg_batch_begin(t->lane->conn);
  if (!tx) return;
  if (b->done) add_key(b, tx); /* otherwise it is too late to place it, but it may be there */
  if (b->done && b->n) accept_insert(t, tx, b->ops, b->n, NULL);
  add_check(b, t, tx);
  t->busy = true;
  t->sent_ns = clock_mono_ns();
  b->state = BATCH_SENT;
  pg_batch_send(tx, on_end, b);
}

static void committed(struct journal_batch *b)
{
  struct journal *j = b->journal;
  FAILPOINT("batch_committed");
  for (size_t i = 0; i < b->n; i++) {
    b->ops[i]->accepted.created_at_ms = j->bulk_transaction.at_ms;
    accept_announce(j, b->ops[i]);
  }
  end(b, ST_OK);
  relay_flush(j->relay);
}

static void again(struct journal_batch *b)
{
  b->state = BATCH_WAITING;
  if (!b->done) end(b, ST_AWAY); /* answered meanwhile, and not there */
}

static bool is(const char *sqlstate, const char *code)
{
  return strcmp(sqlstate, code) == 0;
}

static void rolled_back(struct journal_batch *b, const char *sqlstate)
{
  bool locked = is(sqlstate, "55P03");
  if (is(sqlstate, "22012")) {
    end(b, ST_CONFLICT); /* batch_check */
  } else if (locked && !b->doubted) {
    end(b, ST_BUSY);
  } else if (journal_passing(sqlstate)) {
    b->journal->bulk.not_before_ms = clock_mono_ms() + REFUSED_PAUSE_MS;
    again(b);
  } else {
    end(b, ST_BROKEN);
  }
}

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct journal_batch *b = arg;
  if (b->state != BATCH_SENT) { /* the journal has closed */
    b->state = BATCH_OPEN;
    journal_batch_drop(b);
    return;
  }
  b->journal->bulk_transaction.busy = false;
  count_transaction(outcome, b->journal->bulk_transaction.sent_ns, b->n);
  if (outcome == PG_COMMITTED) {
    committed(b);
  } else if (outcome == PG_ROLLED_BACK) {
    rolled_back(b, sqlstate);
  } else {
    b->doubted = true;
    b->state = BATCH_WAITING; /* also when nobody waits for it: it may have happened */
  }
}

/* ── the lane ───────────────────────────────────────────────────────────────────────────────── */

static void on_up(void *arg);

static void on_prepared(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct lane *lane = arg;
  (void)sqlstate;
  lane->ready = outcome == PG_COMMITTED;
  if (outcome == PG_ROLLED_BACK && pg_up(lane->conn)) on_up(lane);
}

static void on_up(void *arg)
{
  struct lane *lane = arg;
  struct pg_batch *tx = pg_batch_begin(lane->conn);
  if (!tx) return;
  pg_batch_add(tx, "planner", NULL, 0, NULL, NULL);
  pg_batch_add(tx, "batch_patience", NULL, 0, NULL, NULL);
  lane_types(lane, tx);
  pg_batch_send(tx, on_prepared, lane);
}

static void on_down(void *arg)
{
  struct lane *lane = arg;
  lane->ready = false;
}

void batch_open(struct journal *j)
{
  list_init(&j->batches);
  j->bulk_transaction.lane = &j->bulk;
  lane_open(j, &j->bulk, "ox batches", on_up, on_down);
}

/* The oldest first. */
static struct journal_batch *next(const struct journal *j)
{
  list_each(n, &j->batches)
  {
    struct journal_batch *b = container_of(n, struct journal_batch, node);
    if (b->state == BATCH_WAITING) return b;
  }
  return NULL;
}

void batch_turn(struct journal *j, int64_t now_ms)
{
  struct lane *lane = &j->bulk;
  if (!lane->ready || j->bulk_transaction.busy || now_ms < lane->not_before_ms) return;
  struct journal_batch *b = next(j);
  if (b) place(b);
}

/* What may have been committed stays, answered, until that is known. */
void batch_expire(struct journal *j, int64_t now_ms)
{
  list_each(n, &j->batches)
  {
    struct journal_batch *b = container_of(n, struct journal_batch, node);
    if (b->state == BATCH_OPEN || b->deadline_ms > now_ms) continue;
    if (b->state == BATCH_WAITING && !b->doubted)
      end(b, ST_AWAY);
    else
      answer(b, ST_AWAY);
  }
}

/* What is under way is freed when its connection has closed, what is open by its caller. */
void batch_close(struct journal *j)
{
  for (struct list_node *n; (n = list_pop(&j->batches)) != NULL;) {
    struct journal_batch *b = container_of(n, struct journal_batch, node);
    enum batch_state state = b->state;
    b->journal = NULL;
    if (state == BATCH_OPEN) continue;
    answer(b, ST_AWAY);
    b->state = BATCH_OPEN;
    if (state == BATCH_WAITING) journal_batch_drop(b);
  }
}
