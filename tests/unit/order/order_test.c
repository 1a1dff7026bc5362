/* Orders and events as JSON, byte for byte, and which own ids there may be. */
#include "order/order.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct buf out;

static void start(void)
{
  buf_init(&out, 64 * 1024);
}

static void end(void)
{
  buf_deinit(&out);
}

TestSuite(order, .init = start, .fini = end);

#define T1 1769855400123 /* 2026-01-31T10:30:00.123Z */
#define ID "ord_01ARYZ6S41TSV4RRFFQ69G5FAV"

static struct ulid id(void)
{
  struct ulid parsed;
  cr_assert(ulid_parse_order(ID, ULID_ORDER_LEN, &parsed));
  return parsed;
}

static void expect(const char *text)
{
  cr_assert_str_eq(out.data, text);
  json_t *parsed = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(parsed);
  json_decref(parsed);
}

Test(order, a_finished_order)
{
  struct order o = {
      .id = id(),
      .client_order_id = strdup("mine-1"),
      .type = strdup("market"),
      .status = strdup("confirmed"),
      .phase = OX_SUCCEEDED,
      .attempt = 1,
      .ver = 5,
      .payload = strdup("{\"tokenIn\": \"SOL\", \"amount\": 1.50}"),
      .result = strdup("{\"dex\": \"meteora\", \"txHash\": \"ab\"}"),
      .created_at_ms = T1,
      .updated_at_ms = T1 + 1,
      .completed_at_ms = T1 + 2,
  };
  order_write(&o, &out);
  expect(
      "{\"orderId\":\"" ID "\",\"clientOrderId\":\"mine-1\",\"type\":\"market\","
      "\"status\":\"confirmed\",\"phase\":\"succeeded\",\"attempt\":1,\"seq\":5,"
      "\"tokenIn\": \"SOL\", \"amount\": 1.50,\"dex\": \"meteora\", \"txHash\": \"ab\","
      "\"error\":null,\"createdAt\":\"2026-01-31T10:30:00.123Z\","
      "\"updatedAt\":\"2026-01-31T10:30:00.124Z\",\"completedAt\":\"2026-01-31T10:30:00.125Z\"}");
  order_deinit(&o);
  cr_assert_null(o.type);
  order_deinit(&o);
}

Test(order, a_new_order_with_nothing_more)
{
  struct order o = {.id = id(),
                    .type = "market",
                    .status = "pending",
                    .attempt = 1,
                    .ver = 1,
                    .created_at_ms = T1,
                    .updated_at_ms = T1};
  static const char want[] =
      "{\"orderId\":\"" ID "\",\"clientOrderId\":null,\"type\":\"market\",\"status\":\"pending\","
      "\"phase\":\"queued\",\"attempt\":1,\"seq\":1,\"error\":null,"
      "\"createdAt\":\"2026-01-31T10:30:00.123Z\",\"updatedAt\":\"2026-01-31T10:30:00.123Z\","
      "\"completedAt\":null}";
  order_write(&o, &out);
  expect(want);
  buf_clear(&out);
  o.payload = "{}";
  o.result = "{ }";
  order_write(&o, &out);
  expect(want);
}

Test(order, a_failed_order)
{
  struct order o = {.id = id(),
                    .type = "market",
                    .status = "failed",
                    .phase = OX_FAILED,
                    .attempt = 3,
                    .ver = 9,
                    .payload = "{\"a\":1}",
                    .error = "{\"code\":\"X\",\"outcome\":\"none\"}"};
  order_write(&o, &out);
  cr_assert_not_null(
      strstr(out.data, "\"a\":1,\"error\":{\"code\":\"X\",\"outcome\":\"none\"},\"createdAt\":"));
}

/* ── a record's own times ────────────────────────────────────────────────────────────────────── */

static void expect_times(int ver, char *payload, const char *members, const char *times)
{
  struct order o = {.id = id(),
                    .type = "record",
                    .status = "PENDING",
                    .attempt = 1,
                    .ver = ver,
                    .payload = payload,
                    .created_at_ms = T1,
                    .updated_at_ms = T1 + 7};
  buf_clear(&out);
  order_write(&o, &out);
  char want[512];
  snprintf(want, sizeof want, "\"seq\":%d,%s\"error\":null,%s,\"completedAt\":null}", ver, members,
           times);
  cr_assert_not_null(strstr(out.data, want), "%s\nnot in %s", want, out.data);
  json_t *parsed = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(parsed);
  json_decref(parsed);
}

#define CREATED "\"createdAt\":\"2026-01-31T10:30:00.123Z\""
#define UPDATED "\"updatedAt\":\"2026-01-31T10:30:00.130Z\""

Test(order, own_times_are_answered_in_the_form_they_came)
{
  expect_times(1, "{\"id\":\"r\",\"createdAt\":1234,\"amount\":1.50,\"updatedAt\":5678}",
               "\"id\":\"r\",\"amount\":1.50,", "\"createdAt\":1234,\"updatedAt\":5678");
  expect_times(2, "{\"id\":\"r\",\"createdAt\":1234,\"updatedAt\":5678}", "\"id\":\"r\",",
               "\"createdAt\":1234,\"updatedAt\":1769855400130");
  expect_times(1, "{\"createdAt\":\"2020-01-01T00:00:00Z\",\"updatedAt\":\"2020-01-02T00:00:00Z\"}",
               "", "\"createdAt\":\"2020-01-01T00:00:00Z\",\"updatedAt\":\"2020-01-02T00:00:00Z\"");
  expect_times(2, "{\"createdAt\":\"2020-01-01T00:00:00Z\",\"updatedAt\":\"2020-01-02T00:00:00Z\"}",
               "", "\"createdAt\":\"2020-01-01T00:00:00Z\"," UPDATED);
  expect_times(1, "{\"createdAt\":1234}", "", "\"createdAt\":1234,\"updatedAt\":1769855400130");
  expect_times(1, "{\"updatedAt\":1234}", "", CREATED ",\"updatedAt\":1234");
  expect_times(3, "{\"updatedAt\":\"2020-01-01T00:00:00Z\"}", "", CREATED "," UPDATED);
}

