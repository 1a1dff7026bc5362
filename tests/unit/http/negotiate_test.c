#include "http/negotiate.h"

#include <criterion/criterion.h>

static const char *const offers[] = {"application/json", "text/plain"};
enum { JSON, TEXT, NEITHER = -1 };

static void expect(const char *accept, int wanted)
{
  const struct http_header headers[] = {{"Host", "x"}, {"accept", accept}};
  const struct http_request request = {.headers = headers, .n_headers = accept ? 2 : 1};
  cr_expect_eq(negotiate(&request, offers, 2), wanted, "%s", accept ? accept : "none");
}

Test(negotiate, without_a_wish_the_first)
{
  expect(NULL, JSON);
  expect("*/*", JSON);
  expect("application/*, text/*", JSON);
}

Test(negotiate, the_one_that_is_named)
{
  expect("text/plain", TEXT);
  expect("TEXT/PLAIN", TEXT);
  expect("text/*", TEXT);
  expect("text/plain; version=0.0.4; charset=utf-8", TEXT);
  expect("image/png , text/plain", TEXT);
}

Test(negotiate, the_weight_decides)
{
  expect("application/json;q=0.3, text/plain;q=0.4", TEXT);
  expect("application/json;q=0.301, text/plain;q=0.3", JSON);
  expect("text/plain;q=0.5,application/json ; q=0.5", JSON);
  expect("text/plain;version=1;q=0.1, application/json;q=0.2, text/plain;version=2;q=0.3", TEXT);
}

Test(negotiate, what_says_more_says_it_for_good)
{
  expect("application/json;q=0, */*", TEXT);
  expect("*/*, application/json;q=0.1", TEXT);
  expect("application/*;q=0.1, */*;q=0.2, application/json;q=0.9", JSON);
}

Test(negotiate, none_will_do)
{
  expect("image/png", NEITHER);
  expect("*/*;q=0", NEITHER);
  expect("text/plainer", NEITHER);
  expect("text", NEITHER);
  expect("", NEITHER);
  expect(" , ;, ;q=1, /", NEITHER);
}

Test(negotiate, a_weight_that_is_none_passes_the_range_over)
{
  expect("application/json;q=2, text/plain;q=0.1", TEXT);
  expect("application/json;q=, text/plain;q=0.1", TEXT);
  expect("application/json;q=0.1234, text/plain;q=0.1", TEXT);
  expect("application/json;q=1.001", NEITHER);
  expect("application/json;q=-1", NEITHER);
}

Test(negotiate, several_headers_are_one_list)
{
  const struct http_header headers[] = {{"Accept", "application/json;q=0.1"},
                                        {"Accept", "text/plain"}};
  const struct http_request request = {.headers = headers, .n_headers = 2};
  cr_expect_eq(negotiate(&request, offers, 2), TEXT);
}
