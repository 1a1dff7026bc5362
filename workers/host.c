/* host.c - the host's table but for quoting and submitting; see host.h. */
#include "workers/host.h"

#include <ox/text.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum { PROBE_LOOK_MS = 50 };

char job_nudge[1];

static struct job *job_of(const struct ox_host *table)
{
  return container_of(table, struct host, table)->job;
}

bool host_lost(const struct job *job)
{
  return atomic_load(&job->cancelled) || !session_guard_holds(job->env->guard, job->incarnation);
}

bool host_wait(struct job *job, int64_t until_ns)
{
  if (host_lost(job)) return false;
  mailbox_take(job->inbox, until_ns);
  return !host_lost(job);
}

struct journal_entry *host_add(struct job *job)
{
  struct journal_entry *e = mem_alloc(sizeof *e);
  e->order = &job->journal;
  if (job->keep) {
    e->keep = job->keep;
    e->keep_len = job->keep_len;
    job->keep = NULL;
  }
  list_append(&job->chain, &e->node);
  return e;
}

/* Waits without a deadline: the loop always answers, at the latest when the order is lost. */
static enum status await_reply(struct job *job)
{
  int reply;
  while ((reply = atomic_exchange(&job->reply, 0)) == 0) mailbox_take(job->inbox, INT64_MAX);
  return (enum status)(reply - 1);
}

void host_answer(struct job *job, enum status status)
{
  atomic_store(&job->reply, (int)status + 1);
  mailbox_post(job->inbox, job_nudge);
}

enum status host_flush(struct job *job, bool answer)
{
  if (list_empty(&job->chain)) return ST_OK;
  struct report *r = mem_alloc(sizeof *r);
  r->job = job;
  r->answer = answer;
  list_init(&r->entries);
  list_move_all(&r->entries, &job->chain);
  mailbox_post_wait(job->env->reports, r);
  return answer ? await_reply(job) : ST_OK;
}

/* ── the table ──────────────────────────────────────────────────────────────────────────────── */

static enum ox_status_code on_emit(const struct ox_host *table, const char *name, const char *data)
{
  struct job *job = job_of(table);
  if (host_lost(job)) return OX_LOST;
  const struct ox_state *state = order_type_state(job->type, name);
  if (!state || (state->flags & (OX_STATE_ON_FAIL | OX_STATE_ON_CANCEL)) || job->over ||
      !order_type_may_move(job->type, job->status, name))
    return OX_BAD_STATE;
  bool over = order_phase_terminal(state->phase);
  if (over && job->intent && !job->landed) return OX_OPEN_INTENT;
  struct journal_entry *e = host_add(job);
  if (over) host_settle_landed(job, e);
  e->state = state;
  e->data = data ? mem_strdup(data) : NULL;
  job->status = state->name;
  job->view.status = state->name;
  job->over = over;
  atomic_store(&job->stage, state->name);
  return OX_OK;
}

static void on_fail(const struct ox_host *table, const char *code, const char *message)
{
  struct job *job = job_of(table);
  snprintf(job->error_code, sizeof job->error_code, "%s", code);
  snprintf(job->error_text, sizeof job->error_text, "%s", message);
}

static enum ox_status_code on_keep(const struct ox_host *table, const void *state, size_t len)
{
  struct job *job = job_of(table);
  if (len > JOB_KEEP_MAX) return OX_BAD_STATE;
  free(job->keep);
  job->keep = mem_alloc(len + 1);
  memcpy(job->keep, state, len);
  job->keep_len = len;
  return OX_OK;
}

/* A split that would gain nothing is no way either when the venues it is of are not asked. */
static bool all_open(const struct ox_quote *quotes, size_t n)
{
  bool open = false;
  for (size_t i = 0; i < n; i++) {
    if (quotes[i].result == OX_VENUE_BREAKER_OPEN)
      open = true;
    else if (quotes[i].result != OX_VENUE_NO_SPLIT)
      return false;
  }
  return open;
}

/* With every breaker open the order waits here, in its slot, until one of them lets a probe through
 * that gets an answer: nothing was tried, so no attempt counts. To give it back meanwhile would be
 * no gain: each time it came again it would be a start, and the limiter's window be used up by
 * orders that only ask whether it is over. The job's deadline, a drain and a cancel end it. */
static size_t on_quote(const struct ox_host *table, const struct ox_swap *swap,
                       struct ox_quote *quotes, size_t max)
{
  struct job *job = job_of(table);
  for (;;) {
    if (venues_quote_waits(job->env->venues)) host_flush(job, false);
    size_t n = venues_quote(job->env->venues, swap, quotes, max);
    if (!all_open(quotes, n)) return n;
    host_flush(job, false);
    if (!host_wait(job, clock_mono_ns() + PROBE_LOOK_MS * 1000000)) return n;
  }
}

