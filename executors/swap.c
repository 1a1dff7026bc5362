/*
 * swap.c - from quotes to a landed transaction; see swap.h. Runs on worker threads; tokens and
 * leg_cost_bps are set when the plugin opens and constant from then on.
 */
#include "swap.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "tokens.h"
#include "writer.h"

enum { BPS = 10000, LEG_COST_BPS = 1 };

static struct tokens *tokens;
static uint32_t leg_cost_bps;

/* What is kept between runs. */
struct kept {
  uint32_t version;
  uint32_t unused;
  uint64_t min_out_amount;
};
enum { KEPT_VERSION = 1 };

/* ── how a run ends early ───────────────────────────────────────────────────────────────────── */

static enum ox_outcome try_again(const struct swap *s, const char *code, const char *message)
{
  s->host->fail(s->host, code, message);
  return OX_RETRY;
}

/* When a transaction may be open the answer is never final: the next run finds it and waits. */
enum ox_outcome swap_stop(const struct swap *s, enum ox_status_code code)
{
  switch (code) {
  case OX_OK:
  case OX_LOST:
  case OX_AWAY:
    return OX_RETRY;
  case OX_NO_VENUE:
    return try_again(s, "VENUE_UNAVAILABLE", "the venue of the best quote does not answer");
  case OX_REFUSED:
    return try_again(s, "VENUE_REJECTED", "the venue refused the transaction; nothing moved");
  case OX_DEAD:
    return try_again(s, "TX_EXPIRED", "the transaction expired before it landed; nothing moved");
  case OX_OPEN_INTENT:
    return try_again(s, "TRANSACTION_OPEN", "an earlier transaction has not ended yet");
  case OX_BAD_STATE:
  case OX_INVALID:
    return try_again(s, "ILLEGAL_TRANSITION", "the order was not in the state it had to be in");
  case OX_UNKNOWN:
    break;
  }
  s->host->fail(s->host, "OUTCOME_UNKNOWN", "whether the transaction landed cannot be learned");
  return OX_FAIL;
}

/* ── events ─────────────────────────────────────────────────────────────────────────────────── */

/* ROUTER_RECORD_MAX has room for all the quotes with the longest names. */
static enum ox_status_code emit(const struct swap *s, const char *state, struct writer *w)
{
  writer_end(w);
  const char *data = writer_text(w);
  assert(data);
  return s->host->emit(s->host, state, data);
}

static enum ox_status_code emit_building(const struct swap *s)
{
  char data[ROUTER_RECORD_MAX];
  struct writer w;
  writer_init(&w, data, sizeof data);
  writer_begin(&w, NULL);
  router_write(&s->choice, s->quotes, s->n_quotes, s->ask.min_out_amount, &w);
  return emit(s, "building", &w);
}

static enum ox_status_code emit_submitted(const struct swap *s, const struct ox_receipt *receipt)
{
  char data[ROUTER_RECORD_MAX];
  struct writer w;
  writer_init(&w, data, sizeof data);
  writer_begin(&w, NULL);
  writer_str(&w, "txHash", receipt->tx_hash);
  writer_str(&w, "dex", receipt->venue);
  return emit(s, "submitted", &w);
}

static enum ox_status_code emit_confirmed(const struct swap *s, const struct ox_receipt *receipt,
                                          const struct ox_landing *landing)
{
  const struct token *in = s->payload.token_in, *out = s->payload.token_out;
  char data[ROUTER_RECORD_MAX], price[AMOUNT_PRICE_MAX];
  struct writer w;
  writer_init(&w, data, sizeof data);
  writer_begin(&w, NULL);
  writer_str(&w, "dex", receipt->venue);
  if (in && out && landing->in_amount > 0) {
    amount_price((struct amount){landing->in_amount, in->decimals},
                 (struct amount){landing->out_amount, out->decimals}, price);
    writer_str(&w, "executedPrice", price);
  }
  writer_units(&w, "inAmount", landing->in_amount);
  writer_units(&w, "outAmount", landing->out_amount);
  writer_units(&w, "minOutAmount", receipt->min_out_amount);
  if (landing->n_legs > 0) router_write_legs(landing->legs, landing->n_legs, &w);
  writer_str(&w, "txHash", receipt->tx_hash);
  return emit(s, "confirmed", &w);
}

/* ── the steps ──────────────────────────────────────────────────────────────────────────────── */

/* From a transaction that was sent, or perhaps sent, to how it ended. */
static enum ox_outcome land(const struct swap *s, const struct ox_receipt *receipt)
{
  enum ox_status_code code = OX_OK;
  if (strcmp(s->order->status, "submitted") != 0) code = emit_submitted(s, receipt);
  struct ox_landing landing = {.size = sizeof landing};
  if (code == OX_OK) code = s->host->await_landing(s->host, &landing);
  if (code != OX_OK) return swap_stop(s, code);
  if (landing.state != OX_LANDING_LANDED)
    return try_again(s, "SLIPPAGE_EXCEEDED", "the price moved below minOutAmount; nothing moved");
  code = emit_confirmed(s, receipt, &landing);
  return code == OX_OK ? OX_DONE : swap_stop(s, code);
}

