/*
 * sim_test.c - the simulated venues without their ledger (nothing listens where it is said to be):
 * prices, draws, delays, transactions. The ledger itself is in tests/integration/ledger_test.c.
 */
#include "executors/sim.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executors/tx.h"

static const char *keys[5] = {"SIM_SEED", "QUOTE_DELAY_MS", "SWAP_DELAY_MS", "SIM_PROFILE",
                              "DATABASE_URL"};
static const char *values[5];
enum { SEED, QUOTE_DELAY, SWAP_DELAY, PROFILE, URL };

static const char *get(const struct ox_config *config, const char *key)
{
  (void)config;
  for (int i = 0; i < 5; i++)
    if (strcmp(keys[i], key) == 0) return values[i];
  return NULL;
}

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const char *level, const char *message)
{
  (void)level, (void)message;
}

static struct ox_config config = {
    .size = sizeof config, .dir = "executors", .get = get, .now_ms = now_ms, .log = say};
static char error[256];
static void *raydium, *meteora;

static void open_all(void)
{
  cr_assert(sim_open(&config, error, sizeof error) == OX_VENUE_OK, "%s", error);
  cr_assert(sim_raydium.open(&config, &raydium, error, sizeof error) == OX_VENUE_OK);
  cr_assert(sim_meteora.open(&config, &meteora, error, sizeof error) == OX_VENUE_OK);
}

static void close_all(void)
{
  sim_raydium.close(raydium);
  sim_meteora.close(meteora);
  sim_close();
}

static void setup(void)
{
  values[SEED] = "42";
  values[QUOTE_DELAY] = "0";
  values[SWAP_DELAY] = "2000-3000";
  values[PROFILE] = NULL;
  values[URL] = "postgresql://nobody@127.0.0.1:1/none";
}

static struct ox_swap swap_of(const char *in, const char *out, uint64_t amount)
{
  return (struct ox_swap){.size = sizeof(struct ox_swap),
                          .attempt = 1,
                          .order_id = "ord_1",
                          .draw_key = "key",
                          .token_in = in,
                          .token_out = out,
                          .in_amount = amount,
                          .slippage_bps = 100};
}

static struct ox_quote ask(const struct ox_venue *venue, void *self, const struct ox_swap *swap)
{
  struct ox_quote quote = {.size = sizeof quote};
  quote.result = venue->quote(self, swap, now_ms() + 10000, &quote);
  return quote;
}

TestSuite(sim, .init = setup, .timeout = 60);

Test(sim, quotes)
{
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000);
  struct ox_quote quote = ask(&sim_raydium, raydium, &swap);
  cr_assert(quote.result == OX_VENUE_OK);
  cr_assert_str_eq(quote.venue, "raydium");
  cr_assert_str_eq(quote.pool, "SOL-USDC");
  cr_assert(quote.in_amount == 1500000000 && quote.fee_amount == 4500000);
  cr_assert(quote.min_out_amount == quote.out_amount * 9900 / 10000);
  cr_assert(quote.expires_at_ms > now_ms() && quote.expires_at_ms <= now_ms() + 5000);
  quote = ask(&sim_meteora, meteora, &swap);
  cr_assert(quote.result == OX_VENUE_OK && quote.fee_amount == 3000000);
  cr_assert_str_eq(quote.venue, "meteora");
  close_all();
}

/* The mid price a quote implies: its fee and its impact, which is none for one SOL, aside. */
static double mid_price(const struct ox_quote *q)
{
  return (double)q->out_amount / (double)(q->in_amount - q->fee_amount);
}

Test(sim, the_venues_are_two_to_five_percent_apart_either_side)
{
  static const char *const pairs[][2] = {{"SOL", "USDC"}, {"USDC", "SOL"}, {"SOL", "BONK"},
                                         {"RAY", "JUP"},  {"JUP", "SOL"},  {"BONK", "USDT"}};
  int raydium_better = 0, wide = 0, narrow = 0;
  enum { N = 3000 };
  open_all();
  for (int i = 0; i < N; i++) {
    char key[16];
    struct ox_swap swap = swap_of(pairs[i % 6][0], pairs[i % 6][1], 100000000);
    snprintf(key, sizeof key, "k%d", i);
    swap.draw_key = key;
    struct ox_quote r = ask(&sim_raydium, raydium, &swap), m = ask(&sim_meteora, meteora, &swap);
    cr_assert(r.result == OX_VENUE_OK && m.result == OX_VENUE_OK);
    double low = mid_price(&r), high = mid_price(&m);
    raydium_better += low > high;
    if (low > high) high = low, low = mid_price(&m);
    cr_assert((high - low) / high > 0.02 && (high - low) / low < 0.05, "%f and %f", low, high);
    wide += (high - low) / low > 0.042;
    narrow += (high - low) / low < 0.027;
  }
  cr_assert(raydium_better > N * 45 / 100 && raydium_better < N * 55 / 100, "%d", raydium_better);
  cr_assert(wide > N / 10 && narrow > N / 10, "%d wide, %d narrow", wide, narrow);
  close_all();
}

