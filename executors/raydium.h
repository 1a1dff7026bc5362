/*
 * raydium.h - a constant-product pool: x * y never falls. Pure.
 *
 *   fee = ceil(in * rate / 1e6)     n = in - fee     out = floor(n * y / (x + n))
 */
#ifndef RAYDIUM_H
#define RAYDIUM_H

#include <stdbool.h>
#include <stdint.h>

#include "fill.h"

/* Reserves in base units, 1 to 2^62; the fee in millionths: 3000 is 0.3 %. */
struct raydium_pool {
  uint64_t x, y;
  uint32_t fee_ppm;
};

/* raydium_swap() is what in_amount (below 2^63) of x, or else of y, fetches. False: nothing. */
bool raydium_swap(const struct raydium_pool *pool, bool x_to_y, uint64_t in_amount,
                  struct fill *fill);

#endif
