/*
 * journal.c - lanes: what gathers leaves as one transaction on a lane that is free, comes back as
 * committed, refused or in doubt, and is settled accordingly. Loop thread. What is in a lane's
 * arrays belongs to the lane until it is answered.
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

static void lane_doubt(struct lane *lane);

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

static size_t lane_requests(const struct lane *lane)
{
  size_t n = lane->n_accepts + lane->n_keyed + lane->n_claims + lane->n_cancels;
  for (int k = 0; k < STEP_KINDS; k++) n += lane->n_steps[k];
  return n;
}

static void lane_clear(struct lane *lane)
{
  lane->n_accepts = lane->n_keyed = lane->n_grouped = lane->n_claims = lane->n_cancels = 0;
  memset(lane->n_steps, 0, sizeof lane->n_steps);
  lane->busy = lane->solo = false;
}

static void lane_committed(struct lane *lane)
{
  struct relay *relay = lane->journal->relay;
  accept_committed(lane);
  step_committed(lane); /* before the claims: some take the place of what has left */
  claim_committed(lane);
  cancel_committed(lane);
  lane_clear(lane);
  lane->journal->refused_since_ms = 0;
  FAILPOINT("before_relay");
  relay_flush(relay);
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
static bool there_already(const struct lane *lane, const char *sqlstate)
{
  return lane->n_accepts > 0 && strcmp(sqlstate, "23505") == 0;
}

/*
 * Nothing of the transaction happened. If PostgreSQL had no room or broke off, or there is no
 * telling which of several requests it refused, they go again, in the second case one by one; a
 * single one that is refused is told so.
 */
static void lane_rolled_back(struct lane *lane, const char *sqlstate)
{
  struct journal *j = lane->journal;
  if (lane->solo && there_already(lane, sqlstate)) {
    lane_doubt(lane);
    return;
  }
  if (lane->solo && !journal_passing(sqlstate)) {
    accept_refuse(lane, ST_BROKEN);
    claim_refuse(lane);
    step_refuse(lane, ST_BROKEN);
    cancel_refuse(lane);
  } else {
    if (journal_passing(sqlstate)) {
      lane->not_before_ms = clock_mono_ms() + REFUSED_PAUSE_MS;
      journal_refused(j, sqlstate);
    } else {
      j->solo_left = lane_requests(lane);
    }
    accept_requeue(lane);
    claim_requeue(lane);
    step_requeue(lane);
    cancel_requeue(lane);
  }
  lane_clear(lane);
}

static void send_gathered(struct journal *j);

/* Of a transaction the requests of workers who come back: with what their order does next, or with
 * the claim of another where none has taken its place. */
static size_t workers_of(const struct lane *lane)
{
  return lane->n_claims + step_workers(lane);
}

/* What has gathered goes before what was committed is told, if it is much: PostgreSQL works
 * meanwhile. */
static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct lane *lane = arg;
  count_transaction(outcome, lane->sent_ns, lane_requests(lane));
  if (outcome != PG_IN_DOUBT) lane->heard_ms = clock_mono_ms();
  if (outcome == PG_COMMITTED) {
    lane->telling = true;
    company_told(&lane->journal->company, workers_of(lane), clock_mono_ns());
    send_gathered(lane->journal);
    lane_committed(lane);
    lane->telling = false;
  } else if (outcome == PG_ROLLED_BACK) {
    lane_rolled_back(lane, sqlstate);
  } else {
    FAILPOINT("in_doubt");
    lane->ready = false; /* busy stays: what is in the lane is in doubt until it is up again */
  }
}

/* Claims of the same order are not told apart by reading back: whoever asked asks again. */
static void on_doubt_row(void *arg, const PGresult *r)
{
  struct lane *lane = arg;
  for (int i = 0; i < PQntuples(r); i++) {
    struct doubt_row row = {.id = pg_get_ulid(r, i, 0),
                            .fence = pg_get_int8(r, i, 1),
                            .step = pg_get_int4(r, i, 2),
                            .phase = (enum ox_phase)pg_get_int4(r, i, 3),
                            .created_at_ms = pg_get_time_ms(r, i, 4),
                            .updated_at_ms = pg_get_time_ms(r, i, 5),
                            .status = pg_get_text(r, i, 6),
                            .by_hand = pg_get_bool(r, i, 7)};
    accept_found(lane, &row.id, row.created_at_ms);
    step_found(lane, &row);
    cancel_found(lane, &row);
  }
}

static void on_doubt_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct lane *lane = arg;
  if (outcome == PG_IN_DOUBT) return; /* the next on_up tries again */
  if (outcome == PG_ROLLED_BACK) {
    LOG_WARN("cannot read back what is in doubt", LOG_STR("sqlstate", sqlstate));
    if (pg_up(lane->conn)) lane_doubt(lane);
    return;
  }
  accept_resolved(lane);
  step_resolved(lane);
  cancel_committed(lane);
  lane_clear(lane);
  relay_flush(lane->journal->relay);
  lane->ready = pg_up(lane->conn);
}

