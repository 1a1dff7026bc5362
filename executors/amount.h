/*
 * amount.h - money between its text and base units, never through a binary float. Pure.
 */
#ifndef AMOUNT_H
#define AMOUNT_H

#include <stddef.h>
#include <stdint.h>

enum amount_result {
  AMOUNT_OK,
  AMOUNT_SYNTAX,            /* not a number as JSON writes them */
  AMOUNT_NEGATIVE,          /* below zero, -0 too */
  AMOUNT_TOO_MANY_DECIMALS, /* more than asked for; zeros at the end do not count */
  AMOUNT_TOO_LARGE,         /* over 2^63-1 base units */
};

enum { AMOUNT_DECIMALS_MAX = 12, AMOUNT_PRICE_MAX = 64 };

/* amount_parse() reads a JSON number (1.5, 15e-1, 1.50) as base units of 10^-decimals: "1.5" with 9
 * decimals is 1500000000. *units is set on AMOUNT_OK only. */
enum amount_result amount_parse(const char *text, size_t len, unsigned decimals, uint64_t *units);

/* One side of a swap, for its price. */
struct amount {
  uint64_t units;
  unsigned decimals;
};

/*
 * amount_price() writes what one whole token of in fetched in whole tokens of out, rounded down:
 * six decimals, "151.302114", or twelve where six would leave no figures to read (below 0.0001).
 * in.units > 0; units below 2^63.
 */
void amount_price(struct amount in, struct amount out, char text[AMOUNT_PRICE_MAX]);

/*
 * amount_at_price() gives the least that in has to fetch so that its price is not below text, a
 * decimal: whole tokens of out for one whole token of in, of at most 18 figures. In base units of
 * 10^-out_decimals; 0 when the price is 0. in.units > 0 and below 2^63.
 */
struct amount_text {
  const char *text;
  size_t len;
};
enum amount_result amount_at_price(struct amount_text price, struct amount in,
                                   unsigned out_decimals, uint64_t *units);

/* amount_level() is the price as topics have it: in 10^-12, rounded down, at most 2^63-1. */
int64_t amount_level(struct amount in, struct amount out);

#endif
