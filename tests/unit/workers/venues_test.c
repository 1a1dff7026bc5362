/* venues_test.c - venues that answer, refuse, fail and hang, called as the host calls them. */
#include "workers/venues.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/event/checked.h"

enum { N = 2, DEADLINE_MS = 150, OPEN_MS = 200 };

/* What each venue does, and what was asked of it. */
static struct played {
  _Atomic int result, then; /* of the next call, and of those after it */
  _Atomic int quotes, submits, batched, lookups;
  _Atomic bool hangs;  /* until the gate is open */
  _Atomic int life_ms; /* of its quotes, by its own clock, an hour ahead; 0: it has none */
  bool waits;
  char token_in[OX_NAME_MAX];
} played[N];

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct venues *venues;

static enum ox_venue_result next_result(struct played *p)
{
  return (enum ox_venue_result)atomic_exchange(&p->result, atomic_load(&p->then));
}

static enum ox_venue_result on_quote(void *self, const struct ox_swap *swap, int64_t deadline_ms,
                                     struct ox_quote *quote)
{
  struct played *p = self;
  atomic_fetch_add(&p->quotes, 1);
  cr_assert_leq(deadline_ms, clock_unix_ms() + DEADLINE_MS);
  if (atomic_load(&p->hangs)) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
  }
  snprintf(p->token_in, sizeof p->token_in, "%s", swap->token_in);
  quote->out_amount = swap->in_amount * 2;
  quote->expires_at_ms = quote->as_of_ms = atomic_load(&p->life_ms) ? clock_unix_ms() + 3600000 : 0;
  quote->expires_at_ms += atomic_load(&p->life_ms);
  return next_result(p);
}

static enum ox_venue_result on_submit(void *self, const struct ox_tx *tx, int64_t deadline_ms)
{
  struct played *p = self;
  (void)tx, (void)deadline_ms;
  atomic_fetch_add(&p->submits, 1);
  return next_result(p);
}

static enum ox_venue_result on_lookup(void *self, const char *tx_hash, int64_t deadline_ms,
                                      struct ox_landing *landing)
{
  struct played *p = self;
  (void)tx_hash, (void)deadline_ms;
  atomic_fetch_add(&p->lookups, 1);
  landing->state = OX_LANDING_LANDED;
  return next_result(p);
}

/* Takes no more than three at a time. */
static int on_submit_batch(struct ox_batch_item *items, size_t n, int64_t deadline_ms)
{
  cr_assert_leq(deadline_ms, clock_unix_ms() + DEADLINE_MS);
  if (n > 3) return 0;
  for (size_t i = 0; i < n; i++) {
    struct played *p = items[i].self;
    atomic_fetch_add(&p->batched, 1);
    cr_assert_str_eq(items[i].tx->tx_hash, "h");
    items[i].result = next_result(p);
  }
  return 1;
}

static int on_quote_waits(void *self)
{
  return ((struct played *)self)->waits;
}

static const struct ox_venue tables[N] = {{.size = sizeof(struct ox_venue),
                                           .name = "east",
                                           .quote = on_quote,
                                           .submit = on_submit,
                                           .lookup = on_lookup,
                                           .quote_waits = on_quote_waits,
                                           .submit_batch = on_submit_batch},
                                          {.size = sizeof(struct ox_venue),
                                           .name = "west",
                                           .quote = on_quote,
                                           .submit = on_submit,
                                           .lookup = on_lookup,
                                           .quote_waits = on_quote_waits,
                                           .submit_batch = on_submit_batch}};
static const struct registry_venue registered[N] = {{&tables[0], &played[0], 0},
                                                    {&tables[1], &played[1], 1}};

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

static void open_venues(int retry_percent)
{
  const struct venues_options options = {
      .breaker = {.failures = 3, .window_ms = 10000, .open_ms = OPEN_MS},
      .deadline_ms = DEADLINE_MS,
      .retry_percent = retry_percent,
      .callers = 4};
  venues = venues_create(&options);
}

static void setup(void)
{
  memset(played, 0, sizeof played);
  played[0].waits = true; /* east takes time, west does not */
}

static void teardown(void)
{
  cr_assert(venues_stop(venues));
  venues_destroy(venues);
}

static void will(int venue, enum ox_venue_result first, enum ox_venue_result then)
{
  atomic_store(&played[venue].result, first);
  atomic_store(&played[venue].then, then);
}

static struct ox_quote quotes[N];

