/*
 * dispatcher.c - claiming and keeping time; what becomes of a job is in intake.c. See dispatcher.h.
 */
#include "workers/dispatcher.h"

#include <assert.h>
#include <ox/text.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "workers/intake.h"
#include "workers/limiter.h"
#include "workers/roster.h"

enum {
  TICK_MS = 250,
  TELL_MS = 1000,
  REAP_MAX = 500,
  RUNNING_RETRY_MS = 1000,
  AWAY_RETRY_MS = 250,
  CLAIM_ENOUGH = 12 /* orders that are worth a claim of their own */
};

struct dispatcher {
  uv_loop_t *loop;
  struct dispatcher_parts parts;
  struct session *session;
  struct intake *intake;
  struct limiter *limiter;
  uv_prepare_t prepare;
  uv_timer_t tick, claim_timer;
  int64_t claim_sent_ns, beat_ms, told_ms;
  struct ulid process;
  int64_t created_ms;
  struct buf roster;
  struct list reserved; /* hand-overs that PostgreSQL has not answered */
  bool hungry;          /* there may be something to claim */
  bool backlog;         /* the last claim got all of the */
  size_t asked;         /* so many that it asked for */
  int64_t behind_ns; /* when the transaction was sent that the next claim may wait for; 0: none */
  bool claiming, probing, arming, armed, draining;
  int64_t drain_cancel_ms, drain_end_ms;
  void (*on_drained)(void *arg), *drained_arg;
  void (*on_destroyed)(void *arg), *destroyed_arg;
  int parts_open;
};

/* ── from hint to hand-over ─────────────────────────────────────────────────────────────────── */

struct hand_over {
  struct list_node node;
  struct dispatcher *dispatcher;
  struct queue_item item;
  int64_t sent_ns;
  uint64_t incarnation; /* of the session that it is claimed for */
};

static void ignore_done(void *arg, enum status status)
{
  (void)arg;
  (void)status;
}

/* A lost answer, here and below, is repaired by lease and sweeper. */
static void put_back(struct dispatcher *d, const struct queue_item *item, int64_t delay_ms,
                     bool refund)
{
  struct queue_item back = *item;
  back.delay_ms = delay_ms;
  if (queue_put_back(d->parts.queue, &back, 1, refund, ignore_done, NULL) != ST_OK)
    LOG_DEBUG("hint not put back", LOG_ORDER(&item->id));
}

static void refused(struct dispatcher *d, const struct queue_item *item,
                    enum journal_refusal refusal, int64_t retry_ms)
{
  put_back(d, item, retry_ms, true);
  if (refusal == JOURNAL_TERMINAL &&
      queue_drop(d->parts.queue, &item->id, 1, ignore_done, NULL) != ST_OK)
    LOG_DEBUG("hint not dropped", LOG_ORDER(&item->id));
}

/* Only the first claim of an order makes its fence 1. */
static void count_start(const struct journal_claimed *claimed, int64_t sent_ns)
{
  const struct order *o = &claimed->order;
  metrics_observe_since(METRIC_CLAIM, sent_ns);
  if (claimed->fence == 1)
    metric_observe(metric_series(METRIC_QUEUE_WAIT, o->type, NULL, NULL),
                   (clock_unix_ms() - o->created_at_ms) * 1000);
}

/* It must not run when it comes too late for the limiter, for a session that is over by now (to all
 * others its owner is dead), or without its open transaction; and it cannot where no slot is free,
 * since what was to leave it has not. */
static bool is_unfit(const struct hand_over *h, enum status status, int64_t now_ms)
{
  const struct dispatcher *d = h->dispatcher;
  return limiter_too_late(d->limiter, h->sent_ns, now_ms) || status != ST_OK ||
         intake_idle(d->intake) == 0 ||
         !session_guard_holds(session_guard(d->session), h->incarnation);
}

