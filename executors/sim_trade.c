/*
 * sim_trade.c - the functions of the simulated venues: quote, build, submit, look up. Any thread.
 */
#include <ox/text.h>
#include <string.h>
#include <time.h>

#include "sim_venue.h"
#include "tx.h"

static void sleep_ms(int64_t ms)
{
  struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) != 0) continue;
}

static int64_t time_left_ms(const struct sim *sim, int64_t deadline_ms)
{
  int64_t left = deadline_ms - sim->config->now_ms();
  return left > 0 ? left : 0;
}

/* The answer never comes. */
static enum ox_venue_result unanswered(const struct sim *sim, int64_t deadline_ms)
{
  sleep_ms(time_left_ms(sim, deadline_ms));
  return OX_VENUE_TIMEOUT;
}

static int64_t expiry_ms(const struct sim *sim)
{
  int64_t life_ms =
      sim->realistic ? SIM_LIFE_SLOTS * sim->slot_ms : sim->swap_delay.max + sim->tx_slack_ms;
  return ledger_now_ms(sim->ledger) + life_ms;
}

/* ── quote ───────────────────────────────────────────────────────────────────────────────────── */

/* A split waits for both its venues. */
static int64_t quote_delay_ms(const struct sim_venue *venue, const struct ox_swap *swap)
{
  const struct sim_range_ms *range = &venue->sim->quote_delay;
  if (venue->legs[0]) {
    int64_t first = quote_delay_ms(venue->legs[0], swap);
    int64_t second = quote_delay_ms(venue->legs[1], swap);
    return first > second ? first : second;
  }
  struct draw draw = sim_draw(venue, swap->draw_key, swap->attempt);
  return draw_between(&draw, "quote delay", range->min, range->max);
}

/* Waits as long as the venue takes to answer, and says whether it does. */
static enum ox_venue_result await_answer(const struct sim_venue *venue, const struct ox_swap *swap,
                                         int64_t deadline_ms)
{
  const struct sim *sim = venue->sim;
  int64_t delay = quote_delay_ms(venue, swap);
  if (delay == 0) return OX_VENUE_OK;
  if (delay > time_left_ms(sim, deadline_ms)) return unanswered(sim, deadline_ms);
  sleep_ms(delay);
  return OX_VENUE_OK;
}

static enum ox_venue_result price(const struct sim_venue *venue, const struct ox_swap *swap,
                                  struct sim_offer *offer)
{
  struct scenario *scenario = board_scenario(venue->sim->board);
  enum ox_venue_result result = sim_price(venue, scenario, swap, offer);
  scenario_drop(scenario);
  return result;
}

static void give_legs(const struct sim_venue *venue, const struct sim_offer *offer,
                      struct ox_quote *out)
{
  uint64_t in[] = {offer->leg_in, out->in_amount - offer->leg_in};
  uint64_t fetched[] = {offer->leg_out, out->out_amount - offer->leg_out};
  out->n_legs = 2;
  for (int i = 0; i < 2; i++) {
    out->legs[i] = (struct ox_leg){.in_amount = in[i], .out_amount = fetched[i]};
    ox_text_copy(out->legs[i].venue, sizeof out->legs[i].venue, venue->legs[i]->name);
  }
}

static enum ox_venue_result give_quote(const struct sim_venue *venue, const struct ox_swap *swap,
                                       struct ox_quote *out)
{
  struct sim_offer offer;
  enum ox_venue_result result = price(venue, swap, &offer);
  if (result != OX_VENUE_OK) return result;
  ox_text_copy(out->venue, sizeof out->venue, venue->name);
  memcpy(out->pool, offer.pool, sizeof out->pool);
  out->in_amount = swap->in_amount;
  out->out_amount = offer.fill.out_amount;
  out->fee_amount = offer.fill.fee_amount;
  out->min_out_amount = (uint64_t)((u128)out->out_amount * (BPS - swap->slippage_bps) / BPS);
  out->price_impact_bps = offer.fill.impact_bps;
  out->as_of_ms = ledger_now_ms(venue->sim->ledger);
  out->expires_at_ms = expiry_ms(venue->sim);
  if (venue->legs[0]) give_legs(venue, &offer, out);
  return OX_VENUE_OK;
}

