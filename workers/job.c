/* job.c - one run of an order, from its claim to its last report; see job.h. */
#include "workers/job.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "plugin/blame.h"
#include "workers/host.h"

enum { ENTRIES_MAX_BYTES = 4096, RELEASE_DELAY_MS = 1000, BACKOFF_MAX_MS = 3600 * 1000 };

struct job *job_create(const struct job_env *env, struct journal_claimed *claimed,
                       const struct order_type *type, const char *token)
{
  struct job *job = mem_alloc(sizeof *job);
  job->env = env;
  job->claimed = claimed;
  job->type = type;
  job->incarnation = atomic_load(&env->guard->incarnation);
  job->started_ns = clock_mono_ns();
  journal_order_init(&job->journal, claimed, type, token);
  list_init(&job->chain);
  list_init(&job->batch);
  atomic_store(&job->stage, claimed->order.status);
  return job;
}

static void free_chain(struct list *chain)
{
  for (struct list_node *n; (n = list_pop(chain)) != NULL;)
    journal_entry_free(container_of(n, struct journal_entry, node));
}

void job_destroy(struct job *job)
{
  if (!job) return;
  journal_order_deinit(&job->journal);
  free_chain(&job->chain);
  json_object_deinit(&job->payload);
  free(job->intent);
  free(job->keep);
  journal_claimed_free(job->claimed);
  free(job);
}

void job_cancel(struct job *job)
{
  atomic_store(&job->cancelled, true);
  mailbox_post(job->inbox, job_nudge);
}

/* ── the worker's side ──────────────────────────────────────────────────────────────────────── */

static bool prepare(struct job *job)
{
  const struct order *o = &job->claimed->order;
  char error[128];
  if (json_object_parse(o->payload, strlen(o->payload), &job->payload, error, sizeof error) !=
      ST_OK)
    return false;
  ulid_format_order(&o->id, job->order_id);
  job->intent = job->claimed->open_intent;
  job->claimed->open_intent = NULL;
  const struct ox_state *state = order_type_state(job->type, o->status);
  job->status = state ? state->name : o->status;
  job->view = (struct ox_order){.size = sizeof job->view,
                                .attempt = (uint32_t)o->attempt,
                                .order_id = job->order_id,
                                .client_order_id = o->client_order_id,
                                .type = o->type,
                                .status = job->status,
                                .fields = job->payload.fields,
                                .n_fields = job->payload.n_fields,
                                .state = job->claimed->state,
                                .state_len = job->claimed->state_len,
                                .created_at_ms = o->created_at_ms};
  return true;
}

static const char *outcome_of(const struct job *job)
{
  if (job->landed) return "landed";
  return job->intent ? "unknown" : "none";
}

/* {"code","message","retryable","outcome"}: an order's error, docs/api/schemas/order.json. */
static char *error_json(const struct job *job, bool retryable, bool inside)
{
  struct buf out;
  struct json_writer w;
  buf_init(&out, ENTRIES_MAX_BYTES);
  json_writer_init(&w, &out);
  json_begin(&w, NULL);
  if (inside) json_begin(&w, "error");
  json_str(&w, "code", job->error_code[0] ? job->error_code : "EXECUTION_FAILED");
  json_str(&w, "message", job->error_text[0] ? job->error_text : "the executor gave no reason");
  json_bool(&w, "retryable", retryable);
  json_str(&w, "outcome", outcome_of(job));
  if (inside) json_end(&w);
  json_end(&w);
  return buf_take(&out, NULL);
}

static void add_failure(struct job *job, bool retryable)
{
  struct journal_entry *e = host_add(job);
  e->state = order_type_flagged(job->type, OX_STATE_ON_FAIL);
  e->data = error_json(job, retryable, true);
  e->error = error_json(job, retryable, false);
  host_settle_landed(job, e);
}

