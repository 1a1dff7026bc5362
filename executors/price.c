/* price.c - see price.h. */
#include "price.h"

#include <assert.h>

static u128 power_of_ten(unsigned n)
{
  u128 power = 1;
  while (n-- > 0) power *= 10;
  return power;
}

struct price price_of(uint64_t units, unsigned decimals_in, unsigned decimals_out, bool in_is_x)
{
  assert(units > 0 && units <= INT64_MAX);
  assert(decimals_in <= PRICE_DECIMALS && decimals_out <= PRICE_DECIMALS);
  u128 one = power_of_ten(PRICE_DECIMALS + decimals_in - decimals_out);
  return in_is_x ? (struct price){.y = units, .x = one} : (struct price){.y = one, .x = units};
}

/* floor(amount * y / x), bit by bit: the product may need 210 of them. Both of the price are below
 * 2^80. False: the result is over max, which is at most 2^100. */
static bool worth(const struct price *price, u128 amount, u128 max, u128 *out)
{
  u128 whole = price->y / price->x, rest = price->y % price->x, left = 0;
  *out = 0;
  for (int bit = 127; bit >= 0; bit--) {
    *out *= 2;
    left *= 2;
    if (amount >> bit & 1) {
      *out += whole;
      left += rest;
    }
    *out += left / price->x;
    left %= price->x;
    if (*out > max) return false;
  }
  return true;
}

/* The bin whose price is nearest to price (Q64.64); false: none is near. */
static bool nearest_bin(uint32_t bin_step, u128 price, int32_t *bin)
{
  int32_t low = -POOL_BIN_MAX, high = POOL_BIN_MAX;
  while (high - low > 1) {
    int32_t middle = low + (high - low) / 2;
    u128 at = meteora_price(bin_step, middle);
    if (at > price || (at == 0 && middle > 0))
      high = middle;
    else
      low = middle;
  }
  u128 below = meteora_price(bin_step, low), above = meteora_price(bin_step, high);
  if (price < below || price >= above) return false;
  *bin = above - price < price - below ? high : low;
  return true;
}

static bool move_bins(const struct price *price, int32_t bin_shift, struct meteora_pool *pool)
{
  static const u128 one = (u128)1 << 64;
  struct meteora_pool moved = *pool;
  u128 at, held;
  if (!worth(price, one, one << 32, &at) || !worth(price, pool->bin_x, INT64_MAX, &held) ||
      !nearest_bin(pool->bin_step, at, &moved.active))
    return false;
  moved.bin_y = (uint64_t)held;
  if (!meteora_pool_sound(&moved, bin_shift)) return false;
  *pool = moved;
  return true;
}

bool price_move(const struct price *price, int32_t bin_shift, struct pool *pool)
{
  if (pool->kind == POOL_BINS) return move_bins(price, bin_shift, &pool->meteora);
  u128 y;
  if (!worth(price, pool->raydium.x, POOL_RESERVE_MAX, &y) || y == 0) return false;
  pool->raydium.y = (uint64_t)y;
  return true;
}
