/*
 * sim_test.c - the simulated venues with their ledger in a real PostgreSQL (DATABASE_URL): how what
 * was quoted lands, and that the same seed makes it land the same.
 */
#include "executors/sim.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_MS = 5000 };

static const char *seed, *swap_delay, *profile, *slot;
static void *raydium, *both;
static uint64_t nonces;

static const char *get(const struct ox_config *config, const char *key)
{
  (void)config;
  if (strcmp(key, "SIM_SEED") == 0) return seed;
  if (strcmp(key, "QUOTE_DELAY_MS") == 0) return "0";
  if (strcmp(key, "SWAP_DELAY_MS") == 0) return swap_delay;
  if (strcmp(key, "SIM_PROFILE") == 0) return profile;
  if (strcmp(key, "SIM_SLOT_MS") == 0) return slot;
  return strcmp(key, "DATABASE_URL") == 0 ? getenv("DATABASE_URL") : NULL;
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

static void open_sim(const char *with_seed, const char *with_delay)
{
  static struct ox_config config = {
      .size = sizeof config, .dir = "executors", .get = get, .now_ms = now_ms, .log = say};
  char error[256] = "";
  seed = with_seed;
  swap_delay = with_delay;
  cr_assert(sim_open(&config, error, sizeof error) == OX_VENUE_OK, "%s", error);
  cr_assert(sim_raydium.open(&config, &raydium, error, sizeof error) == OX_VENUE_OK);
  cr_assert(sim_both.open(&config, &both, error, sizeof error) == OX_VENUE_OK);
}

static struct ox_swap swap_of(const char *key)
{
  return (struct ox_swap){.size = sizeof(struct ox_swap),
                          .attempt = 1,
                          .order_id = "ord_sim_test",
                          .draw_key = key,
                          .token_in = "SOL",
                          .token_out = "USDC",
                          .in_amount = 1500000000,
                          .slippage_bps = 100};
}

static struct ox_quote quote(const struct ox_swap *swap)
{
  struct ox_quote quote = {.size = sizeof quote};
  cr_assert(sim_raydium.quote(raydium, swap, now_ms() + WAIT_MS, &quote) == OX_VENUE_OK);
  return quote;
}

/* Each run builds other transactions, also of the same order. */
static struct ox_tx build(const struct ox_swap *swap)
{
  struct ox_tx tx = {.size = sizeof tx};
  if (nonces == 0) nonces = (uint64_t)now_ms() << 20 | ((uintptr_t)&tx & 0xfffff);
  cr_assert(sim_raydium.build(raydium, swap, nonces++, &tx) == OX_VENUE_OK);
  return tx;
}

static enum ox_venue_result send(const struct ox_tx *tx)
{
  return sim_raydium.submit(raydium, tx, now_ms() + WAIT_MS);
}

static struct ox_landing look(const struct ox_tx *tx)
{
  struct ox_landing landing = {.size = sizeof landing};
  cr_assert(sim_raydium.lookup(raydium, tx->tx_hash, now_ms() + WAIT_MS, &landing) == OX_VENUE_OK);
  return landing;
}

static struct ox_landing trade(const struct ox_swap *swap)
{
  struct ox_tx tx = build(swap);
  cr_assert(send(&tx) == OX_VENUE_OK);
  return look(&tx);
}

TestSuite(sim, .timeout = 60);

Test(sim, lands_within_half_a_percent_of_the_quote)
{
  int above = 0, below = 0, far = 0;
  enum { N = 300 };
  open_sim("1", "0");
  for (int i = 0; i < N; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    struct ox_swap swap = swap_of(key);
    int64_t quoted = (int64_t)quote(&swap).out_amount;
    struct ox_landing landing = trade(&swap);
    cr_assert(landing.state == OX_LANDING_LANDED && landing.in_amount == swap.in_amount);
    int64_t off = (int64_t)landing.out_amount - quoted;
    cr_assert(off * 200 <= quoted && -off * 200 <= quoted, "%ld of %ld", (long)off, (long)quoted);
    above += off > 0;
    below += off < 0;
    far += llabs(off) * 250 > quoted; /* more than 0.4 % */
  }
  cr_assert(above > N / 3 && below > N / 3 && far > N / 10, "%d %d %d", above, below, far);
  sim_close();
}

Test(sim, the_same_seed_lands_the_same)
{
  struct ox_swap swap = swap_of("same");
  open_sim("7", "0");
  uint64_t first = trade(&swap).out_amount;
  cr_assert(trade(&swap).out_amount == first);
  sim_close();
  open_sim("7", "0");
  cr_assert(trade(&swap).out_amount == first);
  swap.attempt = 2;
  cr_assert(trade(&swap).out_amount != first);
  sim_close();
}

Test(sim, below_the_floor_it_reverts)
{
  struct ox_swap swap = swap_of("floor");
  open_sim("7", "0");
  swap.min_out_amount = trade(&swap).out_amount;
  cr_assert(trade(&swap).state == OX_LANDING_LANDED);
  swap.min_out_amount++;
  struct ox_landing landing = trade(&swap);
  cr_assert(landing.state == OX_LANDING_REVERTED && landing.out_amount == 0);
  sim_close();
}

Test(sim, takes_the_swap_delay)
{
  struct ox_swap swap = swap_of("delay");
  open_sim("7", "150-250");
  struct ox_tx tx = build(&swap);
  int64_t start = now_ms();
  cr_assert(send(&tx) == OX_VENUE_OK);
  struct ox_landing landing = look(&tx);
  cr_assert(landing.state == OX_LANDING_PENDING);
  while ((landing = look(&tx)).state == OX_LANDING_PENDING) continue;
  cr_assert(landing.state == OX_LANDING_LANDED);
  cr_assert(now_ms() - start >= 149 && now_ms() - start < 2000, "%ld ms", (long)(now_ms() - start));
  sim_close();
}

/* The bytes say it all: a process that did not build them, even of another seed, sends them. What
 * was accepted first stays. */
Test(sim, any_process_can_send_the_bytes)
{
  struct ox_swap swap = swap_of("elsewhere");
  open_sim("7", "0");
  struct ox_tx tx = build(&swap), unsent = build(&swap);
  cr_assert(send(&tx) == OX_VENUE_OK);
  uint64_t out = look(&tx).out_amount;
  sim_close();
  open_sim("8", "0");
  cr_assert(send(&tx) == OX_VENUE_OK && look(&tx).out_amount == out);
  cr_assert(send(&unsent) == OX_VENUE_OK && look(&unsent).state == OX_LANDING_LANDED);
  sim_close();
}

Test(sim, what_has_expired_is_refused_for_ever)
{
  struct ox_swap swap = swap_of("expired");
  open_sim("7", "0");
  struct ox_tx tx = build(&swap);
  struct ox_landing landing;
  while ((landing = look(&tx)).as_of_ms <= tx.expires_at_ms)
    cr_assert(landing.state == OX_LANDING_ABSENT);
  cr_assert(landing.state == OX_LANDING_ABSENT);
  cr_assert(send(&tx) == OX_VENUE_REJECTED);
  cr_assert(look(&tx).state == OX_LANDING_ABSENT);
  sim_close();
}

/* ── splits ──────────────────────────────────────────────────────────────────────────────────── */

static struct ox_landing trade_both(const struct ox_swap *swap)
{
  struct ox_tx tx = {.size = sizeof tx};
  struct ox_landing landing = {.size = sizeof landing};
  cr_assert(sim_both.build(both, swap, (uint64_t)now_ms() << 20 | nonces++, &tx) == OX_VENUE_OK);
  cr_assert(sim_both.submit(both, &tx, now_ms() + WAIT_MS) == OX_VENUE_OK);
  cr_assert(sim_both.lookup(both, tx.tx_hash, now_ms() + WAIT_MS, &landing) == OX_VENUE_OK);
  return landing;
}

/* Each leg moves as a swap of its venue alone does: raydium's is looked at. */
Test(sim, the_legs_of_a_split_land_together)
{
  open_sim("7", "0");
  for (int i = 0; i < 50; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    struct ox_swap swap = swap_of(key);
    swap.in_amount = UINT64_C(150000000000000);
    struct ox_landing landing = trade_both(&swap);
    const struct ox_leg *leg = landing.legs;
    cr_assert(landing.state == OX_LANDING_LANDED && landing.n_legs == 2);
    cr_assert(leg[0].in_amount + leg[1].in_amount == swap.in_amount);
    cr_assert(leg[0].out_amount + leg[1].out_amount == landing.out_amount);
    cr_assert_str_eq(leg[0].venue, "raydium");
    cr_assert_str_eq(leg[1].venue, "meteora");
    swap.in_amount = leg[0].in_amount;
    cr_assert(trade(&swap).out_amount == leg[0].out_amount, "%s", key);
  }
  sim_close();
}

Test(sim, a_split_has_one_floor_for_its_sum)
{
  struct ox_swap swap = swap_of("floor");
  swap.in_amount = UINT64_C(150000000000000);
  open_sim("7", "0");
  swap.min_out_amount = trade_both(&swap).out_amount;
  cr_assert(trade_both(&swap).state == OX_LANDING_LANDED);
  swap.min_out_amount++;
  struct ox_landing landing = trade_both(&swap);
  cr_assert(landing.state == OX_LANDING_REVERTED && landing.out_amount == 0 && landing.n_legs == 0);
  sim_close();
}

/* Another process has not seen it, and reads its legs from the table. */
Test(sim, the_legs_are_in_the_ledger)
{
  struct ox_swap swap = swap_of("elsewhere");
  swap.in_amount = UINT64_C(150000000000000);
  open_sim("7", "0");
  struct ox_tx tx = {.size = sizeof tx};
  struct ox_landing here = {.size = sizeof here}, there = {.size = sizeof there};
  cr_assert(sim_both.build(both, &swap, (uint64_t)now_ms() << 20, &tx) == OX_VENUE_OK);
  cr_assert(sim_both.submit(both, &tx, now_ms() + WAIT_MS) == OX_VENUE_OK);
  cr_assert(sim_both.lookup(both, tx.tx_hash, now_ms() + WAIT_MS, &here) == OX_VENUE_OK);
  sim_close();
  open_sim("7", "0");
  cr_assert(sim_both.lookup(both, tx.tx_hash, now_ms() + WAIT_MS, &there) == OX_VENUE_OK);
  cr_assert(there.n_legs == 2 && memcmp(here.legs, there.legs, sizeof here.legs) == 0);
  sim_close();
}

/* ── profile realistic ───────────────────────────────────────────────────────────────────────── */

enum { SLOT_MS = 5 };

static void open_realistic(void)
{
  profile = "realistic";
  slot = "5";
  open_sim("7", "20");
}

/* A column of the ledger's row, which is there. */
static long column_of(const char *tx_hash, const char *column)
{
  char query[256];
  snprintf(query, sizeof query, "SELECT %s FROM sim.ledger WHERE tx_hash = '%s'", column, tx_hash);
  PGconn *conn = PQconnectdb(getenv("DATABASE_URL"));
  PGresult *rows = PQexec(conn, query);
  cr_assert(PQntuples(rows) == 1, "%s: %s", query, PQerrorMessage(conn));
  long value = strtol(PQgetvalue(rows, 0, 0), NULL, 10);
  PQclear(rows);
  PQfinish(conn);
  return value;
}

Test(sim, realistic_landings_are_near_the_quote_and_in_slots)
{
  int off = 0, dropped = 0;
  enum { N = 100 };
  open_realistic();
  for (int i = 0; i < N; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    struct ox_swap swap = swap_of(key);
    int64_t quoted = (int64_t)quote(&swap).out_amount;
    struct ox_tx tx = build(&swap);
    cr_assert(send(&tx) == OX_VENUE_OK);
    struct ox_landing landing = look(&tx);
    dropped += landing.state == OX_LANDING_ABSENT;
    if (landing.state == OX_LANDING_ABSENT) continue;
    while (landing.state == OX_LANDING_PENDING) landing = look(&tx);
    cr_assert(landing.state == OX_LANDING_LANDED);
    int64_t away = llabs((int64_t)landing.out_amount - quoted);
    cr_assert(away * 50 < quoted, "%ld of %ld", (long)away, (long)quoted);
    off += away > 0;
    long took = column_of(tx.tx_hash, "round(extract(epoch FROM lands_at - submitted_at) * 1000)");
    cr_assert(took % SLOT_MS == 0 && took >= 3 * SLOT_MS, "%ld ms", took);
    cr_assert(column_of(tx.tx_hash, "network_fee") > 5000);
  }
  cr_assert(off > N / 2 && dropped < N / 10, "%d off the quote, %d dropped", off, dropped);
  sim_close();
}

Test(sim, one_that_reverts_pays_its_fee_too)
{
  struct ox_swap swap = swap_of("fee");
  open_realistic();
  swap.min_out_amount = INT64_MAX;
  struct ox_tx tx = build(&swap);
  cr_assert(send(&tx) == OX_VENUE_OK);
  struct ox_landing landing;
  while ((landing = look(&tx)).state == OX_LANDING_PENDING) continue;
  cr_assert(landing.state == OX_LANDING_REVERTED && landing.out_amount == 0);
  cr_assert(column_of(tx.tx_hash, "network_fee") > 5000);
  sim_close();
}

/* One in a hundred: acknowledged, however often it is sent, and absent until it has expired. */
Test(sim, a_dropped_one_is_never_seen)
{
  open_realistic();
  for (int i = 0;; i++) {
    char key[16];
    snprintf(key, sizeof key, "d%d", i);
    struct ox_swap swap = swap_of(key);
    struct ox_tx tx = build(&swap);
    cr_assert(i < 2000 && send(&tx) == OX_VENUE_OK);
    struct ox_landing landing = look(&tx);
    if (landing.state != OX_LANDING_ABSENT) continue;
    cr_assert(landing.as_of_ms < tx.expires_at_ms && send(&tx) == OX_VENUE_OK);
    while ((landing = look(&tx)).as_of_ms <= tx.expires_at_ms)
      cr_assert(landing.state == OX_LANDING_ABSENT);
    cr_assert(landing.state == OX_LANDING_ABSENT);
    swap.attempt = 2;
    tx = build(&swap);
    cr_assert(send(&tx) == OX_VENUE_OK && look(&tx).state != OX_LANDING_ABSENT, "another lands");
    break;
  }
  sim_close();
}

Test(sim, the_same_seed_lands_the_same_realistically)
{
  uint64_t first[20];
  for (int run = 0; run < 2; run++) {
    open_realistic();
    for (int i = 0; i < 20; i++) {
      char key[16];
      snprintf(key, sizeof key, "s%d", i);
      struct ox_swap swap = swap_of(key);
      struct ox_tx tx = build(&swap);
      cr_assert(send(&tx) == OX_VENUE_OK);
      struct ox_landing landing;
      while ((landing = look(&tx)).state == OX_LANDING_PENDING) continue;
      if (run == 0) first[i] = landing.out_amount;
      cr_assert(landing.out_amount == first[i], "%s", key);
    }
    sim_close();
  }
}
