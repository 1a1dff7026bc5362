/*
 * swap.h - how a swap is carried out, whatever made it start: quotes from every venue, the best
 * route, one transaction, its landing. What the executors of market.so have in common.
 *
 * DESIGN. The floor of an order, minOutAmount, is fixed by its first route and kept: a later
 * attempt asks for quotes again, but never accepts less. A run that finds a transaction left open
 * by an earlier one does nothing but wait for it. The floor is never below a limit order's price.
 */
#ifndef SWAP_H
#define SWAP_H

#include <ox/executor.h>
#include <stdbool.h>

#include "payload.h"
#include "router.h"

/* The tokens, and ROUTER_LEG_COST_BPS, for all orders; before and after everything else. */
enum ox_venue_result swap_open(const struct ox_config *config, char *error, size_t error_len);
void swap_close(void);

/* swap_read_bps() reads a key that is a number of 1/10000; *bps stays where it is not set. False:
 * it is no number up to max. */
bool swap_read_bps(const struct ox_config *config, const char *key, uint32_t max, uint32_t *bps);

void swap_validate(const struct ox_order *order, struct ox_errors *errors);

/* swap_read() is payload_read() with the tokens that are open. */
bool swap_read(const struct ox_order *order, struct ox_errors *errors, struct payload *out);

/* swap_floor() is the least that may come of a swap that is quoted at out. */
uint64_t swap_floor(const struct payload *payload, uint64_t out);

/* swap_choose() is router_choose() with the cost of a leg that is configured. */
void swap_choose(const struct ox_quote *quotes, size_t n, struct router_choice *choice);

/* One run of one order. */
struct swap {
  const struct ox_order *order;
  const struct ox_host *host;
  struct payload payload;
  uint64_t floor; /* minOutAmount of its first route; 0: there was none */
  struct ox_swap ask;
  struct ox_quote quotes[ROUTER_QUOTES_MAX];
  size_t n_quotes;
  struct router_choice choice; /* points into quotes */
};

/* swap_begin() is false when the run is over already, with *outcome: an earlier run's transaction
 * was awaited, or the order cannot be read any more. */
bool swap_begin(struct swap *s, const struct ox_order *order, const struct ox_host *host,
                enum ox_outcome *outcome);

/* swap_quote() asks the venues and chooses. */
void swap_quote(struct swap *s);

/* swap_fill() takes the choice: building, submitted, confirmed. */
enum ox_outcome swap_fill(struct swap *s);

/* swap_stop() is what a run ends in when the host did not say OX_OK. */
enum ox_outcome swap_stop(const struct swap *s, enum ox_status_code code);

#endif
