/* Identifiers: order, uniqueness (also with a clock that goes back), and their one spelling. */
#include "base/ulid.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"

static int64_t time_of(const struct ulid *id)
{
  int64_t ms = 0;
  for (int i = 0; i < 6; i++) ms = ms << 8 | id->bytes[i];
  return ms;
}

static void expect_growing(int n, struct ulid *last)
{
  for (int i = 0; i < n; i++) {
    struct ulid id = ulid_make();
    cr_assert_gt(ulid_compare(&id, last), 0);
    *last = id;
  }
}

Test(ulid, carries_the_time)
{
  int64_t before = clock_unix_ms();
  struct ulid id = ulid_make();
  cr_assert_geq(time_of(&id), before);
  cr_assert_leq(time_of(&id), clock_unix_ms());
}

Test(ulid, grows_through_many_refills_of_entropy)
{
  struct ulid last = ulid_make();
  expect_growing(200000, &last);
}

Test(ulid, grows_when_the_clock_goes_back)
{
  struct ulid last = ulid_make();
  int64_t before = time_of(&last);
  clock_set_unix_offset(-3600000);
  expect_growing(1000, &last);
  cr_assert_lt(time_of(&last) - before, 60000, "the old time is kept");
  clock_set_unix_offset(3600000);
  expect_growing(1000, &last);
  cr_assert_geq(time_of(&last) - before, 3600000);
  clock_set_unix_offset(0);
  expect_growing(1000, &last);
  cr_assert_geq(time_of(&last) - before, 3600000);
}

Test(ulid, a_new_millisecond_takes_new_randomness)
{
  struct ulid a = ulid_make();
  clock_set_unix_offset(1000);
  struct ulid b = ulid_make();
  clock_set_unix_offset(2000);
  struct ulid c = ulid_make();
  cr_assert_neq(memcmp(a.bytes + 6, b.bytes + 6, 10), 0);
  cr_assert_neq(memcmp(b.bytes + 6, c.bytes + 6, 10), 0);
  clock_set_unix_offset(0);
}

Test(ulid, formats_as_the_specification_says)
{
  char text[ULID_LEN + 1];
  struct ulid id = {{0}};
  ulid_format(&id, text);
  cr_assert_str_eq(text, "00000000000000000000000000");
  memset(id.bytes, 0xff, sizeof id.bytes);
  ulid_format(&id, text);
  cr_assert_str_eq(text, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  /* The time of the specification's example, 1469918176385, is 01ARYZ6S41. */
  struct ulid example = {{0x01, 0x56, 0x3d, 0xf3, 0x64, 0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  ulid_format(&example, text);
  cr_assert_str_eq(text, "01ARYZ6S410000000000000001");
}

Test(ulid, goes_there_and_back)
{
  for (int bit = 0; bit < 128; bit++) {
    struct ulid id = {{0}}, back;
    char text[ULID_LEN + 1];
    id.bytes[bit / 8] = (uint8_t)(0x80 >> bit % 8);
    ulid_format(&id, text);
    cr_assert_eq(strlen(text), ULID_LEN);
    cr_assert(ulid_parse(text, ULID_LEN, &back));
    cr_assert_eq(ulid_compare(&id, &back), 0);
  }
  for (int i = 0; i < 1000; i++) {
    struct ulid id = ulid_make(), back;
    char text[ULID_ORDER_LEN + 1];
    ulid_format_order(&id, text);
    cr_assert(ulid_parse_order(text, ULID_ORDER_LEN, &back));
    cr_assert_eq(ulid_compare(&id, &back), 0);
  }
}

Test(ulid, text_sorts_as_the_bytes_do)
{
  struct ulid a = ulid_make(), b = ulid_make();
  char x[ULID_LEN + 1], y[ULID_LEN + 1];
  ulid_format(&a, x);
  ulid_format(&b, y);
  cr_assert_lt(strcmp(x, y), 0);
}

Test(ulid, either_case)
{
  struct ulid upper, lower;
  cr_assert(ulid_parse("01ARYZ6S41TSV4RRFFQ69G5FAV", 26, &upper));
  cr_assert(ulid_parse("01aryz6s41tsv4rrffq69g5fav", 26, &lower));
  cr_assert_eq(ulid_compare(&upper, &lower), 0);
}

Test(ulid, every_character_is_in_the_alphabet_or_refused)
{
  static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz";
  for (int c = 0; c < 256; c++) {
    char text[] = "01ARYZ6S41TSV4RRFFQ69G5FAV";
    struct ulid id;
    text[13] = (char)c;
    cr_assert_eq(ulid_parse(text, 26, &id), c != 0 && strchr(alphabet, c) != NULL, "%d", c);
  }
}

Test(ulid, what_is_none)
{
  static const char *const wrong[] = {
      "",
      "0",
      "01ARYZ6S41TSV4RRFFQ69G5FA",   /* a character short */
      "01ARYZ6S41TSV4RRFFQ69G5FAV0", /* one too many */
      "81ARYZ6S41TSV4RRFFQ69G5FAV",  /* over 128 bits */
      "Z1ARYZ6S41TSV4RRFFQ69G5FAV",  /* the same */
      " 1ARYZ6S41TSV4RRFFQ69G5FAV",
      "01ARYZ6S41TSV4RRFFQ69G5FA ",
      "ord_01ARYZ6S41TSV4RRFFQ69G5FAV",
  };
  struct ulid id;
  memset(&id, 7, sizeof id);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    cr_assert_not(ulid_parse(wrong[i], strlen(wrong[i]), &id), "%s", wrong[i]);
  for (size_t i = 0; i < sizeof id.bytes; i++) cr_assert_eq(id.bytes[i], 7, "left alone");
}

Test(ulid, an_order_id_has_its_prefix)
{
  static const char *const wrong[] = {
      "01ARYZ6S41TSV4RRFFQ69G5FAV",
      "ORD_01ARYZ6S41TSV4RRFFQ69G5FAV",
      "ord-01ARYZ6S41TSV4RRFFQ69G5FAV",
      "ord_01ARYZ6S41TSV4RRFFQ69G5FA",
      "ord_",
      "",
      "ord_81ARYZ6S41TSV4RRFFQ69G5FAV",
      "ord_01ARYZ6S41TSV4RRFFQ69G5FAVV",
  };
  struct ulid id;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    cr_assert_not(ulid_parse_order(wrong[i], strlen(wrong[i]), &id), "%s", wrong[i]);
  cr_assert(ulid_parse_order("ord_01aryz6s41tsv4rrffq69g5fav", 30, &id));
  char text[ULID_ORDER_LEN + 1];
  ulid_format_order(&id, text);
  cr_assert_str_eq(text, "ord_01ARYZ6S41TSV4RRFFQ69G5FAV");
}
