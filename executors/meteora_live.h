/*
 * meteora_live.h - a pool of bins that swaps move: each bin holds what it holds. Pure.
 */
#ifndef METEORA_LIVE_H
#define METEORA_LIVE_H

#include "meteora.h"

struct meteora_held {
  uint64_t x, y;
};

struct meteora_live {
  struct meteora_pool pool; /* but for its active bin as it was in the beginning */
  int32_t lowest;           /* the bin of held[0]; there are 2 * pool.bins + 1 */
  struct meteora_held held[2 * METEORA_BINS_MAX + 1];
};

/* meteora_live_init() begins with the pool as meteora_swap() sees it. */
void meteora_live_init(struct meteora_live *live, const struct meteora_pool *pool);

/* meteora_live_swap() swaps in_amount (below 2^63) and leaves the pool moved by it: what came in,
 * but for its fee, is in the bins that it went through, and the last of these is the active one.
 * False: nothing, or more than the bins hold; the pool is as it was. fill gets no impact. */
bool meteora_live_swap(struct meteora_live *live, bool x_to_y, uint64_t in_amount,
                       struct fill *fill);

#endif