static size_t ask(void)
{
  char token_in[] = "SOL", token_out[] = "USDC", id[] = "ord_1", key[] = "k";
  const struct ox_swap swap = {.size = sizeof swap,
                               .order_id = id,
                               .draw_key = key,
                               .token_in = token_in,
                               .token_out = token_out,
                               .in_amount = 21};
  memset(quotes, 0xee, sizeof quotes);
  size_t n = venues_quote(venues, &swap, quotes, N);
  memset(token_in, '?', sizeof token_in - 1); /* a late venue must not look at the caller's */
  return n;
}

static struct venues_health health_of(int venue)
{
  struct venues_health health[N];
  cr_assert_eq(venues_health(venues, health, N), N);
  return health[venue];
}

/* Asks until the venue's breaker lets it through. */
static void ask_until_probed(int venue)
{
  int64_t until = clock_mono_ms() + OPEN_MS + 10000;
  do {
    cr_assert_lt(clock_mono_ms(), until, "it is never probed");
    ask();
  } while (quotes[venue].result == OX_VENUE_BREAKER_OPEN); /* as does a probe that fails */
}

CHECKED(venues, both_are_asked)
{
  open_venues(0);
  cr_assert_eq(ask(), N);
  for (int i = 0; i < N; i++) {
    cr_assert_eq(quotes[i].result, OX_VENUE_OK);
    cr_assert_eq(quotes[i].out_amount, 42);
    cr_assert_eq(quotes[i].size, sizeof quotes[i]);
    cr_assert_str_eq(quotes[i].venue, tables[i].name);
    cr_assert_str_eq(played[i].token_in, "SOL");
  }
  cr_assert(venues_quote_waits(venues));
  played[0].waits = false;
  cr_assert_not(venues_quote_waits(venues));
}

CHECKED(venues, at_most_as_many_as_there_is_room_for)
{
  open_venues(0);
  const struct ox_swap swap = {sizeof swap, 1, "o", "k", "SOL", "USDC", 1, 0, 0};
  cr_assert_eq(venues_quote(venues, &swap, quotes, 1), 1);
  cr_assert_eq(atomic_load(&played[1].quotes), 0);
  cr_assert_eq(venues_quote(venues, &swap, quotes, 0), 0);
}

CHECKED(venues, a_no_is_an_answer_and_never_opens)
{
  open_venues(0);
  will(0, OX_VENUE_NO_LIQUIDITY, OX_VENUE_NO_LIQUIDITY);
  will(1, OX_VENUE_REJECTED, OX_VENUE_REJECTED);
  for (int i = 0; i < 10; i++) ask();
  cr_assert_eq(quotes[0].result, OX_VENUE_NO_LIQUIDITY);
  cr_assert_eq(health_of(0).state, BREAKER_CLOSED);
  cr_assert_eq(health_of(1).state, BREAKER_CLOSED);
}

static void opens_by(enum ox_venue_result result)
{
  will(1, result, result);
  for (int i = 0; i < 3; i++) {
    ask();
    cr_assert_eq(quotes[1].result, result);
  }
  ask();
  cr_assert_eq(quotes[0].result, OX_VENUE_OK, "the other one is asked all the same");
  cr_assert_eq(quotes[1].result, OX_VENUE_BREAKER_OPEN);
  cr_assert_eq(atomic_load(&played[1].quotes), 3, "it is let be");
  struct venues_health h = health_of(1);
  cr_assert_eq(h.state, BREAKER_OPEN);
  cr_assert_eq(h.failures, 3);
  cr_assert(h.probe_ms > 0 && h.probe_ms <= OPEN_MS);
}

CHECKED(venues, one_that_is_away_opens_is_probed_and_closes)
{
  open_venues(0);
  opens_by(OX_VENUE_UNAVAILABLE);
  will(1, OX_VENUE_UNAVAILABLE, OX_VENUE_OK); /* two probes */
  ask_until_probed(1);
  cr_assert_eq(atomic_load(&played[1].quotes), 5);
  cr_assert_eq(quotes[1].result, OX_VENUE_OK, "and succeeds");
  cr_assert_eq(health_of(1).state, BREAKER_CLOSED);
}

CHECKED(venues, one_that_wants_peace_gets_it)
{
  open_venues(100);
  opens_by(OX_VENUE_RATE_LIMITED);
}

