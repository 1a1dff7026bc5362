/*
 * real.h - numbers with 64 significant bits, by integer arithmetic alone, so that every machine
 * gets the same. Not negative; every result is rounded down. For closed forms that say where to
 * look: what is found there is settled in whole units. Pure.
 */
#ifndef REAL_H
#define REAL_H

#include <stdint.h>

#include "fill.h"

/* m * 2^e; the top bit of m is set, but for zero, where both are 0. */
struct real {
  uint64_t m;
  int e;
};

struct real real_of(u128 value);
struct real real_add(struct real a, struct real b);
struct real real_sub(struct real a, struct real b); /* 0 when b is the larger */
struct real real_mul(struct real a, struct real b);
struct real real_div(struct real a, struct real b); /* b is not 0 */
struct real real_sqrt(struct real a);

/* real_floor() is the whole part; max when that is more. */
uint64_t real_floor(struct real a, uint64_t max);

#endif