static void on_owned(void *arg, enum status status, struct journal_claimed *claimed,
                     enum journal_refusal refusal, int64_t retry_ms)
{
  struct hand_over *h = arg;
  struct dispatcher *d = h->dispatcher;
  list_remove(&d->reserved, &h->node);
  d->hungry = true;
  if (claimed && d->parts_open > 0) { /* being destroyed: the session's end frees the order */
    journal_claimed_free(claimed);
  } else if (claimed) {
    FAILPOINT("owned");
    int64_t now = clock_mono_ms();
    bool unfit = is_unfit(h, status, now);
    if (!unfit) limiter_note(d->limiter, h->item.token, now);
    count_start(claimed, h->sent_ns);
    intake_take(d->intake, claimed, h->item.token, unfit || d->draining);
  } else if (status == ST_STALE) {
    refused(d, &h->item, refusal, retry_ms);
  } else {
    put_back(d, &h->item, AWAY_RETRY_MS, false);
  }
  free(h);
}

bool dispatcher_has(const struct dispatcher *d, const struct ulid *id)
{
  list_each(n, &d->reserved)
  {
    const struct hand_over *h = container_of(n, struct hand_over, node);
    if (ulid_compare(&h->item.id, id) == 0) return true;
  }
  return intake_runs(d->intake, id);
}

const struct ulid *dispatcher_session(const struct dispatcher *d)
{
  return session_alive(d->session) ? session_id(d->session) : NULL;
}

/* Whose place a claim is to take: nobody's while an idle slot has no claim. */
static struct journal_order *leaver(const struct dispatcher *d)
{
  struct leavers leavers = intake_leavers(d->intake);
  size_t of_their_own = d->reserved.len - leavers.n_inherited;
  return intake_idle(d->intake) > of_their_own ? NULL : leavers.next;
}

static void hand_over(struct dispatcher *d, const struct queue_item *item)
{
  if (dispatcher_has(d, &item->id)) { /* Redis forgot that we have it */
    put_back(d, item, RUNNING_RETRY_MS, true);
    return;
  }
  struct hand_over *h = mem_alloc(sizeof *h);
  h->dispatcher = d;
  h->item = *item;
  h->incarnation = session_guard(d->session)->incarnation;
  h->sent_ns = d->claim_sent_ns;
  int64_t by = limiter_commit_by_ms(d->limiter, d->claim_sent_ns);
  struct journal_claim claim = {*session_id(d->session), item->id, by, leaver(d)};
  list_append(&d->reserved, &h->node);
  journal_claim(d->parts.journal, &claim, on_owned, h);
}

/* ── claiming ───────────────────────────────────────────────────────────────────────────────── */

static void on_armed(void *arg, bool ok, bool company)
{
  struct dispatcher *d = arg;
  d->arming = false;
  d->armed = ok && session_alive(d->session);
  d->hungry = true;
  limiter_armed(d->limiter, company);
}

static void claim_later(struct dispatcher *d, int64_t wait_ms);

/* By a time that has leapt, more was claimed than may start. */
static void give_back(struct dispatcher *d, const struct queue_claimed *claimed)
{
  for (size_t i = 0; i < claimed->n; i++) put_back(d, &claimed->items[i], 0, true);
  if (claimed->gate == QUEUE_CLOSED) d->parts.on_queue_lost(d->parts.arg);
}

static void on_claimed(void *arg, enum status status, const struct queue_claimed *claimed)
{
  struct dispatcher *d = arg;
  bool probing = d->probing;
  d->claiming = d->probing = false;
  d->backlog = status == ST_OK && claimed->n > 0 && claimed->n == d->asked;
  journal_expects_claims(d->parts.journal, false);
  if (status != ST_OK) return;
  if (limiter_leapt(d->limiter, claimed->now_ms, d->claim_sent_ns)) {
    give_back(d, claimed);
    return;
  }
  if (claimed->n) FAILPOINT("claimed");
  for (size_t i = 0; i < claimed->n; i++) hand_over(d, &claimed->items[i]);
  if (claimed->n) d->hungry = true;
  if (claimed->gate == QUEUE_LIMITED && d->asked > 0) metrics_inc(METRIC_LIMITER_WAITS);
  if (claimed->gate == QUEUE_CLOSED) {
    limiter_reopen(d->limiter);
  } else if (probing) {
    d->arming = true;
    session_arm(d->session, on_armed, d);
  } else if (claimed->wait_ms >= 0) {
    claim_later(d, claimed->wait_ms);
  }
}

