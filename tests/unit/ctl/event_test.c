/* What is an event, what is none; paths and queries from what a user typed. */
#include "ctl/event.h"

#include <criterion/criterion.h>
#include <string.h>

#include "ctl/query.h"

Test(event, is_read)
{
  static const char text[] = "{\"orderId\":\"ord_1\",\"seq\":3,\"status\":\"building\",\"phase\":"
                             "\"active\",\"attempt\":2,\"timestamp\":\"1970-01-01T00:00:01.500Z\","
                             "\"data\":{\"quotes\":[1.50]}}";
  struct event e;
  cr_assert(event_parse(text, strlen(text), &e));
  cr_assert_str_eq(e.order_id, "ord_1");
  cr_assert_eq(e.seq, 3);
  cr_assert_eq(e.attempt, 2);
  cr_assert_eq(e.at_ms, 1500);
  cr_assert_str_eq(member_text(&e.object, "data"), "{\"quotes\":[1.50]}");
  event_deinit(&e);
}

Test(event, or_is_none)
{
  static const char *const cases[] = {
      "",
      "[]",
      "{}",
      "{\"type\":\"error\"}",
      "{\"orderId\":\"o\",\"seq\":0,\"status\":\"s\",\"phase\":\"p\",\"timestamp\":\"1970-01-01T00:"
      "00:"
      "01Z\"}",
      "{\"orderId\":\"o\",\"seq\":1,\"status\":\"s\",\"phase\":\"p\",\"timestamp\":\"then\"}",
      "{\"orderId\":\"o\",\"seq\":1,\"status\":\"s\",\"phase\":null,\"timestamp\":\"1970-01-01T00:"
      "00:"
      "01Z\"}",
      "{\"type\":\"accepted\",\"orderId\":\"o\",\"seq\":1,\"status\":\"s\",\"phase\":\"p\","
      "\"timestamp\":\"1970-01-01T00:00:01Z\"}"};
  struct event e;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_assert_not(event_parse(cases[i], strlen(cases[i]), &e), "%s", cases[i]);
}

Test(query, encodes_what_a_user_typed)
{
  struct buf path;
  query_order(&path, "../a b?c", "/status");
  cr_assert_str_eq(path.data, "/api/orders/..%2Fa%20b%3Fc/status");
  query_add(&path, "x", NULL);
  query_add(&path, "y", "1&2");
  query_add(&path, "z", "é");
  cr_assert_str_eq(path.data, "/api/orders/..%2Fa%20b%3Fc/status?y=1%262&z=%C3%A9");
  buf_deinit(&path);
}
