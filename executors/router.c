/*
 * router.c - the choice between venues. Pure; any thread.
 */
#include "router.h"

#include <stdbool.h>
#include <stdio.h>

static bool usable(const struct ox_quote *quote)
{
  return quote->result == OX_VENUE_OK && quote->out_amount > 0;
}

static uint32_t gain_bps(const struct ox_quote *best, const struct ox_quote *second)
{
  unsigned __int128 more = best->out_amount - second->out_amount;
  unsigned __int128 bps = more * 10000 / second->out_amount;
  return bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
}

static const char *why_none(const struct ox_quote *quotes, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (quotes[i].result != OX_VENUE_NO_LIQUIDITY) return "NO_ROUTE";
  return n ? "NO_LIQUIDITY" : "NO_ROUTE";
}

static void give_reason(struct router_choice *c, size_t n)
{
  if (!c->best)
    snprintf(c->reason, sizeof c->reason, "none of %zu venues has a usable quote", n);
  else if (!c->second)
    snprintf(c->reason, sizeof c->reason, "%s alone of %zu has a usable quote", c->best->venue, n);
  else if (c->best->out_amount == c->second->out_amount)
    snprintf(c->reason, sizeof c->reason, "%s and %s give the same after fees; the first is taken",
             c->best->venue, c->second->venue);
  else
    snprintf(c->reason, sizeof c->reason, "%s gives %u.%02u %% more than %s after fees",
             c->best->venue, c->gain_bps / 100, c->gain_bps % 100, c->second->venue);
}

void router_choose(const struct ox_quote *quotes, size_t n, struct router_choice *choice)
{
  *choice = (struct router_choice){0};
  for (size_t i = 0; i < n; i++) {
    const struct ox_quote *quote = &quotes[i];
    if (!usable(quote)) continue;
    if (!choice->best || quote->out_amount > choice->best->out_amount) {
      choice->second = choice->best;
      choice->best = quote;
    } else if (!choice->second || quote->out_amount > choice->second->out_amount) {
      choice->second = quote;
    }
  }
  if (!choice->best) choice->code = why_none(quotes, n);
  if (choice->second) choice->gain_bps = gain_bps(choice->best, choice->second);
  give_reason(choice, n);
}

static void write_quote(const struct ox_quote *quote, struct writer *w)
{
  writer_begin(w, NULL);
  writer_str(w, "venue", quote->venue);
  if (quote->result != OX_VENUE_OK) {
    writer_str(w, "error", ox_venue_result_name(quote->result));
  } else {
    writer_str(w, "pool", quote->pool);
    writer_units(w, "inAmount", quote->in_amount);
    writer_units(w, "outAmount", quote->out_amount);
    writer_units(w, "feeAmount", quote->fee_amount);
    writer_int(w, "priceImpactBps", quote->price_impact_bps);
    writer_units(w, "minOutAmount", quote->min_out_amount);
    writer_time(w, "expiresAt", quote->expires_at_ms);
  }
  writer_end(w);
}

static void write_counterfactual(const struct router_choice *choice, struct writer *w)
{
  if (!choice->second) {
    writer_str(w, "counterfactual", NULL);
    return;
  }
  writer_begin(w, "counterfactual");
  writer_str(w, "dex", choice->second->venue);
  writer_units(w, "outAmount", choice->second->out_amount);
  writer_int(w, "gainBps", choice->gain_bps);
  writer_end(w);
}

void router_write(const struct router_choice *choice, const struct ox_quote *quotes, size_t n,
                  uint64_t min_out_amount, struct writer *w)
{
  writer_begin_array(w, "quotes");
  for (size_t i = 0; i < n; i++) write_quote(&quotes[i], w);
  writer_end_array(w);
  writer_begin(w, "route");
  writer_str(w, "dex", choice->best->venue);
  writer_units(w, "inAmount", choice->best->in_amount);
  writer_units(w, "outAmount", choice->best->out_amount);
  writer_units(w, "minOutAmount", min_out_amount);
  writer_end(w);
  writer_str(w, "reason", choice->reason);
  write_counterfactual(choice, w);
}
