/*
 * decimal.h - money from its text to integers and back, never through a binary float.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

enum decimal_result {
  DECIMAL_OK,
  DECIMAL_SYNTAX,            /* not a JSON number */
  DECIMAL_NEGATIVE,          /* below zero (-0 too) */
  DECIMAL_TOO_MANY_DECIMALS, /* more significant decimals than asked for */
  DECIMAL_TOO_LARGE,         /* over 2^63-1 base units, or an exponent beyond ±400 */
};

/* decimal_parse() reads a JSON number (1.5, 15e-1, 1.50: trailing zeros do not count as decimals)
 * as base units of 10^-decimals: "1.5" with 9 is 1500000000. *out is set on DECIMAL_OK only.
 * decimals: 0 to 18. The text need not be NUL-terminated. */
enum decimal_result decimal_parse(const char *text, size_t len, unsigned decimals, uint64_t *out);

enum { DECIMAL_MAX = 64 };

/* decimal_format() writes units * 10^-decimals without trailing zeros ("1.5", "0.000001", "3"). */
void decimal_format(uint64_t units, unsigned decimals, char out[DECIMAL_MAX]);

/* decimal_format_price() writes the price of one whole input token in whole output tokens,
 * (out / 10^out_decimals) / (in / 10^in_decimals), with places decimals (0 to 18), rounded
 * down; in_units > 0. */
void decimal_format_price(uint64_t in_units, unsigned in_decimals, uint64_t out_units,
                          unsigned out_decimals, unsigned places, char out[DECIMAL_MAX]);

#endif
