/*
 * sim.c - the simulated venues: quote, build, submit, look up. Any thread; shared is set when the
 * plugin opens and constant from then on, but for the ledger, which locks itself.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "draw.h"
#include "ledger.h"
#include "pools.h"
#include "tx.h"

enum { PPM = 1000000, BPS = 10000, DELAY_MAX_MS = 600000 };

struct range_ms {
  int64_t min, max;
};

struct sim;

/* What a venue's functions are handed. side: which way its price goes when the coin shows heads. */
struct venue {
  const struct sim *sim;
  const char *name;
  int side;
};

struct sim {
  const struct ox_config *config;
  uint64_t seed;
  struct range_ms quote_delay, swap_delay;
  struct tokens *tokens;
  struct pools *pools;
  struct ledger *ledger;
  struct venue raydium, meteora;
};

static struct sim *shared; /* between opening and closing; all else is reached through a venue */

static struct draw draw_for(const struct venue *venue, const char *key, uint32_t attempt)
{
  return (struct draw){venue->sim->seed, venue->name, key, attempt};
}

/* ── prices ──────────────────────────────────────────────────────────────────────────────────── */

/* How far this venue's mid price is from the pool's own, in millionths. */
static int64_t price_shift_ppm(const struct venue *venue, const struct ox_swap *swap)
{
  struct draw both = {venue->sim->seed, "", swap->draw_key, swap->attempt};
  int64_t shift = draw_between(&both, "half gap", SIM_HALF_GAP_MIN_PPM, SIM_HALF_GAP_MAX_PPM);
  int heads = draw_bits(&both, "side") & 1 ? 1 : -1;
  return shift * heads * venue->side;
}

static bool swap_in_pool(const struct pool *pool, int64_t shift_ppm, bool x_to_y,
                         uint64_t in_amount, struct fill *fill)
{
  if (pool->kind == POOL_BINS) {
    struct meteora_pool moved = pool->meteora;
    int64_t bin_ppm = (int64_t)moved.bin_step * (PPM / BPS);
    int64_t half = shift_ppm < 0 ? -bin_ppm / 2 : bin_ppm / 2;
    moved.active += (int32_t)((shift_ppm + half) / bin_ppm);
    return meteora_swap(&moved, x_to_y, in_amount, fill);
  }
  struct raydium_pool moved = pool->raydium;
  moved.y = (uint64_t)((u128)moved.y * (uint64_t)(PPM + shift_ppm) / PPM);
  return raydium_swap(&moved, x_to_y, in_amount, fill);
}

/* The quote for swap, the same whenever and wherever it is asked for. NULL: there is none. */
static const struct pool *price(const struct venue *venue, const struct ox_swap *swap,
                                struct fill *fill)
{
  bool x_to_y;
  const struct pool *pool =
      pools_find(venue->sim->pools, venue->name, swap->token_in, swap->token_out, &x_to_y);
  if (!pool || swap->in_amount == 0 || swap->in_amount > INT64_MAX) return NULL;
  int64_t shift_ppm = price_shift_ppm(venue, swap);
  return swap_in_pool(pool, shift_ppm, x_to_y, swap->in_amount, fill) ? pool : NULL;
}

/* ── quote ───────────────────────────────────────────────────────────────────────────────────── */

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

static int64_t expiry_ms(const struct sim *sim)
{
  return ledger_now_ms(sim->ledger) + sim->swap_delay.max + SIM_TX_SLACK_MS;
}

static enum ox_venue_result quote(void *self, const struct ox_swap *swap, int64_t deadline_ms,
                                  struct ox_quote *out)
{
  const struct venue *venue = self;
  const struct sim *sim = venue->sim;
  struct draw draw = draw_for(venue, swap->draw_key, swap->attempt);
  int64_t delay = draw_between(&draw, "quote delay", sim->quote_delay.min, sim->quote_delay.max);
  int64_t left = delay > 0 ? time_left_ms(sim, deadline_ms) : 0;
  if (delay > 0) sleep_ms(delay < left ? delay : left);
  if (delay > left) return OX_VENUE_TIMEOUT;

  struct fill fill;
  const struct pool *pool = price(venue, swap, &fill);
  if (!pool) return OX_VENUE_NO_LIQUIDITY;
  snprintf(out->venue, sizeof out->venue, "%s", venue->name);
  snprintf(out->pool, sizeof out->pool, "%s", pool->name);
  out->in_amount = swap->in_amount;
  out->out_amount = fill.out_amount;
  out->fee_amount = fill.fee_amount;
  out->min_out_amount = (uint64_t)((u128)fill.out_amount * (BPS - swap->slippage_bps) / BPS);
  out->price_impact_bps = fill.impact_bps;
  out->expires_at_ms = expiry_ms(sim);
  return OX_VENUE_OK;
}

