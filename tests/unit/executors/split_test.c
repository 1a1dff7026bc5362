/*
 * split_test.c - the best split, against brute force: every amount there is where there are few,
 * and where there are many every one around the best that two ways of searching come to.
 */
#include "executors/split.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "reference.h"

static const uint64_t reserve_max = (uint64_t)1 << 58;

/* ── random pools ────────────────────────────────────────────────────────────────────────────── */

static uint64_t below(uint64_t *seed, uint64_t n)
{
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed % n;
}

static uint64_t at_price(u128 price, uint64_t x)
{
  u128 y = (price >> 64) * x + ((price & UINT64_MAX) * x >> 64);
  return y == 0 ? 1 : y < reserve_max ? (uint64_t)y : reserve_max;
}

/* In hundredths of a percent: those that venues have. */
static uint32_t any_fee(uint64_t *seed)
{
  static const uint32_t fees[] = {0, 1, 5, 10, 15, 20, 25, 30, 30, 50, 100, 200, 500};
  return fees[below(seed, sizeof fees / sizeof *fees)];
}

struct market {
  struct pool pools[2];
  struct split_leg legs[2];
  uint64_t amount;
};

enum size { SMALL, LARGE };
enum { SMALL_MAX = 8000 };

static uint64_t any_reserve(uint64_t *seed, enum size size)
{
  return size == SMALL ? any_amount(seed, 500000) : 1000 + any_amount(seed, reserve_max - 1000);
}

/* Up to 10 % above or below price, one time out of two up to 1 %. */
static struct pool any_product(uint64_t *seed, u128 price, enum size size)
{
  int64_t off = (int64_t)below(seed, 2001) - 1000;
  if (below(seed, 2)) off /= 10;
  struct pool pool = {.kind = POOL_CONSTANT_PRODUCT};
  pool.raydium.x = any_reserve(seed, size);
  pool.raydium.y = at_price(price / 10000 * (uint64_t)(10000 + off), pool.raydium.x);
  pool.raydium.fee_ppm = any_fee(seed) * 100;
  return pool;
}

/* Of smaller bins split.h promises nothing. */
static bool bins_count(const struct meteora_pool *pool, bool x_to_y)
{
  return (x_to_y ? pool->bin_x : pool->bin_y) * (u128)pool->bin_step >= 500000;
}

static bool any_market(uint64_t *seed, enum size size, bool with_bins, struct market *m)
{
  static const uint32_t steps[][4] = {{100, 200, 300, 500}, {1, 5, 10, 25}};
  struct meteora_pool bins = {.bin_step = steps[size][below(seed, 4)],
                              .bins = 1 + (uint32_t)below(seed, size == SMALL ? 8 : 60),
                              .fee_ppb = any_fee(seed) * 100000};
  uint64_t span = (size == SMALL ? 20000 : 160000) / bins.bin_step;
  if (span > 8000) span = 8000;
  bins.active = (int32_t)below(seed, 2 * span) - (int32_t)span;
  u128 price = meteora_price(bins.bin_step, bins.active);
  bins.bin_x = any_reserve(seed, size) / 64 + 1;
  bins.bin_y = at_price(price, bins.bin_x);
  bool x_to_y = below(seed, 2), turned = below(seed, 2);
  *m = (struct market){0};
  m->pools[0] = any_product(seed, price, size);
  m->pools[1] = any_product(seed, price, size);
  if (with_bins) m->pools[1] = (struct pool){.kind = POOL_BINS, .meteora = bins};
  m->legs[turned] = (struct split_leg){&m->pools[0], x_to_y};
  m->legs[!turned] = (struct split_leg){&m->pools[1], x_to_y};
  uint64_t reserve = x_to_y ? m->pools[0].raydium.x : m->pools[0].raydium.y;
  m->amount = 1 + below(seed, SMALL_MAX);
  if (size == LARGE) m->amount = reserve / (1 + below(seed, 1000)) * (1 + below(seed, 3)) + 1;
  if (!with_bins) return true;
  return meteora_pool_sound(&bins, 0) && bins_count(&bins, x_to_y);
}

/* ── brute force ─────────────────────────────────────────────────────────────────────────────── */

/* What both fetch when leg 0 gets a; 0: that cannot be filled. */
static uint64_t worth(const struct market *m, uint64_t a)
{
  struct fill first = {0}, second = {0};
  uint64_t b = m->amount - a;
  if (a > 0 && !pool_swap(m->legs[0].pool, m->legs[0].x_to_y, a, &first)) return 0;
  if (b > 0 && !pool_swap(m->legs[1].pool, m->legs[1].x_to_y, b, &second)) return 0;
  return first.out_amount + second.out_amount;
}

static uint64_t best_of(const struct market *m, uint64_t from, uint64_t to)
{
  uint64_t best = 0;
  for (uint64_t a = from; a <= to && a <= m->amount; a++) {
    uint64_t out = worth(m, a);
    if (out > best) best = out;
  }
  return best;
}

