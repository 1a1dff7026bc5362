/*
 * router_bench.c - how long a routing decision takes once the venues have quoted: the best split
 * over the two pools of a pair, and the choice between the quotes, with its reason. A line for each
 * case: the median and the 99th percentile of many decisions, in nanoseconds, and the median in
 * cycles of the time-stamp counter.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "executors/router.h"
#include "executors/split.h"

enum { DECISIONS = 20001, WARM_UP = 2000 };

static const uint64_t sol = 1000000000;

struct sample {
  uint64_t ns, cycles;
};

static uint64_t now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t cycles(void)
{
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

/* SOL-USDC of pools.json, raydium's price ppm above or below meteora's. */
struct market {
  struct pool pools[2];
  struct split_leg legs[2];
};

static void market_init(struct market *m, int64_t ppm)
{
  uint64_t y = UINT64_C(30000000000000);
  m->pools[0] = (struct pool){.kind = POOL_CONSTANT_PRODUCT,
                              .raydium = {200000 * sol, y + y / 1000000 * (uint64_t)ppm, 3000}};
  m->pools[1] = (struct pool){.kind = POOL_BINS,
                              .meteora = {-1898, 10, 100, 2500 * sol, 375000000000, 2000000}};
  for (int i = 0; i < 2; i++) m->legs[i] = (struct split_leg){&m->pools[i], true};
}

static struct ox_quote quote_of(const char *venue, uint64_t in, uint64_t out)
{
  struct ox_quote quote = {.size = sizeof quote, .in_amount = in, .out_amount = out};
  snprintf(quote.venue, sizeof quote.venue, "%s", venue);
  return quote;
}

/* What the venues say, which is not part of the decision. */
static size_t ask_venues(const struct market *m, uint64_t amount, struct ox_quote *quotes)
{
  static const char *const names[] = {"raydium", "meteora"};
  struct fill fill;
  size_t n = 0;
  for (int i = 0; i < 2; i++)
    if (pool_swap(&m->pools[i], true, amount, &fill))
      quotes[n++] = quote_of(names[i], amount, fill.out_amount);
  return n;
}

/* The best split, and the choice with its reason. */
static uint64_t decide(const struct market *m, uint64_t amount, struct ox_quote *quotes, size_t n)
{
  struct split split;
  if (split_best(m->legs, amount, &split) && split.in_amount[0] > 0 && split.in_amount[1] > 0) {
    uint64_t out = split.fill[0].out_amount + split.fill[1].out_amount;
    struct ox_quote *both = &quotes[n++];
    *both = quote_of("raydium+meteora", amount, out);
    both->n_legs = 2;
    both->legs[0] = (struct ox_leg){"raydium", split.in_amount[0], split.fill[0].out_amount};
    both->legs[1] = (struct ox_leg){"meteora", split.in_amount[1], split.fill[1].out_amount};
  }
  struct router_choice choice;
  router_choose(quotes, n, 1, &choice);
  assert(choice.best);
  return choice.best->out_amount;
}

static int by_ns(const void *a, const void *b)
{
  uint64_t x = ((const struct sample *)a)->ns, y = ((const struct sample *)b)->ns;
  return (x > y) - (x < y);
}

static void measure(const char *name, int64_t ppm, uint64_t amount)
{
  static struct sample samples[DECISIONS];
  static volatile uint64_t sink;
  struct market m;
  market_init(&m, ppm);
  for (int i = -WARM_UP; i < DECISIONS; i++) {
    struct ox_quote quotes[3];
    uint64_t in = amount + (uint64_t)(i + WARM_UP) * 977;
    size_t n = ask_venues(&m, in, quotes);
    uint64_t at_ns = now_ns(), at = cycles();
    sink += decide(&m, in, quotes, n);
    uint64_t taken = cycles() - at;
    if (i >= 0) samples[i] = (struct sample){now_ns() - at_ns, taken};
  }
  qsort(samples, DECISIONS, sizeof *samples, by_ns);
  const struct sample *median = &samples[DECISIONS / 2];
  printf("%-52s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n", name, median->ns,
         samples[DECISIONS * 99 / 100].ns, median->cycles);
}

int main(void)
{
  printf("%-52s %8s %8s %8s\n", "", "ns p50", "ns p99", "cycles");
  measure("1.5 SOL, prices 3.5 % apart: no split", 35000, 3 * sol / 2);
  measure("500 SOL, equal prices: two legs", 0, 500 * sol);
  measure("20,000 SOL, raydium 2 % better: two legs", 20000, 20000 * sol);
  measure("150,000 SOL, meteora 3.5 % better: over 35 bins", -35000, 150000 * sol);
  measure("250,000 SOL, equal prices: nearly all 101 bins", 0, 250000 * sol);
  return 0;
}
