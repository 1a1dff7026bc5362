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
static void *raydium, *meteora, *both;

static void open_all(void)
{
  cr_assert(sim_open(&config, error, sizeof error) == OX_VENUE_OK, "%s", error);
  cr_assert(sim_raydium.open(&config, &raydium, error, sizeof error) == OX_VENUE_OK);
  cr_assert(sim_meteora.open(&config, &meteora, error, sizeof error) == OX_VENUE_OK);
  cr_assert(sim_both.open(&config, &both, error, sizeof error) == OX_VENUE_OK);
}

static void close_all(void)
{
  sim_raydium.close(raydium);
  sim_meteora.close(meteora);
  sim_both.close(both);
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

/* So much that the better venue's price falls to the other's. */
static struct ox_swap large_swap(void)
{
  return swap_of("SOL", "USDC", UINT64_C(150000000000000));
}

Test(sim, splits_what_is_too_much_for_one)
{
  open_all();
  for (int i = 0; i < 200; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    struct ox_swap swap = large_swap();
    swap.draw_key = key;
    struct ox_quote r = ask(&sim_raydium, raydium, &swap), m = ask(&sim_meteora, meteora, &swap);
    struct ox_quote split = ask(&sim_both, both, &swap);
    cr_assert(split.result == OX_VENUE_OK && split.n_legs == 2, "%s", key);
    cr_assert_str_eq(split.venue, "raydium+meteora");
    cr_assert_str_eq(split.pool, "SOL-USDC");
    cr_assert(split.out_amount > r.out_amount && split.out_amount > m.out_amount);
    cr_assert(split.min_out_amount == split.out_amount * 99 / 100);
    const struct ox_leg *leg = split.legs;
    cr_assert(leg[0].in_amount + leg[1].in_amount == swap.in_amount);
    cr_assert(leg[0].out_amount + leg[1].out_amount == split.out_amount);
    cr_assert_str_eq(leg[0].venue, "raydium");
    cr_assert_str_eq(leg[1].venue, "meteora");
    cr_assert(split.price_impact_bps > 0 && split.price_impact_bps < r.price_impact_bps);
    swap.in_amount = leg[0].in_amount;
    r = ask(&sim_raydium, raydium, &swap);
    swap.in_amount = leg[1].in_amount;
    m = ask(&sim_meteora, meteora, &swap);
    cr_assert(r.out_amount == leg[0].out_amount && m.out_amount == leg[1].out_amount,
              "each venue quotes its leg as it is");
    cr_assert(split.fee_amount == r.fee_amount + m.fee_amount);
  }
  close_all();
}

Test(sim, says_so_when_one_venue_alone_is_as_good)
{
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000), none = swap_of("SOL", "NONE", 1);
  cr_assert(ask(&sim_both, both, &swap).result == OX_VENUE_NO_SPLIT);
  struct ox_tx tx = {.size = sizeof tx};
  cr_assert(sim_both.build(both, &swap, 1, &tx) == OX_VENUE_NO_SPLIT);
  cr_assert(ask(&sim_both, both, &none).result == OX_VENUE_NO_LIQUIDITY);
  close_all();
}

Test(sim, splits_what_neither_can_fill)
{
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", UINT64_C(400000000000000));
  cr_assert(ask(&sim_meteora, meteora, &swap).result == OX_VENUE_NO_LIQUIDITY);
  struct ox_quote split = ask(&sim_both, both, &swap);
  cr_assert(split.result == OX_VENUE_OK && split.legs[1].in_amount > 0);
  close_all();
}

Test(sim, a_split_takes_as_long_as_the_slower_quote)
{
  values[QUOTE_DELAY] = "20-120";
  open_all();
  struct ox_swap swap = large_swap();
  int64_t start = mono_ms(), slower = 0;
  for (int i = 0; i < 2; i++) {
    start = mono_ms();
    if (i == 0) ask(&sim_raydium, raydium, &swap);
    if (i == 1) ask(&sim_meteora, meteora, &swap);
    if (mono_ms() - start > slower) slower = mono_ms() - start;
  }
  start = mono_ms();
  cr_assert(ask(&sim_both, both, &swap).result == OX_VENUE_OK);
  int64_t took = mono_ms() - start;
  cr_assert(took >= slower - 60 && took >= 20, "%ld ms after %ld", (long)took, (long)slower);
  cr_assert(sim_both.quote(both, &swap, now_ms() + 10, &(struct ox_quote){0}) == OX_VENUE_TIMEOUT);
  close_all();
}

Test(sim, builds_one_transaction_of_both_legs)
{
  open_all();
  struct ox_swap swap = large_swap();
  struct ox_quote split = ask(&sim_both, both, &swap);
  struct ox_tx bytes = {.size = sizeof bytes};
  struct tx tx;
  cr_assert(sim_both.build(both, &swap, 1, &bytes) == OX_VENUE_OK && tx_decode(&bytes, &tx));
  cr_assert_str_eq(tx.venue, "raydium+meteora");
  cr_assert(tx.in_amount == swap.in_amount && tx.quoted_out == split.out_amount);
  cr_assert(tx.leg_in == split.legs[0].in_amount && tx.leg_quoted_out == split.legs[0].out_amount);
  cr_assert(sim_raydium.submit(raydium, &bytes, now_ms() + 1000) == OX_VENUE_REJECTED);
  close_all();
}

/* Bytes that hash as they should, with legs that no venue would write. */
Test(sim, rejects_legs_that_cannot_be)
{
  open_all();
  struct ox_swap swap = large_swap();
  struct ox_tx good = {.size = sizeof good}, bad = {.size = sizeof bad};
  struct tx tx;
  cr_assert(sim_both.build(both, &swap, 1, &good) == OX_VENUE_OK && tx_decode(&good, &tx));
  struct tx all[4] = {tx, tx, tx, tx};
  all[0].leg_in = 0;
  all[1].leg_in = tx.in_amount;
  all[2].leg_quoted_out = tx.quoted_out + 1;
  snprintf(all[3].venue, sizeof all[3].venue, "raydium");
  for (int i = 0; i < 4; i++) {
    cr_assert(tx_encode(&all[i], &bad));
    cr_assert((i < 3 ? sim_both.submit(both, &bad, now_ms() + 1000)
                     : sim_raydium.submit(raydium, &bad, now_ms() + 1000)) == OX_VENUE_REJECTED,
              "case %d", i);
  }
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

Test(sim, the_realistic_venues_are_within_half_a_percent)
{
  values[PROFILE] = "realistic";
  open_all();
  for (int i = 0; i < 1000; i++) {
    char key[16];
    struct ox_swap swap = swap_of("SOL", "USDC", 100000000);
    snprintf(key, sizeof key, "k%d", i);
    swap.draw_key = key;
    struct ox_quote r = ask(&sim_raydium, raydium, &swap), m = ask(&sim_meteora, meteora, &swap);
    double apart = mid_price(&r) / mid_price(&m) - 1;
    cr_assert(apart > -0.0063 && apart < 0.0063, "%f", apart);
  }
  close_all();
}

Test(sim, a_realistic_transaction_lives_for_150_slots)
{
  values[PROFILE] = "realistic";
  open_all();
  struct ox_swap swap = swap_of("SOL", "USDC", 1500000000);
  struct ox_tx bytes = {.size = sizeof bytes};
  cr_assert(sim_meteora.build(meteora, &swap, 1, &bytes) == OX_VENUE_OK);
  int64_t life = bytes.expires_at_ms - now_ms();
  cr_assert(life > 59000 && life <= 60000, "%ld ms", (long)life);
  close_all();
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
