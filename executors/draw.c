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
  if (min == max) return min;
  uint64_t width = (uint64_t)(max - min) + 1;
  return min + (int64_t)((unsigned __int128)draw_bits(d, purpose) * width >> 64);
}

/* exp(z / 2) in 1/65536 at the quantiles 0.001, 1/64, 2/64, … 63/64, 0.999 of z, the standard
 * normal distribution: a table, since exp() is not the same on every machine. */
static const int32_t lognormal[] = {
    13978,  22324,  25822,  28350,  30433,  32256,  33906,  35434,  36871,  38238,  39552,
    40821,  42057,  43265,  44451,  45620,  46775,  47921,  49059,  50194,  51327,  52460,
    53596,  54737,  55884,  57040,  58207,  59385,  60579,  61788,  63016,  64265,  65536,
    66832,  68156,  69511,  70899,  72324,  73788,  75297,  76855,  78466,  80136,  81871,
    83679,  85567,  87546,  89626,  91821,  94147,  96622,  99271,  102122, 105213, 108592,
    112321, 116486, 121211, 126673, 133153, 141127, 151498, 166329, 192392, 307267,
};

int64_t draw_lognormal(const struct draw *d, const char *purpose, int64_t median)
{
  assert(median >= 0 && median <= (int64_t)1 << 60);
  uint64_t bits = draw_bits(d, purpose);
  const int32_t *at = &lognormal[bits >> 58];
  int64_t way = (int64_t)(bits >> 26 & UINT32_MAX); /* to the next quantile, in 2^-32 */
  int64_t factor = at[0] + ((at[1] - at[0]) * way >> 32);
  return (int64_t)((__int128)median * factor >> 16);
}