static bool may_claim(const struct dispatcher *d)
{
  return !d->claiming && !limiter_busy(d->limiter) && !d->arming && session_alive(d->session) &&
         (d->armed || !d->draining);
}

/* As many as have an idle worker and, by what this process knows itself, may start. What PostgreSQL
 * has not answered yet counts as started. */
static size_t claimable(struct dispatcher *d)
{
  size_t idle = intake_idle(d->intake) + intake_leaving(d->intake);
  size_t reserved = d->reserved.len;
  int64_t wait_ms;
  if (d->draining || idle <= reserved) return 0;
  size_t allowed = limiter_allows(d->limiter, idle, &wait_ms);
  if (allowed == 0) claim_later(d, wait_ms);
  return allowed > reserved ? allowed - reserved : 0;
}

/* Workers who come back from short runs to a queue that has more for them come one after the other.
 * While a claim would wait in the journal anyway, one for all of them comes as soon as one for the
 * first, and costs Redis hardly more. But no longer than for the transaction that is under way when
 * the first of them is back: others may follow it without an end. */
static bool may_come_later(struct dispatcher *d, size_t max)
{
  if (!d->backlog || max >= CLAIM_ENOUGH || intake_leaving(d->intake) == 0) return false;
  if (journal_gathers(d->parts.journal)) return true;
  int64_t under_way_ns = journal_under_way_ns(d->parts.journal);
  if (!d->behind_ns) d->behind_ns = under_way_ns;
  return under_way_ns && under_way_ns == d->behind_ns;
}

/* Before its first start a session only looks whether the limiter's log is whole, then is armed.
 * Who drains goes on to look at the limiter's clock. */
static void try_claim(struct dispatcher *d)
{
  if (!may_claim(d)) return;
  size_t max = d->armed ? claimable(d) : 0;
  if (d->armed && max == 0 && !limiter_asks(d->limiter)) return;
  if (max > 0 && may_come_later(d, max)) return;
  char session[ULID_LEN + 1];
  ulid_format(session_id(d->session), session);
  d->hungry = false;
  d->behind_ns = 0;
  d->claim_sent_ns = clock_mono_ns();
  d->probing = !d->armed;
  d->asked = max;
  if (d->backlog && intake_leaving(d->intake) > 0) journal_expects_claims(d->parts.journal, true);
  d->claiming = queue_claim(d->parts.queue, session, max, on_claimed, d) == ST_OK;
}

static void on_claim_timer(uv_timer_t *timer)
{
  struct dispatcher *d = timer->data;
  d->hungry = true;
}

static void claim_later(struct dispatcher *d, int64_t wait_ms)
{
  uv_timer_start(&d->claim_timer, on_claim_timer, (uint64_t)wait_ms, 0);
}

static void on_prepare(uv_prepare_t *handle)
{
  struct dispatcher *d = handle->data;
  intake_send(d->intake);
  if (d->hungry) try_claim(d);
}

void dispatcher_wake(struct dispatcher *d)
{
  d->hungry = true;
}

void dispatcher_queue_up(struct dispatcher *d)
{
  d->hungry = true;
}

/* What is not a ULID is skipped: anybody can publish. */
void dispatcher_stop(struct dispatcher *d, const char *ids, size_t len)
{
  const char *end = ids + len;
  struct ulid id;
  for (const char *at = ids; end - at >= ULID_LEN; at++)
    if (ulid_parse(at, ULID_LEN, &id)) {
      intake_cancel_order(d->intake, &id);
      at += ULID_LEN;
    }
}

