/*
 * price.h - moving the mid price of a simulated pool to a decimal, without a binary float. Pure.
 */
#ifndef PRICE_H
#define PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "pools.h"

enum { PRICE_DECIMALS = 12 };

/* A pool's price as a fraction: base units of y for one of x. */
struct price {
  u128 y, x;
};

/* price_of() is what one whole token of in, worth units of 10^-12 whole tokens of out (1 to 2^63-1,
 * as amount_parse() reads them with 12 decimals), makes of the price of a pool whose x is in, or,
 * without in_is_x, out. */
struct price price_of(uint64_t units, unsigned decimals_in, unsigned decimals_out, bool in_is_x);

/*
 * price_move() moves the pool's mid price there; what it holds of x stays, of y it then holds what
 * that is worth. A constant product meets the price to the last unit of y, bins by the nearest of
 * them. False, and the pool is as it was: the pool cannot hold that, when its active bin also has
 * to move by up to bin_shift.
 */
bool price_move(const struct price *price, int32_t bin_shift, struct pool *pool);

#endif