static void add_release(struct job *job)
{
  struct journal_entry *e = host_add(job);
  e->hold = JOURNAL_RELEASE;
  e->delay_ms = job->intent ? RELEASE_DELAY_MS : 0;
}

static int64_t backoff(const struct job *job)
{
  int64_t ms = job->env->backoff_ms;
  for (uint32_t i = 1; i < job->view.attempt && ms < BACKOFF_MAX_MS; i++) ms *= 2;
  return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static void add_retry(struct job *job)
{
  if ((int64_t)job->view.attempt >= job->env->attempts_max) {
    add_failure(job, true);
    return;
  }
  struct journal_entry *e = host_add(job);
  e->hold = JOURNAL_RETRY;
  e->delay_ms = backoff(job);
  e->error = error_json(job, true, false);
}

/* Not all at the same moment: within the last quarter of the time. */
static int64_t recheck_delay(const struct job *job)
{
  int64_t most = job->env->park_recheck_ms, spread = most / 4;
  const unsigned char *id = job->journal.id.bytes; /* its last bytes are random */
  int64_t part = id[14] << 8 | id[15];
  return most - spread * part / 65536;
}

static void add_park(struct job *job)
{
  struct journal_entry *e = host_add(job);
  e->hold = JOURNAL_RELEASE;
  e->delay_ms = recheck_delay(job);
  if (job->park_until_ms) {
    int64_t left = job->park_until_ms - clock_unix_ms();
    if (left < e->delay_ms) e->delay_ms = left > 0 ? left : 0;
  }
  if (!job->park.topic[0]) return;
  e->park = mem_alloc(sizeof *e->park);
  *e->park = job->park;
}

static void say(struct job *job, const char *code, const char *text)
{
  snprintf(job->error_code, sizeof job->error_code, "%s", code);
  snprintf(job->error_text, sizeof job->error_text, "%s", text);
}

/* An order with a transaction that may still land neither fails nor tries anew: it is looked into
 * again, unless the venue can never tell. */
static bool must_reconcile(const struct job *job)
{
  if (!job->intent || job->landed) return false;
  const struct registry_venue *v = registry_venue(job->env->registry, job->intent->venue);
  return !v || v->venue->submit_class != OX_SUBMIT_NONE;
}

static void conclude(struct job *job, enum ox_outcome outcome)
{
  if (job->over) return; /* the order has ended, whatever the executor says now */
  if (host_lost(job) || must_reconcile(job)) {
    add_release(job);
  } else if (outcome == OX_RETRY) {
    add_retry(job);
  } else if (outcome == OX_PARK && job->parked) {
    add_park(job);
  } else if (outcome == OX_FAIL) {
    add_failure(job, false);
  } else {
    say(job, "EXECUTOR_PROTOCOL",
        outcome == OX_DONE   ? "the executor ended without a terminal state"
        : outcome == OX_PARK ? "the executor parked without saying what it waits for"
                             : "the executor's outcome is none there is");
    add_failure(job, false);
  }
}

static void report_end(struct job *job)
{
  struct report *r = mem_alloc(sizeof *r);
  r->job = job;
  r->end = true;
  list_init(&r->entries);
  list_move_all(&r->entries, &job->chain);
  mailbox_post_wait(job->env->reports, r);
}

static enum ox_outcome execute(struct job *job, const struct host *host)
{
  struct blame before = blame_enter("executor", job->type->name);
  enum ox_outcome outcome = job->type->executor->execute(&job->view, &host->table);
  blame_leave(before);
  return outcome;
}

void job_run(struct job *job)
{
  struct host host;
  host_init(&host, job);
  if (!prepare(job)) {
    say(job, "PAYLOAD_INVALID", "the stored payload cannot be read");
    add_failure(job, false);
  } else if (job->claimed->takeovers > job->env->takeovers_max) {
    say(job, "TAKEOVER_LIMIT", "the order was taken over from dead workers too often");
    add_failure(job, false);
  } else {
    conclude(job, execute(job, &host));
  }
  report_end(job);
}
