/* input_test.c - objects, what is none, and bytes a parser may overlook. */
#include "http/input.h"

#include <criterion/criterion.h>
#include <string.h>

static enum status parse(const char *text, size_t len, char *code)
{
  struct problem_errors errors;
  struct json_object o;
  problem_errors_init(&errors);
  enum status status = input_parse(text, len, &o, &errors);
  memcpy(code, errors.code, sizeof errors.code);
  cr_assert_eq(errors.n, status == ST_OK ? 0 : 1);
  if (status != ST_OK) cr_assert_eq(o.n_fields, 0);
  json_object_deinit(&o);
  problem_errors_deinit(&errors);
  return status;
}

Test(input, objects)
{
  char code[64];
  cr_assert_eq(parse("{}", 2, code), ST_OK);
  cr_assert_eq(parse(" {\"a\":1} ", 9, code), ST_OK);
}

Test(input, what_is_none)
{
  static const char *const texts[] = {"", "[]", "{", "{}}", "null", "{\"a\":1,\"a\":1}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char code[64];
    cr_assert_eq(parse(texts[i], strlen(texts[i]), code), ST_INVALID, "%s", texts[i]);
    cr_assert_str_eq(code, "INVALID_JSON");
  }
}

Test(input, a_nul_byte_anywhere)
{
  static const char text[] = "{\"a\":12,\"b\":\"x\"}";
  for (size_t i = 0; i <= sizeof text - 1; i++) {
    char with[sizeof text + 1], code[64];
    memcpy(with, text, i);
    with[i] = '\0';
    memcpy(with + i + 1, text + i, sizeof text - 1 - i);
    cr_assert_eq(parse(with, sizeof text, code), ST_INVALID, "at %zu", i);
    cr_assert_str_eq(code, "INVALID_JSON");
  }
}