/* Out of a cache that was not cleared: the price is too good, and its time is up. */
static void make_stale(struct ox_quote *quote)
{
  uint64_t more = quote->out_amount / SIM_STALE_GAIN;
  quote->out_amount += more;
  if (quote->n_legs > 0) quote->legs[0].out_amount += more;
  quote->expires_at_ms = quote->as_of_ms - SIM_STALE_MS;
}

enum ox_venue_result sim_quote(void *self, const struct ox_swap *swap, int64_t deadline_ms,
                               struct ox_quote *out)
{
  const struct sim_venue *venue = self;
  enum fault_kind fault = sim_strike(venue, FAULT_AT_QUOTE, swap->draw_key, swap->attempt);
  if (fault == FAULT_QUOTE_TIMEOUT) return unanswered(venue->sim, deadline_ms);
  enum ox_venue_result result = sim_refusal(fault);
  if (result == OX_VENUE_OK) result = await_answer(venue, swap, deadline_ms);
  if (result == OX_VENUE_OK) result = give_quote(venue, swap, out);
  if (result == OX_VENUE_OK && fault == FAULT_STALE_QUOTE) make_stale(out);
  return result;
}

/* ── build and submit ────────────────────────────────────────────────────────────────────────── */

enum ox_venue_result sim_build(void *self, const struct ox_swap *swap, uint64_t nonce,
                               struct ox_tx *out)
{
  const struct sim_venue *venue = self;
  struct sim_offer offer;
  enum ox_venue_result result = price(venue, swap, &offer);
  if (result != OX_VENUE_OK) return result;
  struct tx tx = {
      .attempt = swap->attempt,
      .nonce = nonce,
      .in_amount = swap->in_amount,
      .quoted_out = offer.fill.out_amount,
      .min_out_amount = swap->min_out_amount,
      .expires_at_ms = expiry_ms(venue->sim),
      .leg_in = offer.leg_in,
      .leg_quoted_out = offer.leg_out,
  };
  if (sim_strike(venue, FAULT_AT_BUILD, swap->draw_key, swap->attempt) == FAULT_EXPIRED)
    tx.expires_at_ms = ledger_now_ms(venue->sim->ledger) - SIM_STALE_MS;
  bool fits = ox_text_copy(tx.venue, sizeof tx.venue, venue->name) &&
              ox_text_copy(tx.order_id, sizeof tx.order_id, swap->order_id) &&
              ox_text_copy(tx.draw_key, sizeof tx.draw_key, swap->draw_key) &&
              ox_text_copy(tx.token_in, sizeof tx.token_in, swap->token_in) &&
              ox_text_copy(tx.token_out, sizeof tx.token_out, swap->token_out);
  return fits && tx_encode(&tx, out) ? OX_VENUE_OK : OX_VENUE_REJECTED;
}

/* Bytes that hash as they say can still say what no venue would build. */
static bool sound(const struct sim_venue *venue, const struct tx *tx)
{
  if (strcmp(tx->venue, venue->name) != 0 || tx->quoted_out < tx->leg_quoted_out) return false;
  if (!venue->legs[0]) return tx->leg_in == 0 && tx->leg_quoted_out == 0;
  return tx->leg_in > 0 && tx->leg_in < tx->in_amount;
}

/* False: it never gets into a block. */
static bool row_of(const struct sim_venue *venue, const struct ox_tx *bytes, const struct tx *tx,
                   struct ledger_row *row)
{
  *row = (struct ledger_row){
      .attempt = tx->attempt,
      .in_amount = tx->in_amount,
      .min_out_amount = tx->min_out_amount,
      .expires_at_ms = tx->expires_at_ms,
  };
  memcpy(row->order_id, tx->order_id, sizeof row->order_id);
  memcpy(row->venue, tx->venue, sizeof row->venue);
  memcpy(row->token_in, tx->token_in, sizeof row->token_in);
  memcpy(row->token_out, tx->token_out, sizeof row->token_out);
  memcpy(row->tx_hash, bytes->tx_hash, strlen(bytes->tx_hash) + 1);
  return sim_land(venue, tx, row);
}

