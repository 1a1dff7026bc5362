/* Money: its text to units and back, and every way to be wrong. */
#include "base/decimal.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void accept(const char *text, unsigned decimals, uint64_t want)
{
  uint64_t got = 77;
  cr_assert_eq(decimal_parse(text, strlen(text), decimals, &got), DECIMAL_OK, "%s", text);
  cr_assert_eq(got, want, "%s with %u: %" PRIu64, text, decimals, got);
}

static void refuse(const char *text, unsigned decimals, enum decimal_result want)
{
  uint64_t got = 77;
  enum decimal_result result = decimal_parse(text, strlen(text), decimals, &got);
  cr_assert_eq(result, want, "%.60s with %u: %d", text, decimals, (int)result);
  cr_assert_eq(got, 77, "left alone");
}

Test(decimal, amounts)
{
  accept("1.5", 9, 1500000000);
  accept("1", 9, 1000000000);
  accept("0", 9, 0);
  accept("0.000000001", 9, 1);
  accept("100", 0, 100);
  accept("123.456", 3, 123456);
  accept("0.1", 18, 100000000000000000);
  accept("10.01", 2, 1001);
  accept("1000000", 6, 1000000000000);
}

Test(decimal, zeros_at_the_end_do_not_count)
{
  accept("1.50", 1, 15);
  accept("1.000000000000000000000000000000000000000", 0, 1);
  accept("0.0", 0, 0);
  accept("0.000000000000000000000000000000000", 0, 0);
  accept("1.0100", 2, 101);
}

Test(decimal, exponents)
{
  accept("15e-1", 9, 1500000000);
  accept("1.5E+3", 0, 1500);
  accept("1e0", 0, 1);
  accept("1e18", 0, 1000000000000000000);
  accept("1000e-3", 0, 1);
  accept("0.000000001e9", 0, 1);
  accept("0e400", 9, 0);
  accept("0e-400", 0, 0);
  accept("0.00e5", 0, 0);
  accept("1e-00000000000000000000001", 1, 1);
  refuse("1e400", 0, DECIMAL_TOO_LARGE);
  refuse("1e-400", 18, DECIMAL_TOO_MANY_DECIMALS);
  refuse("1e401", 0, DECIMAL_TOO_LARGE);
  refuse("1e-401", 0, DECIMAL_TOO_LARGE);
  refuse("0e401", 0, DECIMAL_TOO_LARGE);
  refuse("1e99999999999999999999999999999", 0, DECIMAL_TOO_LARGE);
  refuse("1e-99999999999999999999999999999", 0, DECIMAL_TOO_LARGE);
}

Test(decimal, too_many_decimals)
{
  refuse("0.1", 0, DECIMAL_TOO_MANY_DECIMALS);
  refuse("1.0000000001", 9, DECIMAL_TOO_MANY_DECIMALS);
  refuse("1e-10", 9, DECIMAL_TOO_MANY_DECIMALS);
  refuse("1.00000000000000000000000000000000000000001", 18, DECIMAL_TOO_MANY_DECIMALS);
  refuse("123456789012345678901234567890.5", 0, DECIMAL_TOO_MANY_DECIMALS);
}

Test(decimal, the_largest)
{
  accept("9223372036854775807", 0, INT64_MAX);
  accept("9.223372036854775807", 18, INT64_MAX);
  accept("9223372036.854775807", 9, INT64_MAX);
  refuse("9223372036854775808", 0, DECIMAL_TOO_LARGE);
  refuse("9223372036.854775808", 9, DECIMAL_TOO_LARGE);
  refuse("18446744073709551616", 0, DECIMAL_TOO_LARGE);
  refuse("18446744073709551617", 0, DECIMAL_TOO_LARGE);
  refuse("10000000000", 9, DECIMAL_TOO_LARGE);
  refuse("123456789012345678901234567890", 0, DECIMAL_TOO_LARGE);
  refuse("1e19", 0, DECIMAL_TOO_LARGE);
  refuse("10000000000000000000000000000000000000000000", 0, DECIMAL_TOO_LARGE);
}

Test(decimal, below_zero)
{
  refuse("-1", 9, DECIMAL_NEGATIVE);
  refuse("-0", 9, DECIMAL_NEGATIVE);
  refuse("-0.0e0", 9, DECIMAL_NEGATIVE);
  refuse("-1e999", 9, DECIMAL_NEGATIVE);
}

Test(decimal, what_is_no_json_number)
{
  static const char *const wrong[] = {
      "",      " ",    "-",   "+1", ".5",  "5.",    "1.e5",     "01",  "00",   "-01",      "1e",
      "1e+",   "1e-",  "1 ",  " 1", "1,5", "1_000", "0x10",     "NaN", "inf",  "Infinity", "1.5.1",
      "1e5e5", "1e5.", "--1", "1-", "e5",  "0.e1",  "\xd9\xa1", "1\n", "1.5f", "-.5",      "1e 5",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) refuse(wrong[i], 9, DECIMAL_SYNTAX);
}

