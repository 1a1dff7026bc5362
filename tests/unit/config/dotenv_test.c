/* The file .env: what its lines may look like. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/pairs.h"

static struct pairs pairs;
static struct buf errors;

static enum status read_text(const char *text, size_t len)
{
  char path[] = "/tmp/ox-dotenv-XXXXXX";
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  cr_assert_eq(write(fd, text, len), (ssize_t)len);
  close(fd);
  pairs_deinit(&pairs);
  buf_deinit(&errors);
  buf_init(&errors, 4096);
  enum status status = dotenv_read(path, &pairs, &errors);
  unlink(path);
  return status;
}

static void clean(void)
{
  pairs_deinit(&pairs);
  buf_deinit(&errors);
}

TestSuite(dotenv, .fini = clean);

static void expect(const char *line, const char *value)
{
  cr_assert_eq(read_text(line, strlen(line)), ST_OK, "%s", line);
  cr_assert_not_null(pairs_get(&pairs, "KEY"), "%s", line);
  cr_assert_str_eq(pairs_get(&pairs, "KEY"), value);
}

Test(dotenv, values)
{
  expect("KEY=value", "value");
  expect("KEY=value\n", "value");
  expect("KEY=value\r\n", "value");
  expect("  KEY  =  some value  \n", "some value");
  expect("\tKEY=\tvalue\t", "value");
  expect("KEY=", "");
  expect("KEY= \n", "");
  expect("KEY=a=b", "a=b");
  expect("KEY=a#b", "a#b");
  expect("KEY=a #b", "a");
  expect("KEY=#b", "");
  expect("KEY=a\"b", "a\"b");
  expect("export KEY=value", "value");
  expect("export\tKEY=value", "value");
  expect("# one\n\n   # two\nKEY=1\nKEY=2\n", "2");
}

Test(dotenv, quotes)
{
  expect("KEY='a b'", "a b");
  expect("KEY=''", "");
  expect("KEY='a\\nb$x\"#'", "a\\nb$x\"#");
  expect("KEY=\"a b\"", "a b");
  expect("KEY=\"a\\nb\\\"c\\\\d\\$e\\x\"", "a\nb\"c\\d$e\\x");
  expect("KEY='a' # comment", "a");
  expect("KEY=\"a\"\t\r\n", "a");
}

Test(dotenv, wrong_lines_are_named_with_their_number)
{
  static const char *const wrong[] = {
      "KEY",       "KEY value",           "=value",   "1KEY=value",  "KE-Y=value", "export KEY",
      "KEY='abc",  "KEY=\"abc",           "KEY='a'b", "KEY=\"a\\\"", "KEY='a'#b",  "export =x",
      "{\"a\":1}", "export export KEY=1",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char text[128];
    int len = snprintf(text, sizeof text, "# comment\nA=1\n%s\nB=2\n", wrong[i]);
    cr_assert_eq(read_text(text, (size_t)len), ST_INVALID, "%s", wrong[i]);
    cr_assert_not_null(strstr(errors.data, ", line 3: "), "%s", errors.data);
    cr_assert_eq(strchr(errors.data, '\n'), errors.data + errors.len - 1, "one line");
    cr_assert_str_eq(pairs_get(&pairs, "B"), "2", "the rest is read");
  }
}

Test(dotenv, a_value_is_never_in_an_error)
{
  cr_assert_eq(read_text("KEY='hidden", 11), ST_INVALID);
  cr_assert_null(strstr(errors.data, "hidden"));
}

Test(dotenv, an_export_is_also_a_name)
{
  cr_assert_eq(read_text("export=1\nexporter=2\n", 20), ST_OK);
  cr_assert_str_eq(pairs_get(&pairs, "export"), "1");
  cr_assert_str_eq(pairs_get(&pairs, "exporter"), "2");
}

Test(dotenv, files_that_are_none)
{
  buf_init(&errors, 4096);
  cr_assert_eq(dotenv_read("/nonexistent/.env", &pairs, &errors), ST_OK, "none is fine");
  cr_assert_eq(errors.len, 0);
  cr_assert_eq(dotenv_read("/tmp", &pairs, &errors), ST_INVALID);
  cr_assert_str_eq(errors.data, "/tmp: Is a directory\n");
  cr_assert_eq(read_text("A=1\0B=2", 7), ST_INVALID);
  cr_assert_not_null(strstr(errors.data, "it is not text"));
  static char big[65537];
  memset(big, '\n', sizeof big);
  cr_assert_eq(read_text(big, sizeof big), ST_INVALID);
  cr_assert_eq(read_text(big, sizeof big - 1), ST_OK);
}