/* ── build and submit ────────────────────────────────────────────────────────────────────────── */

static bool copy(char *to, size_t size, const char *from)
{
  return (size_t)snprintf(to, size, "%s", from) < size;
}

static enum ox_venue_result build(void *self, const struct ox_swap *swap, uint64_t nonce,
                                  struct ox_tx *out)
{
  const struct venue *venue = self;
  struct fill fill;
  if (!price(venue, swap, &fill)) return OX_VENUE_NO_LIQUIDITY;
  struct tx tx = {
      .attempt = swap->attempt,
      .nonce = nonce,
      .in_amount = swap->in_amount,
      .quoted_out = fill.out_amount,
      .min_out_amount = swap->min_out_amount,
      .expires_at_ms = expiry_ms(venue->sim),
  };
  bool fits = copy(tx.venue, sizeof tx.venue, venue->name) &&
              copy(tx.order_id, sizeof tx.order_id, swap->order_id) &&
              copy(tx.draw_key, sizeof tx.draw_key, swap->draw_key) &&
              copy(tx.token_in, sizeof tx.token_in, swap->token_in) &&
              copy(tx.token_out, sizeof tx.token_out, swap->token_out);
  return fits && tx_encode(&tx, out) ? OX_VENUE_OK : OX_VENUE_REJECTED;
}

static uint64_t landing_amount(const struct draw *draw, uint64_t quoted)
{
  int64_t off_ppm = draw_between(draw, "landing price", -SIM_LANDING_PPM, SIM_LANDING_PPM);
  uint64_t by = (uint64_t)((u128)quoted * (uint64_t)(off_ppm < 0 ? -off_ppm : off_ppm) / PPM);
  return off_ppm < 0 ? quoted - by : quoted + by;
}

/* How it ends is decided here, by draws that depend on the bytes alone: whoever sends them, and
 * however often, it is the same row. */
static enum ox_venue_result submit(void *self, const struct ox_tx *bytes, int64_t deadline_ms)
{
  const struct venue *venue = self;
  const struct sim *sim = venue->sim;
  struct tx tx;
  if (!tx_decode(bytes, &tx) || strcmp(tx.venue, venue->name) != 0) return OX_VENUE_REJECTED;
  struct draw draw = draw_for(venue, tx.draw_key, tx.attempt);
  struct ledger_row row = {
      .attempt = tx.attempt,
      .in_amount = tx.in_amount,
      .out_amount = landing_amount(&draw, tx.quoted_out),
      .min_out_amount = tx.min_out_amount,
      .delay_ms = draw_between(&draw, "swap delay", sim->swap_delay.min, sim->swap_delay.max),
      .expires_at_ms = tx.expires_at_ms,
  };
  row.landed = row.out_amount >= row.min_out_amount;
  memcpy(row.order_id, tx.order_id, sizeof row.order_id);
  memcpy(row.venue, tx.venue, sizeof row.venue);
  memcpy(row.token_in, tx.token_in, sizeof row.token_in);
  memcpy(row.token_out, tx.token_out, sizeof row.token_out);
  if (!copy(row.tx_hash, sizeof row.tx_hash, bytes->tx_hash)) return OX_VENUE_REJECTED;
  return ledger_submit(sim->ledger, &row, time_left_ms(sim, deadline_ms));
}

static enum ox_venue_result lookup(void *self, const char *tx_hash, int64_t deadline_ms,
                                   struct ox_landing *landing)
{
  const struct sim *sim = ((const struct venue *)self)->sim;
  return ledger_lookup(sim->ledger, tx_hash, time_left_ms(sim, deadline_ms), landing);
}

/* ── opening ─────────────────────────────────────────────────────────────────────────────────── */

/* A whole number up to max at *text, which is moved behind it. */
static bool read_number(const char **text, uint64_t max, uint64_t *out)
{
  const char *p = *text;
  *out = 0;
  for (; *p >= '0' && *p <= '9'; p++) {
    uint64_t digit = (uint64_t)(*p - '0');
    if (*out > (max - digit) / 10) return false;
    *out = *out * 10 + digit;
  }
  bool any = p > *text;
  *text = p;
  return any;
}

