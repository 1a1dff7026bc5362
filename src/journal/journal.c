/*
 * journal.c - what gathers leaves as one transaction on a lane that takes it, comes back as
 * committed, refused or in doubt, and is settled accordingly. Loop thread. What is in a
 * transaction's arrays belongs to it until it is answered.
 */
#include "journal/internal.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "journal/accept_op.h"
#include "journal/batch_op.h"
#include "journal/cancel_op.h"
#include "journal/claim_op.h"
#include "journal/count.h"
#include "journal/statements.h"

static void read_back(struct transaction *t);

void params_types(struct lane *lane, const enum pg_oid *types, int n)
{
  assert(n <= PARAMS_MAX);
  for (int i = 0; i < n; i++) {
    pg_array_reset(&lane->arrays[i]);
    lane->arrays[i].type = types[i];
  }
}

void params_get(struct lane *lane, struct pg_param *params, int n)
{
  for (int i = 0; i < n; i++) params[i].data = pg_array_param(&lane->arrays[i], &params[i].len);
}

static size_t requests_of(const struct transaction *t)
{
  size_t n = t->n_accepts + t->n_keyed + t->n_claims + t->n_cancels;
  for (int k = 0; k < STEP_KINDS; k++) n += t->n_steps[k];
  return n;
}

static void clear(struct transaction *t)
{
  t->n_accepts = t->n_keyed = t->n_grouped = t->n_claims = t->n_cancels = 0;
  memset(t->n_steps, 0, sizeof t->n_steps);
  t->busy = t->telling = t->solo = t->in_doubt = false;
}

static void committed(struct transaction *t)
{
  struct journal *j = t->lane->journal;
  accept_committed(t);
  step_committed(t); /* before the claims: some take the place of what has left */
  claim_committed(t);
  cancel_committed(t);
  clear(t);
  j->refused_since_ms = 0;
  FAILPOINT("before_relay");
  relay_flush(j->relay);
  FAILPOINT("after_relay");
}

bool journal_passing(const char *sqlstate)
{
  static const char *const classes[] = {"08", "40", "53", "55", "57", "58", "XX"};
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (strncmp(sqlstate, classes[i], 2) == 0) return true;
  return false;
}

void journal_refused(struct journal *j, const char *sqlstate)
{
  j->refused_ms = clock_mono_ms();
  if (j->refused_since_ms) return;
  j->refused_since_ms = j->refused_ms;
  LOG_WARN("PostgreSQL takes no transactions, they are tried again", LOG_STR("sqlstate", sqlstate));
}

/* An id that is there already is that of this very request: it was sent before over a connection
 * that broke, and committed only after it had been read back. */
static bool there_already(const struct transaction *t, const char *sqlstate)
{
  return t->n_accepts > 0 && strcmp(sqlstate, "23505") == 0;
}

/*
 * Nothing of the transaction happened. If PostgreSQL had no room or broke off, or there is no
 * telling which of several requests it refused, they go again, in the second case one by one; a
 * single one that is refused is told so.
 */
static void rolled_back(struct transaction *t, const char *sqlstate)
{
  struct journal *j = t->lane->journal;
  if (t->solo && there_already(t, sqlstate)) {
    read_back(t);
    return;
  }
  if (t->solo && !journal_passing(sqlstate)) {
    accept_refuse(t, ST_BROKEN);
    claim_refuse(t);
    step_refuse(t, ST_BROKEN);
    cancel_refuse(t);
  } else {
    if (journal_passing(sqlstate)) {
      t->lane->not_before_ms = clock_mono_ms() + REFUSED_PAUSE_MS;
      journal_refused(j, sqlstate);
    } else {
      j->solo_left = requests_of(t);
    }
    accept_requeue(t);
    claim_requeue(t);
    step_requeue(t);
    cancel_requeue(t);
  }
  clear(t);
}

static void send_gathered(struct journal *j);

/* The workers who are told of a transaction: of the orders that it claims for them, of steps of
 * those that nobody takes the place of. */
static void tell_company(const struct transaction *t)
{
  struct company *c = &t->lane->journal->company;
  int64_t now = clock_mono_ns();
  company_told(c, TOLD_OF_CLAIM, t->n_claims, now);
  company_told(c, TOLD_OF_STEP, step_workers(t), now);
}