CHECKED(venues, reset_closes_the_one_or_all)
{
  open_venues(0);
  opens_by(OX_VENUE_TIMEOUT);
  will(0, OX_VENUE_TIMEOUT, OX_VENUE_TIMEOUT);
  for (int i = 0; i < 3; i++) ask();
  cr_assert_eq(health_of(0).state, BREAKER_OPEN);
  venues_reset(venues, "west");
  cr_assert_eq(health_of(0).state, BREAKER_OPEN);
  cr_assert_eq(health_of(1).state, BREAKER_CLOSED);
  venues_reset(venues, "north");
  cr_assert_eq(health_of(0).state, BREAKER_OPEN);
  venues_reset(venues, NULL);
  cr_assert_eq(health_of(0).state, BREAKER_CLOSED);
}

CHECKED(venues, one_that_hangs_is_left_behind_and_holds_up_nobody)
{
  open_venues(0);
  atomic_store(&played[0].hangs, true);
  pthread_mutex_lock(&gate);
  for (int i = 0; i < 3; i++) {
    int64_t start = clock_mono_ms();
    ask();
    int64_t took = clock_mono_ms() - start;
    cr_assert(took >= DEADLINE_MS && took < DEADLINE_MS + 2000, "%d ms", (int)took);
    cr_assert_eq(quotes[0].result, OX_VENUE_TIMEOUT);
    cr_assert_eq(quotes[1].result, OX_VENUE_OK);
  }
  cr_assert_eq(health_of(0).state, BREAKER_OPEN, "it was told, though no call came back");
  ask();
  cr_assert_eq(quotes[0].result, OX_VENUE_BREAKER_OPEN);
  pthread_mutex_unlock(&gate);
}

CHECKED(venues, with_all_its_threads_stuck_it_times_out_without_one)
{
  open_venues(0);
  atomic_store(&played[0].hangs, true);
  pthread_mutex_lock(&gate);
  for (int i = 0; i < 20; i++) {
    ask();
    cr_assert_eq(quotes[0].result, OX_VENUE_TIMEOUT);
    cr_assert_eq(quotes[1].result, OX_VENUE_OK);
    venues_reset(venues, NULL);
  }
  cr_assert_eq(atomic_load(&played[0].quotes), 4, "one for each of its threads");
  pthread_mutex_unlock(&gate);
  atomic_store(&played[0].hangs, false);
  int64_t until = clock_mono_ms() + 10000;
  do {
    cr_assert_lt(clock_mono_ms(), until);
    venues_reset(venues, NULL);
    ask();
  } while (quotes[0].result != OX_VENUE_OK);
}

CHECKED(venues, what_fails_at_once_is_asked_again_while_the_budget_lasts)
{
  open_venues(10);
  will(1, OX_VENUE_UNAVAILABLE, OX_VENUE_OK);
  ask();
  cr_assert_eq(quotes[1].result, OX_VENUE_OK, "the one retry to begin with");
  cr_assert_eq(atomic_load(&played[1].quotes), 2);
  cr_assert_eq(health_of(1).failures, 0);
  will(1, OX_VENUE_UNAVAILABLE, OX_VENUE_OK);
  ask();
  cr_assert_eq(quotes[1].result, OX_VENUE_UNAVAILABLE, "a tenth of two calls is none");
  for (int i = 0; i < 8; i++) ask();
  will(1, OX_VENUE_UNAVAILABLE, OX_VENUE_OK);
  ask();
  cr_assert_eq(quotes[1].result, OX_VENUE_OK);
}

static const struct ox_tx tx = {.size = sizeof tx, .tx_hash = "h"};

CHECKED(venues, submits_open_it_and_lookups_never_stop)
{
  open_venues(0);
  const struct registry_venue *west = &registered[1];
  struct ox_landing landing = {.size = sizeof landing};
  will(1, OX_VENUE_TIMEOUT, OX_VENUE_TIMEOUT);
  for (int i = 0; i < 3; i++) {
    cr_assert(venues_may_submit(venues, west));
    cr_assert_eq(venues_submit(venues, west, &tx), OX_VENUE_TIMEOUT);
  }
  cr_assert_not(venues_may_submit(venues, west));
  cr_assert(venues_may_submit(venues, &registered[0]));
  for (int i = 0; i < 10; i++)
    cr_assert_eq(venues_lookup(venues, west, "h", &landing), OX_VENUE_TIMEOUT);
  will(1, OX_VENUE_OK, OX_VENUE_OK);
  cr_assert_eq(venues_lookup(venues, west, "h", &landing), OX_VENUE_OK);
  cr_assert_eq(landing.state, OX_LANDING_LANDED);
  cr_assert_eq(health_of(1).state, BREAKER_OPEN, "a lookup tells the breaker nothing");
  cr_assert_eq(venues_submit(venues, west, &tx), OX_VENUE_OK, "the same bytes again may be sent");
  cr_assert_eq(atomic_load(&played[1].lookups), 11);
}

