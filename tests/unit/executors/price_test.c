/* price_test.c - moving a pool's mid price to a decimal, against exact arithmetic. */
#include "executors/price.h"

#include <criterion/criterion.h>
#include <string.h>

#include "executors/amount.h"
#include "reference.h"

enum { CASES = 10000, SHIFT = 24 };

static struct pool constant_product(uint64_t x)
{
  return (struct pool){.kind = POOL_CONSTANT_PRODUCT, .raydium = {x, 77, 3000}};
}

static struct pool bins(uint32_t step, uint64_t bin_x)
{
  return (struct pool){.kind = POOL_BINS, .meteora = {0, step, 10, bin_x, 77, 2000000}};
}

static struct price price_from(const char *text, unsigned in, unsigned out, bool in_is_x)
{
  uint64_t units;
  cr_assert(amount_parse(text, strlen(text), PRICE_DECIMALS, &units) == AMOUNT_OK);
  return price_of(units, in, out, in_is_x);
}

Test(price, agrees_with_exact_arithmetic)
{
  FILE *pipe = reference_open("move", CASES);
  int moved = 0, nearest = 0;
  for (int i = 0; i < CASES; i++) {
    uint64_t units = (uint64_t)reference_next(pipe);
    unsigned in = (unsigned)reference_next(pipe), out = (unsigned)reference_next(pipe);
    bool in_is_x = reference_next(pipe) != 0;
    uint32_t step = (uint32_t)reference_next(pipe);
    uint64_t x = (uint64_t)reference_next(pipe), y = (uint64_t)reference_next(pipe);
    u128 low = reference_next(pipe), high = reference_next(pipe);
    struct price price = price_of(units, in, out, in_is_x);

    struct pool pool = constant_product(x);
    bool ok = price_move(&price, SHIFT, &pool);
    cr_assert(ok == (y > 0), "case %d", i);
    cr_assert(pool.raydium.x == x && pool.raydium.y == (ok ? y : 77), "case %d", i);
    moved += ok;

    pool = bins(step, x);
    if (price_move(&price, SHIFT, &pool)) {
      u128 at = meteora_price(step, pool.meteora.active);
      cr_assert(at >= low && at <= high, "case %d: bin %d", i, pool.meteora.active);
      cr_assert(pool.meteora.bin_x == x && pool.meteora.bin_y == y, "case %d", i);
      cr_assert(meteora_pool_sound(&pool.meteora, SHIFT));
      nearest++;
    } else {
      cr_assert(pool.meteora.active == 0 && pool.meteora.bin_y == 77, "case %d: as it was", i);
    }
  }
  cr_assert(moved > CASES / 5 && nearest > CASES / 20, "%d, %d", moved, nearest);
  reference_close(pipe);
}

Test(price, either_way_round_is_the_same_pool)
{
  struct price sol = price_from("150", 9, 6, true), usdc = price_from("0.02", 6, 9, false);
  struct pool pool = constant_product(200000000000000);
  cr_assert(price_move(&sol, SHIFT, &pool) && pool.raydium.y == 30000000000000);
  cr_assert(price_move(&usdc, SHIFT, &pool) && pool.raydium.y == 10000000000000);
  pool = bins(10, 2500000000000);
  cr_assert(price_move(&sol, SHIFT, &pool));
  cr_assert(pool.meteora.active == -1898 && pool.meteora.bin_y == 375000000000);
}

Test(price, what_no_pool_can_hold)
{
  struct pool pool = constant_product(1), before = pool;
  struct price low = price_from("0.000000000001", 12, 0, true);
  struct price high = price_from("9223372", 0, 12, true);
  cr_assert(!price_move(&low, SHIFT, &pool) && memcmp(&pool, &before, sizeof pool) == 0);
  pool = before = constant_product((uint64_t)POOL_RESERVE_MAX);
  cr_assert(!price_move(&high, SHIFT, &pool) && memcmp(&pool, &before, sizeof pool) == 0);
  pool = before = bins(1, 1000);
  cr_assert(!price_move(&high, SHIFT, &pool) && memcmp(&pool, &before, sizeof pool) == 0);
  cr_assert(!price_move(&low, SHIFT, &pool) && memcmp(&pool, &before, sizeof pool) == 0);
}
