/* raydium_test.c - constant product: against exact arithmetic, and what must hold of any swap. */
#include "executors/raydium.h"

#include <criterion/criterion.h>

#include "reference.h"

static const uint64_t reserve_max = (uint64_t)1 << 62;

Test(raydium, agrees_with_exact_arithmetic)
{
  enum { CASES = 10000 };
  FILE *pipe = reference_open("raydium", CASES);
  int filled = 0;
  for (int i = 0; i < CASES; i++) {
    struct raydium_pool pool;
    pool.x = (uint64_t)reference_next(pipe);
    pool.y = (uint64_t)reference_next(pipe);
    pool.fee_ppm = (uint32_t)reference_next(pipe);
    bool x_to_y = reference_next(pipe);
    uint64_t in = (uint64_t)reference_next(pipe);
    struct fill fill = {0};
    bool ok = raydium_swap(&pool, x_to_y, in, &fill);
    cr_assert(ok == (bool)reference_next(pipe), "case %d", i);
    uint64_t out = (uint64_t)reference_next(pipe), fee = (uint64_t)reference_next(pipe);
    uint32_t impact = (uint32_t)reference_next(pipe);
    filled += ok;
    if (!ok) continue;
    cr_assert(fill.out_amount == out && fill.fee_amount == fee && fill.impact_bps == impact,
              "case %d", i);
  }
  reference_close(pipe);
  cr_assert(filled > CASES / 2, "only %d cases had an output", filled);
}

Test(raydium, the_product_never_falls)
{
  uint64_t seed = 1;
  for (int i = 0; i < 20000; i++) {
    struct raydium_pool pool = {any_amount(&seed, reserve_max), any_amount(&seed, reserve_max),
                                i % 2 ? 3000 : 0};
    uint64_t in = any_amount(&seed, reserve_max);
    struct fill fill;
    if (!raydium_swap(&pool, true, in, &fill)) continue;
    cr_assert(fill.out_amount < pool.y);
    u128 before = (u128)pool.x * pool.y;
    u128 net_after = ((u128)pool.x + in - fill.fee_amount) * (pool.y - fill.out_amount);
    cr_assert(net_after >= before, "even without its fee, case %d", i);
  }
}

Test(raydium, more_in_never_gives_less_out)
{
  uint64_t seed = 2;
  for (int i = 0; i < 20000; i++) {
    struct raydium_pool pool = {any_amount(&seed, reserve_max), any_amount(&seed, reserve_max),
                                3000};
    uint64_t in = any_amount(&seed, reserve_max), more = in + any_amount(&seed, in);
    struct fill less = {0}, fill = {0};
    raydium_swap(&pool, i % 2, in, &less);
    raydium_swap(&pool, i % 2, more, &fill);
    cr_assert(fill.out_amount >= less.out_amount, "case %d", i);
  }
}

Test(raydium, the_fee_is_never_too_small)
{
  uint64_t seed = 3;
  struct raydium_pool pool = {reserve_max, reserve_max, 3000};
  for (int i = 0; i < 20000; i++) {
    uint64_t in = any_amount(&seed, reserve_max);
    struct fill fill;
    if (!raydium_swap(&pool, true, in, &fill)) continue;
    cr_assert((u128)fill.fee_amount * 1000000 >= (u128)in * 3000);
    cr_assert((u128)(fill.fee_amount - 1) * 1000000 < (u128)in * 3000);
  }
}

Test(raydium, in_two_parts_it_is_never_more)
{
  uint64_t seed = 4;
  for (int i = 0; i < 5000; i++) {
    struct raydium_pool pool = {any_amount(&seed, reserve_max), any_amount(&seed, reserve_max),
                                3000};
    uint64_t a = any_amount(&seed, reserve_max / 4), b = any_amount(&seed, reserve_max / 4);
    struct fill whole, first, second;
    if (!raydium_swap(&pool, true, a + b, &whole) || !raydium_swap(&pool, true, a, &first))
      continue;
    struct raydium_pool moved = {pool.x + a - first.fee_amount, pool.y - first.out_amount, 3000};
    if (!raydium_swap(&moved, true, b, &second)) continue;
    cr_assert(first.out_amount + second.out_amount <= whole.out_amount + 1, "case %d", i);
  }
}

Test(raydium, there_and_back_never_gains)
{
  uint64_t seed = 5;
  for (int i = 0; i < 20000; i++) {
    struct raydium_pool pool = {any_amount(&seed, reserve_max), any_amount(&seed, reserve_max), 0};
    uint64_t in = any_amount(&seed, reserve_max);
    struct fill there, back;
    if (!raydium_swap(&pool, true, in, &there)) continue;
    struct raydium_pool moved = {pool.x + in, pool.y - there.out_amount, 0};
    if (moved.x > reserve_max || !raydium_swap(&moved, false, there.out_amount, &back)) continue;
    cr_assert(back.out_amount <= in, "case %d", i);
  }
}

Test(raydium, an_input_its_fee_eats_up_fetches_nothing)
{
  struct raydium_pool pool = {1000000, 1000000, 3000};
  struct fill fill;
  cr_assert(!raydium_swap(&pool, true, 1, &fill));
  cr_assert(raydium_swap(&pool, true, 3, &fill) && fill.out_amount == 1 && fill.fee_amount == 1);
}
