/* writer_test.c - JSON into a buffer of fixed size. */
#include "executors/writer.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

static char data[512];
static struct writer w;

static void start(size_t cap)
{
  memset(data, 'x', sizeof data);
  writer_init(&w, data, cap);
}

Test(writer, an_object_with_everything)
{
  start(sizeof data);
  writer_begin(&w, NULL);
  writer_str(&w, "a", "text");
  writer_str(&w, "b", NULL);
  writer_int(&w, "c", -5);
  writer_units(&w, "d", UINT64_MAX);
  writer_begin_array(&w, "e");
  writer_begin(&w, NULL);
  writer_end(&w);
  writer_begin(&w, NULL);
  writer_int(&w, "f", 0);
  writer_end(&w);
  writer_int(&w, NULL, 7);
  writer_end_array(&w);
  writer_begin_array(&w, "g");
  writer_end_array(&w);
  writer_end(&w);
  cr_assert_str_eq(writer_text(&w),
                   "{\"a\":\"text\",\"b\":null,\"c\":-5,\"d\":\"18446744073709551615\","
                   "\"e\":[{},{\"f\":0},7],\"g\":[]}");
}

Test(writer, integers_at_the_bounds)
{
  start(sizeof data);
  writer_begin_array(&w, NULL);
  writer_int(&w, NULL, INT64_MIN);
  writer_int(&w, NULL, INT64_MAX);
  writer_end_array(&w);
  cr_assert_str_eq(writer_text(&w), "[-9223372036854775808,9223372036854775807]");
}

Test(writer, escapes_so_that_a_parser_reads_it_back)
{
  const char *nasty = "\"\\/\b\f\n\r\t\x01\x1f \x7f é 💶";
  start(sizeof data);
  writer_begin(&w, NULL);
  writer_str(&w, nasty, nasty);
  writer_end(&w);
  json_t *tree = json_loads(writer_text(&w), 0, NULL);
  cr_assert(tree, "%s", data);
  cr_assert_str_eq(json_string_value(json_object_get(tree, nasty)), nasty);
  json_decref(tree);
}

Test(writer, words_that_are_not_strings)
{
  start(sizeof data);
  writer_begin(&w, NULL);
  writer_bool(&w, "yes", true);
  writer_bool(&w, "no", false);
  writer_number(&w, "some", "0.1");
  writer_end(&w);
  cr_assert_str_eq(writer_text(&w), "{\"yes\":true,\"no\":false,\"some\":0.1}");
}

Test(writer, says_so_when_it_does_not_fit)
{
  for (size_t cap = 1; cap < 40; cap++) {
    start(cap);
    writer_begin(&w, NULL);
    writer_str(&w, "key", "value");
    writer_int(&w, "n", 12);
    writer_end(&w);
    const char *text = writer_text(&w);
    cr_assert((text != NULL) == (cap > strlen("{\"key\":\"value\",\"n\":12}")));
    cr_assert(data[cap] == 'x', "written past %zu bytes", cap);
  }
}

Test(writer, an_escape_is_written_whole_or_not_at_all)
{
  const char *whole = "[\"a\\u0001\\\"b\",\"12\",\"1970-01-01T00:00:00.000Z\"]";
  for (size_t cap = 1; cap < 60; cap++) {
    start(cap);
    writer_begin_array(&w, NULL);
    writer_str(&w, NULL, "a\x01\"b");
    writer_units(&w, NULL, 12);
    writer_time(&w, NULL, 0);
    writer_end_array(&w);
    const char *text = writer_text(&w);
    cr_assert((text != NULL) == (cap > strlen(whole)));
    if (text) cr_assert_str_eq(text, whole);
    cr_assert(data[cap] == 'x', "written past %zu bytes", cap);
  }
}

Test(writer, what_follows_an_overflow_is_dropped_too)
{
  start(8);
  writer_begin(&w, NULL);
  writer_str(&w, "key", "a value that is far too long");
  writer_end(&w);
  cr_assert_null(writer_text(&w));
}

static void is_time(int64_t ms, const char *expected)
{
  start(sizeof data);
  writer_time(&w, NULL, ms);
  cr_assert_str_eq(writer_text(&w), expected);
}

Test(writer, times)
{
  is_time(0, "\"1970-01-01T00:00:00.000Z\"");
  is_time(951782400000, "\"2000-02-29T00:00:00.000Z\"");
  is_time(1769855400123, "\"2026-01-31T10:30:00.123Z\"");
  is_time(-1, "\"1969-12-31T23:59:59.999Z\"");
  is_time(253402300799999, "\"9999-12-31T23:59:59.999Z\"");
  is_time(INT64_MAX, "\"9999-12-31T23:59:59.999Z\"");
  is_time(INT64_MIN, "\"0000-03-01T00:00:00.000Z\"");
}

Test(writer, every_day_of_four_centuries_is_the_library_s)
{
  for (int64_t day = -719162 + 365; day < 400 * 366; day += 13) {
    time_t seconds = (time_t)(day * 86400);
    struct tm tm;
    char expected[40];
    gmtime_r(&seconds, &tm);
    strftime(expected, sizeof expected, "\"%Y-%m-%dT%H:%M:%S.000Z\"", &tm);
    if (tm.tm_year + 1900 >= 1000) is_time(day * 86400000, expected);
  }
}
