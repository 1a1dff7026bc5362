/* form_test.c - reading objects member by member. */
#include "executors/form.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char said[1024];

static void add(struct ox_errors *errors, const char *pointer, const char *code, const char *detail)
{
  (void)errors;
  size_t len = strlen(said);
  snprintf(said + len, sizeof said - len, "%s %s %s;", pointer, code, detail);
}

static struct ox_errors errors = {.size = sizeof errors, .add = add};

static json_t *object;

static void teardown(void)
{
  json_decref(object);
}

TestSuite(form, .fini = teardown);

static struct form form_for(const char *json, const char *at)
{
  said[0] = '\0';
  object = json_loads(json, JSON_DECODE_ANY, NULL);
  return form_of(object, &errors, at);
}

Test(form, gives_what_is_there)
{
  static const char *const known[] = {"a", "b", NULL};
  struct form form = form_for("{\"a\":\"x\",\"b\":-3}", "");
  cr_assert_str_eq(form_text(&form, "a", 1), "x");
  cr_assert(form_int(&form, "b", -3, 0) == -3);
  form_only(&form, known);
  cr_assert(!form.wrong && said[0] == '\0');
}

Test(form, says_where_and_what)
{
  static const char *const known[] = {"a", "n", "long", "s", NULL};
  struct form form =
      form_for("{\"a\":1,\"n\":\"1\",\"long\":\"xyz\",\"s\":\"\",\"o/p\":0}", "/list/2");
  cr_assert_null(form_text(&form, "a", 9));
  cr_assert_null(form_text(&form, "long", 2));
  cr_assert_null(form_text(&form, "s", 2));
  cr_assert_null(form_text(&form, "gone", 2));
  form_int(&form, "n", 1, 9);
  form_int(&form, "gone", 1, 9);
  form_only(&form, known);
  cr_assert(form.wrong);
  cr_assert_str_eq(said, "/list/2/a WRONG_TYPE must be a string;"
                         "/list/2/long OUT_OF_RANGE must be a string of 1 to 2 bytes;"
                         "/list/2/s OUT_OF_RANGE must be a string of 1 to 2 bytes;"
                         "/list/2/gone REQUIRED is missing;"
                         "/list/2/n WRONG_TYPE must be a whole number from 1 to 9;"
                         "/list/2/gone REQUIRED is missing;"
                         "/list/2/o~1p UNKNOWN_FIELD is not a member of this;");
}

Test(form, whole_numbers_only)
{
  struct form form = form_for("{\"f\":1.0,\"small\":0,\"big\":10,\"null\":null}", "");
  form_int(&form, "f", 1, 9);
  form_int(&form, "small", 1, 9);
  form_int(&form, "big", 1, 9);
  form_int(&form, "null", 1, 9);
  cr_assert_str_eq(said, "/f OUT_OF_RANGE must be a whole number from 1 to 9;"
                         "/small OUT_OF_RANGE must be a whole number from 1 to 9;"
                         "/big OUT_OF_RANGE must be a whole number from 1 to 9;"
                         "/null WRONG_TYPE must be a whole number from 1 to 9;");
  cr_assert(form_has(&form, "f") && !form_has(&form, "null") && !form_has(&form, "gone"));
}

Test(form, what_is_no_object_has_no_members)
{
  static const char *const none[] = {NULL};
  struct form form = form_for("[1]", "");
  form_only(&form, none);
  cr_assert(!form.wrong && !form_has(&form, "a"));
  cr_assert_null(form_text(&form, "a", 3));
  form = form_of(NULL, NULL, "");
  cr_assert_null(form_text(&form, "a", 3));
  cr_assert(form.wrong, "also when nobody listens");
}