/* What has gathered goes before what was committed is told, if it is much: PostgreSQL works
 * meanwhile. */
static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct transaction *t = arg;
  struct lane *lane = t->lane;
  count_transaction(outcome, t->sent_ns, requests_of(t));
  if (outcome != PG_IN_DOUBT) lane->heard_ms = clock_mono_ms();
  if (outcome == PG_COMMITTED) {
    t->telling = true;
    tell_company(t);
    send_gathered(lane->journal);
    committed(t);
  } else if (outcome == PG_ROLLED_BACK) {
    rolled_back(t, sqlstate);
  } else {
    FAILPOINT("in_doubt");
    t->in_doubt = true; /* until the lane is up again */
    lane->ready = false;
  }
}

/* Claims of the same order are not told apart by reading back: whoever asked asks again. */
static void on_doubt_row(void *arg, const PGresult *r)
{
  struct transaction *t = arg;
  for (int i = 0; i < PQntuples(r); i++) {
    struct doubt_row row = {.id = pg_get_ulid(r, i, 0),
                            .fence = pg_get_int8(r, i, 1),
                            .step = pg_get_int4(r, i, 2),
                            .phase = (enum ox_phase)pg_get_int4(r, i, 3),
                            .created_at_ms = pg_get_time_ms(r, i, 4),
                            .updated_at_ms = pg_get_time_ms(r, i, 5),
                            .status = pg_get_text(r, i, 6),
                            .by_hand = pg_get_bool(r, i, 7)};
    accept_found(t, &row.id, row.created_at_ms);
    step_found(t, &row);
    cancel_found(t, &row);
  }
}

/* Its transactions, one after the other: NULL after the last. */
static struct transaction *next_of(struct lane *lane, struct transaction *t)
{
  struct journal *j = lane->journal;
  for (t = t ? t + 1 : j->transactions; t < j->transactions + TRANSACTIONS; t++)
    if (t->lane == lane) return t;
  return NULL;
}

static bool has_doubts(struct lane *lane)
{
  for (struct transaction *t = NULL; (t = next_of(lane, t)) != NULL;)
    if (t->in_doubt) return true;
  return false;
}

static void on_doubt_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct transaction *t = arg;
  struct lane *lane = t->lane;
  if (outcome == PG_IN_DOUBT) return; /* the next on_up tries again */
  if (outcome == PG_ROLLED_BACK) {
    LOG_WARN("cannot read back what is in doubt", LOG_STR("sqlstate", sqlstate));
    if (pg_up(lane->conn)) read_back(t);
    return;
  }
  accept_resolved(t);
  step_resolved(t);
  cancel_committed(t);
  clear(t);
  relay_flush(lane->journal->relay);
  lane->ready = pg_up(lane->conn) && !has_doubts(lane);
}

/* read_back() asks for the orders whose transaction was cut off. */
static void read_back(struct transaction *t)
{
  struct lane *lane = t->lane;
  t->in_doubt = true;
  claim_refuse(t);
  accept_forget(t);
  cancel_forget(t);
  params_types(lane, (enum pg_oid[]){PG_UUID}, 1);
  struct pg_array *ids = &lane->arrays[0];
  for (size_t i = 0; i < t->n_accepts; i++) pg_array_ulid(ids, &t->accepts[i]->id);
  for (size_t i = 0; i < t->n_keyed; i++) pg_array_ulid(ids, &t->keyed[i]->id);
  for (size_t i = 0; i < t->n_cancels; i++) pg_array_ulid(ids, &t->cancels[i]->id);
  for (int k = 0; k < STEP_KINDS; k++)
    for (size_t i = 0; i < t->n_steps[k]; i++) pg_array_ulid(ids, &t->steps[k][i].order->id);
  struct pg_param params[1];
  params_get(lane, params, 1);
  struct pg_batch *batch = pg_batch_begin(lane->conn);
  if (!batch) return;
  pg_batch_add(batch, "doubt", params, 1, on_doubt_row, t);
  pg_batch_send(batch, on_doubt_end, t);
}

