/*
 * market.c - the market order: quotes from every venue, the best one taken, landed or tried again.
 *
 *   pending ──▶ routing ──▶ building ──▶ submitted ──▶ confirmed
 *                  ▲───────────┴────────────┘              a failed attempt routes again
 *   any but the last ──▶ failed         before submitted ──▶ cancelled
 *
 * DESIGN. The floor of an order, minOutAmount, is fixed by its first route and kept: a later
 * attempt asks for quotes again, but never accepts less. A run that finds a transaction left open
 * by an earlier one does nothing but wait for it. Runs on worker threads; tokens is set when the
 * plugin opens and constant from then on.
 */
#include <assert.h>
#include <ox/executor.h>
#include <string.h>

#include "amount.h"
#include "payload.h"
#include "router.h"
#include "tokens.h"
#include "writer.h"

enum { EVENT_MAX = 6144, BPS = 10000 };

static struct tokens *tokens;

static const char *const from_pending[] = {"routing", "failed", "cancelled", NULL};
static const char *const from_routing[] = {"routing", "building", "failed", "cancelled", NULL};
static const char *const from_building[] = {"submitted", "routing", "failed", "cancelled", NULL};
static const char *const from_submitted[] = {"confirmed", "routing", "failed", NULL};

static const struct ox_state states[] = {
    {"pending", OX_QUEUED, OX_STATE_INITIAL, from_pending},
    {"routing", OX_ACTIVE, OX_STATE_ON_CLAIM, from_routing},
    {"building", OX_ACTIVE, 0, from_building},
    {"submitted", OX_ACTIVE, 0, from_submitted},
    {"confirmed", OX_SUCCEEDED, 0, NULL},
    {"failed", OX_FAILED, OX_STATE_ON_FAIL, NULL},
    {"cancelled", OX_CANCELLED, OX_STATE_ON_CANCEL, NULL},
};

/* What is kept between runs. */
struct kept {
  uint32_t version;
  uint32_t unused;
  uint64_t min_out_amount;
};
enum { KEPT_VERSION = 1 };

struct run {
  const struct ox_order *order;
  const struct ox_host *host;
  struct payload payload;
  struct ox_swap swap;
};

static enum ox_outcome try_again(const struct run *run, const char *code, const char *message)
{
  run->host->fail(run->host, code, message);
  return OX_RETRY;
}

/* What the order does when the host did not say OX_OK. When a transaction may be open the answer is
 * never final: the next run finds it and waits. */
static enum ox_outcome stop(const struct run *run, enum ox_status_code code)
{
  switch (code) {
  case OX_OK:
  case OX_LOST:
    return OX_RETRY;
  case OX_NO_VENUE:
    return try_again(run, "VENUE_UNAVAILABLE", "the venue of the best quote does not answer");
  case OX_REFUSED:
    return try_again(run, "VENUE_REJECTED", "the venue refused the transaction; nothing moved");
  case OX_DEAD:
    return try_again(run, "TX_EXPIRED", "the transaction expired before it landed; nothing moved");
  case OX_OPEN_INTENT:
    return try_again(run, "TRANSACTION_OPEN", "an earlier transaction has not ended yet");
  case OX_BAD_STATE:
    return try_again(run, "ILLEGAL_TRANSITION", "the order was not in the state it had to be in");
  case OX_UNKNOWN:
    break;
  }
  run->host->fail(run->host, "OUTCOME_UNKNOWN", "whether the transaction landed cannot be learned");
  return OX_FAIL;
}

/* EVENT_MAX has room for all the quotes with the longest names. */
static enum ox_status_code emit(const struct run *run, const char *state, struct writer *w)
{
  writer_end(w);
  const char *data = writer_text(w);
  assert(data);
  return run->host->emit(run->host, state, data);
}

static enum ox_status_code emit_submitted(const struct run *run, const struct ox_receipt *receipt)
{
  char data[EVENT_MAX];
  struct writer w;
  writer_init(&w, data, sizeof data);
  writer_begin(&w, NULL);
  writer_str(&w, "txHash", receipt->tx_hash);
  writer_str(&w, "dex", receipt->venue);
  return emit(run, "submitted", &w);
}

static enum ox_status_code emit_confirmed(const struct run *run, const struct ox_receipt *receipt,
                                          const struct ox_landing *landing)
{
  const struct token *in = run->payload.token_in, *out = run->payload.token_out;
  char data[EVENT_MAX], price[AMOUNT_PRICE_MAX];
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
  writer_str(&w, "txHash", receipt->tx_hash);
  return emit(run, "confirmed", &w);
}

