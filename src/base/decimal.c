/*
 * decimal.c - exact decimal text to 64-bit integers and back. Pure; any thread.
 *
 * DESIGN: a number is digits times a power of ten. Zeros are held back until a digit follows them,
 * so trailing zeros neither count as decimals nor overflow, whatever side of the point they are on.
 */
#include "base/decimal.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { EXPONENT_LIMIT = 400, DECIMALS_LIMIT = 18 };

struct number {
  uint64_t value;   /* the digits, without the zeros at their end */
  int64_t zeros;    /* how many those were */
  int64_t decimals; /* digits after the point, with those zeros */
  int64_t exponent;
  bool negative;
  bool overflow;
};

static bool times_ten_plus(uint64_t *value, unsigned digit)
{
  uint64_t next;
  if (__builtin_mul_overflow(*value, 10u, &next) || __builtin_add_overflow(next, digit, &next) ||
      next > INT64_MAX)
    return false;
  *value = next;
  return true;
}

static void add_digit(struct number *n, unsigned digit)
{
  if (digit == 0) {
    n->zeros += n->value != 0;
    return;
  }
  for (; n->zeros > 0 && !n->overflow; n->zeros--) n->overflow = !times_ten_plus(&n->value, 0);
  if (!n->overflow) n->overflow = !times_ten_plus(&n->value, digit);
  n->zeros = 0;
}

static bool is_digit(const char *p, const char *end)
{
  return p < end && *p >= '0' && *p <= '9';
}

static const char *scan_exponent(const char *p, const char *end, struct number *n)
{
  bool minus = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  if (!is_digit(p, end)) return NULL;
  for (; is_digit(p, end); p++)
    if (n->exponent <= EXPONENT_LIMIT) n->exponent = n->exponent * 10 + (*p - '0');
  if (minus) n->exponent = -n->exponent;
  return p;
}

/* RFC 8259, section 6. */
static bool scan(const char *text, size_t len, struct number *n)
{
  const char *p = text, *end = text + len;
  if (p < end && *p == '-') {
    n->negative = true;
    p++;
  }
  if (!is_digit(p, end) || (*p == '0' && is_digit(p + 1, end))) return false;
  for (; is_digit(p, end); p++) add_digit(n, (unsigned)(*p - '0'));
  if (p < end && *p == '.') {
    if (!is_digit(++p, end)) return false;
    for (; is_digit(p, end); p++, n->decimals++) add_digit(n, (unsigned)(*p - '0'));
  }
  if (p < end && (*p == 'e' || *p == 'E')) p = scan_exponent(p + 1, end, n);
  return p == end;
}

enum decimal_result decimal_parse(const char *text, size_t len, unsigned decimals, uint64_t *out)
{
  assert(decimals <= DECIMALS_LIMIT);
  struct number n = {0};
  if (!scan(text, len, &n)) return DECIMAL_SYNTAX;
  if (n.negative) return DECIMAL_NEGATIVE;
  if (n.exponent > EXPONENT_LIMIT || n.exponent < -EXPONENT_LIMIT) return DECIMAL_TOO_LARGE;
  if (n.value == 0) {
    *out = 0;
    return DECIMAL_OK;
  }
  int64_t shift = n.exponent - n.decimals + n.zeros + (int64_t)decimals;
  if (shift < 0) return DECIMAL_TOO_MANY_DECIMALS;
  if (n.overflow) return DECIMAL_TOO_LARGE;
  for (; shift > 0; shift--)
    if (!times_ten_plus(&n.value, 0)) return DECIMAL_TOO_LARGE;
  *out = n.value;
  return DECIMAL_OK;
}

/* value in decimal to the left of end; returns where it begins. */
static char *digits_before(char *end, unsigned __int128 value)
{
  do {
    *--end = (char)('0' + (unsigned)(value % 10));
    value /= 10;
  } while (value);
  return end;
}

static uint64_t power_of_ten(unsigned n)
{
  assert(n <= DECIMALS_LIMIT);
  uint64_t power = 1;
  while (n-- > 0) power *= 10;
  return power;
}

void decimal_format(uint64_t units, unsigned decimals, char out[DECIMAL_MAX])
{
  uint64_t one = power_of_ten(decimals);
  uint64_t fraction = units % one;
  while (fraction && fraction % 10 == 0) {
    fraction /= 10;
    decimals--;
  }
  char text[DECIMAL_MAX];
  char *end = text + sizeof text, *p = end;
  if (fraction) {
    p = digits_before(end, fraction);
    while (end - p < (ptrdiff_t)decimals) *--p = '0';
    *--p = '.';
  }
  p = digits_before(p, units / one);
  memcpy(out, p, (size_t)(end - p));
  out[end - p] = '\0';
}

void decimal_format_price(uint64_t in_units, unsigned in_decimals, uint64_t out_units,
                          unsigned out_decimals, unsigned places, char out[DECIMAL_MAX])
{
  assert(in_units > 0 && places <= DECIMALS_LIMIT);
  /* Both products are below 2^124, and so is ten times the remainder below 2^128. */
  unsigned __int128 above = (unsigned __int128)out_units * power_of_ten(in_decimals);
  unsigned __int128 below = (unsigned __int128)in_units * power_of_ten(out_decimals);
  char whole[DECIMAL_MAX];
  char *p = digits_before(whole + sizeof whole, above / below);
  size_t len = (size_t)(whole + sizeof whole - p);
  memcpy(out, p, len);
  if (places) out[len++] = '.';
  unsigned __int128 rest = above % below;
  for (; places > 0; places--) {
    rest *= 10;
    out[len++] = (char)('0' + (unsigned)(rest / below));
    rest %= below;
  }
  out[len] = '\0';
}
