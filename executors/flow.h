/*
 * flow.h - what others do in a pool between a quote and its landing, drawn: a few swaps of either
 * direction, each of which moves the price a little. Pure.
 */
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "draw.h"
#include "pools.h"

enum {
  FLOW_SWAPS_MAX = 8, /* 0 to 8, evenly */
  FLOW_IMPACT_BPS = 5 /* by which their median one moves the price */
};

/* flow_swap() runs them through the pool, and after them in_amount: what that fetches then; 0 when
 * the pool cannot fill it any more. */
uint64_t flow_swap(const struct draw *draw, const struct pool *pool, bool x_to_y,
                   uint64_t in_amount);

#endif
