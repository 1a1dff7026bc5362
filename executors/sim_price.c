/*
 * sim_price.c - what a simulated venue gives for an amount: its pool, moved by what is drawn for
 * the order. Any thread.
 */
#include <ox/text.h>
#include <string.h>

#include "sim_venue.h"
#include "split.h"

struct draw sim_draw(const struct sim_venue *venue, const char *key, uint32_t attempt)
{
  return (struct draw){venue->sim->seed, venue->name, key, attempt};
}

/* How far this venue's mid price is from the pool's own, in millionths. */
static int64_t price_shift_ppm(const struct sim_venue *venue, const struct ox_swap *swap)
{
  struct draw both = {venue->sim->seed, "", swap->draw_key, swap->attempt};
  int64_t shift = venue->sim->realistic
                      ? draw_between(&both, "half gap", 0, SIM_REAL_HALF_GAP_MAX_PPM)
                      : draw_between(&both, "half gap", SIM_HALF_GAP_MIN_PPM, SIM_HALF_GAP_MAX_PPM);
  int heads = draw_bits(&both, "side") & 1 ? 1 : -1;
  return shift * heads * venue->side;
}

bool sim_pool(const struct sim_venue *venue, const struct scenario *scenario,
              const struct ox_swap *swap, struct pool *pool, bool *x_to_y)
{
  const struct pool *found =
      pools_find(scenario->pools, venue->name, swap->token_in, swap->token_out, x_to_y);
  if (!found || swap->in_amount == 0 || swap->in_amount > INT64_MAX) return false;
  int64_t shift_ppm = price_shift_ppm(venue, swap);
  *pool = *found;
  if (pool->kind == POOL_BINS) {
    int64_t bin_ppm = (int64_t)pool->meteora.bin_step * (PPM / BPS);
    int64_t half = shift_ppm < 0 ? -bin_ppm / 2 : bin_ppm / 2;
    pool->meteora.active += (int32_t)((shift_ppm + half) / bin_ppm);
  } else {
    u128 y = (u128)pool->raydium.y * (uint64_t)(PPM + shift_ppm) / PPM;
    pool->raydium.y = y > 0 ? (uint64_t)y : 1;
  }
  return true;
}

static enum ox_venue_result price_alone(const struct sim_venue *venue,
                                        const struct scenario *scenario, const struct ox_swap *swap,
                                        struct sim_offer *offer)
{
  struct pool pool;
  bool x_to_y;
  if (!sim_pool(venue, scenario, swap, &pool, &x_to_y) ||
      !pool_swap(&pool, x_to_y, swap->in_amount, &offer->fill))
    return OX_VENUE_NO_LIQUIDITY;
  memcpy(offer->pool, pool.name, sizeof offer->pool);
  return OX_VENUE_OK;
}

static void name_both(const struct pool *pools, char *name)
{
  bool whole = ox_text_copy(name, OX_NAME_MAX, pools[0].name);
  size_t len = strlen(name);
  if (strcmp(pools[0].name, pools[1].name) == 0 || !whole || len + 1 == OX_NAME_MAX) return;
  name[len++] = '+';
  ox_text_copy(name + len, OX_NAME_MAX - len, pools[1].name);
}

static enum ox_venue_result price_split(const struct sim_venue *venue,
                                        const struct scenario *scenario, const struct ox_swap *swap,
                                        struct sim_offer *offer)
{
  struct pool pools[2];
  struct split_leg legs[2];
  struct split split;
  for (int i = 0; i < 2; i++) {
    legs[i].pool = &pools[i];
    if (!sim_pool(venue->legs[i], scenario, swap, &pools[i], &legs[i].x_to_y))
      return OX_VENUE_NO_LIQUIDITY;
  }
  if (!split_best(legs, swap->in_amount, &split)) return OX_VENUE_NO_LIQUIDITY;
  if (split.in_amount[0] == 0 || split.in_amount[1] == 0) return OX_VENUE_NO_SPLIT;
  u128 impact = 0; /* of each leg, by what goes in there */
  for (int i = 0; i < 2; i++) {
    offer->fill.out_amount += split.fill[i].out_amount;
    offer->fill.fee_amount += split.fill[i].fee_amount;
    impact += (u128)split.fill[i].impact_bps * split.in_amount[i];
  }
  offer->fill.impact_bps = (uint32_t)(impact / swap->in_amount);
  offer->leg_in = split.in_amount[0];
  offer->leg_out = split.fill[0].out_amount;
  name_both(pools, offer->pool);
  return OX_VENUE_OK;
}

enum ox_venue_result sim_price(const struct sim_venue *venue, const struct scenario *scenario,
                               const struct ox_swap *swap, struct sim_offer *offer)
{
  *offer = (struct sim_offer){0};
  return venue->legs[0] ? price_split(venue, scenario, swap, offer)
                        : price_alone(venue, scenario, swap, offer);
}
