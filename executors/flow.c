/*
 * flow.c - the swaps of others. Pure: the pool is not changed, what they do to it is only seen by
 * the swap that comes after them.
 */
#include "flow.h"

#include <stdio.h>

#include "meteora_live.h"

enum { BPS = 10000 };

struct other {
  bool x_to_y;
  uint64_t in_amount;
};

/* The k-th of them; medians: of what goes in, of x and of y. */
static struct other draw_other(const struct draw *draw, int k, const uint64_t *medians)
{
  char purpose[24];
  snprintf(purpose, sizeof purpose, "flow side %d", k);
  struct other other = {.x_to_y = draw_bits(draw, purpose) & 1};
  uint64_t median = medians[other.x_to_y ? 0 : 1];
  snprintf(purpose, sizeof purpose, "flow size %d", k);
  other.in_amount = (uint64_t)draw_lognormal(draw, purpose, (int64_t)median);
  return other;
}

static int count(const struct draw *draw)
{
  return (int)draw_between(draw, "flow count", 0, FLOW_SWAPS_MAX);
}

/* The price moves by twice the part that goes in. The fees stay in the pool. */
static uint64_t through_product(const struct draw *draw, struct raydium_pool pool, bool x_to_y,
                                uint64_t in_amount)
{
  static const uint64_t most = (uint64_t)1 << 62;
  struct fill fill = {0};
  for (int k = 0, n = count(draw); k < n; k++) {
    const uint64_t part = 2 * BPS / FLOW_IMPACT_BPS;
    struct other other = draw_other(draw, k, (const uint64_t[]){pool.x / part, pool.y / part});
    uint64_t *in = other.x_to_y ? &pool.x : &pool.y, *out = other.x_to_y ? &pool.y : &pool.x;
    if (other.in_amount == 0 || other.in_amount > most - *in) continue;
    if (!raydium_swap(&pool, other.x_to_y, other.in_amount, &fill)) continue;
    *in += other.in_amount;
    *out -= fill.out_amount;
  }
  return raydium_swap(&pool, x_to_y, in_amount, &fill) ? fill.out_amount : 0;
}

/* The price moves by a step with each bin. */
static uint64_t through_bins(const struct draw *draw, const struct meteora_pool *pool, bool x_to_y,
                             uint64_t in_amount)
{
  const uint64_t medians[] = {pool->bin_x / pool->bin_step * FLOW_IMPACT_BPS,
                              pool->bin_y / pool->bin_step * FLOW_IMPACT_BPS};
  struct meteora_live live;
  struct fill fill;
  meteora_live_init(&live, pool);
  for (int k = 0, n = count(draw); k < n; k++) {
    struct other other = draw_other(draw, k, medians);
    if (other.in_amount > 0) meteora_live_swap(&live, other.x_to_y, other.in_amount, &fill);
  }
  return meteora_live_swap(&live, x_to_y, in_amount, &fill) ? fill.out_amount : 0;
}

uint64_t flow_swap(const struct draw *draw, const struct pool *pool, bool x_to_y,
                   uint64_t in_amount)
{
  if (pool->kind == POOL_BINS) return through_bins(draw, &pool->meteora, x_to_y, in_amount);
  return through_product(draw, pool->raydium, x_to_y, in_amount);
}
