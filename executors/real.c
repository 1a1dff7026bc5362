/*
 * real.c - numbers with 64 significant bits. Pure.
 */
#include "real.h"

#include <assert.h>
#include <stdbool.h>

static struct real scaled(u128 value, int e)
{
  if (value == 0) return (struct real){0, 0};
  uint64_t high = (uint64_t)(value >> 64);
  int shift = high ? 64 - __builtin_clzll(high) : -__builtin_clzll((uint64_t)value);
  uint64_t m = (uint64_t)(shift > 0 ? value >> shift : value << -shift);
  return (struct real){m, e + shift};
}

struct real real_of(u128 value)
{
  return scaled(value, 0);
}

struct real real_add(struct real a, struct real b)
{
  if (a.m == 0 || (b.m != 0 && b.e > a.e)) return b.m == 0 ? b : real_add(b, a);
  if (b.m == 0 || a.e - b.e > 63) return a;
  return scaled((u128)a.m + (b.m >> (a.e - b.e)), a.e);
}

struct real real_sub(struct real a, struct real b)
{
  if (b.m == 0 || (a.m != 0 && a.e - b.e > 63)) return a;
  if (a.m == 0 || b.e > a.e) return (struct real){0, 0};
  uint64_t less = b.m >> (a.e - b.e);
  return less < a.m ? scaled(a.m - less, a.e) : (struct real){0, 0};
}

struct real real_mul(struct real a, struct real b)
{
  return scaled((u128)a.m * b.m, a.e + b.e);
}

struct real real_div(struct real a, struct real b)
{
  assert(b.m != 0);
  return scaled(((u128)a.m << 64) / b.m, a.e - b.e - 64);
}

/* The whole root of value, a bit at a time from the top. */
static uint64_t root(u128 value)
{
  u128 rest = value, found = 0;
  for (u128 bit = (u128)1 << 126; bit != 0; bit >>= 2) {
    bool fits = rest >= found + bit;
    if (fits) rest -= found + bit;
    found = (found >> 1) + (fits ? bit : 0);
  }
  return (uint64_t)found;
}

struct real real_sqrt(struct real a)
{
  int odd = a.e & 1;
  return scaled(root((u128)a.m << (odd ? 63 : 64)), (a.e - (odd ? 63 : 64)) / 2);
}

uint64_t real_floor(struct real a, uint64_t max)
{
  if (a.m == 0 || a.e <= -64) return 0;
  if (a.e > 0) return max;
  uint64_t whole = a.m >> -a.e;
  return whole < max ? whole : max;
}