Test(decimal, reads_no_further_than_told)
{
  uint64_t got = 0;
  cr_assert_eq(decimal_parse("12345", 2, 0, &got), DECIMAL_OK);
  cr_assert_eq(got, 12);
  cr_assert_eq(decimal_parse("1\0", 2, 0, &got), DECIMAL_SYNTAX, "a NUL is no digit");
  cr_assert_eq(decimal_parse("1e5", 2, 0, &got), DECIMAL_SYNTAX);
  cr_assert_eq(decimal_parse("1.5", 2, 0, &got), DECIMAL_SYNTAX);
}

Test(decimal, a_very_long_number_is_read_in_one_pass)
{
  static char text[65536];
  memset(text, '0', sizeof text);
  text[0] = '1';
  text[1] = '.';
  uint64_t got = 0;
  cr_assert_eq(decimal_parse(text, sizeof text, 0, &got), DECIMAL_OK);
  cr_assert_eq(got, 1);
  text[sizeof text - 1] = '1';
  cr_assert_eq(decimal_parse(text, sizeof text, 18, &got), DECIMAL_TOO_MANY_DECIMALS);
  memset(text, '9', sizeof text);
  cr_assert_eq(decimal_parse(text, sizeof text, 0, &got), DECIMAL_TOO_LARGE);
}

static void format(uint64_t units, unsigned decimals, const char *want)
{
  char got[DECIMAL_MAX];
  decimal_format(units, decimals, got);
  cr_assert_str_eq(got, want);
}

Test(decimal, formats)
{
  format(1500000000, 9, "1.5");
  format(1, 6, "0.000001");
  format(3000, 3, "3");
  format(0, 9, "0");
  format(0, 0, "0");
  format(100, 0, "100");
  format(1001, 2, "10.01");
  format(10, 1, "1");
  format(UINT64_MAX, 0, "18446744073709551615");
  format(UINT64_MAX, 18, "18.446744073709551615");
  format(1, 18, "0.000000000000000001");
}

Test(decimal, what_is_formatted_reads_back)
{
  uint64_t units = 1;
  for (int i = 0; i < 20000; i++) {
    units = units * 6364136223846793005u + 1442695040888963407u; /* Knuth's generator */
    uint64_t want = (units >> 1) >> (units % 63);
    for (unsigned decimals = 0; decimals <= 18; decimals++) {
      char text[DECIMAL_MAX];
      decimal_format(want, decimals, text);
      accept(text, decimals, want);
    }
  }
}

static void price(uint64_t in, unsigned in_decimals, uint64_t out, unsigned out_decimals,
                  unsigned places, const char *want)
{
  char got[DECIMAL_MAX];
  decimal_format_price(in, in_decimals, out, out_decimals, places, got);
  cr_assert_str_eq(got, want);
}

Test(decimal, prices)
{
  price(1500000000, 9, 226953171, 6, 6, "151.302114");
  price(1000000000, 9, 150000000, 6, 6, "150.000000");
  price(1000000000, 9, 150000000, 6, 0, "150");
  price(150000000, 6, 1000000000, 9, 9, "0.006666666");
  price(1, 0, 0, 0, 2, "0.00");
  price(3, 0, 2, 0, 18, "0.666666666666666666");
  price(1, 18, UINT64_MAX, 0, 18, "18446744073709551615000000000000000000.000000000000000000");
  price(UINT64_MAX, 0, 1, 18, 18, "0.000000000000000000");
  price(UINT64_MAX, 18, UINT64_MAX, 18, 6, "1.000000");
  price(UINT64_MAX, 0, UINT64_MAX - 1, 18, 18, "0.000000000000000000");
}

Test(decimal, a_price_is_rounded_down)
{
  price(1000001, 6, 1000000, 6, 6, "0.999999");
  price(1000000, 6, 1999999, 6, 5, "1.99999");
}

Test(decimal, prices_against_division)
{
  uint64_t seed = 5;
  for (int i = 0; i < 20000; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t in = (seed >> 34) + 1, out = (seed >> 3) & 0x3fffffff;
    unsigned __int128 scaled = (unsigned __int128)out * 1000000000u * 1000000u;
    uint64_t want = (uint64_t)(scaled / ((unsigned __int128)in * 1000000u));
    char text[DECIMAL_MAX];
    snprintf(text, sizeof text, "%" PRIu64 ".%06" PRIu64, want / 1000000, want % 1000000);
    price(in, 9, out, 6, 6, text);
  }
}