/* From a transaction that was sent, or perhaps sent, to how it ended. */
static enum ox_outcome land(const struct run *run, const struct ox_receipt *receipt)
{
  enum ox_status_code code = OX_OK;
  if (strcmp(run->order->status, "submitted") != 0) code = emit_submitted(run, receipt);
  struct ox_landing landing = {.size = sizeof landing};
  if (code == OX_OK) code = run->host->await_landing(run->host, &landing);
  if (code != OX_OK) return stop(run, code);
  if (landing.state != OX_LANDING_LANDED)
    return try_again(run, "SLIPPAGE_EXCEEDED", "the price moved below minOutAmount; nothing moved");
  code = emit_confirmed(run, receipt, &landing);
  return code == OX_OK ? OX_DONE : stop(run, code);
}

/* The floor of an earlier attempt; 0: there was none. */
static uint64_t kept_floor(const struct ox_order *order)
{
  struct kept kept;
  if (order->state_len != sizeof kept) return 0;
  memcpy(&kept, order->state, sizeof kept);
  return kept.version == KEPT_VERSION ? kept.min_out_amount : 0;
}

static enum ox_status_code fix_floor(struct run *run, const struct ox_quote *best)
{
  struct kept kept = {.version = KEPT_VERSION};
  kept.min_out_amount =
      (uint64_t)((unsigned __int128)best->out_amount * (BPS - run->payload.slippage_bps) / BPS);
  run->swap.min_out_amount = kept.min_out_amount;
  return run->host->keep(run->host, &kept, sizeof kept);
}

static enum ox_status_code emit_building(const struct run *run, const struct router_choice *choice,
                                         const struct ox_quote *quotes, size_t n)
{
  char data[EVENT_MAX];
  struct writer w;
  writer_init(&w, data, sizeof data);
  writer_begin(&w, NULL);
  router_write(choice, quotes, n, run->swap.min_out_amount, &w);
  return emit(run, "building", &w);
}

static enum ox_outcome send(const struct run *run, const char *venue)
{
  const struct ox_host *host = run->host;
  struct ox_receipt receipt = {.size = sizeof receipt};
  enum ox_status_code code = host->submit(host, venue, &run->swap, &receipt);
  if (code == OX_OPEN_INTENT && host->resume(host, &receipt)) code = OX_OK;
  return code == OX_OK ? land(run, &receipt) : stop(run, code);
}

static enum ox_outcome route(struct run *run)
{
  struct ox_quote quotes[ROUTER_QUOTES_MAX];
  size_t n = run->host->quote(run->host, &run->swap, quotes, ROUTER_QUOTES_MAX);
  struct router_choice choice;
  router_choose(quotes, n, &choice);
  if (!choice.best) return try_again(run, choice.code, choice.reason);

  run->swap.min_out_amount = kept_floor(run->order);
  if (choice.best->out_amount < run->swap.min_out_amount)
    return try_again(run, "SLIPPAGE_EXCEEDED", "the best quote is below minOutAmount");
  enum ox_status_code code = OX_OK;
  if (run->swap.min_out_amount == 0) code = fix_floor(run, choice.best);
  if (code == OX_OK) code = emit_building(run, &choice, quotes, n);
  return code == OX_OK ? send(run, choice.best->venue) : stop(run, code);
}

static enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  struct run run = {.order = order, .host = host};
  bool readable = payload_read(order, tokens, NULL, &run.payload);
  struct ox_receipt receipt = {.size = sizeof receipt};
  if (host->resume(host, &receipt)) return land(&run, &receipt);
  if (!readable) {
    host->fail(host, "INVALID_ORDER", "the order names a token, or an amount, not valid any more");
    return OX_FAIL;
  }
  run.swap = (struct ox_swap){.size = sizeof run.swap,
                              .attempt = order->attempt,
                              .order_id = order->order_id,
                              .draw_key =
                                  order->client_order_id ? order->client_order_id : order->order_id,
                              .token_in = run.payload.token_in->symbol,
                              .token_out = run.payload.token_out->symbol,
                              .in_amount = run.payload.amount,
                              .slippage_bps = run.payload.slippage_bps};
  return route(&run);
}

static void validate(const struct ox_order *order, struct ox_errors *errors)
{
  struct payload payload;
  (void)payload_read(order, tokens, errors, &payload);
}

static enum ox_venue_result open_plugin(const struct ox_config *config, char *error,
                                        size_t error_len)
{
  tokens = tokens_load(config->dir, error, error_len);
  return tokens ? OX_VENUE_OK : OX_VENUE_UNAVAILABLE;
}

static void close_plugin(void)
{
  tokens_destroy(tokens);
  tokens = NULL;
}

static const struct ox_executor market = {
    .size = sizeof market,
    .type = "market",
    .states = states,
    .n_states = sizeof states / sizeof *states,
    .validate = validate,
    .execute = execute,
};

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_executor *const executors[] = {&market, NULL};
  static const struct ox_plugin plugin = {
      .size = sizeof plugin,
      .abi_major = OX_ABI_MAJOR,
      .abi_minor = OX_ABI_MINOR,
      .name = "market",
      .executors = executors,
      .open = open_plugin,
      .close = close_plugin,
  };
  return &plugin;
}
