/* draw_test.c - draws depend on what they are for and on nothing else, and are evenly spread. */
#include "executors/draw.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct draw base = {42, "raydium", "ord_1", 1};

Test(draw, is_the_same_every_time)
{
  struct draw again = {42, "raydium", "ord_1", 1};
  cr_assert(draw_bits(&base, "x") == draw_bits(&again, "x"));
  cr_assert(draw_bits(&base, "x") == UINT64_C(0x699b09a5b85b43b5),
            "other than in other builds: %llx", (unsigned long long)draw_bits(&base, "x"));
}

Test(draw, depends_on_each_part)
{
  struct draw seed = base, venue = base, key = base, attempt = base;
  seed.seed = 43;
  venue.venue = "meteora";
  key.key = "ord_2";
  attempt.attempt = 2;
  uint64_t all[] = {draw_bits(&base, "x"),  draw_bits(&base, "y"), draw_bits(&seed, "x"),
                    draw_bits(&venue, "x"), draw_bits(&key, "x"),  draw_bits(&attempt, "x")};
  for (int i = 0; i < 6; i++)
    for (int k = 0; k < i; k++) cr_assert(all[i] != all[k], "%d and %d", i, k);
}

Test(draw, where_a_part_ends_counts)
{
  struct draw one = {1, "ab", "c", 1}, other = {1, "a", "bc", 1};
  cr_assert(draw_bits(&one, "x") != draw_bits(&other, "x"));
}

Test(draw, keeps_to_its_bounds_and_reaches_them)
{
  int64_t low = 0, high = 0;
  for (int i = 0; i < 2000; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    struct draw d = {7, "v", key, 1};
    int64_t value = draw_between(&d, "p", -3, 3);
    cr_assert(value >= -3 && value <= 3);
    low += value == -3;
    high += value == 3;
  }
  cr_assert(low > 200 && high > 200, "%ld of 2000 at the lower end, %ld at the upper", (long)low,
            (long)high);
}

Test(draw, of_one_value_is_that_value)
{
  cr_assert(draw_between(&base, "p", 200, 200) == 200);
  cr_assert(draw_between(&base, "p", 0, INT64_MAX - 1) >= 0);
}

Test(draw, every_bit_is_set_half_of_the_time)
{
  int set[64] = {0};
  enum { N = 10000 };
  for (uint32_t i = 0; i < N; i++) {
    struct draw d = {7, "v", "k", i};
    uint64_t bits = draw_bits(&d, "p");
    for (int b = 0; b < 64; b++) set[b] += (int)(bits >> b & 1);
  }
  for (int b = 0; b < 64; b++)
    cr_assert(set[b] > N * 47 / 100 && set[b] < N * 53 / 100, "bit %d: %d of %d", b, set[b], N);
}

/* The deciles of exp(z / 2), with z of the standard normal distribution. */
Test(draw, lognormal_has_its_deciles)
{
  enum { N = 40000, MEDIAN = 1000000 };
  static const int64_t deciles[] = {526891,  656515,  769339,  881007, 1000000,
                                    1135065, 1299817, 1523195, 1897924};
  int below[9] = {0};
  int64_t least = INT64_MAX, most = 0;
  for (int i = 0; i < N; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    struct draw d = {7, "raydium", key, 1};
    int64_t value = draw_lognormal(&d, "x", MEDIAN);
    for (int k = 0; k < 9; k++) below[k] += value < deciles[k];
    if (value < least) least = value;
    if (value > most) most = value;
  }
  for (int k = 0; k < 9; k++)
    cr_assert(below[k] > N * (k + 1) / 10 - N / 80 && below[k] < N * (k + 1) / 10 + N / 80,
              "decile %d: %d", k + 1, below[k]);
  cr_assert(least > MEDIAN / 5 && least < MEDIAN / 4 && most > 3 * MEDIAN && most < 5 * MEDIAN);
}

Test(draw, lognormal_is_the_same_every_time_and_scales)
{
  int64_t one = draw_lognormal(&base, "x", 1 << 20);
  cr_assert(one == draw_lognormal(&base, "x", 1 << 20) && one == 938864, "%ld", (long)one);
  cr_assert(draw_lognormal(&base, "x", 0) == 0);
  int64_t large = draw_lognormal(&base, "x", (int64_t)1 << 60) >> 40;
  cr_assert(large == one, "%ld", (long)large);
}
