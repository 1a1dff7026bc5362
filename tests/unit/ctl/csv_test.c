/* CSV: every form of a field, every fault, and the line it is on. */
#include "ctl/csv.h"

#include <criterion/criterion.h>
#include <string.h>

static struct csv csv;

static void begin(const char *text)
{
  csv_init(&csv, text, strlen(text));
}

static void expect(int64_t line, size_t n, const char *const *fields)
{
  cr_assert_eq(csv_next(&csv), ST_OK, "%s", csv.error);
  cr_assert_eq(csv.line, line);
  cr_assert_eq(csv.n_fields, n);
  for (size_t i = 0; i < n; i++) cr_assert_str_eq(csv.fields[i], fields[i]);
}

#define EXPECT(line, ...)                                                                          \
  expect(line, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                             \
         (const char *const[]){__VA_ARGS__})

static void expect_end(void)
{
  cr_assert_eq(csv_next(&csv), ST_NOT_FOUND);
  csv_deinit(&csv);
}

Test(csv, reads_every_form)
{
  begin("\xef\xbb\xbf"
        "a,b,c\r\n\r\n1,,\"x, \"\"y\"\"\"\n\"two\nlines\",b\rb,\n\"\"");
  EXPECT(1, "a", "b", "c");
  EXPECT(3, "1", "", "x, \"y\"");
  cr_assert_eq(csv_next(&csv), ST_INVALID, "a lone CR");
  EXPECT(6, "");
  expect_end();
}

Test(csv, says_what_is_wrong_and_goes_on)
{
  begin("\"a\"b,c\nd\ne,\"f");
  cr_assert_eq(csv_next(&csv), ST_INVALID);
  cr_assert_eq(csv.line, 1);
  EXPECT(2, "d");
  cr_assert_eq(csv_next(&csv), ST_INVALID);
  cr_assert_str_eq(csv.error, "a quote is not closed");
  expect_end();
}

Test(csv, has_bounds)
{
  static char text[(2 << 20) + 2];
  memset(text, ',', 100);
  begin(text);
  cr_assert_eq(csv_next(&csv), ST_INVALID);
  csv_deinit(&csv);
  memset(text, 'x', 2 << 20);
  begin(text);
  cr_assert_eq(csv_next(&csv), ST_INVALID);
  expect_end();
  begin("");
  expect_end();
}
