/*
 * venues.c - see venues.h. Each venue has a lock for its breaker and its budget, held for a few
 * instructions and never while calling the venue. What is const after venues_create() needs none.
 */
#include "workers/venues.h"

#include <ox/text.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "plugin/blame.h"
#include "workers/budget.h"
#include "workers/quoter.h"

enum { VENUES_MAX = 64, THREADS_MAX = 128, RETRY_WAIT_MS = 20, STOP_MS = 1000 };

enum call { QUOTE, SUBMIT, LOOKUP, CALLS };
enum word { OK, FAILED, REFUSED, WORDS };

struct guarded {
  const struct registry_venue *v;
  struct quoter *quoter;
  pthread_mutex_t lock;
  struct breaker breaker;
  struct budget budget;
  _Atomic(struct metric_series *) timed[CALLS][WORDS];
};

struct venues {
  struct venues_options options;
  size_t n;
  struct guarded guarded[];
};

/* ── breakers ───────────────────────────────────────────────────────────────────────────────── */

/* Unlocks, and tells people when the state is not what it was before. */
static void unlock(struct guarded *g, enum breaker_state before)
{
  enum breaker_state state = g->breaker.state;
  size_t failures = breaker_failures(&g->breaker);
  pthread_mutex_unlock(&g->lock);
  const char *name = g->v->venue->name;
  if (state == before) return;
  if (state == BREAKER_OPEN)
    LOG_WARN("a venue's breaker opens", LOG_STR("venue", name),
             LOG_INT("failures", (int64_t)failures));
  else if (state == BREAKER_HALF_OPEN)
    LOG_INFO("a venue is probed", LOG_STR("venue", name));
  else
    LOG_INFO("a venue's breaker closes", LOG_STR("venue", name));
}

/* probe, if not NULL, is set when the call is one. */
static bool allows(struct guarded *g, enum breaker_call call, bool *probe)
{
  int64_t now = clock_mono_ms();
  pthread_mutex_lock(&g->lock);
  enum breaker_state before = g->breaker.state;
  bool allowed = breaker_allows(&g->breaker, call, now);
  if (probe) *probe = allowed && g->breaker.state == BREAKER_HALF_OPEN;
  unlock(g, before);
  return allowed;
}

/* That a venue says no, or cannot, is an answer like another; that it asks for patience is not. */
static bool failed(enum ox_venue_result result)
{
  return result == OX_VENUE_TIMEOUT || result == OX_VENUE_UNAVAILABLE ||
         result == OX_VENUE_RATE_LIMITED || result == OX_VENUE_STALE;
}

static void time_call(struct guarded *g, enum call call, int64_t begun_ns,
                      enum ox_venue_result result)
{
  static const char *const calls[] = {"quote", "submit", "lookup"};
  static const char *const words[] = {"ok", "failed", "refused"};
  enum word word = result == OX_VENUE_OK ? OK : failed(result) ? FAILED : REFUSED;
  struct metric_series *series = atomic_load(&g->timed[call][word]);
  if (!series) {
    series = metric_series(METRIC_VENUE_CALL, g->v->venue->name, calls[call], words[word]);
    atomic_store(&g->timed[call][word], series);
  }
  metric_observe_since(series, begun_ns);
}

static void report(struct guarded *g, enum breaker_call call, enum ox_venue_result result)
{
  int64_t now = clock_mono_ms();
  pthread_mutex_lock(&g->lock);
  enum breaker_state before = g->breaker.state;
  breaker_report(&g->breaker, call, failed(result), now);
  unlock(g, before);
}

static void reset(struct guarded *g)
{
  pthread_mutex_lock(&g->lock);
  enum breaker_state before = g->breaker.state;
  breaker_reset(&g->breaker);
  unlock(g, before);
}

void venues_reset(struct venues *vs, const char *name)
{
  for (size_t i = 0; i < vs->n; i++)
    if (!name || strcmp(vs->guarded[i].v->venue->name, name) == 0) reset(&vs->guarded[i]);
}

size_t venues_health(struct venues *vs, struct venues_health *out, size_t max)
{
  int64_t now = clock_mono_ms();
  size_t n = vs->n < max ? vs->n : max;
  for (size_t i = 0; i < n; i++) {
    struct guarded *g = &vs->guarded[i];
    pthread_mutex_lock(&g->lock);
    out[i] = (struct venues_health){.name = g->v->venue->name,
                                    .state = g->breaker.state,
                                    .failures = breaker_failures(&g->breaker),
                                    .probe_ms = breaker_probe_ms(&g->breaker, now)};
    pthread_mutex_unlock(&g->lock);
  }
  return n;
}

/* ── quotes ─────────────────────────────────────────────────────────────────────────────────── */

