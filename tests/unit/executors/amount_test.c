/* amount_test.c - money between text and base units. */
#include "executors/amount.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void parses(const char *text, unsigned decimals, uint64_t expected)
{
  uint64_t units = 77;
  enum amount_result result = amount_parse(text, strlen(text), decimals, &units);
  cr_assert(result == AMOUNT_OK, "%s with %u decimals: %d", text, decimals, result);
  cr_assert(units == expected, "%s with %u decimals is %llu", text, decimals,
            (unsigned long long)units);
}

static void refuses(const char *text, unsigned decimals, enum amount_result expected)
{
  uint64_t units = 77;
  enum amount_result result = amount_parse(text, strlen(text), decimals, &units);
  cr_assert(result == expected, "%s with %u decimals: %d", text, decimals, result);
  cr_assert(units == 77, "set although it failed");
}

Test(amount, plain_numbers)
{
  parses("0", 0, 0);
  parses("0", 9, 0);
  parses("7", 0, 7);
  parses("1.5", 9, 1500000000);
  parses("0.000000001", 9, 1);
  parses("12345.678901", 6, 12345678901);
  parses("100", 12, 100000000000000);
}

Test(amount, zeros_at_the_end_are_no_decimals)
{
  parses("1.500000000000000000000000000000", 1, 15);
  parses("3.0", 0, 3);
  parses("0.0000000000000000000000000000000000000", 0, 0);
  parses("0e999999999999999999999", 0, 0);
}

Test(amount, exponents)
{
  parses("15e-1", 9, 1500000000);
  parses("1.5E+3", 0, 1500);
  parses("1e3", 0, 1000);
  parses("1000e-3", 0, 1);
  parses("0.00015e4", 1, 15);
  parses("10000000000000000000000e-22", 0, 1);
  refuses("1e", 0, AMOUNT_SYNTAX);
  refuses("1e+", 0, AMOUNT_SYNTAX);
  refuses("1e1.5", 0, AMOUNT_SYNTAX);
  refuses("1e99999999999999999999", 0, AMOUNT_TOO_LARGE);
  refuses("1e-99999999999999999999", 0, AMOUNT_TOO_MANY_DECIMALS);
}

