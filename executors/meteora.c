/*
 * meteora.c - a pool of liquidity bins. Pure; the pool is not changed.
 */
#include "meteora.h"

#include <assert.h>

static const uint32_t ppb = 1000000000;
static const u128 one = (u128)1 << 64; /* of Q64.64 */

/* Those that bins up to most, above or below 0, need. */
static void fill_powers(uint32_t bin_step, uint32_t most, uint64_t *powers)
{
  assert(bin_step > 0 && bin_step <= METEORA_BIN_STEP_MAX);
  u128 ratio = one + ((u128)bin_step << 64) / 10000;
  uint64_t power = (uint64_t)(~(u128)0 / ratio);
  for (int i = 0; i < 32 && most >> i; i++) {
    powers[i] = power;
    power = (uint64_t)((u128)power * power >> 64);
  }
}

static uint32_t distance(int32_t bin)
{
  return bin < 0 ? 0 - (uint32_t)bin : (uint32_t)bin;
}

/* By squaring. Of a bin above 0 the price is the inverse once more: so no product outgrows 128
 * bits. */
static u128 price_of(const uint64_t *powers, int32_t bin)
{
  u128 price = one;
  for (uint32_t n = distance(bin); n > 0; n >>= 1, powers++)
    if (n & 1) price = price * *powers >> 64;
  if (bin <= 0 || price == 0) return price;
  return ~(u128)0 / price;
}

u128 meteora_price(uint32_t bin_step, int32_t bin)
{
  uint64_t powers[32];
  fill_powers(bin_step, distance(bin), powers);
  return price_of(powers, bin);
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

void meteora_walk_init(struct meteora_walk *walk, const struct meteora_pool *pool, bool x_to_y)
{
  walk->pool = pool;
  walk->x_to_y = x_to_y;
  fill_powers(pool->bin_step, distance(pool->active) + pool->bins, walk->powers);
}

struct meteora_bin meteora_bin(const struct meteora_walk *walk, uint32_t after)
{
  const struct meteora_pool *pool = walk->pool;
  int32_t i = walk->x_to_y ? pool->active - (int32_t)after : pool->active + (int32_t)after;
  return (struct meteora_bin){.price = price_of(walk->powers, i),
                              .held = walk->x_to_y ? pool->bin_y : pool->bin_x,
                              .fee_ppb = pool->fee_ppb,
                              .x_to_y = walk->x_to_y};
}

static u128 out_of(const struct meteora_bin *bin, uint64_t net)
{
  return bin->x_to_y ? y_of_x(bin->price, net) : x_of_y(bin->price, net);
}

uint64_t meteora_bin_swap(const struct meteora_bin *bin, uint64_t in_amount, struct fill *fill)
{
  u128 most = bin->x_to_y ? div_ceil((u128)bin->held << 64, bin->price)
                          : y_of_x_ceil(bin->price, bin->held);
  u128 most_fee = div_ceil(most * bin->fee_ppb, ppb - bin->fee_ppb);
  if (in_amount > most + most_fee) {
    fill->out_amount += bin->held;
    fill->fee_amount += (uint64_t)most_fee;
    return (uint64_t)(most + most_fee);
  }
  uint64_t fee = (uint64_t)div_ceil((u128)in_amount * bin->fee_ppb, ppb);
  u128 out = out_of(bin, in_amount - fee);
  fill->out_amount += out < bin->held ? (uint64_t)out : bin->held;
  fill->fee_amount += fee;
  return in_amount;
}

uint32_t meteora_impact_bps(const struct meteora_bin *active, uint64_t in_amount,
                            const struct fill *fill)
{
  /* The active bin's price is the best: at_mid is no less than what came out. */
  u128 at_mid = out_of(active, in_amount - fill->fee_amount);
  return (uint32_t)((at_mid - fill->out_amount) * 10000 / at_mid);
}

bool meteora_swap(const struct meteora_pool *pool, bool x_to_y, uint64_t in_amount,
                  struct fill *fill)
{
  struct meteora_walk walk;
  meteora_walk_init(&walk, pool, x_to_y);
  struct meteora_bin active = meteora_bin(&walk, 0);
  struct fill sum = {0};
  uint64_t left = in_amount - meteora_bin_swap(&active, in_amount, &sum);
  for (uint32_t after = 1; left > 0 && after <= pool->bins; after++) {
    struct meteora_bin bin = meteora_bin(&walk, after);
    left -= meteora_bin_swap(&bin, left, &sum);
  }
  if (left > 0 || sum.out_amount == 0) return false;
  sum.impact_bps = meteora_impact_bps(&active, in_amount, &sum);
  *fill = sum;
  return true;
}
