/* The histogram: exact where it is linear, within 1/128 elsewhere. */
#include "ctl/histogram.h"

#include <criterion/criterion.h>

Test(histogram, is_empty_at_first)
{
  struct histogram *h = histogram_create();
  cr_assert_eq(histogram_count(h), 0);
  cr_assert_eq(histogram_at(h, .99), 0);
  cr_assert_eq(histogram_max(h), 0);
  histogram_destroy(h);
  histogram_destroy(NULL);
}

Test(histogram, is_exact_for_small_values)
{
  struct histogram *h = histogram_create();
  for (int i = 1; i <= 100; i++) histogram_record(h, i);
  cr_assert_eq(histogram_count(h), 100);
  cr_assert_eq(histogram_at(h, .5), 50);
  cr_assert_eq(histogram_at(h, .99), 99);
  cr_assert_eq(histogram_at(h, 1), 100);
  cr_assert_eq(histogram_at(h, 0), 1);
  cr_assert_float_eq(histogram_mean(h), 50.5, 1e-9);
  histogram_destroy(h);
}

Test(histogram, is_never_below_and_hardly_above)
{
  for (int64_t value = 1; value < INT64_C(1) << 40; value += value / 3 + 1) {
    struct histogram *h = histogram_create();
    histogram_record(h, value);
    histogram_record(h, INT64_C(1) << 40);
    int64_t read = histogram_at(h, .5);
    cr_assert_geq(read, value);
    cr_assert_leq(read, value + value / 128, "%lld as %lld", (long long)value, (long long)read);
    histogram_destroy(h);
  }
}

Test(histogram, takes_what_is_out_of_range)
{
  struct histogram *h = histogram_create();
  histogram_record(h, -5);
  cr_assert_eq(histogram_at(h, 1), 0);
  histogram_record(h, INT64_MAX);
  cr_assert_eq(histogram_max(h), INT64_C(1) << 40);
  cr_assert_eq(histogram_at(h, 1), INT64_C(1) << 40);
  histogram_destroy(h);
}