Test(sim, the_same_seed_gives_the_same_quotes)
{
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000);
  open_all();
  struct ox_quote first = ask(&sim_raydium, raydium, &swap);
  struct ox_quote again = ask(&sim_raydium, raydium, &swap);
  cr_assert(again.out_amount == first.out_amount);
  close_all();
  open_all();
  again = ask(&sim_raydium, raydium, &swap);
  cr_assert(again.out_amount == first.out_amount);
  close_all();
  values[SEED] = "43";
  open_all();
  again = ask(&sim_raydium, raydium, &swap);
  cr_assert(again.out_amount != first.out_amount);
  close_all();
}

Test(sim, another_attempt_or_key_gives_another_quote_another_order_id_does_not)
{
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000);
  uint64_t first = ask(&sim_meteora, meteora, &swap).out_amount;
  swap.order_id = "ord_2";
  cr_assert(ask(&sim_meteora, meteora, &swap).out_amount == first);
  swap.attempt = 2;
  uint64_t second = ask(&sim_meteora, meteora, &swap).out_amount;
  swap.draw_key = "other";
  cr_assert(second != first && ask(&sim_meteora, meteora, &swap).out_amount != second);
  close_all();
}

Test(sim, says_no_liquidity)
{
  open_all();
  struct ox_swap none = swap_of("SOL", "SOL", 1000), dust = swap_of("SOL", "USDC", 1);
  struct ox_swap flood = swap_of("SOL", "USDC", INT64_MAX), nothing = swap_of("SOL", "USDC", 0);
  struct ox_swap huge = swap_of("SOL", "USDC", UINT64_MAX);
  cr_assert(ask(&sim_raydium, raydium, &none).result == OX_VENUE_NO_LIQUIDITY);
  cr_assert(ask(&sim_raydium, raydium, &dust).result == OX_VENUE_NO_LIQUIDITY);
  cr_assert(ask(&sim_meteora, meteora, &flood).result == OX_VENUE_NO_LIQUIDITY);
  cr_assert(ask(&sim_raydium, raydium, &nothing).result == OX_VENUE_NO_LIQUIDITY);
  cr_assert(ask(&sim_raydium, raydium, &huge).result == OX_VENUE_NO_LIQUIDITY);
  close_all();
}

static int64_t mono_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Test(sim, a_quote_takes_its_time)
{
  values[QUOTE_DELAY] = "60";
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1000000000);
  int64_t start = mono_ms();
  cr_assert(ask(&sim_raydium, raydium, &swap).result == OX_VENUE_OK);
  int64_t took = mono_ms() - start;
  cr_assert(took >= 59 && took < 1000, "%ld ms", (long)took);
  close_all();
}

Test(sim, but_not_longer_than_its_deadline)
{
  values[QUOTE_DELAY] = "5000-6000";
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1000000000);
  struct ox_quote quote;
  int64_t start = mono_ms();
  cr_assert(sim_raydium.quote(raydium, &swap, now_ms() + 50, &quote) == OX_VENUE_TIMEOUT);
  int64_t took = mono_ms() - start;
  cr_assert(took >= 48 && took < 1000, "%ld ms", (long)took);
  cr_assert(sim_raydium.quote(raydium, &swap, now_ms() - 50, &quote) == OX_VENUE_TIMEOUT);
  cr_assert(mono_ms() - start - took < 1000);
  close_all();
}

Test(sim, builds_the_very_quote)
{
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000);
  uint64_t quoted = ask(&sim_meteora, meteora, &swap).out_amount;
  swap.min_out_amount = 7;
  struct ox_tx bytes = {.size = sizeof bytes};
  cr_assert(sim_meteora.build(meteora, &swap, 99, &bytes) == OX_VENUE_OK);
  struct tx tx;
  cr_assert(tx_decode(&bytes, &tx));
  cr_assert(tx.quoted_out == quoted && tx.min_out_amount == 7 && tx.nonce == 99);
  cr_assert_str_eq(tx.venue, "meteora");
  cr_assert_str_eq(tx.order_id, "ord_1");
  int64_t life = bytes.expires_at_ms - now_ms();
  cr_assert(life > 4000 && life <= 5000, "%ld ms", (long)life);
  close_all();
}