/* ── keeping time ───────────────────────────────────────────────────────────────────────────── */

static void on_lost_leases(void *arg, enum status status, const struct ulid *ids, size_t n)
{
  (void)arg;
  (void)ids;
  if (status == ST_OK && n > 0) LOG_DEBUG("leases unknown to Redis", LOG_INT("orders", (int64_t)n));
}

static void on_reaped(void *arg, enum status status, const struct ulid *ids, size_t n)
{
  struct dispatcher *d = arg;
  (void)ids;
  if (status != ST_OK || n == 0) return;
  LOG_INFO("leases ran out, the orders wait again", LOG_INT("orders", (int64_t)n));
  d->hungry = true;
}

static void beat(struct dispatcher *d, int64_t now)
{
  if (now - d->beat_ms < d->parts.options->lease_ms / 4) return;
  struct queue_item items[INTAKE_MAX];
  size_t n = intake_leases(d->intake, items, INTAKE_MAX);
  if (n == 0 || queue_beat(d->parts.queue, items, n, on_lost_leases, d) == ST_OK) d->beat_ms = now;
}

static void drain_tick(struct dispatcher *d, int64_t now)
{
  if (now >= d->drain_cancel_ms) intake_cancel(d->intake);
  bool done = intake_empty(d->intake) && list_empty(&d->reserved);
  if (!done && now < d->drain_end_ms) return;
  if (!done) LOG_WARN("orders are still running; another process will take them over");
  void (*on_drained)(void *) = d->on_drained;
  d->on_drained = NULL;
  if (on_drained) on_drained(d->drained_arg);
}

/* For the others to show; see queue/report.h. */
static void tell(struct dispatcher *d, int64_t now)
{
  struct queue_report report;
  if (now - d->told_ms < TELL_MS) return;
  d->told_ms = now;
  roster_write(d, &d->roster, &report);
  if (!d->roster.overflow && queue_report(d->parts.queue, &report) != ST_OK)
    LOG_DEBUG("slots not told, Redis is away");
}

static void on_tick(uv_timer_t *timer)
{
  struct dispatcher *d = timer->data;
  int64_t now = clock_mono_ms();
  d->hungry = true;
  beat(d, now);
  tell(d, now);
  intake_enforce_deadlines(d->intake, now);
  if (intake_exhausted(d->intake)) d->parts.on_fatal(d->parts.arg);
  if (d->draining)
    drain_tick(d, now);
  else if (queue_reap(d->parts.queue, REAP_MAX, on_reaped, d) != ST_OK)
    LOG_DEBUG("nothing reaped, Redis is away");
}

/* ── session, life and death ────────────────────────────────────────────────────────────────── */

static void on_session_open(void *arg)
{
  struct dispatcher *d = arg;
  d->armed = false;
  d->hungry = true;
}

static void on_session_lost(void *arg)
{
  struct dispatcher *d = arg;
  d->armed = false;
  intake_cancel(d->intake);
}

static void on_change(void *arg)
{
  ((struct dispatcher *)arg)->hungry = true;
}

static void on_log_lost(void *arg)
{
  const struct dispatcher *d = arg;
  d->parts.on_queue_lost(d->parts.arg);
}