enum ox_venue_result sim_submit(void *self, const struct ox_tx *bytes, int64_t deadline_ms)
{
  const struct sim_venue *venue = self;
  const struct sim *sim = venue->sim;
  struct tx tx;
  struct ledger_row row;
  if (!tx_decode(bytes, &tx) || !sound(venue, &tx)) return OX_VENUE_REJECTED;
  bool in_a_block = row_of(venue, bytes, &tx, &row);
  struct draw draw = sim_draw(venue, tx.draw_key, tx.attempt);

  enum fault_kind fault = sim_strike(venue, FAULT_AT_SUBMIT, tx.draw_key, tx.attempt);
  enum ox_venue_result result = sim_refusal(fault);
  if (result != OX_VENUE_OK) return result;
  if (!in_a_block) return OX_VENUE_OK;
  if (fault == FAULT_LOST_BEFORE_LANDING) return unanswered(sim, deadline_ms);
  if (fault == FAULT_ACK_LOST_AFTER_LANDING) row.delay_ms = 0;
  if (fault == FAULT_LATE_LANDING)
    row.delay_ms = -draw_between(&draw, "late landing", 1, sim->late_landing_ms);
  result = ledger_submit(sim->ledger, &row, time_left_ms(sim, deadline_ms));
  if (result == OX_VENUE_OK) sim_strike(venue, FAULT_AT_SENT, tx.draw_key, tx.attempt);
  return fault == FAULT_ACK_LOST_AFTER_LANDING ? unanswered(sim, deadline_ms) : result;
}

/* One statement for all of them. Each fault is one transaction's own: with any they go singly. */
int sim_submit_batch(struct ox_batch_item *items, size_t n, int64_t deadline_ms)
{
  const struct sim *sim = ((const struct sim_venue *)items[0].self)->sim;
  struct ledger_row rows[OX_BATCH_MAX];
  enum ox_venue_result told[OX_BATCH_MAX];
  struct ox_batch_item *of[OX_BATCH_MAX];
  size_t n_rows = 0;
  if (sim_faulty(sim)) return 0;
  for (struct ox_batch_item *item = items; item < items + n; item++) {
    struct tx tx;
    bool valid = tx_decode(item->tx, &tx) && sound(item->self, &tx);
    item->result = valid ? OX_VENUE_OK : OX_VENUE_REJECTED;
    if (valid && row_of(item->self, item->tx, &tx, &rows[n_rows])) of[n_rows++] = item;
  }
  if (n_rows > 0)
    ledger_submit_batch(sim->ledger, rows, n_rows, time_left_ms(sim, deadline_ms), told);
  for (size_t i = 0; i < n_rows; i++) of[i]->result = told[i];
  return 1;
}

enum ox_venue_result sim_lookup(void *self, const char *tx_hash, int64_t deadline_ms,
                                struct ox_landing *landing)
{
  const struct sim_venue *venue = self;
  const struct sim *sim = venue->sim;
  enum fault_kind fault = sim_strike(venue, FAULT_AT_LOOKUP, tx_hash, 0);
  enum ox_venue_result result = sim_refusal(fault);
  if (result != OX_VENUE_OK) return result;
  int64_t lag_ms = fault == FAULT_LOOKUP_LAGGING ? sim->lookup_lag_ms : 0;
  result = ledger_lookup(sim->ledger, tx_hash, time_left_ms(sim, deadline_ms), lag_ms, landing);
  for (uint32_t i = 0; result == OX_VENUE_OK && venue->legs[0] && i < landing->n_legs; i++)
    ox_text_copy(landing->legs[i].venue, sizeof landing->legs[i].venue, venue->legs[i]->name);
  return result;
}