/* Whether to ask once more: what came back fast, and not because too much is asked already. */
static bool may_retry(struct guarded *g, enum ox_venue_result result, int64_t until_ns)
{
  if (result != OX_VENUE_UNAVAILABLE || clock_mono_ns() + RETRY_WAIT_MS * 1000000 >= until_ns)
    return false;
  pthread_mutex_lock(&g->lock);
  bool may = budget_spend(&g->budget);
  pthread_mutex_unlock(&g->lock);
  return may;
}

static int64_t unix_deadline(int64_t until_ns)
{
  return clock_unix_ms() + (until_ns - clock_mono_ns()) / 1000000;
}

static enum ox_venue_result quote_once(struct guarded *g, const struct ox_swap *swap,
                                       int64_t until_ns, struct ox_quote *quote)
{
  const struct registry_venue *v = g->v;
  *quote = (struct ox_quote){.size = sizeof *quote};
  struct blame before = blame_enter("venue", v->venue->name);
  int64_t begun_ns = clock_mono_ns();
  enum ox_venue_result result = v->venue->quote(v->self, swap, unix_deadline(until_ns), quote);
  blame_leave(before);
  time_call(g, QUOTE, begun_ns, result);
  bool over = quote->as_of_ms > 0 && quote->expires_at_ms <= quote->as_of_ms;
  return result == OX_VENUE_OK && over ? OX_VENUE_STALE : result;
}

/* Also on the venue's own threads. */
static void ask(void *arg, const struct ox_swap *swap, int64_t until_ns, struct ox_quote *quote)
{
  struct guarded *g = arg;
  pthread_mutex_lock(&g->lock);
  budget_earn(&g->budget);
  pthread_mutex_unlock(&g->lock);
  enum ox_venue_result result = quote_once(g, swap, until_ns, quote);
  if (may_retry(g, result, until_ns)) {
    poll(NULL, 0, RETRY_WAIT_MS);
    result = quote_once(g, swap, until_ns, quote);
  }
  if (clock_mono_ns() > until_ns) result = OX_VENUE_TIMEOUT;
  quote->result = result;
}

static void no_quote(struct ox_quote *quote, enum ox_venue_result result)
{
  *quote = (struct ox_quote){.size = sizeof *quote, .result = result};
}

static bool waits(const struct guarded *g)
{
  const struct registry_venue *v = g->v;
  return !v->venue->quote_waits || v->venue->quote_waits(v->self);
}

/* One question to the venues, and what each of them has to do with it. */
struct question {
  const struct ox_swap *swap;
  int64_t until_ns;
  size_t n;
  enum { NOT_ASKED, ASKED_HERE, ASKED_ON_ITS_THREAD } how[VENUES_MAX];
  bool probe[VENUES_MAX];
};

/* What the venues that take time say, into their places among quotes. */
static void ask_elsewhere(struct venues *vs, const struct question *q, struct ox_quote *quotes)
{
  struct ox_quote told[VENUES_MAX];
  bool answered[VENUES_MAX];
  size_t place[VENUES_MAX], n = 0;
  struct quoter_round *round = quoter_round_begin(q->swap, q->n, q->until_ns);
  for (size_t i = 0; i < q->n; i++) {
    if (q->how[i] != ASKED_ON_ITS_THREAD) continue;
    no_quote(&quotes[i], OX_VENUE_TIMEOUT);
    if (quoter_round_ask(round, vs->guarded[i].quoter)) place[n++] = i;
  }
  quoter_round_end(round, answered, told);
  for (size_t k = 0; k < n; k++)
    if (answered[k]) quotes[place[k]] = told[k];
}

/* A probe that fails finds the breaker as it was: whoever happened to send it is no worse off than
 * those that were not let through. */
static void conclude(struct guarded *g, bool probe, struct ox_quote *quote)
{
  report(g, BREAKER_QUOTE, quote->result);
  if (probe && failed(quote->result)) no_quote(quote, OX_VENUE_BREAKER_OPEN);
}

size_t venues_quote(struct venues *vs, const struct ox_swap *swap, struct ox_quote *quotes,
                    size_t max)
{
  struct question q = {.swap = swap, .n = vs->n < max ? vs->n : max};
  bool elsewhere = false;
  q.until_ns = clock_mono_ns() + vs->options.deadline_ms * 1000000;
  for (size_t i = 0; i < q.n; i++) {
    struct guarded *g = &vs->guarded[i];
    no_quote(&quotes[i], OX_VENUE_BREAKER_OPEN);
    if (allows(g, BREAKER_QUOTE, &q.probe[i]))
      q.how[i] = waits(g) ? ASKED_ON_ITS_THREAD : ASKED_HERE;
    if (q.how[i] == ASKED_HERE) ask(g, swap, q.until_ns, &quotes[i]);
    elsewhere |= q.how[i] == ASKED_ON_ITS_THREAD;
  }
  if (elsewhere) ask_elsewhere(vs, &q, quotes);
  for (size_t i = 0; i < q.n; i++) {
    struct guarded *g = &vs->guarded[i];
    if (q.how[i] != NOT_ASKED) conclude(g, q.probe[i], &quotes[i]);
    ox_text_copy(quotes[i].venue, sizeof quotes[i].venue, g->v->venue->name);
  }
  return q.n;
}