CHECKED(venues, of_a_batch_each_is_told_to_its_breaker)
{
  open_venues(0);
  const struct registry_venue *east = &registered[0], *west = &registered[1];
  const struct registry_venue *const v[] = {west, east, west};
  struct ox_batch_item items[3];
  for (int i = 0; i < 3; i++) items[i] = (struct ox_batch_item){.self = v[i]->self, .tx = &tx};
  cr_assert(venues_together(west, east));
  will(1, OX_VENUE_REJECTED, OX_VENUE_TIMEOUT);
  cr_assert(venues_submit_batch(venues, v, items, 3));
  cr_assert_eq(items[0].result, OX_VENUE_REJECTED);
  cr_assert_eq(items[1].result, OX_VENUE_OK);
  cr_assert_eq(items[2].result, OX_VENUE_TIMEOUT);
  cr_assert_eq(health_of(0).failures, 0);
  cr_assert_eq(health_of(1).failures, 1);
  cr_assert(venues_submit_batch(venues, v, items, 3));
  cr_assert_eq(health_of(1).failures, 3);
  cr_assert(venues_may_submit(venues, east));
  cr_assert_not(venues_may_submit(venues, west));
  cr_assert_eq(atomic_load(&played[1].batched), 4);
  cr_assert_eq(atomic_load(&played[1].submits), 0);
}

CHECKED(venues, a_batch_that_is_not_taken_tells_the_breaker_nothing)
{
  open_venues(0);
  const struct registry_venue *west = &registered[1], *const v[] = {west, west, west, west};
  struct ox_batch_item items[4];
  for (int i = 0; i < 4; i++) items[i] = (struct ox_batch_item){.self = west->self, .tx = &tx};
  will(1, OX_VENUE_TIMEOUT, OX_VENUE_TIMEOUT);
  cr_assert_not(venues_submit_batch(venues, v, items, 4));
  cr_assert_eq(health_of(1).failures, 0);
  cr_assert_eq(atomic_load(&played[1].batched), 0);
}

CHECKED(venues, of_an_earlier_minor_or_without_it_none_is_sent_together)
{
  open_venues(0);
  struct ox_venue earlier = tables[1], without = tables[1];
  earlier.size = offsetof(struct ox_venue, submit_batch);
  without.submit_batch = NULL;
  const struct registry_venue old = {&earlier, NULL, 0}, none = {&without, NULL, 0};
  cr_assert_not(venues_together(&old, &old));
  cr_assert_not(venues_together(&none, &none));
  cr_assert_not(venues_together(&registered[1], &old));
  cr_assert_not(venues_together(&none, &registered[1]));
}

/* What has expired by the venue's own clock is of no use, whatever the host's clock says. */
CHECKED(venues, a_quote_that_has_expired_when_it_comes_is_stale)
{
  open_venues(0);
  atomic_store(&played[0].life_ms, 1);
  atomic_store(&played[1].life_ms, -1);
  ask();
  cr_assert(quotes[0].result == OX_VENUE_OK && quotes[1].result == OX_VENUE_STALE);
  will(1, OX_VENUE_NO_LIQUIDITY, OX_VENUE_OK);
  ask();
  cr_assert(quotes[1].result == OX_VENUE_NO_LIQUIDITY, "its own word comes first");
  for (int i = 0; i < 3; i++) ask();
  cr_assert(health_of(1).state == BREAKER_OPEN, "a venue that gives nothing else is let be");
}

static void *ask_often(void *arg)
{
  (void)arg;
  const struct ox_swap swap = {sizeof swap, 1, "o", "k", "SOL", "USDC", 21, 0, 0};
  for (int i = 0; i < 500; i++) {
    struct ox_quote mine[N];
    cr_assert_eq(venues_quote(venues, &swap, mine, N), N);
    for (int v = 0; v < N; v++)
      cr_assert(mine[v].result != OX_VENUE_OK || mine[v].out_amount == 42);
  }
  return NULL;
}

CHECKED(venues, from_many_threads)
{
  pthread_t threads[8];
  open_venues(50);
  for (size_t i = 0; i < 8; i++)
    cr_assert_eq(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
  for (int i = 0; i < 100; i++) {
    will(i % 2, OX_VENUE_UNAVAILABLE, OX_VENUE_OK);
    venues_reset(venues, i % 3 ? "east" : NULL);
  }
  for (size_t i = 0; i < 8; i++) pthread_join(threads[i], NULL);
}
