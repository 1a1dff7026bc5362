/*
 * submit.c - the one irreversible step. Bytes leave only after their intent is durable and while
 * the session holds; what becomes of them is learned from the venue, never guessed. A transaction
 * is given up only when the venue itself says, as of a moment after its expiry, that it has not
 * seen it. Worker thread.
 */
#include <ox/text.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "workers/host.h"

enum {
  LOOK_FIRST_MS = 5,
  LOOK_MAX_MS = 50,
  LOOK_AWAY_MAX_MS = 1000, /* while the venue gives no answer; no breaker keeps us from asking */
  RESEND_FIRST_MS = 250,
  RESEND_MAX_MS = 2000
};

static enum ox_venue_result send_bytes(struct job *job, const struct registry_venue *v)
{
  return venues_submit(job->env->venues, v, &job->intent->tx);
}

/* Sends the transactions of a batch, this worker's among them, and tells the others what became of
 * theirs. Orders lost meanwhile are left out; where nothing was sent, each goes on by itself. */
static void send_batch(struct job *job)
{
  struct job *jobs[OX_BATCH_MAX];
  struct ox_batch_item items[OX_BATCH_MAX];
  const struct registry_venue *v[OX_BATCH_MAX];
  size_t n = 0;
  list_prepend(&job->batch, &job->in_batch);
  list_each(at, &job->batch)
  {
    struct job *j = container_of(at, struct job, in_batch);
    if (host_lost(j)) continue;
    v[n] = j->batch_venue;
    items[n] = (struct ox_batch_item){
        .self = v[n]->self, .tx = &j->intent->tx, .result = OX_VENUE_TIMEOUT}; /* if not set */
    jobs[n++] = j;
  }
  bool sent = false;
  if (n > 1) {
    FAILPOINT("before_send");
    sent = venues_submit_batch(job->env->venues, v, items, n);
    FAILPOINT("after_send");
  }
  for (size_t i = 0; sent && i < n; i++) {
    jobs[i]->sent = items[i].result;
    jobs[i]->was_sent = true;
  }
  list_pop(&job->batch);
  for (struct list_node *at; (at = list_pop(&job->batch)) != NULL;)
    host_answer(container_of(at, struct job, in_batch), ST_OK);
}

static void close_intent(struct job *job, struct journal_entry *e, enum journal_settle how)
{
  e->settle = how;
  free(job->intent);
  job->intent = NULL;
}

/* Nothing moved. */
static void settle(struct job *job, enum journal_settle how, const struct ox_landing *landing)
{
  struct journal_entry *e = host_add(job);
  if (landing) e->landing = *landing;
  close_intent(job, e, how);
}

/* What has landed stays open until the order ends, in one step with that: whoever has the order
 * next, if this run does not get so far, finds it and sends nothing. */
void host_settle_landed(struct job *job, struct journal_entry *e)
{
  if (!job->landed) return;
  e->landing = job->landing;
  close_intent(job, e, JOURNAL_LANDED);
  job->landed = false;
}

static struct journal_intent *build(struct job *job, const struct registry_venue *v,
                                    const struct ox_swap *swap)
{
  struct journal_intent *intent = mem_alloc(sizeof *intent);
  uint64_t nonce = ((uint64_t)job->view.attempt << 32) | ++job->submits;
  nonce ^= (uint64_t)job->journal.fence << 48;
  intent->tx.size = sizeof intent->tx;
  if (v->venue->build(v->self, swap, nonce, &intent->tx) != OX_VENUE_OK) {
    free(intent);
    return NULL;
  }
  ox_text_copy(intent->venue, sizeof intent->venue, v->venue->name);
  intent->in_amount = swap->in_amount;
  intent->min_out_amount = swap->min_out_amount;
  return intent;
}

/* The venue said no for good. Its book is read all the same: what is there is awaited, and when it
 * shows that the bytes have expired, that is why. */
static enum ox_status_code refused(struct job *job, const struct registry_venue *v)
{
  const struct ox_tx *tx = &job->intent->tx;
  struct ox_landing seen = {.size = sizeof seen};
  bool told = venues_lookup(job->env->venues, v, tx->tx_hash, &seen) == OX_VENUE_OK;
  if (told && seen.state != OX_LANDING_ABSENT) return OX_OK;
  bool expired = told && seen.as_of_ms > tx->expires_at_ms;
  settle(job, JOURNAL_DEAD, told ? &seen : NULL);
  return expired ? OX_DEAD : OX_REFUSED;
}

