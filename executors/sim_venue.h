/*
 * sim_venue.h - what the parts of the simulation share among themselves: its settings, and the
 * venue that each of a venue's functions is handed. All of it is constant once the plugin is open,
 * but for the board and the ledger, which lock themselves. Any thread.
 *
 *   sim.c         opening, and the venues' tables
 *   sim_config.c  the keys of the configuration
 *   sim_price.c   what a venue gives for an amount
 *   sim_trade.c   quote, build, submit, look up
 *   sim_land.c    how a transaction ends
 *   sim_fault.c   what goes wrong with them on purpose
 *   sim_api.c     how all this is governed over HTTP
 */
#ifndef SIM_VENUE_H
#define SIM_VENUE_H

#include <ox/venue.h>
#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "draw.h"
#include "fill.h"
#include "ledger.h"
#include "scenario.h"
#include "sim.h"

enum { PPM = 1000000, BPS = 10000 };

struct sim_range_ms {
  int64_t min, max;
};

struct sim;

/* side: which way its price goes when the coin shows heads. legs: what it splits a swap over; the
 * venues with pools of their own have none. */
struct sim_venue {
  const struct sim *sim;
  const char *name;
  int side;
  const struct sim_venue *legs[2];
};

struct sim {
  const struct ox_config *config;
  const char *database_url;
  uint64_t seed;
  bool realistic;
  int64_t slot_ms; /* of profile realistic */
  struct sim_range_ms quote_delay, swap_delay;
  int64_t tx_slack_ms;     /* what a transaction may live beyond the longest swap */
  int64_t late_landing_ms; /* by how much at most a late one lands after its expiry */
  int64_t lookup_lag_ms;
  struct board *board;
  struct ledger *ledger;
  struct sim_venue raydium, meteora, both;
};

/* sim_shared() is the simulation, while the plugin is open. */
const struct sim *sim_shared(void);

/* sim_config_read() fills in the settings; NULL, or what is wrong with them. */
const char *sim_config_read(struct sim *sim);

/* sim_draw() is for what is drawn for this venue alone. */
struct draw sim_draw(const struct sim_venue *venue, const char *key, uint32_t attempt);

/* leg_in, leg_out: of a split what its first venue gets and gives; else 0. */
struct sim_offer {
  char pool[OX_NAME_MAX];
  struct fill fill;
  uint64_t leg_in, leg_out;
};

/* sim_price() is what the venue offers for swap in a scenario, the same whenever and wherever it is
 * asked. OX_VENUE_NO_LIQUIDITY, OX_VENUE_NO_SPLIT: nothing. */
enum ox_venue_result sim_price(const struct sim_venue *venue, const struct scenario *scenario,
                               const struct ox_swap *swap, struct sim_offer *offer);

/* sim_pool() is the venue's pool for swap, as it stands for this order. False: none, or no amount.
 */
bool sim_pool(const struct sim_venue *venue, const struct scenario *scenario,
              const struct ox_swap *swap, struct pool *pool, bool *x_to_y);

/* sim_land() decides how a transaction ends: row's amounts, delay and fee. It depends on the bytes
 * and the scenario alone, whoever sends them, and however often. False: it never gets into a block.
 */
struct tx;
bool sim_land(const struct sim_venue *venue, const struct tx *tx, struct ledger_row *row);

/* sim_strike() is the fault that strikes a call; a crash does not return. key and attempt are the
 * order's, of a look-up the hash and 0. */
enum fault_kind sim_strike(const struct sim_venue *venue, enum fault_point point, const char *key,
                           uint32_t attempt);

/* sim_faulty() is whether a fault may strike anything at present. */
bool sim_faulty(const struct sim *sim);

/* sim_refusal() is what the venue answers at once because of a fault; OX_VENUE_OK: nothing. */
enum ox_venue_result sim_refusal(enum fault_kind fault);

/* The venues' functions; self is a struct sim_venue. */
enum ox_venue_result sim_quote(void *self, const struct ox_swap *swap, int64_t deadline_ms,
                               struct ox_quote *quote);
enum ox_venue_result sim_build(void *self, const struct ox_swap *swap, uint64_t nonce,
                               struct ox_tx *tx);
enum ox_venue_result sim_submit(void *self, const struct ox_tx *tx, int64_t deadline_ms);
int sim_submit_batch(struct ox_batch_item *items, size_t n, int64_t deadline_ms);
enum ox_venue_result sim_lookup(void *self, const char *tx_hash, int64_t deadline_ms,
                                struct ox_landing *landing);

#endif