Test(order, the_same_words_elsewhere_are_just_words)
{
  expect_times(1, "{\"a\":{\"createdAt\":1},\"b\":\"\\\"updatedAt\\\"\"}",
               "\"a\":{\"createdAt\":1},\"b\":\"\\\"updatedAt\\\"\",", CREATED "," UPDATED);
  expect_times(1, "{\"note\":\"createdAt\"}", "\"note\":\"createdAt\",", CREATED "," UPDATED);
}

/* ── events ──────────────────────────────────────────────────────────────────────────────────── */

Test(order, an_event)
{
  struct order_event e = {.order_id = id(),
                          .seq = 3,
                          .attempt = 2,
                          .status = "building",
                          .phase = OX_ACTIVE,
                          .at_ms = T1,
                          .data = "{\"quotes\":[]}"};
  order_event_write(&e, &out);
  expect("{\"orderId\":\"" ID
         "\",\"seq\":3,\"status\":\"building\",\"phase\":\"active\",\"attempt\":2,"
         "\"timestamp\":\"2026-01-31T10:30:00.123Z\",\"data\":{\"quotes\":[]}}");
  buf_clear(&out);
  e.data = NULL;
  e.status = "a\"b";
  order_event_write(&e, &out);
  expect("{\"orderId\":\"" ID
         "\",\"seq\":3,\"status\":\"a\\\"b\",\"phase\":\"active\",\"attempt\":2,"
         "\"timestamp\":\"2026-01-31T10:30:00.123Z\",\"data\":{}}");
}

Test(order, what_does_not_fit_is_seen)
{
  struct buf small;
  buf_init(&small, 40);
  struct order_event e = {.order_id = id(), .status = "building", .phase = OX_ACTIVE};
  order_event_write(&e, &small);
  cr_assert(small.overflow);
  buf_deinit(&small);
}

/* ── own ids ─────────────────────────────────────────────────────────────────────────────────── */

static bool valid(const char *text)
{
  return order_own_id_valid(text, strlen(text));
}

Test(order, own_ids_by_character)
{
  static const char allowed[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
  for (int c = 0; c < 256; c++) {
    char text[3] = {'a', (char)c, 'b'};
    cr_assert_eq(order_own_id_valid(text, 3), c != 0 && strchr(allowed, c) != NULL, "%d", c);
    cr_assert_eq(order_own_id_valid(text + 1, 1), c != 0 && strchr(allowed, c) != NULL);
  }
}

Test(order, groups_are_named_as_orders_but_no_word_is_reserved)
{
  static const char *const good[] = {"g", "execute", "ord_1", "stats", "a.B_c:d-1"};
  static const char *const bad[] = {"", "a b", "a/b", "\xc3\xa4"};
  char text[70];
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    cr_assert(order_group_valid(good[i], strlen(good[i])), "%s", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_not(order_group_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
  memset(text, 'x', sizeof text);
  for (size_t len = 0; len < sizeof text; len++)
    cr_assert_eq(order_group_valid(text, len), len >= 1 && len <= 64, "%zu", len);
}

Test(order, an_order_of_a_group_says_so)
{
  struct order o = {.id = id(),
                    .client_order_id = strdup("mine-1"),
                    .group = strdup("user:7"),
                    .type = strdup("market"),
                    .status = strdup("pending"),
                    .attempt = 1,
                    .ver = 1,
                    .created_at_ms = T1,
                    .updated_at_ms = T1};
  order_write(&o, &out);
  cr_assert_not_null(
      strstr(out.data, "\"clientOrderId\":\"mine-1\",\"groupId\":\"user:7\",\"type\""));
  order_deinit(&o);
  cr_assert_null(o.group);
}

Test(order, own_ids_by_length)
{
  char text[70];
  memset(text, 'x', sizeof text);
  for (size_t len = 0; len < sizeof text; len++)
    cr_assert_eq(order_own_id_valid(text, len), len >= 1 && len <= 64, "%zu", len);
}

Test(order, own_ids_that_are_reserved)
{
  static const char *const reserved[] = {"execute", "stats", "stream", "batch",
                                         "ord_",    "ord_1", ID};
  static const char *const fine[] = {"Execute", "executes", "stat",   "streams", "batch-1", "ord",
                                     "ord-1",   "ORD_1",    "xord_1", "order",   "."};
  for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
    cr_assert_not(valid(reserved[i]), "%s", reserved[i]);
  for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
    cr_assert(valid(fine[i]), "%s", fine[i]);
  cr_assert(order_own_id_valid("execute", 6), "what is behind len is not read");
}

Test(order, the_group_of_a_type_is_no_name_of_a_callers)
{
  char *group = order_group_of("delivery", "u-1");
  cr_assert_str_eq(group, "delivery=u-1");
  cr_assert_not(order_group_valid(group, strlen(group)));
  struct order o = {.type = (char *)"delivery",
                    .status = (char *)"Pending",
                    .attempt = 1,
                    .ver = 1,
                    .payload = (char *)"{}",
                    .group = group};
  order_write(&o, &out);
  cr_assert_null(strstr(out.data, "groupId"));
  o.group = (char *)"g";
  buf_clear(&out);
  order_write(&o, &out);
  cr_assert_not_null(strstr(out.data, "\"groupId\":\"g\""));
  free(group);
}
