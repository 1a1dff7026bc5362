/*
 * raydium.c - a constant-product pool. Pure; the pool is not changed.
 */
#include "raydium.h"

bool raydium_swap(const struct raydium_pool *pool, bool x_to_y, uint64_t in_amount,
                  struct fill *fill)
{
  uint64_t from = x_to_y ? pool->x : pool->y;
  uint64_t to = x_to_y ? pool->y : pool->x;
  uint64_t fee = (uint64_t)div_ceil((u128)in_amount * pool->fee_ppm, 1000000);
  u128 net = in_amount - fee;
  u128 out = net * to / (from + net);
  if (out == 0) return false;
  fill->out_amount = (uint64_t)out;
  fill->fee_amount = fee;
  fill->impact_bps = (uint32_t)(net * 10000 / (from + net));
  return true;
}
