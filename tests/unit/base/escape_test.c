/* Escaping: whatever comes in, what goes out is the inside of a JSON string in valid UTF-8. */
#include "base/escape.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t escape(const char *text, size_t len, char *out)
{
  size_t n = 0;
  while (len > 0) {
    size_t plain = escape_plain(text, len);
    memcpy(out + n, text, plain);
    n += plain;
    text += plain;
    len -= plain;
    if (len == 0) break;
    n += escape_one(text, out + n);
    text++;
    len--;
  }
  out[n] = '\0';
  return n;
}

static void expect(const char *text, size_t len, const char *want)
{
  char out[256];
  cr_assert_eq(escape(text, len, out), strlen(want));
  cr_assert_str_eq(out, want);
}

Test(escape, ascii)
{
  char out[8];
  for (int c = 0; c < 128; c++) {
    char text = (char)c;
    size_t n = escape(&text, 1, out);
    bool plain = c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
    cr_assert_eq(n == 1, plain, "%d", c);
    if (!plain) cr_assert_eq(out[0], '\\');
  }
  expect("\"\\\b\f\n\r\t", 7, "\\\"\\\\\\b\\f\\n\\r\\t");
  expect("\0\x1f\x7f", 3, "\\u0000\\u001f\\u007f");
  expect("", 0, "");
}

/* It is looked at in words: every byte at every place of texts that end before, in and after one.
 */
Test(escape, plain_text_ends_at_the_first_byte_that_is_not)
{
  enum { LONGEST = 25 };
  for (size_t len = 1; len <= LONGEST; len++) {
    for (size_t at = 0; at < len; at++) {
      for (int c = 0; c < 256; c++) {
        char *text = malloc(len); /* exactly: a look beyond it is an error */
        memset(text, 'a' + (int)(at % 26), len);
        text[at] = (char)c;
        bool plain = c >= 0x20 && c != '"' && c != '\\' && c < 0x7f;
        cr_assert_eq(escape_plain(text, len), plain ? len : at, "%zu: %d at %zu", len, c, at);
        free(text);
      }
    }
  }
}

Test(escape, every_character_of_unicode_is_plain)
{
  for (unsigned long c = 0x80; c <= 0x10ffff; c++) {
    char text[4];
    size_t len = 0;
    if (c < 0x800) {
      text[len++] = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
      text[len++] = (char)(0xe0 | c >> 12);
      text[len++] = (char)(0x80 | (c >> 6 & 63));
    } else {
      text[len++] = (char)(0xf0 | c >> 18);
      text[len++] = (char)(0x80 | (c >> 12 & 63));
      text[len++] = (char)(0x80 | (c >> 6 & 63));
    }
    text[len++] = (char)(0x80 | (c & 63));
    bool surrogate = c >= 0xd800 && c <= 0xdfff;
    cr_assert_eq(escape_plain(text, len), surrogate ? 0 : len, "U+%04lx", c);
    for (size_t cut = 1; cut < len; cut++)
      cr_assert_eq(escape_plain(text, cut), 0, "U+%04lx cut short", c);
  }
}

#define BAD "\xef\xbf\xbd"

Test(escape, what_is_no_utf8)
{
  expect("a\xff"
         "b",
         3, "a" BAD "b");
  expect("\x80", 1, BAD);
  expect("\xc0\x80", 2, BAD BAD);         /* overlong U+0000 */
  expect("\xc1\xbf", 2, BAD BAD);         /* overlong */
  expect("\xe0\x9f\xbf", 3, BAD BAD BAD); /* overlong */
  expect("\xf0\x8f\xbf\xbf", 4, BAD BAD BAD BAD);
  expect("\xf4\x90\x80\x80", 4, BAD BAD BAD BAD); /* over U+10FFFF */
  expect("\xf5\x80\x80\x80", 4, BAD BAD BAD BAD);
  expect("\xed\xa0\x80", 3, BAD BAD BAD); /* a surrogate */
  expect("\xe2\x82", 2, BAD BAD);         /* the start of the euro sign */
  expect("\xe2\x82\"", 3, BAD BAD "\\\"");
  expect("\xe2\x82\xac\xe2", 4, "\xe2\x82\xac" BAD);
}

Test(escape, never_more_than_six_bytes_for_one)
{
  char out[ESCAPE_MAX];
  for (int c = 0; c < 256; c++) {
    char text = (char)c;
    if (escape_plain(&text, 1) == 0) cr_assert_leq(escape_one(&text, out), ESCAPE_MAX);
  }
}
