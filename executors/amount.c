/*
 * amount.c - decimal text to integers and back. Pure; any thread.
 *
 * A number is its digits, each worth ten to the power of its place; so each digit is added by
 * itself, and zeros, wherever they stand, cost nothing.
 */
#include "amount.h"

#include <assert.h>
#include <ox/topic.h>
#include <stdbool.h>

typedef unsigned __int128 u128;

enum { PLACES = 19, EXPONENT_LIMIT = 1000000, U128_PLACES = 38 };

static const uint64_t figures_limit = 1000000000000000000; /* 18 of them */

static u128 power_of_ten(int64_t n)
{
  u128 power = 1;
  while (n-- > 0) power *= 10;
  return power;
}

/* The digits of a number as they stand in its text. */
struct number {
  const char *whole, *fraction;
  size_t n_whole, n_fraction;
  int64_t exponent;
  bool negative;
};

static size_t count_digits(const char *p, const char *end)
{
  const char *start = p;
  while (p < end && *p >= '0' && *p <= '9') p++;
  return (size_t)(p - start);
}

/* The exponent behind an e; false where there are no digits. Beyond the limit all are alike. */
static bool scan_exponent(const char *p, const char *end, int64_t *exponent)
{
  bool minus = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  size_t n = count_digits(p, end);
  if (n == 0 || p + n != end) return false;
  for (; p < end; p++)
    if (*exponent < EXPONENT_LIMIT) *exponent = *exponent * 10 + (*p - '0');
  if (minus) *exponent = -*exponent;
  return true;
}

/* RFC 8259, section 6. */
static bool scan(const char *p, const char *end, struct number *n)
{
  n->negative = p < end && *p == '-';
  if (n->negative) p++;
  n->whole = p;
  n->n_whole = count_digits(p, end);
  if (n->n_whole == 0 || (n->n_whole > 1 && *p == '0')) return false;
  p += n->n_whole;
  if (p < end && *p == '.') {
    n->fraction = ++p;
    n->n_fraction = count_digits(p, end);
    if (n->n_fraction == 0) return false;
    p += n->n_fraction;
  }
  if (p < end && (*p == 'e' || *p == 'E')) return scan_exponent(p + 1, end, &n->exponent);
  return p == end;
}

/* Adds n digits, the first of which is worth ten to the power of place. */
static enum amount_result add_digits(const char *digits, size_t n, int64_t place, uint64_t *units)
{
  for (size_t i = 0; i < n; i++, place--) {
    uint64_t digit = (uint64_t)(digits[i] - '0');
    if (digit == 0) continue;
    if (place < 0) return AMOUNT_TOO_MANY_DECIMALS;
    if (place >= PLACES) return AMOUNT_TOO_LARGE;
    u128 sum = *units + digit * power_of_ten(place);
    if (sum > INT64_MAX) return AMOUNT_TOO_LARGE;
    *units = (uint64_t)sum;
  }
  return AMOUNT_OK;
}

enum amount_result amount_parse(const char *text, size_t len, unsigned decimals, uint64_t *units)
{
  assert(decimals <= AMOUNT_DECIMALS_MAX);
  struct number n = {0};
  if (!scan(text, text + len, &n)) return AMOUNT_SYNTAX;
  if (n.negative) return AMOUNT_NEGATIVE;
  int64_t ones = n.exponent + (int64_t)decimals;
  uint64_t sum = 0;
  enum amount_result result = add_digits(n.whole, n.n_whole, ones + (int64_t)n.n_whole - 1, &sum);
  if (result == AMOUNT_OK) result = add_digits(n.fraction, n.n_fraction, ones - 1, &sum);
  if (result == AMOUNT_OK) *units = sum;
  return result;
}

static char digit_at(const struct number *n, size_t i)
{
  return i < n->n_whole ? n->whole[i] : n->fraction[i - n->n_whole];
}

/* The number as its figures times ten to the power of exponent, without zeros at either end. */
static enum amount_result figures_of(const struct number *n, uint64_t *figures, int64_t *exponent)
{
  size_t len = n->n_whole + n->n_fraction;
  uint64_t sum = 0;
  *exponent = n->exponent - (int64_t)n->n_fraction;
  for (; len > 0 && digit_at(n, len - 1) == '0'; len--) (*exponent)++;
  for (size_t i = 0; i < len; i++) {
    if (sum >= figures_limit / 10) return AMOUNT_TOO_MANY_DECIMALS;
    sum = sum * 10 + (uint64_t)(digit_at(n, i) - '0');
  }
  *figures = sum;
  return AMOUNT_OK;
}

enum amount_result amount_at_price(struct amount_text price, struct amount in,
                                   unsigned out_decimals, uint64_t *units)
{
  assert(in.units > 0 && in.units <= INT64_MAX);
  struct number n = {0};
  uint64_t figures;
  int64_t shift;
  if (!scan(price.text, price.text + price.len, &n)) return AMOUNT_SYNTAX;
  if (n.negative) return AMOUNT_NEGATIVE;
  enum amount_result result = figures_of(&n, &figures, &shift);
  if (result != AMOUNT_OK) return result;
  u128 out = (u128)in.units * figures; /* below 2^123 */
  shift += (int64_t)out_decimals - (int64_t)in.decimals;
  for (; shift > 0 && out > 0 && out <= INT64_MAX; shift--) out *= 10;
  u128 below = power_of_ten(shift >= 0 ? 0 : shift < -U128_PLACES ? U128_PLACES : -shift);
  out = out / below + (out % below > 0);
  if (out > INT64_MAX) return AMOUNT_TOO_LARGE;
  *units = (uint64_t)out;
  return AMOUNT_OK;
}

int64_t amount_level(struct amount in, struct amount out)
{
  assert(in.units > 0 && in.units <= INT64_MAX && out.units <= INT64_MAX);
  assert(in.decimals <= AMOUNT_DECIMALS_MAX && out.decimals <= AMOUNT_DECIMALS_MAX);
  u128 above = out.units * power_of_ten(in.decimals); /* both are below 2^103 */
  u128 below = in.units * power_of_ten(out.decimals);
  u128 level = above / below, rest = above % below;
  for (int places = 0; places < OX_PRICE_DECIMALS; places++) {
    if (level > INT64_MAX) return INT64_MAX;
    rest *= 10;
    level = level * 10 + rest / below;
    rest %= below;
  }
  return level > INT64_MAX ? INT64_MAX : (int64_t)level;
}

/* Writes value and returns where it ends. */
static char *put_whole(char *text, u128 value)
{
  char reversed[AMOUNT_PRICE_MAX];
  size_t n = 0;
  do reversed[n++] = (char)('0' + (int)(value % 10));
  while ((value /= 10) > 0);
  while (n > 0) *text++ = reversed[--n];
  return text;
}

void amount_price(struct amount in, struct amount out, char text[AMOUNT_PRICE_MAX])
{
  assert(in.units > 0 && in.units <= INT64_MAX && out.units <= INT64_MAX);
  assert(in.decimals <= AMOUNT_DECIMALS_MAX && out.decimals <= AMOUNT_DECIMALS_MAX);
  /* Both are below 2^103: room for a factor of ten thousand. */
  u128 above = out.units * power_of_ten(in.decimals);
  u128 below = in.units * power_of_ten(out.decimals);
  int places = above * 10000 < below ? 12 : 6;
  u128 rest = above % below;
  text = put_whole(text, above / below);
  for (*text++ = '.'; places > 0; places--) {
    rest *= 10;
    *text++ = (char)('0' + (int)(rest / below));
    rest %= below;
  }
  *text = '\0';
}