static uint64_t kept_floor(const struct ox_order *order)
{
  struct kept kept;
  if (order->state_len != sizeof kept) return 0;
  memcpy(&kept, order->state, sizeof kept);
  return kept.version == KEPT_VERSION ? kept.min_out_amount : 0;
}

bool swap_begin(struct swap *s, const struct ox_order *order, const struct ox_host *host,
                enum ox_outcome *outcome)
{
  *s = (struct swap){.order = order, .host = host, .floor = kept_floor(order)};
  bool readable = swap_read(order, NULL, &s->payload);
  struct ox_receipt receipt = {.size = sizeof receipt};
  if (host->resume(host, &receipt)) {
    *outcome = land(s, &receipt);
    return false;
  }
  if (!readable) {
    host->fail(host, "INVALID_ORDER", "the order names a token, or an amount, not valid any more");
    *outcome = OX_FAIL;
    return false;
  }
  return true;
}

void swap_quote(struct swap *s)
{
  const struct ox_order *order = s->order;
  const char *draw_key = order->client_order_id ? order->client_order_id : order->order_id;
  s->ask = (struct ox_swap){.size = sizeof s->ask,
                            .attempt = order->attempt,
                            .order_id = order->order_id,
                            .draw_key = draw_key,
                            .token_in = s->payload.token_in->symbol,
                            .token_out = s->payload.symbol_out,
                            .in_amount = s->payload.amount,
                            .slippage_bps = s->payload.slippage_bps};
  s->n_quotes = s->host->quote(s->host, &s->ask, s->quotes, ROUTER_QUOTES_MAX);
  swap_choose(s->quotes, s->n_quotes, &s->choice);
}

void swap_choose(const struct ox_quote *quotes, size_t n, struct router_choice *choice)
{
  router_choose(quotes, n, leg_cost_bps, choice);
}

uint64_t swap_floor(const struct payload *payload, uint64_t out)
{
  return (uint64_t)((unsigned __int128)out * (BPS - payload->slippage_bps) / BPS);
}

static enum ox_status_code fix_floor(struct swap *s)
{
  struct kept kept = {.version = KEPT_VERSION};
  kept.min_out_amount = swap_floor(&s->payload, s->choice.best->out_amount);
  if (kept.min_out_amount < s->payload.limit_out) kept.min_out_amount = s->payload.limit_out;
  s->floor = kept.min_out_amount;
  return s->host->keep(s->host, &kept, sizeof kept);
}

static enum ox_outcome send(const struct swap *s)
{
  const struct ox_host *host = s->host;
  struct ox_receipt receipt = {.size = sizeof receipt};
  enum ox_status_code code = host->submit(host, s->choice.best->venue, &s->ask, &receipt);
  if (code == OX_OPEN_INTENT && host->resume(host, &receipt)) code = OX_OK;
  return code == OX_OK ? land(s, &receipt) : swap_stop(s, code);
}

enum ox_outcome swap_fill(struct swap *s)
{
  if (!s->choice.best) return try_again(s, s->choice.code, s->choice.reason);
  if (s->choice.best->out_amount < s->floor)
    return try_again(s, "SLIPPAGE_EXCEEDED", "the best quote is below minOutAmount");
  enum ox_status_code code = OX_OK;
  if (s->floor == 0) code = fix_floor(s);
  s->ask.min_out_amount = s->floor;
  if (code == OX_OK) code = emit_building(s);
  return code == OX_OK ? send(s) : swap_stop(s, code);
}

/* ── what all orders share ──────────────────────────────────────────────────────────────────── */

bool swap_read(const struct ox_order *order, struct ox_errors *errors, struct payload *out)
{
  return payload_read(order, tokens, errors, out);
}

void swap_validate(const struct ox_order *order, struct ox_errors *errors)
{
  struct payload payload;
  (void)swap_read(order, errors, &payload);
}

bool swap_read_bps(const struct ox_config *config, const char *key, uint32_t max, uint32_t *bps)
{
  const char *text = config->get(config, key);
  if (!text || !*text) return true;
  *bps = 0;
  for (; *text >= '0' && *text <= '9' && *bps <= max; text++)
    *bps = *bps * 10 + (uint32_t)(*text - '0');
  return *text == '\0' && *bps <= max;
}

enum ox_venue_result swap_open(const struct ox_config *config, char *error, size_t error_len)
{
  leg_cost_bps = LEG_COST_BPS;
  if (!swap_read_bps(config, "ROUTER_LEG_COST_BPS", ROUTER_LEG_COST_MAX_BPS, &leg_cost_bps)) {
    snprintf(error, error_len, "ROUTER_LEG_COST_BPS is not a number up to %d",
             ROUTER_LEG_COST_MAX_BPS);
    return OX_VENUE_UNAVAILABLE;
  }
  tokens = tokens_load(config->dir, error, error_len);
  return tokens ? OX_VENUE_OK : OX_VENUE_UNAVAILABLE;
}

void swap_close(void)
{
  tokens_destroy(tokens);
  tokens = NULL;
}