static uint64_t ternary(const struct market *m)
{
  uint64_t low = 0, high = m->amount;
  while (high - low > 3) {
    uint64_t left = low + (high - low) / 3, right = high - (high - low) / 3;
    if (worth(m, left) < worth(m, right))
      low = left;
    else
      high = right;
  }
  return low;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

static uint64_t best_around(const struct market *m, uint64_t a, uint64_t window)
{
  return best_of(m, a > window ? a - window : 0, a + window);
}

/* Around the amounts that exhaust the last bins before b goes in; leg is theirs. */
static uint64_t best_at_edges(const struct market *m, int leg, uint64_t b)
{
  enum { EDGES = 3, WINDOW = 700 };
  uint64_t edges[EDGES] = {0}, at = 0, best = 0;
  struct meteora_walk walk;
  meteora_walk_init(&walk, &m->pools[1].meteora, m->legs[leg].x_to_y);
  for (uint32_t i = 0; i <= m->pools[1].meteora.bins && at < b; i++) {
    struct meteora_bin bin = meteora_bin(&walk, i);
    struct fill fill = {0};
    edges[i % EDGES] = at;
    at += meteora_bin_swap(&bin, INT64_MAX - at, &fill);
  }
  for (int i = 0; i < EDGES; i++)
    best = larger(best, best_around(m, leg == 0 ? edges[i] : m->amount - edges[i], WINDOW));
  return best;
}

static uint64_t brute_force(const struct market *m, uint64_t found_a, uint64_t *seed)
{
  enum { WINDOW = 2500, AT_RANDOM = 200 };
  if (m->amount <= SMALL_MAX) return best_of(m, 0, m->amount);
  uint64_t best = larger(worth(m, 0), worth(m, m->amount));
  best = larger(best, best_around(m, found_a, WINDOW));
  best = larger(best, best_around(m, ternary(m), WINDOW));
  for (int leg = 0; leg < 2; leg++)
    if (m->legs[leg].pool->kind == POOL_BINS)
      best = larger(best, best_at_edges(m, leg, leg == 0 ? found_a : m->amount - found_a));
  for (int i = 0; i < AT_RANDOM; i++) best = larger(best, worth(m, below(seed, m->amount)));
  return best;
}

static void check(const struct market *m, uint64_t *seed, int *splits)
{
  struct split split;
  bool ok = split_best(m->legs, m->amount, &split);
  uint64_t out = ok ? split.fill[0].out_amount + split.fill[1].out_amount : 0;
  uint64_t best = brute_force(m, ok ? split.in_amount[0] : 0, seed);
  if (out + 1 < best)
    printf("A=%lu kind0=%d xy=%d x=%lu y=%lu f=%u act=%d step=%u n=%u bx=%lu by=%lu f=%u\n",
           m->amount, m->legs[0].pool->kind, m->legs[0].x_to_y, m->pools[0].raydium.x,
           m->pools[0].raydium.y, m->pools[0].raydium.fee_ppm, m->pools[1].meteora.active,
           m->pools[1].meteora.bin_step, m->pools[1].meteora.bins, m->pools[1].meteora.bin_x,
           m->pools[1].meteora.bin_y, m->pools[1].meteora.fee_ppb),
        fflush(stdout);
  cr_assert(out + 1 >= best && ok == (best > 0), "%lu of %lu: %lu, but there are %lu",
            (unsigned long)(ok ? split.in_amount[0] : 0), (unsigned long)m->amount,
            (unsigned long)out, (unsigned long)best);
  if (!ok) return;
  cr_assert(split.in_amount[0] + split.in_amount[1] == m->amount);
  cr_assert(out == worth(m, split.in_amount[0]), "its legs give what it says");
  for (int i = 0; i < 2; i++) {
    struct fill fill = {0};
    if (split.in_amount[i] > 0)
      pool_swap(m->legs[i].pool, m->legs[i].x_to_y, split.in_amount[i], &fill);
    cr_assert(memcmp(&fill, &split.fill[i], sizeof fill) == 0, "its legs are the pools' own swaps");
  }
  cr_assert(out >= worth(m, 0) && out >= worth(m, m->amount), "one leg alone gives more");
  *splits += split.in_amount[0] > 0 && split.in_amount[1] > 0;
}

static void check_many(enum size size, bool with_bins, int cases)
{
  uint64_t seed = UINT64_C(88172645463325252) + (uint64_t)size * 2 + with_bins;
  int splits = 0;
  struct market m;
  for (int i = 0; i < cases;) {
    if (!any_market(&seed, size, with_bins, &m)) continue;
    check(&m, &seed, &splits);
    i++;
  }
  cr_assert(splits > cases / 10, "only %d of %d were split", splits, cases);
}

Test(split, small_amounts_against_bins, .timeout = 120)
{
  check_many(SMALL, true, 2500);
}

Test(split, small_amounts_between_constant_products, .timeout = 120)
{
  check_many(SMALL, false, 2500);
}

Test(split, large_amounts_against_bins, .timeout = 120)
{
  check_many(LARGE, true, 2500);
}

Test(split, large_amounts_between_constant_products, .timeout = 120)
{
  check_many(LARGE, false, 2500);
}

/* ── by hand ─────────────────────────────────────────────────────────────────────────────────── */

static struct pool product_of(uint64_t x, uint64_t y, uint32_t fee_ppm)
{
  return (struct pool){.kind = POOL_CONSTANT_PRODUCT, .raydium = {x, y, fee_ppm}};
}

static struct pool bins_of(uint32_t bins, uint64_t held, uint32_t fee_ppb)
{
  return (struct pool){.kind = POOL_BINS, .meteora = {0, 10, bins, held, held, fee_ppb}};
}

static struct split best_split(const struct pool *first, const struct pool *second, uint64_t amount)
{
  struct split_leg legs[] = {{first, true}, {second, true}};
  struct split split;
  cr_assert(split_best(legs, amount, &split));
  return split;
}

Test(split, equal_pools_share_equally)
{
  struct pool pool = product_of(1000000000, 1000000000, 0);
  struct split split = best_split(&pool, &pool, 20000000);
  int64_t off = (int64_t)split.in_amount[0] - 10000000;
  cr_assert(llabs(off) < 100, "off by %ld", (long)off);
}

Test(split, twice_as_deep_gets_twice_as_much)
{
  struct pool small = product_of(1000000000, 1000000000, 0);
  struct pool deep = product_of(2000000000, 2000000000, 0);
  struct split split = best_split(&small, &deep, 30000000);
  int64_t off = (int64_t)split.in_amount[0] - 10000000;
  cr_assert(llabs(off) < 100, "off by %ld", (long)off);
}

/* Without fees: its price, 1.001, falls to the active bin's, 1, when it has got x (sqrt(1.001) -
 * 1); the bin takes all the rest. */
Test(split, a_product_is_left_where_its_price_meets_the_bin_s)
{
  struct pool product = product_of(1000000000000, 1001000000000, 0);
  struct pool bins = bins_of(10, 100000000000, 0);
  struct split split = best_split(&product, &bins, 50000000000);
  int64_t off = (int64_t)split.in_amount[0] - 499875062;
  cr_assert(llabs(off) < 5, "off by %ld", (long)off);
}

/* Better than 0.999, worse than 1: the active bin is emptied and the next one not touched. */
Test(split, a_product_whose_price_is_between_two_bins_gets_what_the_first_leaves)
{
  struct pool product = product_of(1000000000000000, 999500000000000, 0);
  struct pool bins = bins_of(10, 100000000000, 0);
  struct split split = best_split(&bins, &product, 150000000000);
  cr_assert(split.in_amount[0] == 100000000000, "%lu", (unsigned long)split.in_amount[0]);
}

Test(split, a_much_worse_pool_gets_nothing)
{
  struct pool good = product_of(1000000000, 1000000000, 2500);
  struct pool bad = product_of(1000000000, 900000000, 2500);
  cr_assert(best_split(&good, &bad, 1000000).in_amount[1] == 0);
  cr_assert(best_split(&bad, &good, 1000000).in_amount[0] == 0);
  struct pool bins = bins_of(10, 1000000000, 2000000);
  cr_assert(best_split(&bins, &bad, 1000000).in_amount[1] == 0);
}

/* Alone neither can: the bins hold too little, and the product needs what they take. */
Test(split, what_the_bins_cannot_hold_goes_to_the_other)
{
  struct pool product = product_of(1000000, 500000, 3000), bins = bins_of(2, 1000, 2000000);
  struct split split = best_split(&bins, &product, 100000);
  cr_assert(split.fill[0].out_amount == 3000 && split.in_amount[1] == 100000 - split.in_amount[0]);
}

Test(split, two_pools_of_bins_are_not_split)
{
  struct pool one = bins_of(4, 1000, 2000000), other = bins_of(4, 1000, 3000000);
  struct split split = best_split(&other, &one, 2000);
  cr_assert(split.in_amount[0] == 0 && split.in_amount[1] == 2000);
  struct split_leg legs[] = {{&one, true}, {&other, true}};
  cr_assert(!split_best(legs, 9000, &split), "more than each of them holds");
}

Test(split, nothing_to_be_had)
{
  struct pool product = product_of(1000000, 1000000, 3000), bins = bins_of(4, 1000, 2000000);
  struct split_leg legs[] = {{&product, true}, {&bins, true}};
  struct split split;
  cr_assert(!split_best(legs, 1, &split), "the fee takes it all");
  cr_assert(split_best(legs, 2, &split));
}

Test(split, the_largest_there_is)
{
  struct pool product = product_of((uint64_t)1 << 62, (uint64_t)1 << 62, 2500);
  struct pool bins = bins_of(10, (uint64_t)1 << 58, 2000000);
  struct split split = best_split(&product, &bins, INT64_MAX);
  cr_assert(split.in_amount[0] + split.in_amount[1] == INT64_MAX && split.in_amount[1] > 0);
  split = best_split(&product, &product, INT64_MAX);
  cr_assert(split.in_amount[0] + split.in_amount[1] == INT64_MAX && split.in_amount[1] > 0);
}
