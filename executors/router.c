/*
 * router.c - the choice between venues. Pure; any thread.
 */
#include "router.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef unsigned __int128 u128;

enum { BPS = 10000, PPM = 1000000 };

/* ── choosing ────────────────────────────────────────────────────────────────────────────────── */

static bool is_split(const struct ox_quote *quote)
{
  return quote->n_legs > 0;
}

/* That it cannot fill the whole amount is an answer, too. */
static bool answered(const struct ox_quote *quotes, size_t n, const char *venue)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(quotes[i].venue, venue) == 0)
      return quotes[i].result == OX_VENUE_OK || quotes[i].result == OX_VENUE_NO_LIQUIDITY;
  return false;
}

static bool usable(const struct ox_quote *quote, const struct ox_quote *quotes, size_t n)
{
  if (quote->result != OX_VENUE_OK || quote->out_amount == 0) return false;
  if (quote->n_legs > OX_LEGS_MAX) return false;
  for (uint32_t i = 0; i < quote->n_legs; i++)
    if (!answered(quotes, n, quote->legs[i].venue)) return false;
  return true;
}

/* What more a gives than b, in parts of b's output. */
static uint32_t gain_in(uint32_t parts, const struct ox_quote *a, const struct ox_quote *b)
{
  u128 gain = (u128)(a->out_amount - b->out_amount) * parts / b->out_amount;
  return gain < UINT32_MAX ? (uint32_t)gain : UINT32_MAX;
}

static bool worth_its_legs(const struct ox_quote *split, const struct ox_quote *single,
                           uint32_t leg_cost_bps)
{
  if (!single) return true;
  if (split->out_amount <= single->out_amount) return false;
  u128 cost = (u128)single->out_amount * leg_cost_bps * (split->n_legs - 1);
  return (u128)(split->out_amount - single->out_amount) * BPS > cost;
}

static const char *why_none(const struct ox_quote *quotes, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (quotes[i].result != OX_VENUE_NO_LIQUIDITY) return "NO_ROUTE";
  return n ? "NO_LIQUIDITY" : "NO_ROUTE";
}

/* ── saying why ──────────────────────────────────────────────────────────────────────────────── */

/* What is being written, cut off where there is no room. */
struct text {
  char *at;
  size_t room; /* without the NUL */
};

static void put(struct text *t, const char *text)
{
  size_t n = strnlen(text, t->room);
  memcpy(t->at, text, n);
  t->at += n;
  t->room -= n;
  *t->at = '\0';
}

static void put_number(struct text *t, uint64_t n, int min_digits)
{
  char digits[24], *p = digits + sizeof digits;
  *--p = '\0';
  for (; n || min_digits > 0; n /= 10, min_digits--) *--p = (char)('0' + n % 10);
  put(t, p);
}

static void put_percent(struct text *t, uint32_t ppm)
{
  put_number(t, ppm / BPS, 1);
  put(t, ".");
  put_number(t, ppm % BPS, 4);
  put(t, " %");
}

static void compare(const struct router_choice *c, struct text *t)
{
  put(t, c->best->venue);
  put(t, c->gain == 0 ? " and " : " gives ");
  if (c->gain > 0) {
    put_percent(t, gain_in(PPM, c->best, c->second));
    put(t, " more than ");
  }
  put(t, c->second->venue);
  if (c->gain == 0)
    put(t, " give the same after fees; the first is taken");
  else
    put(t, is_split(c->best) ? " alone after fees" : " after fees");
}

static void give_reason(struct router_choice *c, size_t n, uint32_t leg_cost_bps)
{
  struct text t = {c->reason, sizeof c->reason - 1};
  if (c->second) {
    compare(c, &t);
  } else {
    put(&t, c->best ? c->best->venue : "none of ");
    if (c->best) put(&t, " alone of ");
    put_number(&t, n, 1);
    put(&t, c->best ? " has a usable quote" : " venues has a usable quote");
  }
  if (c->second && is_split(c->best)) {
    put(&t, "; another leg costs ");
    put_percent(&t, leg_cost_bps * (PPM / BPS));
  }
  if (c->declined) {
    put(&t, "; ");
    put(&t, c->declined->venue);
    put(&t, " would give ");
    put_percent(&t, gain_in(PPM, c->declined, c->best));
    put(&t, " more, and another leg costs ");
    put_percent(&t, leg_cost_bps * (PPM / BPS));
  }
}

void router_choose(const struct ox_quote *quotes, size_t n, uint32_t leg_cost_bps,
                   struct router_choice *choice)
{
  const struct ox_quote *split = NULL;
  assert(leg_cost_bps <= ROUTER_LEG_COST_MAX_BPS);
  *choice = (struct router_choice){0};
  for (size_t i = 0; i < n; i++) {
    const struct ox_quote *quote = &quotes[i];
    if (!usable(quote, quotes, n)) continue;
    if (is_split(quote)) {
      if (!split || quote->out_amount > split->out_amount) split = quote;
    } else if (!choice->best || quote->out_amount > choice->best->out_amount) {
      choice->second = choice->best;
      choice->best = quote;
    } else if (!choice->second || quote->out_amount > choice->second->out_amount) {
      choice->second = quote;
    }
  }
  if (split && worth_its_legs(split, choice->best, leg_cost_bps)) {
    choice->second = choice->best;
    choice->best = split;
  } else if (split && split->out_amount > choice->best->out_amount) {
    choice->declined = split;
  }
  if (!choice->best) choice->code = why_none(quotes, n);
  if (choice->second) {
    choice->gain = choice->best->out_amount - choice->second->out_amount;
    choice->gain_bps = gain_in(BPS, choice->best, choice->second);
  }
  give_reason(choice, n, leg_cost_bps);
}

/* ── the record ──────────────────────────────────────────────────────────────────────────────── */

void router_write_legs(const struct ox_leg *legs, size_t n, struct writer *w)
{
  writer_begin_array(w, "legs");
  for (size_t i = 0; i < n; i++) {
    writer_begin(w, NULL);
    writer_str(w, "venue", legs[i].venue);
    writer_units(w, "inAmount", legs[i].in_amount);
    writer_units(w, "outAmount", legs[i].out_amount);
    writer_end(w);
  }
  writer_end_array(w);
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
    if (is_split(quote)) router_write_legs(quote->legs, quote->n_legs, w);
  }
  writer_end(w);
}

/* Who fills the order by itself has it as its one leg. */
static void write_route(const struct ox_quote *best, uint64_t min_out_amount, struct writer *w)
{
  struct ox_leg whole = {.in_amount = best->in_amount, .out_amount = best->out_amount};
  memcpy(whole.venue, best->venue, sizeof whole.venue);
  writer_begin(w, "route");
  writer_str(w, "dex", best->venue);
  router_write_legs(is_split(best) ? best->legs : &whole, is_split(best) ? best->n_legs : 1, w);
  writer_units(w, "inAmount", best->in_amount);
  writer_units(w, "outAmount", best->out_amount);
  writer_units(w, "minOutAmount", min_out_amount);
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
  writer_units(w, "gainAmount", choice->gain);
  writer_int(w, "gainBps", choice->gain_bps);
  writer_end(w);
}

void router_write(const struct router_choice *choice, const struct ox_quote *quotes, size_t n,
                  uint64_t min_out_amount, struct writer *w)
{
  writer_begin_array(w, "quotes");
  for (size_t i = 0; i < n; i++) write_quote(&quotes[i], w);
  writer_end_array(w);
  write_route(choice->best, min_out_amount, w);
  writer_str(w, "reason", choice->reason);
  write_counterfactual(choice, w);
}
