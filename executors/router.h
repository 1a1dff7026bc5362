/*
 * router.h - quotes in, a choice out: which venue, why, and what it would have been without it.
 * Pure.
 *
 * The larger net output wins; of equal ones the first. A split over several venues has to gain more
 * over the best of the others than its further legs cost, and is out of the question while one of
 * its venues does not answer.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <ox/venue.h>
#include <stddef.h>
#include <stdint.h>

#include "writer.h"

enum {
  ROUTER_QUOTES_MAX = 8,
  ROUTER_REASON_MAX = 320,
  ROUTER_RECORD_MAX = 12288, /* of router_write(), with room to spare for an object around it */
  ROUTER_LEG_COST_MAX_BPS = 10000
};

/* best, second and declined point into the quotes. */
struct router_choice {
  const struct ox_quote *best;   /* NULL: no venue has a usable quote; code says why */
  const struct ox_quote *second; /* the best of the others that is no split; NULL: there is none */
  const struct ox_quote *declined; /* a split that gains too little; NULL: there is none */
  uint64_t gain;                   /* of best over second */
  uint32_t gain_bps;               /* the same, of second's output; rounded down */
  const char *code;                /* NO_LIQUIDITY: all said so; NO_ROUTE; NULL with a best */
  char reason[ROUTER_REASON_MAX];
};

/* leg_cost_bps: what each leg beyond the first costs, in 1/10000 of the output; up to
 * ROUTER_LEG_COST_MAX_BPS. */
void router_choose(const struct ox_quote *quotes, size_t n, uint32_t leg_cost_bps,
                   struct router_choice *choice);

/* router_write() adds the best-execution record: quotes, route, reason, counterfactual. There has
 * to be a best; min_out_amount is the floor the swap will be sent with. */
void router_write(const struct router_choice *choice, const struct ox_quote *quotes, size_t n,
                  uint64_t min_out_amount, struct writer *w);

/* router_write_legs() adds the array "legs". */
void router_write_legs(const struct ox_leg *legs, size_t n, struct writer *w);

#endif
