/*
 * router.h - quotes in, a choice out: which venue, why, and what it would have been without it. The
 * larger net output wins; of equal ones the first. Pure.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <ox/venue.h>
#include <stddef.h>
#include <stdint.h>

#include "writer.h"

enum { ROUTER_QUOTES_MAX = 8, ROUTER_REASON_MAX = 192 };

/* best and second point into the quotes. */
struct router_choice {
  const struct ox_quote *best;   /* NULL: no venue has a usable quote; code says why */
  const struct ox_quote *second; /* the best of the others; NULL: there is none */
  uint32_t gain_bps;             /* of best over second, of second's output; rounded down */
  const char *code;              /* NO_LIQUIDITY: all said so; NO_ROUTE; NULL with a best */
  char reason[ROUTER_REASON_MAX];
};

void router_choose(const struct ox_quote *quotes, size_t n, struct router_choice *choice);

/* router_write() adds the best-execution record: quotes, route, reason, counterfactual. There has
 * to be a best; min_out_amount is the floor the swap will be sent with. */
void router_write(const struct router_choice *choice, const struct ox_quote *quotes, size_t n,
                  uint64_t min_out_amount, struct writer *w);

#endif
