/*
 * sim_land.c - how a simulated transaction ends: what it fetches, when, and at what fee. Each leg
 * of a split moves as a swap of its venue alone would; the floor is that of the sum. Any thread.
 *
 * Profile seed draws how far off its quote a leg lands. Profile realistic draws the swaps of others
 * that come in between, and runs them and then the leg through the pool.
 */
#include <stdio.h>

#include "flow.h"
#include "sim_venue.h"
#include "tx.h"

static uint64_t near_quote(const struct draw *draw, uint64_t quoted)
{
  int64_t off_ppm = draw_between(draw, "landing price", -SIM_LANDING_PPM, SIM_LANDING_PPM);
  uint64_t by = (uint64_t)((u128)quoted * (uint64_t)(off_ppm < 0 ? -off_ppm : off_ppm) / PPM);
  return off_ppm < 0 ? quoted - by : quoted + by;
}

/* What a leg fetches; 0: the pool cannot fill it any more. */
static uint64_t land_leg(const struct sim_venue *venue, const struct tx *tx, uint64_t in_amount,
                         uint64_t quoted)
{
  struct draw draw = sim_draw(venue, tx->draw_key, tx->attempt);
  if (!venue->sim->realistic) return near_quote(&draw, quoted);
  const struct ox_swap swap = {.size = sizeof swap,
                               .attempt = tx->attempt,
                               .draw_key = tx->draw_key,
                               .token_in = tx->token_in,
                               .token_out = tx->token_out,
                               .in_amount = in_amount};
  struct scenario *scenario = board_scenario(venue->sim->board);
  struct pool pool;
  bool x_to_y;
  bool listed = sim_pool(venue, scenario, &swap, &pool, &x_to_y);
  scenario_drop(scenario);
  return listed ? flow_swap(&draw, &pool, x_to_y, in_amount) : 0;
}

/* It is in a block some slots after it was sent, and confirmed some slots later. False: it is not
 * in any while it lives, or dropped. */
static bool find_block(const struct sim *sim, const struct draw *draw, struct ledger_row *row)
{
  int64_t median = (sim->swap_delay.min + sim->swap_delay.max) / 2;
  int64_t latency = draw_lognormal(draw, "swap delay", median);
  int64_t slots = latency / sim->slot_ms + 1;
  row->delay_ms = (slots + SIM_CONFIRM_SLOTS) * sim->slot_ms;
  row->network_fee =
      SIM_BASE_FEE + (uint64_t)draw_lognormal(draw, "priority fee", SIM_PRIORITY_FEE);
  return slots <= SIM_LIFE_SLOTS && draw_between(draw, "dropped", 1, PPM) > SIM_DROPPED_PPM;
}

bool sim_land(const struct sim_venue *venue, const struct tx *tx, struct ledger_row *row)
{
  const struct sim *sim = venue->sim;
  const struct sim_venue *last = venue->legs[1] ? venue->legs[1] : venue;
  uint64_t out =
      land_leg(last, tx, tx->in_amount - tx->leg_in, tx->quoted_out - tx->leg_quoted_out);
  row->out_amount = out;
  row->landed = out > 0;
  if (venue->legs[0]) {
    row->leg_in = tx->leg_in;
    row->leg_out = land_leg(venue->legs[0], tx, tx->leg_in, tx->leg_quoted_out);
    row->out_amount += row->leg_out;
    row->landed = out > 0 && row->leg_out > 0;
  }
  row->landed = row->landed && row->out_amount >= row->min_out_amount;
  struct draw draw = sim_draw(venue, tx->draw_key, tx->attempt);
  if (sim->realistic) return find_block(sim, &draw, row);
  row->delay_ms = draw_between(&draw, "swap delay", sim->swap_delay.min, sim->swap_delay.max);
  return true;
}