static void on_types(void *arg, const PGresult *r)
{
  struct lane *lane = arg;
  lane->new_order = (uint32_t)pg_get_int8(r, 0, 0);
  lane->new_step = (uint32_t)pg_get_int8(r, 0, 1);
}

void lane_types(struct lane *lane, struct pg_batch *batch)
{
  pg_batch_add(batch, "types", NULL, 0, on_types, lane);
}

static void on_up(void *arg);

static void on_prepared(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct lane *lane = arg;
  if (outcome == PG_IN_DOUBT) return; /* the next on_up tries again */
  if (outcome == PG_ROLLED_BACK) {
    LOG_WARN("cannot prepare a connection", LOG_STR("sqlstate", sqlstate));
    if (pg_up(lane->conn)) on_up(lane);
  } else {
    for (struct transaction *t = NULL; (t = next_of(lane, t)) != NULL;)
      if (t->in_doubt) read_back(t);
    lane->ready = pg_up(lane->conn) && !has_doubts(lane);
  }
}

static void on_up(void *arg)
{
  struct lane *lane = arg;
  struct pg_batch *batch = pg_batch_begin(lane->conn);
  if (!batch) return;
  pg_batch_add(batch, "planner", NULL, 0, NULL, NULL);
  lane_types(lane, batch);
  pg_batch_send(batch, on_prepared, lane);
  lane->heard_ms = clock_mono_ms();
}

static void on_down(void *arg)
{
  struct lane *lane = arg;
  lane->ready = false;
}

static size_t gathered(const struct journal *j)
{
  return j->accepts.len + j->keyed.len + j->grouped.len + j->claims.len + j->cancels.len +
         j->orders.len;
}

static void fill(struct transaction *t)
{
  struct journal *j = t->lane->journal;
  if (j->solo_left > 0) {
    t->solo = true;
    j->solo_left--;
    if (!step_take(t, 1) && !claim_take(t, 1) && !cancel_take(t, 1)) accept_take(t, 1);
    return;
  }
  step_take(t, BATCH_MAX);
  claim_take(t, BATCH_MAX);
  cancel_take(t, BATCH_MAX);
  accept_take(t, BATCH_MAX);
}

static void send_one(struct transaction *t)
{
  fill(t);
  if (requests_of(t) == 0) {
    clear(t);
    return;
  }
  struct pg_batch *batch = pg_batch_begin(t->lane->conn);
  assert(batch != NULL); /* the lane takes it */
  step_send(t, batch);
  claim_send(t, batch);
  cancel_send(t, batch);
  accept_send(t, batch);
  t->busy = true;
  t->sent_ns = clock_mono_ns();
  pg_batch_send(batch, on_end, t);
}

static bool slow(const struct transaction *t, int64_t now_ms)
{
  return now_ms - t->sent_ns / 1000000 >= SLOW_MS;
}

/* What is under way on a lane and goes well. NULL: nothing. */
static const struct transaction *ahead(struct lane *lane, int64_t now_ms)
{
  for (struct transaction *t = NULL; lane->ready && (t = next_of(lane, t)) != NULL;)
    if (t->busy && !t->telling && !slow(t, now_ms)) return t;
  return NULL;
}

/* A transaction that this lane may send now. Not behind a slow one, nor while one is told: until
 * that is done, nothing leaves. The connection may have broken in this turn, of which on_down has
 * yet to tell. */
static struct transaction *free_one(struct lane *lane, int64_t now_ms)
{
  struct transaction *found = NULL;
  if (!lane->ready || !pg_takes(lane->conn) || now_ms < lane->not_before_ms) return NULL;
  for (struct transaction *t = NULL; (t = next_of(lane, t)) != NULL;) {
    if (t->telling || t->in_doubt || (t->busy && slow(t, now_ms))) return NULL;
    if (!t->busy) found = t;
  }
  return found;
}

/* How many requests are worth a transaction on this lane. A small one costs more than it saves:
 * what is little waits for the one under way to end, and grows meanwhile. */