struct dispatcher *dispatcher_create(uv_loop_t *loop, const struct dispatcher_parts *parts)
{
  struct dispatcher *d = mem_alloc(sizeof *d);
  const struct workers_options *o = parts->options;
  d->loop = loop;
  d->parts = *parts;
  d->process = ulid_make();
  d->created_ms = clock_mono_ms();
  list_init(&d->reserved);
  buf_init(&d->roster, ROSTER_TEXT_MAX);
  struct session_events events = {on_session_open, on_session_lost, d};
  d->session = session_create(loop, o->database_url, o->lease_ms, &events);
  struct limiter_parts limiter = {.options = o,
                                  .queue = parts->queue,
                                  .session = d->session,
                                  .on_lost = on_log_lost,
                                  .on_change = on_change,
                                  .arg = d};
  d->limiter = limiter_create(&limiter);
  struct intake_parts intake = {.options = o,
                                .registry = parts->registry,
                                .venues = parts->venues,
                                .journal = parts->journal,
                                .guard = session_guard(d->session),
                                .parks = parts->parks,
                                .on_change = on_change,
                                .arg = d};
  d->intake = intake_create(loop, &intake);
  uv_prepare_init(loop, &d->prepare);
  uv_timer_init(loop, &d->tick);
  uv_timer_init(loop, &d->claim_timer);
  d->prepare.data = d->tick.data = d->claim_timer.data = d;
  uv_prepare_start(&d->prepare, on_prepare);
  uv_timer_start(&d->tick, on_tick, TICK_MS, TICK_MS);
  return d;
}

void dispatcher_drain(struct dispatcher *d, int64_t timeout_ms, void (*done)(void *arg), void *arg)
{
  int64_t now = clock_mono_ms();
  FAILPOINT("draining");
  d->draining = true;
  d->on_drained = done;
  d->drained_arg = arg;
  d->drain_cancel_ms = now + timeout_ms / 2;
  d->drain_end_ms = now + timeout_ms;
  uv_timer_start(&d->tick, on_tick, 0, 20);
}

void dispatcher_hurry(struct dispatcher *d, int64_t timeout_ms)
{
  int64_t now = clock_mono_ms();
  d->drain_cancel_ms = now;
  if (now + timeout_ms < d->drain_end_ms) d->drain_end_ms = now + timeout_ms;
}

static void part_closed(void *arg)
{
  struct dispatcher *d = arg;
  if (--d->parts_open > 0) return;
  if (d->on_destroyed) d->on_destroyed(d->destroyed_arg);
  buf_deinit(&d->roster);
  limiter_destroy(d->limiter);
  free(d);
}

static void on_handle_closed(uv_handle_t *handle)
{
  part_closed(handle->data);
}

void dispatcher_destroy(struct dispatcher *d, void (*done)(void *arg), void *arg)
{
  d->on_destroyed = done;
  d->destroyed_arg = arg;
  d->draining = true;
  d->parts_open = 5;
  struct session_start last;
  bool started = limiter_last(d->limiter, &last);
  uv_close((uv_handle_t *)&d->prepare, on_handle_closed);
  uv_close((uv_handle_t *)&d->tick, on_handle_closed);
  uv_close((uv_handle_t *)&d->claim_timer, on_handle_closed);
  intake_destroy(d->intake, part_closed, d);
  session_close(d->session, started ? &last : NULL, part_closed, d);
}

bool dispatcher_alive(const struct dispatcher *d)
{
  return session_alive(d->session);
}

bool dispatcher_empty(const struct dispatcher *d)
{
  return intake_empty(d->intake);
}

size_t dispatcher_slots(const struct dispatcher *d)
{
  return intake_slots(d->intake);
}

size_t dispatcher_busy(const struct dispatcher *d)
{
  return intake_slots(d->intake) - intake_idle(d->intake);
}

const struct ulid *dispatcher_process(const struct dispatcher *d)
{
  return &d->process;
}

int64_t dispatcher_open_ms(const struct dispatcher *d)
{
  return clock_mono_ms() - d->created_ms;
}

struct dispatcher_slot dispatcher_slot(const struct dispatcher *d, size_t slot)
{
  struct dispatcher_slot s = {.tally = *intake_tally(d->intake, slot)};
  const struct job *job = intake_job(d->intake, slot);
  if (!job) return s;
  int64_t age_ns = clock_mono_ns() - job->started_ns;
  s.busy = true;
  s.order = job->journal.id;
  s.type = job->type->name;
  s.stage = atomic_load(&job->stage);
  s.attempt = job->journal.attempt;
  s.age_ms = age_ns / 1000000;
  s.tally.busy_ns += age_ns;
  return s;
}
