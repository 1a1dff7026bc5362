/*
 * draw.h - the randomness of the simulated venues. A draw depends on what it is for and on nothing
 * else, so that the same seed gives the same fills, whatever the threads do. Pure.
 */
#ifndef DRAW_H
#define DRAW_H

#include <stdint.h>

/* venue is "" for what the venues have in common. */
struct draw {
  uint64_t seed;
  const char *venue;
  const char *key;
  uint32_t attempt;
};

uint64_t draw_bits(const struct draw *d, const char *purpose);

/* draw_between() is evenly spread over min to max, both included; min <= max. */
int64_t draw_between(const struct draw *d, const char *purpose, int64_t min, int64_t max);

/* draw_lognormal() is lognormal, half of the draws below median (0 to 2^60) and one in six each
 * below 0.6 and above 1.65 times it; none is below 0.21 or above 4.7 times. */
int64_t draw_lognormal(const struct draw *d, const char *purpose, int64_t median);

#endif