bool venues_quote_waits(const struct venues *vs)
{
  for (size_t i = 0; i < vs->n; i++)
    if (waits(&vs->guarded[i])) return true;
  return false;
}

/* ── transactions ───────────────────────────────────────────────────────────────────────────── */

bool venues_may_submit(struct venues *vs, const struct registry_venue *v)
{
  return allows(&vs->guarded[v->index], BREAKER_SUBMIT, NULL);
}

enum ox_venue_result venues_submit(struct venues *vs, const struct registry_venue *v,
                                   const struct ox_tx *tx)
{
  int64_t deadline_ms = clock_unix_ms() + vs->options.deadline_ms;
  struct blame before = blame_enter("venue", v->venue->name);
  int64_t begun_ns = clock_mono_ns();
  enum ox_venue_result result = v->venue->submit(v->self, tx, deadline_ms);
  blame_leave(before);
  time_call(&vs->guarded[v->index], SUBMIT, begun_ns, result);
  report(&vs->guarded[v->index], BREAKER_SUBMIT, result);
  return result;
}

bool venues_together(const struct registry_venue *a, const struct registry_venue *b)
{
  return OX_HAS(a->venue, submit_batch) && OX_HAS(b->venue, submit_batch) &&
         a->venue->submit_batch && a->venue->submit_batch == b->venue->submit_batch;
}

bool venues_submit_batch(struct venues *vs, const struct registry_venue *const *v,
                         struct ox_batch_item *items, size_t n)
{
  int64_t deadline_ms = clock_unix_ms() + vs->options.deadline_ms;
  struct blame before = blame_enter("venue", v[0]->venue->name);
  int64_t begun_ns = clock_mono_ns();
  bool taken = v[0]->venue->submit_batch(items, n, deadline_ms);
  blame_leave(before);
  for (size_t i = 0; taken && i < n; i++) {
    struct guarded *g = &vs->guarded[v[i]->index];
    time_call(g, SUBMIT, begun_ns, items[i].result);
    report(g, BREAKER_SUBMIT, items[i].result);
  }
  return taken;
}

enum ox_venue_result venues_lookup(struct venues *vs, const struct registry_venue *v,
                                   const char *tx_hash, struct ox_landing *landing)
{
  int64_t deadline_ms = clock_unix_ms() + vs->options.deadline_ms;
  struct blame before = blame_enter("venue", v->venue->name);
  int64_t begun_ns = clock_mono_ns();
  enum ox_venue_result result = v->venue->lookup(v->self, tx_hash, deadline_ms, landing);
  blame_leave(before);
  time_call(&vs->guarded[v->index], LOOKUP, begun_ns, result);
  return result;
}

/* ── life and death ─────────────────────────────────────────────────────────────────────────── */

static void guard(struct venues *vs, size_t i)
{
  struct guarded *g = &vs->guarded[i];
  size_t threads = vs->options.callers < THREADS_MAX ? vs->options.callers : THREADS_MAX;
  g->v = registry_venue_at(vs->options.registry, i);
  pthread_mutex_init(&g->lock, NULL);
  breaker_init(&g->breaker, &vs->options.breaker);
  budget_init(&g->budget, vs->options.retry_percent);
  g->quoter = quoter_create(&(struct quoter_call){ask, g}, threads);
}

struct venues *venues_create(const struct venues_options *options)
{
  size_t n = registry_venues(options->registry);
  if (n > VENUES_MAX) n = VENUES_MAX;
  struct venues *vs = mem_alloc(sizeof *vs + n * sizeof *vs->guarded);
  vs->options = *options;
  for (; vs->n < n; vs->n++) guard(vs, vs->n);
  return vs;
}

bool venues_stop(struct venues *vs)
{
  if (!vs) return true;
  bool stopped = true;
  int64_t until_ms = clock_unix_ms() + STOP_MS;
  for (size_t i = 0; i < vs->n; i++) stopped &= quoter_stop(vs->guarded[i].quoter, until_ms);
  return stopped;
}

void venues_destroy(struct venues *vs)
{
  if (!vs) return;
  for (size_t i = 0; i < vs->n; i++) {
    quoter_destroy(vs->guarded[i].quoter);
    pthread_mutex_destroy(&vs->guarded[i].lock);
  }
  free(vs);
}
