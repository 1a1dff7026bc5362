/* meteora_test.c - liquidity bins: against exact arithmetic, and what must hold of any swap. */
#include "executors/meteora.h"

#include <criterion/criterion.h>

#include "reference.h"

static const uint64_t reserve_max = (uint64_t)1 << 62;

Test(meteora, prices_are_powers)
{
  enum { CASES = 300 };
  FILE *pipe = reference_open("price", CASES);
  for (int i = 0; i < CASES; i++) {
    uint32_t step = (uint32_t)reference_next(pipe);
    int32_t bin = (int32_t)(__int128)reference_next(pipe);
    u128 low = reference_next(pipe), high = reference_next(pipe);
    u128 price = meteora_price(step, bin);
    cr_assert(price >= low && price <= high, "step %u bin %d", step, bin);
  }
  reference_close(pipe);
}

Test(meteora, bin_zero_is_one_and_prices_rise)
{
  cr_assert(meteora_price(10, 0) == (u128)1 << 64);
  u128 before = 0;
  for (int32_t bin = -22000; bin <= 22000; bin++) {
    u128 price = meteora_price(10, bin);
    cr_assert(price > before, "bin %d", bin);
    before = price;
  }
}

Test(meteora, a_price_it_cannot_hold_is_none)
{
  cr_assert(meteora_price(500, -2000000000) == 0);
  cr_assert(meteora_price(500, 2000000000) == 0);
  cr_assert(meteora_price(1, INT32_MIN) == 0);
}

static struct meteora_pool read_pool(FILE *pipe)
{
  struct meteora_pool pool;
  pool.active = (int32_t)(__int128)reference_next(pipe);
  pool.bin_step = (uint32_t)reference_next(pipe);
  pool.bins = (uint32_t)reference_next(pipe);
  pool.bin_x = (uint64_t)reference_next(pipe);
  pool.bin_y = (uint64_t)reference_next(pipe);
  pool.fee_ppb = (uint32_t)reference_next(pipe);
  return pool;
}

Test(meteora, agrees_with_exact_arithmetic)
{
  enum { CASES = 10000 };
  FILE *pipe = reference_open("meteora", CASES);
  int filled = 0, several = 0, exhausted = 0, x_to_ys = 0;
  for (int i = 0; i < CASES; i++) {
    struct meteora_pool pool = read_pool(pipe);
    cr_assert(meteora_pool_sound(&pool, 0), "case %d", i);
    bool x_to_y = reference_next(pipe);
    uint64_t in = (uint64_t)reference_next(pipe);
    struct fill fill = {0};
    bool ok = meteora_swap(&pool, x_to_y, in, &fill);
    cr_assert(ok == (bool)reference_next(pipe), "case %d", i);
    uint64_t out = (uint64_t)reference_next(pipe), fee = (uint64_t)reference_next(pipe);
    uint32_t impact = (uint32_t)reference_next(pipe);
    filled += ok;
    several += ok && out > (x_to_y ? pool.bin_y : pool.bin_x);
    exhausted += ok && out % (x_to_y ? pool.bin_y : pool.bin_x) == 0;
    x_to_ys += ok && x_to_y;
    if (!ok) continue;
    cr_assert(fill.out_amount == out && fill.fee_amount == fee && fill.impact_bps == impact,
              "case %d", i);
  }
  reference_close(pipe);
  cr_assert(filled > CASES / 4 && several > CASES / 10, "%d filled, %d by several bins", filled,
            several);
  cr_assert(exhausted > CASES / 10 && exhausted < filled / 2, "%d end at an edge", exhausted);
  cr_assert(x_to_ys > filled / 3 && x_to_ys < filled * 2 / 3, "%d from x to y", x_to_ys);
}

/* A pool like those shipped, of random size. */
static struct meteora_pool any_pool(uint64_t *seed)
{
  return (struct meteora_pool){
      (int32_t)(any_amount(seed, 20000)) - 10000, 10,     20, any_amount(seed, reserve_max / 21),
      any_amount(seed, reserve_max / 21),         2000000};
}

Test(meteora, more_in_never_gives_less_out)
{
  uint64_t seed = 1;
  for (int i = 0; i < 5000; i++) {
    struct meteora_pool pool = any_pool(&seed);
    uint64_t in = any_amount(&seed, reserve_max), more = in + any_amount(&seed, in);
    struct fill less, fill;
    if (!meteora_swap(&pool, i % 2, in, &less) || !meteora_swap(&pool, i % 2, more, &fill))
      continue;
    cr_assert(fill.out_amount >= less.out_amount, "case %d", i);
  }
}