/* lane_doubt() reads back the orders whose transaction was cut off. */
static void lane_doubt(struct lane *lane)
{
  claim_refuse(lane);
  accept_forget(lane);
  cancel_forget(lane);
  params_types(lane, (enum pg_oid[]){PG_UUID}, 1);
  struct pg_array *ids = &lane->arrays[0];
  for (size_t i = 0; i < lane->n_accepts; i++) pg_array_ulid(ids, &lane->accepts[i]->id);
  for (size_t i = 0; i < lane->n_keyed; i++) pg_array_ulid(ids, &lane->keyed[i]->id);
  for (size_t i = 0; i < lane->n_cancels; i++) pg_array_ulid(ids, &lane->cancels[i]->id);
  for (int k = 0; k < STEP_KINDS; k++)
    for (size_t i = 0; i < lane->n_steps[k]; i++) pg_array_ulid(ids, &lane->steps[k][i].order->id);
  struct pg_param params[1];
  params_get(lane, params, 1);
  struct pg_batch *batch = pg_batch_begin(lane->conn);
  if (!batch) return;
  pg_batch_add(batch, "doubt", params, 1, on_doubt_row, lane);
  pg_batch_send(batch, on_doubt_end, lane);
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
  } else if (lane->busy) {
    lane_doubt(lane);
  } else {
    lane->ready = pg_up(lane->conn);
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

static void lane_fill(struct lane *lane)
{
  struct journal *j = lane->journal;
  if (j->solo_left > 0) {
    lane->solo = true;
    j->solo_left--;
    if (!step_take(lane, 1) && !claim_take(lane, 1) && !cancel_take(lane, 1)) accept_take(lane, 1);
    return;
  }
  step_take(lane, BATCH_MAX);
  claim_take(lane, BATCH_MAX);
  cancel_take(lane, BATCH_MAX);
  accept_take(lane, BATCH_MAX);
}

static void lane_send(struct lane *lane)
{
  lane_fill(lane);
  if (lane_requests(lane) == 0) {
    lane_clear(lane);
    return;
  }
  struct pg_batch *batch = pg_batch_begin(lane->conn);
  assert(batch != NULL); /* it is idle */
  step_send(lane, batch);
  claim_send(lane, batch);
  cancel_send(lane, batch);
  accept_send(lane, batch);
  lane->busy = true;
  lane->sent_ns = clock_mono_ns();
  pg_batch_send(batch, on_end, lane);
}

static bool brisk(const struct lane *lane, int64_t now_ms)
{
  return lane->ready && lane->busy && !lane->telling && now_ms - lane->sent_ns / 1000000 < SLOW_MS;
}

/* Its connection may have broken in this turn, of which on_down has yet to tell. */
static bool lane_idle(const struct lane *lane)
{
  return lane->ready && !lane->busy && pg_takes(lane->conn);
}

/* A small second transaction costs more than it saves: what is little waits for the first to end,
 * and grows meanwhile. */
static bool worth_sending(const struct journal *j, size_t in_flight)
{
  return gathered(j) >= (in_flight > 0 ? WORTH_A_LANE : 1);
}

void journal_expects_claims(struct journal *j, bool expected)
{
  company_expects_claims(&j->company, expected, clock_mono_ns());
}

static bool company_comes(struct journal *j)
{
  size_t n = gathered(j);
  return n > 0 && n < COMPANY && !j->solo_left && company_awaited(&j->company, clock_mono_ns());
}

static void send_gathered(struct journal *j)
{
  if (company_comes(j)) return;
  int64_t now = clock_mono_ms();
  size_t in_flight = 0;
  for (int i = 0; i < LANES; i++) in_flight += brisk(&j->lanes[i], now);
  for (int i = 0; i < LANES && worth_sending(j, in_flight); i++) {
    struct lane *lane = &j->lanes[i];
    if (!lane_idle(lane) || now < lane->not_before_ms) continue;
    lane_send(lane);
    in_flight += lane->busy;
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

/* A connection can be up and its server hang: only an answer shows that it does not. */
static void ping(struct lane *lane, int64_t now_ms)
{
  if (!lane->ready || lane->busy || lane->pinged || now_ms - lane->heard_ms < PING_MS) return;
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
  for (int i = 0; i < LANES; i++) {
    struct lane *lane = &j->lanes[i];
    lane->ready = false;
    accept_refuse(lane, ST_AWAY);
    claim_refuse(lane);
    step_refuse(lane, ST_AWAY);
    cancel_refuse(lane);
    lane_clear(lane);
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
  for (int i = 0; i < LANES; i++)
    if (j->lanes[i].busy) return false;
  return gathered(j) + j->cancels_held.len + j->batches.len + j->n_turns == 0 && !j->asking_turns;
}
