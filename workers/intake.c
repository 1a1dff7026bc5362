/* intake.c - see intake.h. Owns every job from its claim until it is freed. */
#include "workers/intake.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "workers/host.h"
#include "workers/pool.h"

enum {
  REPORTS = 4096,
  DRAIN_CHUNK = 64,
  WRITE_OFF_GRACE_MS = 5000,
  QUICK_MS = 50 /* a run so short that what a commit takes matters to its slot */
};

#define REPORT_REFUSED                                                                             \
  "{\"code\":\"REPORT_REFUSED\",\"message\":\"the executor's report could not be stored\","        \
  "\"retryable\":false,\"outcome\":\"unknown\"}"

struct intake {
  struct intake_parts parts;
  struct job_env env;
  struct pool *pool;
  uv_async_t async;
  struct slot_tally tallies[INTAKE_MAX];
  struct list jobs;    /* all of them: running, ending, released, abandoned */
  struct list to_send; /* of them: their transactions go together, as soon as all callbacks ran */
  size_t returning;    /* of them: ours, given back before they ran */
  size_t n_quick;      /* of them: quick */
  void (*on_destroyed)(void *arg), *destroyed_arg;
};

static void wake(void *arg)
{
  uv_async_send(arg);
}

static void forget(struct intake *in, struct job *job)
{
  if (!job->inbox && !job->abandoned) in->returning--;
  if (job->quick) in->n_quick--;
  list_remove(&in->jobs, &job->node);
  job_destroy(job);
}

static void post(struct intake *in, struct job *job, struct journal_entry *e, bool answer);

/* PostgreSQL would not store what the executor said: the order fails with a reason it will take. */
static void rescue(struct intake *in, struct job *job)
{
  struct journal_entry *e = mem_alloc(sizeof *e);
  job->broken = false;
  job->journal.lost = false;
  e->order = &job->journal;
  e->state = order_type_flagged(job->type, OX_STATE_ON_FAIL);
  e->data = mem_strdup("{\"error\":" REPORT_REFUSED "}");
  e->error = mem_strdup(REPORT_REFUSED);
  post(in, job, e, false);
}

/* A run is over when its last step is durable: so long it had its slot. */
static void count_run(struct intake *in, const struct job *job)
{
  struct slot_tally *tally = &in->tallies[job->slot];
  const char *type = job->type->name;
  enum ox_phase phase = job->journal.phase;
  tally->busy_ns += clock_mono_ns() - job->started_ns;
  if (phase == OX_SUCCEEDED)
    tally->succeeded++;
  else if (phase == OX_FAILED)
    tally->failed++;
  else if (job->retried)
    tally->retried++;
  else
    tally->other++;
  metric_observe_since(metric_series(METRIC_RUN, type, NULL, NULL), job->started_ns);
  if (order_phase_terminal(phase))
    metric_observe(metric_series(METRIC_LIFE, type, order_phase_name(phase), NULL),
                   (clock_unix_ms() - job->claimed->order.created_at_ms) * 1000);
}

static void settle(struct intake *in, struct job *job)
{
  if (!job->ended || job->pending > 0) return;
  if (job->broken && !order_phase_terminal(job->journal.phase)) {
    rescue(in, job);
    return;
  }
  if (!job->abandoned && job->inbox) {
    count_run(in, job);
    pool_done(in->pool, job);
  }
  forget(in, job);
  in->parts.on_change(in->parts.arg);
}

static void refused(struct job *job, enum status status)
{
  if (status == ST_BROKEN) job->broken = job->journal.lost = true;
  if (job->inbox) job_cancel(job);
}

static struct intake *intake_of(struct job *job)
{
  return container_of(job->env, struct intake, env);
}

static void on_answered(struct journal_entry *e, enum status status)
{
  struct job *job = e->arg;
  job->pending--;
  if (status != ST_OK) refused(job, status);
  if (status == ST_OK && job->batch_venue)
    list_append(&intake_of(job)->to_send, &job->in_batch);
  else
    host_answer(job, status);
  settle(intake_of(job), job);
}

static void on_journaled(struct journal_entry *e, enum status status)
{
  struct job *job = e->arg;
  job->pending--;
  if (status != ST_OK) refused(job, status);
  job->retried |= status == ST_OK && e->hold == JOURNAL_RETRY;
  settle(intake_of(job), job);
}

