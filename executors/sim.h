/*
 * sim.h - the simulated venues, raydium and meteora, in profile seed: each has a pool for every
 * pair, which no swap moves. What differs from order to order is drawn (draw.h): how far the two
 * mid prices are apart, how long a quote and a swap take, how far the landing price is off the
 * quote.
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
  SIM_TX_SLACK_MS = 2000, /* what a transaction may live beyond the longest swap */
};

extern const struct ox_venue sim_raydium, sim_meteora;

/* What the two share; open before them, close after them. */
enum ox_venue_result sim_open(const struct ox_config *config, char *error, size_t error_len);
void sim_close(void);

#endif