static int on_resume(const struct ox_host *table, struct ox_receipt *receipt)
{
  const struct journal_intent *intent = job_of(table)->intent;
  if (!intent) return 0;
  receipt->in_amount = intent->in_amount;
  receipt->min_out_amount = intent->min_out_amount;
  ox_text_copy(receipt->venue, sizeof receipt->venue, intent->venue);
  ox_text_copy(receipt->tx_hash, sizeof receipt->tx_hash, intent->tx.tx_hash);
  return 1;
}

static enum ox_status_code on_submit(const struct ox_host *table, const char *venue,
                                     const struct ox_swap *swap, struct ox_receipt *receipt)
{
  enum ox_status_code code = host_submit(job_of(table), venue, swap, receipt);
  if (code == OX_OK) on_resume(table, receipt);
  return code;
}

static enum ox_status_code on_await(const struct ox_host *table, struct ox_landing *landing)
{
  return host_await_landing(job_of(table), landing);
}

static enum ox_venue_result on_lookup(const struct ox_host *table, const char *venue,
                                      const char *tx_hash, struct ox_landing *landing)
{
  struct job *job = job_of(table);
  const struct registry_venue *v = registry_venue(job->env->registry, venue);
  if (!v) return OX_VENUE_UNAVAILABLE;
  host_flush(job, false);
  return venues_lookup(job->env->venues, v, tx_hash, landing);
}

static enum ox_status_code on_sleep(const struct ox_host *table, int64_t ms)
{
  struct job *job = job_of(table);
  int64_t until = clock_mono_ns() + ms * 1000000;
  host_flush(job, false);
  while (clock_mono_ns() < until)
    if (!host_wait(job, until)) return OX_LOST;
  return host_lost(job) ? OX_LOST : OX_OK;
}

static int64_t on_now(const struct ox_host *table)
{
  (void)table;
  return clock_unix_ms();
}

static uint64_t mix(uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static uint64_t mix_text(uint64_t h, const char *text)
{
  for (; *text; text++) h = mix(h ^ (unsigned char)*text);
  return mix(h);
}

/* SplitMix64 (Steele, Lea, Flood 2014) over seed, order, attempt and purpose. */
static uint64_t on_random(const struct ox_host *table, const char *purpose)
{
  const struct job *job = job_of(table);
  const char *key = job->view.client_order_id ? job->view.client_order_id : job->view.order_id;
  return mix_text(mix(mix_text(mix(job->env->seed), key) ^ job->view.attempt), purpose);
}

static int on_is_cancelled(const struct ox_host *table)
{
  return host_lost(job_of(table));
}

static void on_log(const struct ox_host *table, const char *level, const char *message)
{
  LOG_AT(log_level_of(level), message, LOG_ORDER(&job_of(table)->journal.id));
}

static enum ox_status_code on_park(const struct ox_host *table, const struct ox_park *park)
{
  struct job *job = job_of(table);
  if (host_lost(job)) return OX_LOST;
  if (park->topic && !parks_topic_valid(park->topic)) return OX_INVALID;
  job->parked = true;
  job->park = (struct journal_park){
      .side = park->side, .level = park->level, .since_ms = job->claimed->order.updated_at_ms};
  if (park->topic) ox_text_copy(job->park.topic, sizeof job->park.topic, park->topic);
  job->park_until_ms = park->until_ms;
  return OX_OK;
}

static enum ox_status_code on_publish(const struct ox_host *table, const char *topic, int64_t level)
{
  struct job *job = job_of(table);
  if (host_lost(job)) return OX_LOST;
  if (!parks_topic_valid(topic)) return OX_INVALID;
  host_flush(job, false);
  enum status status = parks_publish(job->env->parks, topic, level, PARKS_PUBLISH_MS);
  return status == ST_OK ? OX_OK : OX_AWAY;
}

void host_init(struct host *host, struct job *job)
{
  host->job = job;
  host->table = (struct ox_host){.size = sizeof host->table,
                                 .emit = on_emit,
                                 .fail = on_fail,
                                 .keep = on_keep,
                                 .quote = on_quote,
                                 .resume = on_resume,
                                 .submit = on_submit,
                                 .await_landing = on_await,
                                 .lookup = on_lookup,
                                 .sleep_ms = on_sleep,
                                 .now_ms = on_now,
                                 .random = on_random,
                                 .is_cancelled = on_is_cancelled,
                                 .log = on_log,
                                 .park = on_park,
                                 .publish = on_publish};
}