Test(amount, what_json_does_not_write)
{
  static const char *const wrong[] = {"",     "-",    "+1",   ".5",  "5.",  "01",  "00",   "1,5",
                                      " 1",   "1 ",   "0x10", "NaN", "inf", "1_0", "1.5.", "--1",
                                      "1..5", "1e5e", "e5",   "abc", "1a",  "\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) refuses(wrong[i], 9, AMOUNT_SYNTAX);
}

Test(amount, negatives)
{
  refuses("-1", 9, AMOUNT_NEGATIVE);
  refuses("-0", 9, AMOUNT_NEGATIVE);
  refuses("-0.0000000000001", 9, AMOUNT_NEGATIVE);
}

Test(amount, too_many_decimals)
{
  refuses("0.0000000001", 9, AMOUNT_TOO_MANY_DECIMALS);
  refuses("1.5", 0, AMOUNT_TOO_MANY_DECIMALS);
  refuses("1.0000001", 6, AMOUNT_TOO_MANY_DECIMALS);
}

Test(amount, bounds)
{
  parses("9223372036854775807", 0, INT64_MAX);
  parses("9223372036.854775807", 9, INT64_MAX);
  refuses("9223372036854775808", 0, AMOUNT_TOO_LARGE);
  refuses("9223372036.854775808", 9, AMOUNT_TOO_LARGE);
  refuses("18446744073709551616", 0, AMOUNT_TOO_LARGE);
  refuses("18446744073709551617", 0, AMOUNT_TOO_LARGE);
  refuses("340282366920938463463374607431768211457", 0, AMOUNT_TOO_LARGE);
  refuses("10000000", 12, AMOUNT_TOO_LARGE);
}

Test(amount, the_text_need_not_end)
{
  uint64_t units;
  cr_assert(amount_parse("1.5XYZ", 3, 1, &units) == AMOUNT_OK && units == 15);
}

Test(amount, very_long_texts)
{
  static char text[100001];
  memset(text, '9', sizeof text - 1);
  refuses(text, 0, AMOUNT_TOO_LARGE);
  memset(text, '0', sizeof text - 1);
  refuses(text, 0, AMOUNT_SYNTAX);
  text[1] = '.';
  parses(text, 0, 0);
  text[sizeof text - 2] = '1';
  refuses(text, 12, AMOUNT_TOO_MANY_DECIMALS);
}

static void costs(struct amount in, struct amount out, const char *expected)
{
  char text[AMOUNT_PRICE_MAX];
  amount_price(in, out, text);
  cr_assert_str_eq(text, expected);
}

Test(amount, prices)
{
  costs((struct amount){1500000000, 9}, (struct amount){226953171, 6}, "151.302114");
  costs((struct amount){1, 0}, (struct amount){1, 0}, "1.000000");
  costs((struct amount){3, 0}, (struct amount){2, 0}, "0.666666");
  costs((struct amount){1000000, 6}, (struct amount){6660000, 9}, "0.006660");
  costs((struct amount){1000000, 6}, (struct amount){0, 9}, "0.000000000000");
}

Test(amount, small_prices_keep_their_figures)
{
  costs((struct amount){10000, 0}, (struct amount){1, 0}, "0.000100");
  costs((struct amount){10001, 0}, (struct amount){1, 0}, "0.000099990000");
  costs((struct amount){100000, 5}, (struct amount){166, 9}, "0.000000166000");
}

Test(amount, prices_at_the_bounds)
{
  costs((struct amount){1, 12}, (struct amount){INT64_MAX, 0},
        "9223372036854775807000000000000.000000");
  costs((struct amount){INT64_MAX, 0}, (struct amount){1, 12}, "0.000000000000");
  costs((struct amount){INT64_MAX, 12}, (struct amount){INT64_MAX, 12}, "1.000000");
}

/* ── prices ─────────────────────────────────────────────────────────────────────────────────── */

static uint64_t at_price(const char *text, uint64_t units, unsigned in, unsigned out)
{
  uint64_t least = 0;
  struct amount_text price = {text, strlen(text)};
  cr_assert(amount_at_price(price, (struct amount){units, in}, out, &least) == AMOUNT_OK, "%s",
            text);
  return least;
}

Test(amount, the_least_at_a_price)
{
  cr_assert(at_price("150", 1500000000, 9, 6) == 225000000);
  cr_assert(at_price("150.0000001", 1500000000, 9, 6) == 225000001);
  cr_assert(at_price("0.00002513", 1, 5, 9) == 1);
  cr_assert(at_price("0", 1, 5, 9) == 0 && at_price("0e9", 1, 5, 9) == 0);
  cr_assert(at_price("1e-999999", 1, 0, 0) == 1);
  cr_assert(at_price("1", INT64_MAX, 6, 6) == INT64_MAX);
  cr_assert(at_price("0.999999999999999999", INT64_MAX, 6, 6) == UINT64_C(9223372036854775798));
  cr_assert(at_price("00.5" + 1, 3, 0, 0) == 2);
}

Test(amount, prices_that_are_none)
{
  static const struct {
    const char *text;
    enum amount_result result;
  } wrong[] = {{"", AMOUNT_SYNTAX},        {"1,5", AMOUNT_SYNTAX},
               {"-0", AMOUNT_NEGATIVE},    {"1.000000000000000001", AMOUNT_TOO_MANY_DECIMALS},
               {"1e19", AMOUNT_TOO_LARGE}, {"1e999999", AMOUNT_TOO_LARGE},
               {"0x10", AMOUNT_SYNTAX}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    uint64_t least;
    struct amount_text price = {wrong[i].text, strlen(wrong[i].text)};
    cr_assert(amount_at_price(price, (struct amount){1, 0}, 0, &least) == wrong[i].result, "%s",
              wrong[i].text);
  }
}

/* least * 10^in / units, and no less, is at or above a price of figures / 10^places. */
Test(amount, it_is_the_least_there_is)
{
  unsigned seed = 7;
  for (int i = 0; i < 200000; i++) {
    unsigned places = (unsigned)rand_r(&seed) % 9, in = (unsigned)rand_r(&seed) % 10,
             out = (unsigned)rand_r(&seed) % 10;
    uint64_t figures = 1 + (uint64_t)rand_r(&seed) % 1000000000,
             units = 1 + (uint64_t)rand_r(&seed);
    char text[64];
    uint64_t scale = 1;
    for (unsigned k = 0; k < places; k++) scale *= 10;
    snprintf(text, sizeof text, "%lu.%0*lu", figures / scale, (int)places, figures % scale);
    if (places == 0) snprintf(text, sizeof text, "%lu", figures);
    unsigned __int128 above = (unsigned __int128)units * figures, below = scale;
    for (unsigned k = 0; k < out; k++) above *= 10;
    for (unsigned k = 0; k < in; k++) below *= 10;
    unsigned __int128 least = (above + below - 1) / below;
    if (least > INT64_MAX) continue;
    cr_assert(at_price(text, units, in, out) == (uint64_t)least, "%s of %lu", text, units);
  }
}

Test(amount, levels_are_prices_rounded_down_and_bounded)
{
  struct amount sol = {1500000000, 9}, usdc = {226953171, 6}, bonk = {900000000000, 5};
  cr_assert(amount_level(sol, usdc) == INT64_C(151302114000000));
  cr_assert(amount_level(usdc, sol) == INT64_C(6609292980), "%ld", amount_level(usdc, sol));
  cr_assert(amount_level(sol, bonk) == INT64_C(6000000000000000000));
  bonk.units = 1500000000000;
  cr_assert(amount_level(sol, bonk) == INT64_MAX);
  cr_assert(amount_level((struct amount){1, 12}, (struct amount){INT64_MAX, 0}) == INT64_MAX);
  cr_assert(amount_level((struct amount){INT64_MAX, 0}, (struct amount){1, 12}) == 0);
}
