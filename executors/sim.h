/*
 * sim.h - the simulated venues, raydium and meteora. Each has a pool for every pair, and each order
 * finds it as it is in the files, or as the API has moved it: what other orders do does not show.
 * What differs from order to order is drawn (draw.h): how far the two mid prices are apart, how
 * long a quote and a swap take; in profile seed how far the landing price is off the quote, in
 * profile realistic what others swap in between.
 *
 * Any thread. The numbers are those of a simulation, kept in one place.
 */
#ifndef SIM_H
#define SIM_H

#include <ox/executor.h>

enum {
  /* Half of the way the mid prices are apart, in millionths of the price: both venues move by it,
   * one up and one down. With bins of 0.1 % that comes to 2 to 5 % between them. */
  SIM_HALF_GAP_MIN_PPM = 10800,
  SIM_HALF_GAP_MAX_PPM = 23600,
  SIM_BIN_SHIFT_MAX = 24, /* of that, in bins */
  SIM_LANDING_PPM = 5000, /* the landing price is within 0.5 % of the quote */
  /* Profile realistic. Arbitrage leaves the mid prices within 0.5 % of each other. */
  SIM_REAL_HALF_GAP_MAX_PPM = 2500,
  SIM_CONFIRM_SLOTS = 2,    /* from a transaction's block to its confirmation */
  SIM_LIFE_SLOTS = 150,     /* what a transaction may live */
  SIM_DROPPED_PPM = 10000,  /* one in a hundred is acknowledged and never seen again */
  SIM_BASE_FEE = 5000,      /* in lamports, of every transaction in a block */
  SIM_PRIORITY_FEE = 10000, /* and on top, the median */
  /* Faults: what is stale is so by a second, and a stale quote is 2 % too good. */
  SIM_STALE_MS = 1000,
  SIM_STALE_GAIN = 50,
};

/* sim_both splits a swap over the two. */
extern const struct ox_venue sim_raydium, sim_meteora, sim_both;

/* What they share; open before them, close after them. */
enum ox_venue_result sim_open(const struct ox_config *config, char *error, size_t error_len);
void sim_close(void);

#endif