static void post(struct intake *in, struct job *job, struct journal_entry *e, bool answer)
{
  e->done = answer ? on_answered : on_journaled;
  e->arg = job;
  job->pending++;
  journal_post(in->parts.journal, e);
}

/* What a thread that was written off still says is not heard: its order was released. */
static void dismiss(struct intake *in, struct report *r)
{
  for (struct list_node *n; (n = list_pop(&r->entries)) != NULL;)
    journal_entry_free(container_of(n, struct journal_entry, node));
  if (r->answer) host_answer(r->job, ST_STALE);
  if (!r->end) return;
  pool_returned(in->pool, r->job);
  r->job->inbox = NULL;
  r->job->ended = true;
  settle(in, r->job);
}

/* Its worker is idle, and after a run as short as this what comes next need not wait until the end
 * is durable: it is made ours in the same transaction. */
static void end_run(struct intake *in, struct job *job)
{
  job->ended = true;
  job->quick = clock_mono_ns() - job->started_ns < QUICK_MS * INT64_C(1000000);
  if (!job->quick) return;
  in->n_quick++;
  in->parts.on_change(in->parts.arg);
}

static void take_report(struct intake *in, struct report *r)
{
  struct job *job = r->job;
  if (job->abandoned) {
    dismiss(in, r);
    return;
  }
  if (r->end) end_run(in, job);
  for (struct list_node *n; (n = list_pop(&r->entries)) != NULL;)
    post(in, job, container_of(n, struct journal_entry, node),
         r->answer && list_empty(&r->entries));
  settle(in, job);
}

static void on_async(uv_async_t *async)
{
  struct intake *in = async->data;
  void *reports[DRAIN_CHUNK];
  for (size_t n; (n = mailbox_drain(in->env.reports, reports, DRAIN_CHUNK)) > 0;) {
    for (size_t i = 0; i < n; i++) {
      take_report(in, reports[i]);
      free(reports[i]);
    }
  }
}

static struct job *sender_of(struct list_node *n)
{
  return container_of(n, struct job, in_batch);
}

/* The first of those that may be sent together gets the others, and sends them all. */
void intake_send(struct intake *in)
{
  for (struct list_node *n; (n = list_pop(&in->to_send)) != NULL;) {
    struct job *job = sender_of(n);
    for (struct list_node *at = list_first(&in->to_send), *next; at; at = next) {
      next = at->next == &in->to_send.head ? NULL : at->next;
      bool together = venues_together(sender_of(at)->batch_venue, job->batch_venue);
      if (!together || job->batch.len + 1 == OX_BATCH_MAX) continue;
      list_remove(&in->to_send, at);
      list_append(&job->batch, at);
    }
    host_answer(job, ST_OK);
  }
}

static struct journal_entry *release_entry(struct job *job, int64_t delay_ms)
{
  struct journal_entry *e = mem_alloc(sizeof *e);
  e->order = &job->journal;
  e->hold = JOURNAL_RELEASE;
  e->delay_ms = delay_ms;
  return e;
}

void intake_take(struct intake *in, struct journal_claimed *claimed, const char *token,
                 bool give_back)
{
  const struct order_type *type = registry_type(in->parts.registry, claimed->order.type);
  assert(type && type->executor); /* the claim is restricted to them */
  struct job *job = job_create(&in->env, claimed, type, token);
  list_append(&in->jobs, &job->node);
  if (give_back) {
    in->returning++;
    job->ended = true;
    struct journal_entry *e = release_entry(job, 0);
    e->never_ran = true;
    post(in, job, e, false);
  } else {
    pool_start(in->pool, job);
  }
}

static struct job *job_at(struct list_node *n)
{
  return container_of(n, struct job, node);
}

static void cancel(struct job *job)
{
  if (job->inbox && !job->ended) job_cancel(job);
}

void intake_cancel(struct intake *in)
{
  list_each(n, &in->jobs) cancel(job_at(n));
}

void intake_cancel_order(struct intake *in, const struct ulid *id)
{
  list_each(n, &in->jobs) if (ulid_compare(&job_at(n)->journal.id, id) == 0) cancel(job_at(n));
}

/* Over its deadline a job is told to stop; if it does not, it loses its order and its slot a
 * thread. */