static size_t worth(struct lane *lane, int64_t now_ms)
{
  struct journal *j = lane->journal;
  const struct transaction *first = ahead(lane, now_ms);
  if (first) {
    size_t n = requests_of(first);
    return n > WORTH_FOLLOWING ? n : WORTH_FOLLOWING;
  }
  for (int i = 0; i < LANES; i++)
    if (ahead(&j->lanes[i], now_ms)) return WORTH_A_LANE;
  return 1;
}

void journal_expects_claims(struct journal *j, bool expected)
{
  company_expects_claims(&j->company, expected, clock_mono_ns());
}

static bool company_comes(struct journal *j)
{
  size_t n = gathered(j);
  if (n == 0 || n >= COMPANY || j->solo_left) return false;
  unsigned kinds = step_awaits(j) | (j->claims.len ? 1u << TOLD_OF_STEP : 0);
  return company_awaited(&j->company, kinds, clock_mono_ns());
}

bool journal_gathers(struct journal *j)
{
  return company_comes(j);
}

int64_t journal_under_way_ns(struct journal *j)
{
  int64_t now = clock_mono_ms();
  for (int i = 0; i < LANES; i++) {
    const struct transaction *t = ahead(&j->lanes[i], now);
    if (t) return t->sent_ns;
  }
  return 0;
}

static void send_gathered(struct journal *j)
{
  if (company_comes(j)) return;
  int64_t now = clock_mono_ms();
  for (int i = 0; i < LANES; i++) {
    struct lane *lane = &j->lanes[i];
    struct transaction *t = free_one(lane, now);
    if (t && gathered(j) >= worth(lane, now) + claim_held(t)) send_one(t);
  }
}

/* Runs in each turn of the loop, before it waits: all that the turn brought leaves together. */
static void on_prepare(uv_prepare_t *handle)
{
  struct journal *j = handle->data;
  step_drop_lost(j);
  turn_send(j);
  send_gathered(j);
  batch_turn(j, clock_mono_ms());
}

static void on_pinged(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct lane *lane = arg;
  (void)sqlstate;
  lane->pinged = false;
  if (outcome != PG_IN_DOUBT) lane->heard_ms = clock_mono_ms();
}

static bool lane_busy(struct lane *lane)
{
  for (struct transaction *t = NULL; (t = next_of(lane, t)) != NULL;)
    if (t->busy) return true;
  return false;
}

/* A connection can be up and its server hang: only an answer shows that it does not. */
static void ping(struct lane *lane, int64_t now_ms)
{
  if (!lane->ready || lane_busy(lane) || lane->pinged || now_ms - lane->heard_ms < PING_MS) return;
  lane->pinged = pg_run(lane->conn, "ping", NULL, 0, NULL, on_pinged, lane) == ST_OK;
}

static void on_timer(uv_timer_t *handle)
{
  struct journal *j = handle->data;
  int64_t now = clock_mono_ms();
  accept_expire(j, now);
  cancel_expire(j, now);
  batch_expire(j, now);
  for (int i = 0; i < LANES; i++) ping(&j->lanes[i], now);
}

/* What may be claimed, and the states that claims enter. */
static void claimable_types(struct journal *j)
{
  pg_array_init(&j->types, PG_TEXT);
  pg_array_init(&j->claim_states, PG_TEXT);
  for (size_t i = 0; i < j->options.n_types; i++) {
    const struct order_type *type = j->options.types[i];
    const struct ox_state *state = order_type_flagged(type, OX_STATE_ON_CLAIM);
    pg_array_text(&j->types, type->name);
    pg_array_text(&j->claim_states, state ? state->name : NULL);
  }
}

void lane_open(struct journal *j, struct lane *lane, const char *name,
               void (*on_lane_up)(void *arg), void (*on_lane_down)(void *arg))
{
  lane->journal = j;
  for (int i = 0; i < PARAMS_MAX; i++) pg_array_init(&lane->arrays[i], PG_UUID);
  struct pg_options options = {.url = j->options.database_url,
                               .name = name,
                               .statements = journal_statements,
                               .n_statements = n_journal_statements,
                               .deadline_ms = 5000,
                               .on_up = on_lane_up,
                               .on_down = on_lane_down,
                               .arg = lane};
  lane->conn = pg_connect(j->loop, &options);
}