/* "N" or "MIN-MAX"; fallback when the key is not set. */
static bool read_delay(const struct ox_config *config, const char *key, struct range_ms fallback,
                       struct range_ms *out)
{
  const char *text = config->get(config, key);
  uint64_t min, max;
  *out = fallback;
  if (!text || !*text) return true;
  if (!read_number(&text, DELAY_MAX_MS, &min)) return false;
  max = min;
  if (*text == '-' && (text++, !read_number(&text, DELAY_MAX_MS, &max))) return false;
  *out = (struct range_ms){(int64_t)min, (int64_t)max};
  return *text == '\0' && min <= max;
}

static bool read_seed(const struct ox_config *config, uint64_t *seed)
{
  const char *text = config->get(config, "SIM_SEED");
  *seed = 0;
  if (!text || !*text) return true;
  return read_number(&text, UINT64_MAX, seed) && *text == '\0';
}

static const char *read_config(struct sim *sim)
{
  const struct ox_config *config = sim->config;
  const char *profile = config->get(config, "SIM_PROFILE");
  if (profile && *profile && strcmp(profile, "seed") != 0) return "SIM_PROFILE is not known";
  if (!read_seed(config, &sim->seed)) return "SIM_SEED is not a number of 64 bits";
  if (!read_delay(config, "QUOTE_DELAY_MS", (struct range_ms){200, 200}, &sim->quote_delay))
    return "QUOTE_DELAY_MS is neither N nor MIN-MAX milliseconds";
  if (!read_delay(config, "SWAP_DELAY_MS", (struct range_ms){2000, 3000}, &sim->swap_delay))
    return "SWAP_DELAY_MS is neither N nor MIN-MAX milliseconds";
  return NULL;
}

enum ox_venue_result sim_open(const struct ox_config *config, char *error, size_t error_len)
{
  struct sim *sim = shared = calloc(1, sizeof *sim);
  if (!sim) goto no_memory;
  sim->config = config;
  sim->raydium = (struct venue){sim, sim_raydium.name, 1};
  sim->meteora = (struct venue){sim, sim_meteora.name, -1};
  const char *wrong = read_config(sim);
  const char *url = config->get(config, "DATABASE_URL");
  if (!wrong && (!url || !*url)) wrong = "DATABASE_URL is not set: the ledger is kept there";
  if (wrong) {
    snprintf(error, error_len, "%s", wrong);
    goto failed;
  }
  sim->tokens = tokens_load(config->dir, error, error_len);
  if (!sim->tokens) goto failed;
  sim->pools = pools_load(config->dir, sim->tokens, SIM_BIN_SHIFT_MAX, error, error_len);
  if (!sim->pools) goto failed;
  sim->ledger = ledger_create(config, url);
  if (sim->ledger) return OX_VENUE_OK;
no_memory:
  snprintf(error, error_len, "no memory, or no thread, for the ledger");
failed:
  sim_close();
  return OX_VENUE_UNAVAILABLE;
}

void sim_close(void)
{
  if (!shared) return;
  ledger_destroy(shared->ledger);
  pools_destroy(shared->pools);
  tokens_destroy(shared->tokens);
  free(shared);
  shared = NULL;
}

static enum ox_venue_result open_raydium(const struct ox_config *config, void **self, char *error,
                                         size_t error_len)
{
  (void)config, (void)error, (void)error_len;
  *self = &shared->raydium;
  return OX_VENUE_OK;
}

static enum ox_venue_result open_meteora(const struct ox_config *config, void **self, char *error,
                                         size_t error_len)
{
  (void)config, (void)error, (void)error_len;
  *self = &shared->meteora;
  return OX_VENUE_OK;
}

static void close_venue(void *self)
{
  (void)self;
}

static int quote_waits(void *self)
{
  return ((const struct venue *)self)->sim->quote_delay.max > 0;
}

const struct ox_venue sim_raydium = {
    .size = sizeof sim_raydium,
    .name = "raydium",
    .submit_class = OX_SUBMIT_DEDUP_BY_KEY,
    .open = open_raydium,
    .quote = quote,
    .build = build,
    .submit = submit,
    .lookup = lookup,
    .close = close_venue,
    .quote_waits = quote_waits,
};

const struct ox_venue sim_meteora = {
    .size = sizeof sim_meteora,
    .name = "meteora",
    .submit_class = OX_SUBMIT_DEDUP_BY_KEY,
    .open = open_meteora,
    .quote = quote,
    .build = build,
    .submit = submit,
    .lookup = lookup,
    .close = close_venue,
    .quote_waits = quote_waits,
};
