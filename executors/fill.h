/*
 * fill.h - what a pool's arithmetic comes to. All of it is in integers, with 128 bits between.
 */
#ifndef FILL_H
#define FILL_H

#include <stdint.h>

typedef unsigned __int128 u128;

struct fill {
  uint64_t out_amount; /* net of fees */
  uint64_t fee_amount; /* of the input token */
  uint32_t impact_bps; /* how far out_amount is below the mid price, fees aside; rounded down */
};

static inline u128 div_ceil(u128 a, u128 b)
{
  return a / b + (a % b != 0);
}

#endif
