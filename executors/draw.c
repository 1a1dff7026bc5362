/*
 * draw.c - a hash of what the draw is for: bytes go in as in FNV-1a, and after each part the state
 * is stirred by SplitMix64's finaliser, which also gives the last word its even spread. Pure.
 */
#include "draw.h"

#include <assert.h>

static uint64_t stir(uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static uint64_t absorb(uint64_t state, const char *text)
{
  for (; *text; text++) state = (state ^ (unsigned char)*text) * 0x100000001b3u;
  return stir(state);
}

uint64_t draw_bits(const struct draw *d, const char *purpose)
{
  uint64_t state = absorb(stir(d->seed), d->venue);
  state = absorb(state, d->key);
  state = stir(state ^ d->attempt);
  return absorb(state, purpose);
}

int64_t draw_between(const struct draw *d, const char *purpose, int64_t min, int64_t max)
{
  assert(min <= max && max - min < INT64_MAX);
  uint64_t width = (uint64_t)(max - min) + 1;
  return min + (int64_t)((unsigned __int128)draw_bits(d, purpose) * width >> 64);
}
