/* meteora_live_test.c - bins that swaps move: nothing is made or lost, and no bin loses value. */
#include "executors/meteora_live.h"

#include <criterion/criterion.h>
#include <string.h>

#include "reference.h"

static struct meteora_pool any_pool(uint64_t *seed)
{
  return (struct meteora_pool){
      .active = (int32_t)any_amount(seed, 20000) - 10000,
      .bin_step = 10,
      .bins = 20,
      .bin_x = any_amount(seed, (uint64_t)1 << 50),
      .bin_y = any_amount(seed, (uint64_t)1 << 50),
      .fee_ppb = 2000000,
  };
}

/* From one unit to most of what it holds. */
static uint64_t any_in(uint64_t *seed, const struct meteora_pool *pool, bool x_to_y)
{
  return any_amount(seed, (x_to_y ? pool->bin_x : pool->bin_y) * 16);
}

static struct meteora_held total(const struct meteora_live *live)
{
  struct meteora_held sum = {0};
  for (uint32_t i = 0; i <= 2 * live->pool.bins; i++) {
    sum.x += live->held[i].x;
    sum.y += live->held[i].y;
  }
  return sum;
}

Test(meteora_live, begins_as_the_pool_is)
{
  uint64_t seed = 1;
  int filled = 0;
  for (int i = 0; i < 3000; i++) {
    struct meteora_pool pool = any_pool(&seed);
    uint64_t in = any_in(&seed, &pool, i % 2);
    struct meteora_live live;
    struct fill still = {0}, moved = {0};
    meteora_live_init(&live, &pool);
    bool ok = meteora_swap(&pool, i % 2, in, &still);
    cr_assert(meteora_live_swap(&live, i % 2, in, &moved) == ok, "case %d", i);
    cr_assert(moved.out_amount == still.out_amount && moved.fee_amount == still.fee_amount);
    filled += ok;
  }
  cr_assert(filled > 1000, "%d", filled);
}

Test(meteora_live, nothing_is_made_or_lost)
{
  uint64_t seed = 2;
  for (int i = 0; i < 300; i++) {
    struct meteora_pool pool = any_pool(&seed);
    struct meteora_live live;
    meteora_live_init(&live, &pool);
    for (int k = 0; k < 20; k++) {
      bool x_to_y = any_amount(&seed, 2) == 1;
      uint64_t in = any_in(&seed, &pool, x_to_y) / 4 + 1;
      struct meteora_held before = total(&live);
      struct fill fill = {0};
      if (!meteora_live_swap(&live, x_to_y, in, &fill)) continue;
      struct meteora_held after = total(&live);
      uint64_t got = x_to_y ? after.x - before.x : after.y - before.y;
      uint64_t gave = x_to_y ? before.y - after.y : before.x - after.x;
      cr_assert(got == in - fill.fee_amount && gave == fill.out_amount, "case %d.%d", i, k);
    }
  }
}

Test(meteora_live, one_that_fails_changes_nothing)
{
  uint64_t seed = 3;
  int failed = 0;
  for (int i = 0; i < 500; i++) {
    struct meteora_pool pool = any_pool(&seed);
    struct meteora_live live, before;
    struct fill fill = {0};
    memset(&live, 0, sizeof live);
    meteora_live_init(&live, &pool);
    meteora_live_swap(&live, true, any_in(&seed, &pool, true) / 8 + 1, &fill);
    before = live;
    if (meteora_live_swap(&live, i % 2, INT64_MAX - (uint64_t)i, &fill)) continue;
    cr_assert(memcmp(&before, &live, sizeof live) == 0, "case %d", i);
    failed++;
  }
  cr_assert(failed > 100);
}

/* Whatever goes to and fro, nobody gains: what one got for x he cannot turn into more x. */
Test(meteora_live, there_and_back_never_gains)
{
  uint64_t seed = 4;
  int both = 0;
  for (int i = 0; i < 3000; i++) {
    struct meteora_pool pool = any_pool(&seed);
    pool.fee_ppb = i % 2 ? 0 : pool.fee_ppb;
    uint64_t in = any_in(&seed, &pool, true);
    struct meteora_live live;
    struct fill there, back;
    meteora_live_init(&live, &pool);
    if (!meteora_live_swap(&live, true, in, &there)) continue;
    if (!meteora_live_swap(&live, false, there.out_amount, &back)) continue;
    cr_assert(back.out_amount <= in, "case %d", i);
    both++;
  }
  cr_assert(both > 500, "%d", both);
}

Test(meteora_live, a_swap_makes_the_next_one_dearer)
{
  struct meteora_pool pool = {.bin_step = 10, .bins = 50, .bin_x = 1000000, .bin_y = 1000000};
  struct meteora_live live;
  struct fill first, second, back;
  meteora_live_init(&live, &pool);
  cr_assert(meteora_live_swap(&live, true, 5000000, &first) && live.pool.active == -4);
  cr_assert(meteora_live_swap(&live, true, 5000000, &second));
  cr_assert(second.out_amount < first.out_amount);
  cr_assert(meteora_live_swap(&live, false, 5000000, &back) && back.out_amount > 5000000,
            "and the other way cheaper");
}
