/*
 * limit.c - the limit order: fires when the net quote for its amount is at limitPrice or better,
 * and takes nothing below it. Runs on worker threads; margin_bps is set when the plugin opens and
 * constant from then on.
 *
 * DESIGN. Prices are compared as outputs in base units: a quote is at the limit if it is not below
 * the least output whose price is. While it waits it is woken by the pair's mid price, which venues
 * may beat: by LIMIT_MARGIN_BPS at the most.
 */
#include <stdio.h>

#include "amount.h"
#include "market.h"
#include "watch.h"

enum { BPS = 10000, MARGIN_DEFAULT_BPS = 300, MARGIN_MAX_BPS = 5000 };

static uint32_t margin_bps;

enum ox_venue_result limit_open(const struct ox_config *config, char *error, size_t error_len)
{
  margin_bps = MARGIN_DEFAULT_BPS;
  if (swap_read_bps(config, "LIMIT_MARGIN_BPS", MARGIN_MAX_BPS, &margin_bps)) return OX_VENUE_OK;
  snprintf(error, error_len, "LIMIT_MARGIN_BPS is not a number up to %d", MARGIN_MAX_BPS);
  return OX_VENUE_UNAVAILABLE;
}

/* A later attempt may have a floor that is higher. */
static uint64_t least_output(const struct swap *swap)
{
  return swap->floor > swap->payload.limit_out ? swap->floor : swap->payload.limit_out;
}

/* The mid price without which no quote can be at the limit. */
static int64_t trigger(const struct payload *p, uint64_t least)
{
  struct amount in = {p->amount, p->token_in->decimals}, out = {least, p->token_out->decimals};
  return (int64_t)((unsigned __int128)amount_level(in, out) * (BPS - margin_bps) / BPS);
}

static bool ready(const struct swap *swap, struct ox_park *park, char topic[OX_TOPIC_MAX])
{
  const struct ox_quote *best = swap->choice.best;
  uint64_t least = least_output(swap);
  if (best && best->out_amount >= least) return true;
  ox_topic_price(topic, swap->ask.token_in, swap->ask.token_out);
  park->side = OX_AT_LEAST;
  park->level = trigger(&swap->payload, least);
  return false;
}

static enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  return watch_run(order, host, ready);
}

const struct ox_executor limit_executor = {
    .size = sizeof limit_executor,
    .type = "limit",
    .states = watch_states,
    .n_states = WATCH_STATES,
    .validate = swap_validate,
    .execute = execute,
};
