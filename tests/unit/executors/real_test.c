/* real_test.c - numbers with 64 significant bits, against 128-bit whole numbers. */
#include "executors/real.h"

#include <criterion/criterion.h>

#include "reference.h"

static const uint64_t top = UINT64_MAX;

Test(real, whole_numbers_come_back)
{
  uint64_t seed = 1;
  for (int i = 0; i < 10000; i++) {
    uint64_t n = any_amount(&seed, INT64_MAX);
    cr_assert(real_floor(real_of(n), top) == n);
  }
  cr_assert(real_floor(real_of(0), top) == 0);
  cr_assert(real_floor(real_of(UINT64_MAX), top) == UINT64_MAX);
  cr_assert(real_floor(real_of((u128)1 << 64), 7) == 7 && real_floor(real_of(9), 7) == 7);
}

Test(real, the_top_bit_is_always_set)
{
  uint64_t seed = 2;
  for (int i = 0; i < 10000; i++) {
    struct real a = real_of((u128)any_amount(&seed, INT64_MAX) << (i % 64));
    struct real b = real_of(any_amount(&seed, INT64_MAX));
    struct real all[] = {a, real_add(a, b), real_mul(a, b), real_div(a, b), real_sqrt(a)};
    for (int k = 0; k < 5; k++) cr_assert(all[k].m >> 63, "case %d.%d", i, k);
  }
}

Test(real, sums_and_differences)
{
  uint64_t seed = 3;
  for (int i = 0; i < 20000; i++) {
    uint64_t a = any_amount(&seed, INT64_MAX), b = any_amount(&seed, INT64_MAX);
    uint64_t larger = a > b ? a : b, smaller = a > b ? b : a;
    cr_assert(real_floor(real_add(real_of(a), real_of(b)), top) == a + b, "case %d", i);
    cr_assert(real_floor(real_sub(real_of(larger), real_of(smaller)), top) == larger - smaller);
    if (a != b) cr_assert(real_floor(real_sub(real_of(smaller), real_of(larger)), top) == 0);
  }
  struct real zero = real_of(0), one = real_of(1);
  cr_assert(real_floor(real_add(zero, one), top) == 1 && real_floor(real_add(one, zero), top) == 1);
  cr_assert(real_floor(real_sub(one, zero), top) == 1 && real_floor(real_sub(zero, one), top) == 0);
  cr_assert(real_floor(real_add(zero, zero), top) == 0);
  cr_assert(real_floor(real_sub(one, one), top) == 0);
}

/* Within two units of the last place of 64 significant bits. */
static void close_to(struct real got, u128 exact, int i)
{
  struct real want = real_of(exact);
  cr_assert(got.e == want.e || got.e == want.e - 1, "case %d", i);
  u128 a = (u128)want.m << 1, b = (u128)got.m << (got.e == want.e ? 1 : 0);
  cr_assert((a > b ? a - b : b - a) <= 4, "case %d", i);
}

Test(real, products_and_quotients)
{
  uint64_t seed = 4;
  for (int i = 0; i < 20000; i++) {
    u128 a = any_amount(&seed, INT64_MAX), b = any_amount(&seed, INT64_MAX);
    close_to(real_mul(real_of(a), real_of(b)), a * b, i);
    if (a * b >> 62 == 0) continue;
    close_to(real_div(real_of(a * b), real_of(b)), a, i);
  }
  cr_assert(real_div(real_of(0), real_of(3)).m == 0 && real_mul(real_of(0), real_of(3)).m == 0);
  cr_assert(real_floor(real_div(real_of(7), real_of(2)), top) == 3);
  cr_assert(real_floor(real_div(real_of(1), real_of((u128)1 << 100)), top) == 0);
}

Test(real, roots)
{
  uint64_t seed = 5;
  for (int i = 0; i < 20000; i++) {
    uint64_t a = any_amount(&seed, INT64_MAX);
    struct real exact = real_sqrt(real_mul(real_of(a), real_of(a)));
    close_to(exact, a, i);
    u128 square = any_amount(&seed, INT64_MAX);
    uint64_t root = real_floor(real_sqrt(real_of(square)), top);
    cr_assert((u128)root * root <= square && (u128)(root + 1) * (root + 1) > square, "case %d", i);
  }
  cr_assert(real_sqrt(real_of(0)).m == 0);
  cr_assert(real_floor(real_sqrt(real_of(2)), top) == 1);
}
