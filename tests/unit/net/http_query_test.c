#include "net/http_query.h"

#include <criterion/criterion.h>
#include <string.h>

#include "net/http.h"

static void found(const char *query, const char *name, const char *value)
{
  char out[64] = "untouched";
  enum status status = http_query_value(query, name, out, sizeof out);
  cr_expect_eq(status, ST_OK, "%s in '%s': %d", name, query, (int)status);
  cr_expect_str_eq(out, value, "%s in '%s'", name, query);
}

static void not_found(const char *query, const char *name, enum status expected)
{
  char out[8];
  cr_expect_eq(http_query_value(query, name, out, sizeof out), expected, "%s in '%s'", name, query);
}

Test(http_query, finds)
{
  found("a=1", "a", "1");
  found("a=1&b=2&c=3", "b", "2");
  found("a=1&b=2", "b", "2");
  found("a=", "a", "");
  found("a", "a", "");
  found("a&b=2", "a", "");
  found("&&a=1&&", "a", "1");
  found("a=x%20y+z", "a", "x y z");
  found("a=%C3%a9", "a", "é");
  found("a=b=c", "a", "b=c");
  found("order%49d=7", "orderId", "7");
  found("ab=1&a=2", "a", "2");
  found("%zz=1&a=2", "a", "2");
}

Test(http_query, does_not_find)
{
  not_found(NULL, "a", ST_NOT_FOUND);
  not_found("", "a", ST_NOT_FOUND);
  not_found("b=1", "a", ST_NOT_FOUND);
  not_found("A=1", "a", ST_NOT_FOUND);
  not_found("=1", "a", ST_NOT_FOUND);
}

Test(http_query, refuses)
{
  not_found("a=1&a=1", "a", ST_INVALID);
  not_found("a=%", "a", ST_INVALID);
  not_found("a=%1", "a", ST_INVALID);
  not_found("a=%g0", "a", ST_INVALID);
  not_found("a=%0g", "a", ST_INVALID);
  not_found("a=%00", "a", ST_INVALID);
  not_found("a=12345678", "a", ST_INVALID);
}

Test(http_query, a_value_may_just_fit)
{
  char out[8];
  cr_assert_eq(http_query_value("a=1234567", "a", out, sizeof out), ST_OK);
  cr_assert_str_eq(out, "1234567");
}

Test(http_query, decodes)
{
  char out[16];
  cr_assert_eq(http_query_decode("a+b%2f", 6, false, out, sizeof out), 4);
  cr_assert_str_eq(out, "a+b/");
  cr_assert_eq(http_query_decode("a+b", 3, true, out, sizeof out), 3);
  cr_assert_str_eq(out, "a b");
  cr_assert_eq(http_query_decode("", 0, true, out, 1), 0);
  cr_assert_eq(http_query_decode("a", 1, true, out, 1), -1);
  cr_assert_eq(http_query_decode("", 0, true, out, 0), -1);
  cr_assert_eq(http_query_decode("%4", 2, true, out, sizeof out), -1);
}
