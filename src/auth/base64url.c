/* base64url.c - see base64url.h. */
#include "auth/base64url.h"

#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(const void *data, size_t len, char *out)
{
  const unsigned char *in = data;
  uint32_t bits = 0;
  int n = 0;
  for (size_t i = 0; i < len; i++) {
    bits = bits << 8 | in[i];
    for (n += 8; n >= 6; n -= 6) *out++ = digits[bits >> (n - 6) & 63];
  }
  if (n > 0) *out++ = digits[bits << (6 - n) & 63];
  *out = '\0';
}

static int value_of(char c)
{
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

long base64url_decode(const char *text, size_t len, unsigned char *out, size_t max)
{
  uint32_t bits = 0;
  int n = 0;
  size_t at = 0;
  if (len % 4 == 1 || len / 4 * 3 + len % 4 * 3 / 4 > max) return -1;
  for (size_t i = 0; i < len; i++) {
    int value = value_of(text[i]);
    if (value < 0) return -1;
    bits = bits << 6 | (uint32_t)value;
    n += 6;
    if (n < 8) continue;
    n -= 8;
    out[at++] = (unsigned char)(bits >> n);
  }
  return bits & ((1u << n) - 1) ? -1 : (long)at;
}