enum ox_status_code host_submit(struct job *job, const char *venue, const struct ox_swap *swap,
                                struct ox_receipt *receipt)
{
  (void)receipt;
  if (job->intent) return OX_OPEN_INTENT;
  if (host_lost(job)) return OX_LOST;
  const struct registry_venue *v = registry_venue(job->env->registry, venue);
  if (!v || !venues_may_submit(job->env->venues, v)) return OX_NO_VENUE;
  struct journal_intent *intent = build(job, v, swap);
  if (!intent) return OX_REFUSED;
  struct journal_entry *e = host_add(job);
  e->intent = mem_alloc(sizeof *e->intent);
  *e->intent = *intent;
  job->intent = intent;
  job->batch_venue = venues_together(v, v) ? v : NULL;
  job->was_sent = false;
  FAILPOINT("before_intent");
  /* With others of the same commit, another worker may send it before the answer comes. */
  bool durable = host_flush(job, true) == ST_OK;
  if (durable && !list_empty(&job->batch)) send_batch(job);
  job->batch_venue = NULL;
  if (!durable) return OX_LOST;
  if (!job->was_sent) {
    if (host_lost(job)) return OX_LOST;
    FAILPOINT("before_send");
    job->sent = send_bytes(job, v);
    FAILPOINT("after_send");
  }
  return job->sent == OX_VENUE_REJECTED ? refused(job, v) : OX_OK;
}

/* The waits of await_landing, which grow. */
struct patience {
  int64_t look_ms;
  int64_t resend_ms, resend_at_ns;
};

static int64_t grow(int64_t ms, int64_t max_ms)
{
  return ms * 2 < max_ms ? ms * 2 : max_ms;
}

/* The venue has not seen it: the same bytes again, not too often; the venue itself refuses
 * them once they have expired. */
static void resend(struct job *job, const struct registry_venue *v, struct patience *p)
{
  int64_t now_ns = clock_mono_ns();
  if (v->venue->submit_class != OX_SUBMIT_DEDUP_BY_KEY || now_ns < p->resend_at_ns) return;
  if (job->intent->tx.n_bytes == 0 || host_lost(job)) return;
  LOG_INFO("sending the same transaction again", LOG_ORDER(&job->journal.id));
  send_bytes(job, v);
  p->resend_at_ns = now_ns + p->resend_ms * 1000000;
  p->resend_ms = grow(p->resend_ms, RESEND_MAX_MS);
  p->look_ms = LOOK_FIRST_MS;
}

enum verdict { GO_ON, FINAL_OK, FINAL_DEAD, FINAL_UNKNOWN };

static enum verdict judge(struct job *job, const struct registry_venue *v,
                          const struct ox_landing *landing, struct patience *p)
{
  switch (landing->state) {
  case OX_LANDING_LANDED:
    FAILPOINT("landed");
    job->landed = true;
    job->landing = *landing;
    return FINAL_OK;
  case OX_LANDING_REVERTED:
    settle(job, JOURNAL_REVERTED, landing);
    return FINAL_OK;
  case OX_LANDING_PENDING:
    return GO_ON;
  case OX_LANDING_ABSENT:
    break;
  }
  if (v->venue->submit_class == OX_SUBMIT_NONE) return FINAL_UNKNOWN;
  if (landing->as_of_ms > job->intent->tx.expires_at_ms) {
    settle(job, JOURNAL_DEAD, landing);
    return FINAL_DEAD;
  }
  resend(job, v, p);
  return GO_ON;
}

enum ox_status_code host_await_landing(struct job *job, struct ox_landing *landing)
{
  if (!job->intent) return OX_BAD_STATE;
  const struct registry_venue *v = registry_venue(job->env->registry, job->intent->venue);
  if (!v) return OX_NO_VENUE;
  struct patience p = {LOOK_FIRST_MS, RESEND_FIRST_MS, 0};
  for (;;) {
    if (host_lost(job)) return OX_LOST;
    struct ox_landing seen = {.size = sizeof seen};
    bool told = venues_lookup(job->env->venues, v, job->intent->tx.tx_hash, &seen) == OX_VENUE_OK;
    if (told) {
      enum verdict verdict = judge(job, v, &seen, &p);
      *landing = seen;
      if (verdict == FINAL_OK) return OX_OK;
      if (verdict == FINAL_DEAD) return OX_DEAD;
      if (verdict == FINAL_UNKNOWN) return OX_UNKNOWN;
    }
    host_flush(job, false);
    if (!host_wait(job, clock_mono_ns() + p.look_ms * 1000000)) return OX_LOST;
    p.look_ms = grow(p.look_ms, told ? LOOK_MAX_MS : LOOK_AWAY_MAX_MS);
  }
}
