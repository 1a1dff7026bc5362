/*
 * escape.c - JSON string escaping. Pure. Nearly all text is printable ASCII: one table look-up a
 * byte finds the end of the run that can be copied.
 */
#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum byte_class { PLAIN, ESCAPED, HIGH };

static const uint8_t class_of[256] = {
    [0x00 ... 0x1f] = ESCAPED, ['"'] = ESCAPED,        ['\\'] = ESCAPED,
    [0x7f] = ESCAPED,          [0x80 ... 0xff] = HIGH,
};

static bool continues(const unsigned char *p, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return false;
  return true;
}

/* The length of the UTF-8 sequence at p, 0 when it is none: overlong, a surrogate, over U+10FFFF or
 * cut short. Unicode 15, table 3-7. */
static size_t utf8_sequence(const unsigned char *p, size_t len)
{
  if (p[0] >= 0xc2 && p[0] <= 0xdf) return len >= 2 && continues(p + 1, 1) ? 2 : 0;
  if (p[0] >= 0xe0 && p[0] <= 0xef) {
    if (len < 3 || !continues(p + 1, 2)) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
    return p[0] == 0xed && p[1] > 0x9f ? 0 : 3;
  }
  if (p[0] >= 0xf0 && p[0] <= 0xf4) {
    if (len < 4 || !continues(p + 1, 3)) return 0;
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    return p[0] == 0xf4 && p[1] > 0x8f ? 0 : 4;
  }
  return 0;
}

size_t escape_plain(const char *text, size_t len)
{
  const unsigned char *p = (const unsigned char *)text;
  size_t i = 0;
  while (i < len) {
    if (class_of[p[i]] == PLAIN) {
      i++;
      continue;
    }
    size_t n = class_of[p[i]] == HIGH ? utf8_sequence(p + i, len - i) : 0;
    if (n == 0) break;
    i += n;
  }
  return i;
}

size_t escape_one(const char *text, char out[ESCAPE_MAX])
{
  static const char hex[] = "0123456789abcdef";
  static const char short_for[128] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                      ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
  unsigned char c = (unsigned char)*text;
  if (c >= 0x80) {
    memcpy(out, "\xef\xbf\xbd", 3);
    return 3;
  }
  if (short_for[c]) {
    out[0] = '\\';
    out[1] = short_for[c];
    return 2;
  }
  memcpy(out, "\\u00", 4);
  out[4] = hex[c >> 4];
  out[5] = hex[c & 15];
  return 6;
}
