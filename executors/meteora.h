/*
 * meteora.h - a pool of liquidity bins (DLMM): within a bin the price stands still. Pure.
 *
 * Bin i trades at (1 + bin_step/1e4)^i base units of y for one of x, in Q64.64. Below the active
 * bin the bins hold y, above it x, the active one both; a swap eats its way from the active bin
 * outwards.
 *
 *   x to y in a bin   floor(p * n >> 64)        y to x   floor((n << 64) / p)
 *   fee               ceil(a * r / 1e9) of a in a partly used bin,
 *                     ceil(max * r / (1e9 - r)) on top of what exhausts one
 */
#ifndef METEORA_H
#define METEORA_H

#include <stdbool.h>
#include <stdint.h>

#include "fill.h"

enum { METEORA_BINS_MAX = 512, METEORA_BIN_STEP_MAX = 500 };

/* Every bin holds alike; the fee in billionths: 2000000 is 0.2 %. */
struct meteora_pool {
  int32_t active;
  uint32_t bin_step; /* in 1/1e4: 10 is 0.1 % from bin to bin */
  uint32_t bins;     /* on either side of the active one */
  uint64_t bin_x, bin_y;
  uint32_t fee_ppb;
};

/* meteora_price() is the price of a bin in Q64.64; 0 where that cannot hold it. */
u128 meteora_price(uint32_t bin_step, int32_t bin);

/* meteora_pool_sound() is true when all prices the pool, shifted by up to shift bins, can reach are
 * between 2^-32 and 2^32 and its reserves are below 2^62: what the arithmetic has room for. */
bool meteora_pool_sound(const struct meteora_pool *pool, int32_t shift);

/* A pool as one swap walks through it. powers: of the inverse of 1 + bin_step/1e4 the 1st, 2nd, 4th
 * and so on, below one, of 2^-64; all prices are products of them. */
struct meteora_walk {
  const struct meteora_pool *pool;
  bool x_to_y;
  uint64_t powers[32];
};

/* One bin as a swap meets it. */
struct meteora_bin {
  u128 price;
  uint64_t held; /* of what the swap takes out */
  uint32_t fee_ppb;
  bool x_to_y;
};

void meteora_walk_init(struct meteora_walk *walk, const struct meteora_pool *pool, bool x_to_y);

/* meteora_bin() is the bin a swap comes to after so many others: 0 is the active one. */
struct meteora_bin meteora_bin(const struct meteora_walk *walk, uint32_t after);

/* meteora_bin_swap() adds what the bin gives to fill's amounts, and returns how much of in_amount
 * it took, fee included: less than all of it only when that exhausts the bin. */
uint64_t meteora_bin_swap(const struct meteora_bin *bin, uint64_t in_amount, struct fill *fill);

/* meteora_impact_bps() is how far fill's output, of in_amount, is below the active bin's price. */
uint32_t meteora_impact_bps(const struct meteora_bin *active, uint64_t in_amount,
                            const struct fill *fill);

/* meteora_swap() is what in_amount (below 2^63) of x, or else of y, fetches. False: nothing, or
 * more than the bins hold. */
bool meteora_swap(const struct meteora_pool *pool, bool x_to_y, uint64_t in_amount,
                  struct fill *fill);

#endif
