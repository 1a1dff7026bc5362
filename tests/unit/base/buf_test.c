/* The buffer: growth, the maximum, what overflow does, and that it always ends in a NUL. */
#include "base/buf.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void expect(const struct buf *b, const char *text)
{
  cr_assert_eq(b->len, strlen(text));
  cr_assert_str_eq(b->data, text);
  cr_assert_not(b->overflow);
}

Test(buf, starts_without_memory)
{
  struct buf b;
  buf_init(&b, 10);
  cr_assert_null(b.data);
  cr_assert_eq(b.len, 0);
  buf_clear(&b);
  buf_consume(&b, 0);
  buf_deinit(&b);
}

Test(buf, appends)
{
  struct buf b;
  buf_init(&b, 1000);
  buf_append(&b, "ab", 2);
  buf_append_str(&b, "cd");
  buf_append_char(&b, 'e');
  buf_appendf(&b, "-%d-%s", 42, "x");
  buf_append_int(&b, -7);
  expect(&b, "abcde-42-x-7");
  buf_append(&b, NULL, 0);
  buf_append_str(&b, "");
  expect(&b, "abcde-42-x-7");
  buf_deinit(&b);
}

Test(buf, keeps_bytes_that_are_no_text)
{
  struct buf b;
  buf_init(&b, 10);
  buf_append(&b, "a\0b", 3);
  cr_assert_eq(b.len, 3);
  cr_assert_eq(memcmp(b.data, "a\0b", 4), 0);
  buf_deinit(&b);
}

Test(buf, integers)
{
  static const struct {
    long long value;
    const char *text;
  } cases[] = {{0, "0"},
               {9, "9"},
               {10, "10"},
               {-1, "-1"},
               {LLONG_MAX, "9223372036854775807"},
               {LLONG_MIN, "-9223372036854775808"}};
  struct buf b;
  buf_init(&b, 100);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    buf_clear(&b);
    buf_append_int(&b, cases[i].value);
    expect(&b, cases[i].text);
  }
  buf_deinit(&b);
}

Test(buf, every_length_up_to_the_maximum)
{
  enum { MAX = 700 };
  struct buf b;
  buf_init(&b, MAX);
  for (size_t i = 0; i < MAX; i++) {
    buf_append_char(&b, (char)('a' + i % 26));
    cr_assert_eq(b.len, i + 1);
    cr_assert_eq(b.data[b.len], '\0');
  }
  cr_assert_not(b.overflow, "exactly full is not over");
  for (size_t i = 0; i < MAX; i++) cr_assert_eq(b.data[i], (char)('a' + i % 26));
  cr_assert_leq(b.cap, MAX + 1);
  buf_append_char(&b, '!');
  cr_assert(b.overflow);
  cr_assert_eq(b.len, MAX);
  buf_deinit(&b);
}

Test(buf, overflow_stays_and_appends_nothing)
{
  struct buf b;
  buf_init(&b, 4);
  buf_append_str(&b, "abc");
  buf_append_str(&b, "de");
  cr_assert(b.overflow);
  cr_assert_str_eq(b.data, "abc", "nothing of it, not a part");
  buf_append_char(&b, 'd');
  cr_assert_eq(b.len, 3, "what would fit is refused too");
  cr_assert_null(buf_reserve(&b, 1));
  buf_clear(&b);
  buf_append_str(&b, "wxyz");
  expect(&b, "wxyz");
  buf_deinit(&b);
}

Test(buf, overflow_by_format_leaves_what_was)
{
  struct buf b;
  buf_init(&b, 300);
  buf_append_str(&b, "abc");
  buf_appendf(&b, "%0400d", 1);
  cr_assert(b.overflow);
  cr_assert_eq(b.len, 3);
  cr_assert_str_eq(b.data, "abc");
  buf_deinit(&b);
  buf_init(&b, 2);
  buf_appendf(&b, "%s", "abc");
  cr_assert(b.overflow);
  cr_assert_eq(b.len, 0);
  buf_deinit(&b);
}

Test(buf, format_longer_than_the_memory_at_hand)
{
  struct buf b;
  buf_init(&b, 10000);
  for (int len = 0; len < 600; len++) {
    buf_clear(&b);
    buf_append_char(&b, 'x');
    buf_appendf(&b, "%0*d", len, 1);
    cr_assert_eq(b.len, 1u + (size_t)(len ? len : 1));
    cr_assert_eq(strlen(b.data), b.len);
  }
  buf_deinit(&b);
}

Test(buf, a_maximum_of_nothing)
{
  struct buf b;
  buf_init(&b, 0);
  buf_append(&b, "", 0);
  cr_assert_not(b.overflow);
  buf_append_char(&b, 'a');
  cr_assert(b.overflow);
  buf_deinit(&b);
}

Test(buf, lengths_that_would_wrap)
{
  struct buf b;
  buf_init(&b, 10);
  buf_append_str(&b, "abc");
  cr_assert_null(buf_reserve(&b, (size_t)-1));
  cr_assert_null(buf_reserve(&b, (size_t)-3));
  cr_assert_not(b.overflow, "asking for room is not appending");
  buf_deinit(&b);
}

Test(buf, reserve_and_commit)
{
  struct buf b;
  buf_init(&b, 8);
  char *room = buf_reserve(&b, 8);
  memcpy(room, "abcdefgh", 8);
  buf_commit(&b, 3);
  expect(&b, "abc");
  cr_assert_null(buf_reserve(&b, 6));
  cr_assert_eq(buf_reserve(&b, 5), b.data + 3);
  buf_commit(&b, 0);
  expect(&b, "abc");
  buf_deinit(&b);
}

Test(buf, consume)
{
  struct buf b;
  buf_init(&b, 100);
  buf_append_str(&b, "abcdef");
  buf_consume(&b, 2);
  expect(&b, "cdef");
  buf_consume(&b, 4);
  expect(&b, "");
  buf_append_str(&b, "x");
  expect(&b, "x");
  buf_deinit(&b);
}

Test(buf, take_gives_the_bytes_and_starts_afresh)
{
  struct buf b;
  buf_init(&b, 100);
  buf_append_str(&b, "abc");
  size_t len = 0;
  char *text = buf_take(&b, &len);
  cr_assert_eq(len, 3);
  cr_assert_str_eq(text, "abc");
  free(text);
  cr_assert_null(b.data);
  buf_append_str(&b, "d");
  expect(&b, "d");
  buf_deinit(&b);
}

Test(buf, take_of_nothing_is_an_empty_text)
{
  struct buf b;
  buf_init(&b, 100);
  size_t len = 9;
  char *text = buf_take(&b, &len);
  cr_assert_eq(len, 0);
  cr_assert_str_eq(text, "");
  free(text);
}

Test(buf, deinit_keeps_the_maximum)
{
  struct buf b;
  buf_init(&b, 2);
  buf_append_str(&b, "abc");
  buf_deinit(&b);
  cr_assert_eq(b.max, 2);
  cr_assert_not(b.overflow);
}