void intake_enforce_deadlines(struct intake *in, int64_t now_ms)
{
  int64_t deadline_ms = in->parts.options->job_deadline_ms;
  list_each(n, &in->jobs)
  {
    struct job *job = job_at(n);
    int64_t age = now_ms - job->started_ns / 1000000;
    if (job->ended || job->abandoned || !job->inbox || age < deadline_ms) continue;
    if (!atomic_load(&job->cancelled)) {
      LOG_WARN("job over its deadline, cancelled", LOG_ORDER(&job->journal.id));
      job_cancel(job);
    } else if (age >= deadline_ms + WRITE_OFF_GRACE_MS) {
      LOG_ERROR("job ignores its cancel, thread written off", LOG_ORDER(&job->journal.id));
      count_run(in, job);
      pool_write_off(in->pool, job);
      if (job->abandoned) post(in, job, release_entry(job, 0), false);
    }
  }
}

bool intake_runs(const struct intake *in, const struct ulid *id)
{
  list_each(n, &in->jobs) if (ulid_compare(&job_at(n)->journal.id, id) == 0) return true;
  return false;
}

size_t intake_leases(const struct intake *in, struct queue_item *items, size_t max)
{
  size_t i = 0;
  list_each(n, &in->jobs)
  {
    const struct journal_order *o = &job_at(n)->journal;
    if (i == max) break;
    items[i].id = o->id;
    items[i].delay_ms = 0;
    memcpy(items[i].token, o->token, sizeof items[i].token);
    i++;
  }
  return i;
}

struct intake *intake_create(uv_loop_t *loop, const struct intake_parts *parts)
{
  struct intake *in = mem_alloc(sizeof *in);
  const struct workers_options *o = parts->options;
  in->parts = *parts;
  list_init(&in->jobs);
  list_init(&in->to_send);
  uv_async_init(loop, &in->async, on_async);
  in->async.data = in;
  in->env = (struct job_env){.registry = parts->registry,
                             .venues = parts->venues,
                             .guard = parts->guard,
                             .reports = mailbox_create(REPORTS, wake, &in->async),
                             .parks = parts->parks,
                             .seed = o->seed,
                             .attempts_max = o->attempts,
                             .backoff_ms = o->backoff_ms,
                             .takeovers_max = o->takeovers,
                             .park_recheck_ms = o->park_recheck_ms};
  in->pool = pool_create(o->concurrency);
  return in;
}

static void on_async_closed(uv_handle_t *handle)
{
  struct intake *in = handle->data;
  if (in->on_destroyed) in->on_destroyed(in->destroyed_arg);
  if (list_empty(&in->jobs)) free(in);
}

/* Threads that still run use what is here: then it stays, and the process ends around them. */
void intake_destroy(struct intake *in, void (*done)(void *arg), void *arg)
{
  in->on_destroyed = done;
  in->destroyed_arg = arg;
  if (list_empty(&in->jobs)) {
    pool_destroy(in->pool);
    mailbox_destroy(in->env.reports);
  } else {
    mailbox_close(in->env.reports); /* whoever reports from now on finds no loop to wake */
  }
  uv_close((uv_handle_t *)&in->async, on_async_closed);
}

size_t intake_slots(const struct intake *in)
{
  return pool_slots(in->pool);
}

/* An order that is being given back still is this process's own: it holds its place until then. */
size_t intake_idle(const struct intake *in)
{
  size_t idle = pool_idle(in->pool);
  return idle > in->returning ? idle - in->returning : 0;
}

size_t intake_leaving(const struct intake *in)
{
  return in->n_quick;
}

struct leavers intake_leavers(const struct intake *in)
{
  struct leavers found = {0};
  list_each(n, &in->jobs)
  {
    struct job *job = job_at(n);
    if (!job->quick) continue;
    if (job->journal.heir)
      found.n_inherited++;
    else if (!found.next)
      found.next = &job->journal;
  }
  return found;
}

bool intake_empty(const struct intake *in)
{
  return list_empty(&in->jobs);
}

bool intake_exhausted(const struct intake *in)
{
  return pool_exhausted(in->pool);
}

const struct slot_tally *intake_tally(const struct intake *in, size_t slot)
{
  return &in->tallies[slot];
}

const struct job *intake_job(const struct intake *in, size_t slot)
{
  return pool_job(in->pool, slot);
}
