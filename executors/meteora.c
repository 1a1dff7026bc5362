/*
 * meteora.c - a pool of liquidity bins. Pure; the pool is not changed.
 */
#include "meteora.h"

#include <assert.h>

static const uint32_t ppb = 1000000000;
static const u128 one = (u128)1 << 64; /* of Q64.64 */

u128 meteora_price(uint32_t bin_step, int32_t bin)
{
  assert(bin_step > 0 && bin_step <= METEORA_BIN_STEP_MAX);
  u128 ratio = one + ((u128)bin_step << 64) / 10000;
  /* By squaring, with powers of the inverse: they stay below one, so that no product outgrows 128
   * bits. Of a bin above 0 the price is the inverse once more. */
  u128 square = ~(u128)0 / ratio, price = one;
  for (uint32_t n = bin < 0 ? 0 - (uint32_t)bin : (uint32_t)bin; n > 0; n >>= 1) {
    if (n & 1) price = price * square >> 64;
    square = square * square >> 64;
  }
  if (bin <= 0 || price == 0) return price;
  return ~(u128)0 / price;
}

bool meteora_pool_sound(const struct meteora_pool *pool, int32_t shift)
{
  static const uint64_t most = (uint64_t)1 << 62;
  if (pool->bin_step == 0 || pool->bin_step > METEORA_BIN_STEP_MAX || pool->bins == 0 ||
      pool->bins > METEORA_BINS_MAX || pool->fee_ppb >= ppb)
    return false;
  u128 held_x = (u128)pool->bin_x * (pool->bins + 1), held_y = (u128)pool->bin_y * (pool->bins + 1);
  if (pool->bin_x == 0 || pool->bin_y == 0 || held_x > most || held_y > most) return false;
  int32_t reach = (int32_t)pool->bins + shift;
  u128 lowest = meteora_price(pool->bin_step, pool->active - reach);
  u128 highest = meteora_price(pool->bin_step, pool->active + reach);
  return lowest >= one >> 32 && highest >= lowest && highest <= one << 32;
}

/* floor(price * x >> 64), by halves of the price, which is below 2^96. */
static u128 y_of_x(u128 price, uint64_t x)
{
  return (price >> 64) * x + ((u128)(uint64_t)price * x >> 64);
}

static u128 y_of_x_ceil(u128 price, uint64_t x)
{
  uint64_t rest = (uint64_t)price * x; /* of the product, below the point */
  return y_of_x(price, x) + (rest != 0);
}

static u128 x_of_y(u128 price, u128 y)
{
  return (y << 64) / price;
}

/* Adds what one bin gives to fill; returns how much of in_amount it took, fee included. */
static u128 swap_in_bin(const struct meteora_pool *pool, int32_t bin, bool x_to_y,
                        uint64_t in_amount, struct fill *fill)
{
  u128 price = meteora_price(pool->bin_step, bin);
  uint64_t held = x_to_y ? pool->bin_y : pool->bin_x;
  u128 most = x_to_y ? div_ceil((u128)held << 64, price) : y_of_x_ceil(price, held);
  u128 most_fee = div_ceil(most * pool->fee_ppb, ppb - pool->fee_ppb);
  if (in_amount > most + most_fee) {
    fill->out_amount += held;
    fill->fee_amount += (uint64_t)most_fee;
    return most + most_fee;
  }
  uint64_t fee = (uint64_t)div_ceil((u128)in_amount * pool->fee_ppb, ppb);
  uint64_t net = in_amount - fee;
  u128 out = x_to_y ? y_of_x(price, net) : x_of_y(price, net);
  fill->out_amount += out < held ? (uint64_t)out : held;
  fill->fee_amount += fee;
  return in_amount;
}

bool meteora_swap(const struct meteora_pool *pool, bool x_to_y, uint64_t in_amount,
                  struct fill *fill)
{
  struct fill sum = {0};
  uint64_t left = in_amount;
  for (int32_t i = 0; left > 0 && i <= (int32_t)pool->bins; i++) {
    int32_t bin = x_to_y ? pool->active - i : pool->active + i;
    left -= (uint64_t)swap_in_bin(pool, bin, x_to_y, left, &sum);
  }
  if (left > 0 || sum.out_amount == 0) return false;
  u128 price = meteora_price(pool->bin_step, pool->active);
  uint64_t net = in_amount - sum.fee_amount;
  /* The active bin's price is the best: at_mid is no less than what came out. */
  u128 at_mid = x_to_y ? y_of_x(price, net) : x_of_y(price, net);
  sum.impact_bps = (uint32_t)((at_mid - sum.out_amount) * 10000 / at_mid);
  *fill = sum;
  return true;
}
