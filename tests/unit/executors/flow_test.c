/* flow_test.c - the swaps of others: small, of both directions, and the same for the same order. */
#include "executors/flow.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct pool product = {
    .kind = POOL_CONSTANT_PRODUCT,
    .raydium = {UINT64_C(200000000000000), UINT64_C(30000000000000), 3000}};
static const struct pool bins = {
    .kind = POOL_BINS,
    .meteora = {-1898, 10, 100, UINT64_C(2500000000000), UINT64_C(375000000000), 2000000}};

static struct draw draw_of(char key[16], int i)
{
  snprintf(key, 16, "k%d", i);
  return (struct draw){42, "raydium", key, 1};
}

static void moves_a_little(const struct pool *pool, bool x_to_y)
{
  enum { N = 2000 };
  const uint64_t in = 1500000000;
  int above = 0, below = 0, same = 0, far = 0;
  struct fill still;
  cr_assert(pool_swap(pool, x_to_y, in, &still));
  for (int i = 0; i < N; i++) {
    char key[16];
    struct draw draw = draw_of(key, i);
    uint64_t out = flow_swap(&draw, pool, x_to_y, in);
    cr_assert(out == flow_swap(&draw, pool, x_to_y, in), "the same for the same order");
    int64_t off_ppm =
        ((int64_t)out - (int64_t)still.out_amount) * 1000000 / (int64_t)still.out_amount;
    cr_assert(off_ppm > -20000 && off_ppm < 20000, "%s: %ld millionths", key, (long)off_ppm);
    above += off_ppm > 0;
    below += off_ppm < 0;
    same += off_ppm == 0;
    far += off_ppm > 1000 || off_ppm < -1000;
  }
  cr_assert(above > N / 20 && below > N / 20, "%d above, %d below", above, below);
  cr_assert(same > N / 20 && far > N / 20, "%d the same, %d far", same, far);
}

Test(flow, moves_a_constant_product_a_little)
{
  moves_a_little(&product, true);
  moves_a_little(&product, false);
}

Test(flow, moves_bins_a_little)
{
  moves_a_little(&bins, true);
  moves_a_little(&bins, false);
}

Test(flow, what_the_pool_cannot_fill_is_nothing)
{
  char key[16];
  struct draw draw = draw_of(key, 1);
  cr_assert(flow_swap(&draw, &bins, true, INT64_MAX) == 0);
  cr_assert(flow_swap(&draw, &product, true, 1) == 0);
}

/* The smallest and the largest pools there may be. */
Test(flow, takes_any_pool)
{
  struct pool pools[] = {product, product, bins, bins};
  pools[0].raydium = (struct raydium_pool){1, 1, 3000};
  pools[1].raydium = (struct raydium_pool){(uint64_t)1 << 62, (uint64_t)1 << 62, 3000};
  pools[2].meteora = (struct meteora_pool){0, 10, 1, 1, 1, 0};
  pools[3].meteora = (struct meteora_pool){0, 10, 511, (uint64_t)1 << 53, (uint64_t)1 << 53, 0};
  for (size_t p = 0; p < 4; p++)
    for (int i = 0; i < 200; i++) {
      char key[16];
      struct draw draw = draw_of(key, i);
      cr_assert(flow_swap(&draw, &pools[p], i % 2, 1000000) < (uint64_t)1 << 62);
    }
}