Test(sim, builds_other_bytes_for_another_nonce)
{
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000);
  struct ox_tx one = {.size = sizeof one}, two = {.size = sizeof two};
  cr_assert(sim_raydium.build(raydium, &swap, 1, &one) == OX_VENUE_OK);
  cr_assert(sim_raydium.build(raydium, &swap, 2, &two) == OX_VENUE_OK);
  cr_assert(strcmp(one.tx_hash, two.tx_hash) != 0);
  close_all();
}

Test(sim, builds_nothing_it_cannot_fill_or_write_down)
{
  static char long_id[200];
  open_all();
  struct ox_swap swap = swap_of("SOL", "NONE", 1500000000);
  struct ox_tx tx = {.size = sizeof tx};
  cr_assert(sim_raydium.build(raydium, &swap, 1, &tx) == OX_VENUE_NO_LIQUIDITY);
  swap = swap_of("SOL", "USDC", 1500000000);
  memset(long_id, 'x', sizeof long_id - 1);
  swap.order_id = long_id;
  cr_assert(sim_raydium.build(raydium, &swap, 1, &tx) == OX_VENUE_REJECTED);
  close_all();
}

Test(sim, rejects_bytes_that_are_none_or_another_venue_s)
{
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000);
  struct ox_tx tx = {.size = sizeof tx};
  cr_assert(sim_raydium.build(raydium, &swap, 1, &tx) == OX_VENUE_OK);
  cr_assert(sim_meteora.submit(meteora, &tx, now_ms() + 1000) == OX_VENUE_REJECTED);
  tx.bytes[20] ^= 1;
  cr_assert(sim_raydium.submit(raydium, &tx, now_ms() + 1000) == OX_VENUE_REJECTED);
  close_all();
}

Test(sim, without_a_ledger_the_outcome_is_unknown)
{
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000);
  struct ox_tx tx = {.size = sizeof tx};
  struct ox_landing landing = {.size = sizeof landing};
  cr_assert(sim_raydium.build(raydium, &swap, 1, &tx) == OX_VENUE_OK);
  cr_assert(sim_raydium.submit(raydium, &tx, now_ms() + 3000) == OX_VENUE_UNAVAILABLE);
  cr_assert(sim_raydium.lookup(raydium, tx.tx_hash, now_ms() + 3000, &landing) ==
            OX_VENUE_UNAVAILABLE);
  cr_assert(sim_raydium.submit(raydium, &tx, now_ms() - 1) == OX_VENUE_TIMEOUT);
  close_all();
}

static void refuses(int key, const char *value, const char *why)
{
  const char *before = values[key];
  values[key] = value;
  error[0] = '\0';
  cr_assert(sim_open(&config, error, sizeof error) != OX_VENUE_OK, "%s", value);
  cr_assert(strstr(error, why), "it says: %s", error);
  values[key] = before;
}

Test(sim, does_not_open_with_what_it_cannot_read)
{
  static const char *const delays[] = {"x",   "1-", "-1", "1-2-3",  "3-2",
                                       "1.5", " 1", "1 ", "600001", "99999999999999999999"};
  for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
    refuses(QUOTE_DELAY, delays[i], "QUOTE_DELAY_MS");
    refuses(SWAP_DELAY, delays[i], "SWAP_DELAY_MS");
  }
  refuses(SEED, "-1", "SIM_SEED");
  refuses(SEED, "18446744073709551616", "SIM_SEED");
  refuses(PROFILE, "fancy", "SIM_PROFILE");
  refuses(URL, NULL, "DATABASE_URL");
  refuses(URL, "", "DATABASE_URL");
  config.dir = "/nowhere";
  refuses(PROFILE, "seed", "/nowhere/tokens.json");
}

Test(sim, opens_with_defaults)
{
  values[SEED] = values[QUOTE_DELAY] = values[SWAP_DELAY] = "";
  values[PROFILE] = "seed";
  open_all();
  close_all();
  values[SEED] = "18446744073709551615";
  values[SWAP_DELAY] = "0-600000";
  open_all();
  close_all();
  sim_close();
}