/* Around the very amount that exhausts a bin. */
Test(meteora, the_edge_of_a_bin_is_smooth)
{
  struct meteora_pool pool = {0, 10, 5, 1000000, 1000000, 2000000};
  struct fill before = {0}, fill;
  for (uint64_t in = 1000; in < 3100000; in += 7) {
    cr_assert(meteora_swap(&pool, true, in, &fill));
    cr_assert(fill.out_amount >= before.out_amount && fill.fee_amount >= before.fee_amount);
    cr_assert(fill.out_amount - before.out_amount <= 1000, "a jump at %lu", (unsigned long)in);
    before = fill;
  }
}

Test(meteora, the_fee_is_never_too_small)
{
  uint64_t seed = 2;
  for (int i = 0; i < 5000; i++) {
    struct meteora_pool pool = any_pool(&seed);
    uint64_t in = any_amount(&seed, reserve_max);
    struct fill fill;
    if (!meteora_swap(&pool, i % 2, in, &fill)) continue;
    cr_assert((u128)fill.fee_amount * 1000000000 >= (u128)in * 2000000, "case %d", i);
    /* and too large by less than one unit a bin */
    u128 most = (u128)in * 2000000 + (u128)1000000000 * (pool.bins + 1);
    cr_assert((u128)fill.fee_amount * 1000000000 < most, "case %d", i);
  }
}

static u128 worth_in_y(u128 price, uint64_t x)
{
  return (price >> 64) * x + ((price & UINT64_MAX) * x >> 64);
}

/* Of every bin, in both directions: what it holds is worth no less afterwards, at its own price and
 * without its fee. That is the k of a bin. */
Test(meteora, no_bin_ever_loses_value)
{
  uint64_t seed = 3;
  int exhausted = 0;
  for (int i = 0; i < 5000; i++) {
    struct meteora_pool pool = any_pool(&seed);
    uint64_t left = any_amount(&seed, reserve_max);
    struct meteora_walk walk;
    meteora_walk_init(&walk, &pool, i % 2);
    for (uint32_t after = 0; after <= pool.bins && left > 0; after++) {
      struct meteora_bin bin = meteora_bin(&walk, after);
      struct fill fill = {0};
      uint64_t taken = meteora_bin_swap(&bin, left, &fill), net = taken - fill.fee_amount;
      cr_assert(fill.out_amount <= bin.held && taken <= left);
      u128 got = i % 2 ? worth_in_y(bin.price, net) : net;
      u128 gave = i % 2 ? fill.out_amount : worth_in_y(bin.price, fill.out_amount);
      cr_assert(got >= gave, "case %d, bin %u", i, after);
      exhausted += taken < left;
      left -= taken;
    }
  }
  cr_assert(exhausted > 1000);
}

Test(meteora, gives_all_it_has_and_not_more)
{
  struct meteora_pool pool = {0, 10, 3, 1000, 1000, 0};
  struct fill fill;
  uint64_t in = 1;
  while (meteora_swap(&pool, false, in, &fill)) in++;
  cr_assert(!meteora_swap(&pool, false, INT64_MAX, &fill));
  cr_assert(meteora_swap(&pool, false, in - 1, &fill) && fill.out_amount == 4000);
}

Test(meteora, unsound_pools)
{
  const struct meteora_pool sound = {0, 10, 100, 1000, 1000, 2000000};
  cr_assert(meteora_pool_sound(&sound, 24));
  struct meteora_pool p = sound;
  p.bin_step = 0;
  cr_assert(!meteora_pool_sound(&p, 0));
  p = sound, p.bin_step = METEORA_BIN_STEP_MAX + 1;
  cr_assert(!meteora_pool_sound(&p, 0));
  p = sound, p.bins = 0;
  cr_assert(!meteora_pool_sound(&p, 0));
  p = sound, p.bins = METEORA_BINS_MAX + 1;
  cr_assert(!meteora_pool_sound(&p, 0));
  p = sound, p.fee_ppb = 1000000000;
  cr_assert(!meteora_pool_sound(&p, 0));
  p = sound, p.bin_x = 0;
  cr_assert(!meteora_pool_sound(&p, 0));
  p = sound, p.bin_y = reserve_max / 100;
  cr_assert(!meteora_pool_sound(&p, 0));
  p = sound, p.active = -22050;
  cr_assert(meteora_pool_sound(&p, 0) && !meteora_pool_sound(&p, 100));
  p = sound, p.active = 22050;
  cr_assert(!meteora_pool_sound(&p, 100));
  p = sound, p.active = 2000000000;
  cr_assert(!meteora_pool_sound(&p, 0));
}
