/*
 * meteora_live.c - a pool of bins that swaps move. Pure.
 */
#include "meteora_live.h"

void meteora_live_init(struct meteora_live *live, const struct meteora_pool *pool)
{
  int32_t bins = (int32_t)pool->bins;
  live->pool = *pool;
  live->lowest = pool->active - bins;
  for (int32_t i = -bins; i <= bins; i++)
    live->held[i + bins] =
        (struct meteora_held){i >= 0 ? pool->bin_x : 0, i <= 0 ? pool->bin_y : 0};
}

/* One way through the bins, which are changed only where apply is set; how much stays over. */
static uint64_t pass(struct meteora_live *live, bool x_to_y, uint64_t in_amount, bool apply,
                     struct fill *sum)
{
  struct meteora_pool now = live->pool;
  struct meteora_walk walk;
  int32_t at = now.active, last = x_to_y ? live->lowest : live->lowest + 2 * (int32_t)now.bins;
  now.bins *= 2; /* the active bin may be at either end */
  meteora_walk_init(&walk, &now, x_to_y);
  uint64_t left = in_amount;
  for (uint32_t after = 0; left > 0; after++, at += x_to_y ? -1 : 1) {
    struct meteora_held *held = &live->held[at - live->lowest];
    struct meteora_bin bin = meteora_bin(&walk, after);
    struct fill fill = {0};
    bin.held = x_to_y ? held->y : held->x;
    uint64_t taken = meteora_bin_swap(&bin, left, &fill);
    if (apply) {
      *(x_to_y ? &held->x : &held->y) += taken - fill.fee_amount;
      *(x_to_y ? &held->y : &held->x) -= fill.out_amount;
      live->pool.active = at;
    }
    sum->out_amount += fill.out_amount;
    sum->fee_amount += fill.fee_amount;
    left -= taken;
    if (at == last) break;
  }
  return left;
}

bool meteora_live_swap(struct meteora_live *live, bool x_to_y, uint64_t in_amount,
                       struct fill *fill)
{
  struct fill sum = {0};
  if (pass(live, x_to_y, in_amount, false, &sum) > 0 || sum.out_amount == 0) return false;
  *fill = sum;
  pass(live, x_to_y, in_amount, true, &(struct fill){0});
  return true;
}