struct journal *journal_create(uv_loop_t *loop, const struct journal_options *options,
                               struct relay *relay)
{
  struct journal *j = mem_alloc(sizeof *j);
  j->loop = loop;
  j->options = *options;
  j->relay = relay;
  list_init(&j->accepts);
  list_init(&j->keyed);
  list_init(&j->grouped);
  list_init(&j->claims);
  list_init(&j->cancels);
  list_init(&j->cancels_held);
  list_init(&j->orders);
  claimable_types(j);
  pg_array_init(&j->turns, PG_UUID);
  uv_prepare_init(loop, &j->prepare);
  j->prepare.data = j;
  uv_prepare_start(&j->prepare, on_prepare);
  company_init(&j->company, loop);
  j->company.timer.data = j;
  uv_timer_init(loop, &j->timer);
  j->timer.data = j;
  uv_timer_start(&j->timer, on_timer, 100, 100);
  for (int i = 0; i < TRANSACTIONS; i++) j->transactions[i].lane = &j->lanes[i % LANES];
  for (int i = 0; i < LANES; i++) lane_open(j, &j->lanes[i], "ox journal", on_up, on_down);
  batch_open(j);
  return j;
}

static void part_closed(struct journal *j)
{
  if (--j->closing > 0) return;
  for (int k = 0; k < PARAMS_MAX; k++) {
    for (int i = 0; i < LANES; i++) pg_array_deinit(&j->lanes[i].arrays[k]);
    pg_array_deinit(&j->bulk.arrays[k]);
  }
  pg_array_deinit(&j->types);
  pg_array_deinit(&j->claim_states);
  pg_array_deinit(&j->turns);
  if (j->on_destroyed) j->on_destroyed(j->destroyed_arg);
  free(j);
}

static void on_conn_closed(void *arg)
{
  part_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
  part_closed(handle->data);
}

void journal_destroy(struct journal *j, void (*done)(void *arg), void *arg)
{
  j->on_destroyed = done;
  j->destroyed_arg = arg;
  j->closed = true;
  accept_expire(j, INT64_MAX);
  cancel_expire(j, INT64_MAX);
  for (int i = 0; i < LANES; i++) j->lanes[i].ready = false;
  for (int i = 0; i < TRANSACTIONS; i++) {
    struct transaction *t = &j->transactions[i];
    accept_refuse(t, ST_AWAY);
    claim_refuse(t);
    step_refuse(t, ST_AWAY);
    cancel_refuse(t);
    clear(t);
  }
  for (struct list_node *n; (n = list_pop(&j->claims)) != NULL;)
    claim_away(container_of(n, struct claim_op, node));
  batch_close(j);
  j->closing = LANES + 4;
  pg_close(j->bulk.conn, on_conn_closed, j);
  for (int i = 0; i < LANES; i++) pg_close(j->lanes[i].conn, on_conn_closed, j);
  uv_close((uv_handle_t *)&j->prepare, on_handle_closed);
  uv_close((uv_handle_t *)&j->timer, on_handle_closed);
  company_close(&j->company, on_handle_closed);
}

struct pg_conn *journal_conn(const struct journal *j)
{
  for (int i = 0; i < LANES; i++)
    if (j->lanes[i].ready) return j->lanes[i].conn;
  return NULL;
}

bool journal_up(const struct journal *j)
{
  int64_t now = clock_mono_ms();
  for (int i = 0; i < LANES; i++) {
    const struct lane *lane = &j->lanes[i];
    if (lane->ready && now - lane->heard_ms < SILENT_MS) return true;
  }
  return false;
}

bool journal_refusing(const struct journal *j)
{
  int64_t now = clock_mono_ms();
  return j->refused_since_ms && now - j->refused_since_ms >= SILENT_MS &&
         now - j->refused_ms < REFUSING_MS;
}

bool journal_idle(const struct journal *j)
{
  for (int i = 0; i < TRANSACTIONS; i++)
    if (j->transactions[i].busy) return false;
  return gathered(j) + j->cancels_held.len + j->batches.len + j->n_turns == 0 && !j->asking_turns;
}
