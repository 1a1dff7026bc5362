/*
 * venues_test.c - venues called from many threads while some hang, breakers open, are reset and
 * looked at: for TSan, and that everybody comes back.
 */
#include "workers/venues.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { N = 3, ASKERS = 8, ROUNDS = 200, DEADLINE_MS = 20 };

static _Atomic unsigned calls;

/* Mostly well; sometimes it fails, and sometimes it answers when nobody listens any more. */
static enum ox_venue_result on_quote(void *self, const struct ox_swap *swap, int64_t deadline_ms,
                                     struct ox_quote *quote)
{
  (void)self, (void)deadline_ms;
  unsigned n = atomic_fetch_add(&calls, 1);
  if (n % 17 == 0) poll(NULL, 0, 2 * DEADLINE_MS);
  quote->out_amount = swap->in_amount;
  return n % 5 == 0 ? OX_VENUE_UNAVAILABLE : OX_VENUE_OK;
}

static enum ox_venue_result on_submit(void *self, const struct ox_tx *tx, int64_t deadline_ms)
{
  (void)self, (void)tx, (void)deadline_ms;
  return atomic_fetch_add(&calls, 1) % 3 ? OX_VENUE_OK : OX_VENUE_TIMEOUT;
}

static int never_waits(void *self)
{
  (void)self;
  return 0;
}

static const struct ox_venue tables[N] = {
    {.name = "east", .quote = on_quote, .submit = on_submit},
    {.name = "west", .quote = on_quote, .submit = on_submit},
    {.name = "fast", .quote = on_quote, .submit = on_submit, .quote_waits = never_waits}};
static const struct registry_venue registered[N] = {
    {&tables[0], NULL, 0}, {&tables[1], NULL, 1}, {&tables[2], NULL, 2}};

size_t registry_venues(const struct registry *r)
{
  (void)r;
  return N;
}

const struct registry_venue *registry_venue_at(const struct registry *r, size_t i)
{
  (void)r;
  return &registered[i];
}

static void *ask(void *arg)
{
  struct venues *venues = arg;
  for (int i = 0; i < ROUNDS; i++) {
    char in[] = "SOL", out[] = "USDC";
    const struct ox_swap swap = {sizeof swap, 1, "o", "k", in, out, 7, 0, 0};
    struct ox_quote quotes[N];
    if (venues_quote(venues, &swap, quotes, N) != N) abort();
    for (int v = 0; v < N; v++)
      if (quotes[v].result == OX_VENUE_OK && quotes[v].out_amount != 7) abort();
    const struct registry_venue *v = &registered[i % N];
    if (venues_may_submit(venues, v)) venues_submit(venues, v, &(struct ox_tx){0});
    in[0] = out[0] = '?';
  }
  return NULL;
}

int main(void)
{
  log_set_level(LOG_LEVEL_ERROR);
  const struct venues_options options = {
      .breaker = {.failures = 3, .window_ms = 1000, .open_ms = 10},
      .deadline_ms = DEADLINE_MS,
      .retry_percent = 20,
      .callers = 4};
  struct venues *venues = venues_create(&options);
  pthread_t threads[ASKERS];
  for (int i = 0; i < ASKERS; i++)
    if (pthread_create(&threads[i], NULL, ask, venues) != 0) abort();
  for (int i = 0; i < ROUNDS; i++) {
    struct venues_health health[N];
    if (venues_health(venues, health, N) != N) abort();
    venues_reset(venues, i % 2 ? "east" : NULL);
    poll(NULL, 0, 1);
  }
  for (int i = 0; i < ASKERS; i++) pthread_join(threads[i], NULL);
  bool stopped = venues_stop(venues);
  assert(stopped);
  if (stopped) venues_destroy(venues);
  puts("venues: ok");
  return 0;
}
