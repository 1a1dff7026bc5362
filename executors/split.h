/*
 * split.h - an amount over two pools so that together they give the most. Pure.
 *
 * DESIGN. Where the last unit fetches the same from both is known in closed form: between two
 * constant-product pools, with g = 1 - fee and s = sqrt(g x y), the first gets
 *
 *   a = (s1 (x2 + g2 A) - s2 x1) / (s2 g1 + s1 g2)        between 0 and A
 *
 * Against bins it gets what brings its marginal price down to the bin's, x' = sqrt(g1 x y / (g2
 * p)), bin after bin, until the amount is used up; when it runs out between two bins, their edge it
 * is.
 *
 * That is the best amount but for rounding. Fees are rounded up to units of the input, one of which
 * may be worth a million units of the output, so the amounts that count are the last ones before a
 * fee's next unit, of either pool. These repeat after a number of units (1,000 for fees of 0.3 %
 * and 0.2 %): from the closed form one repetition in both directions is tried, in whole units, and
 * the same below the last edges of bins, where a little less saves what filling a bin rounds up.
 *
 * What is found is within one unit of the output of the best there is, where fees are those that
 * venues have (whole basis points) and the price step between two bins is worth 50 units of the
 * input or more. Beyond that it may miss some of what rounding takes. It is never worse than either
 * pool alone.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "pools.h"

struct split_leg {
  const struct pool *pool;
  bool x_to_y;
};

struct split {
  uint64_t in_amount[2]; /* of one of them 0 when the other alone is best */
  struct fill fill[2];
};

/* split_best() finds the best split of amount (below 2^63); legs alone are splits, too. False:
 * there is none that fills it all. Of two pools of bins only the better one is taken. */
bool split_best(const struct split_leg legs[2], uint64_t amount, struct split *best);

#endif
