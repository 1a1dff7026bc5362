/* order_create_test.c - POST /api/orders. */
#include "tests/unit/http/fakes.h"

static const struct journal_accepted first = {{{1, 2, 3}}, 1769855400123, ""};

static struct http_reply *create(const char *body)
{
  return ask(&(struct ask){.method = "POST",
                           .target = "/api/orders",
                           .body = body,
                           .headers = {"Content-Type: application/json"}});
}

CHECKED(order_create, a_swap)
{
  struct http_reply *r = create("{\"amount\":1.50}");
  cr_assert_str_eq(accepts[0].type, "market");
  cr_assert_not(accepts[0].by_hand);
  cr_assert_str_eq(accepts[0].payload, "{\"amount\":1.50}");
  journal_answers(ST_OK, &first);
  cr_assert_eq(r->status, 201, "%s", r->body);
  cr_assert_str_eq(header_of(r, "Location"), "/api/orders/ord_01081G00000000000000000000");
  json_t *body = parse(r->body);
  cr_assert_str_eq(str_of(body, "status"), "pending");
  cr_assert_str_eq(str_of(body, "phase"), "queued");
  cr_assert_str_eq(str_of(body, "createdAt"), "2026-01-31T10:30:00.123Z");
  cr_assert_str_eq(str_of(body, "updatedAt"), "2026-01-31T10:30:00.123Z");
  cr_assert(json_is_null(json_object_get(body, "completedAt")));
  json_decref(body);
  reply_free(r);
}

CHECKED(order_create, a_record_that_begins_in_the_middle)
{
  struct http_reply *r = create(
      "{\"id\":\"r-1\",\"amount\":1.50,\"status\":\"PROCESSING\",\"createdAt\":1769855400000}");
  cr_assert_str_eq(accepts[0].type, "record");
  cr_assert_str_eq(accepts[0].client_order_id, "r-1");
  cr_assert_str_eq(accepts[0].status, "PROCESSING");
  cr_assert_eq(accepts[0].phase, OX_ACTIVE);
  cr_assert(accepts[0].by_hand);
  cr_assert(accepts[0].hashed);
  cr_assert_str_eq(accepts[0].payload,
                   "{\"id\":\"r-1\",\"amount\":1.50,\"createdAt\":1769855400000}");
  journal_answers(ST_OK, &first);
  json_t *body = parse(r->body);
  cr_assert_str_eq(str_of(body, "id"), "r-1");
  cr_assert_str_eq(str_of(body, "clientOrderId"), "r-1");
  cr_assert_str_eq(str_of(body, "status"), "PROCESSING");
  cr_assert_eq(json_integer_value(json_object_get(body, "createdAt")), 1769855400000);
  json_decref(body);
  reply_free(r);
}

CHECKED(order_create, a_record_that_has_ended_is_complete)
{
  struct http_reply *r = create("{\"id\":\"r-1\",\"amount\":1,\"status\":\"FAILED\"}");
  cr_assert_eq(accepts[0].phase, OX_FAILED);
  journal_answers(ST_OK, &first);
  json_t *body = parse(r->body);
  cr_assert_str_eq(str_of(body, "completedAt"), "2026-01-31T10:30:00.123Z");
  json_decref(body);
  reply_free(r);
}

CHECKED(order_create, the_same_again_byte_for_byte)
{
  const char *body = "{\"id\":\"r-1\",\"amount\":1.50}";
  struct http_reply *a = create(body), *b;
  journal_answers(ST_OK, &first);
  b = create(body);
  journal_answers(ST_REPLAYED, &first);
  cr_assert_eq(b->status, 201);
  cr_assert_str_eq(a->body, b->body);
  cr_assert_null(header_of(a, "Idempotent-Replayed"));
  cr_assert_str_eq(header_of(b, "Idempotent-Replayed"), "true");
  reply_free(a);
  reply_free(b);
}

CHECKED(order_create, records_wait_for_nobody)
{
  api.queue_full = true;
  expect_problem(create("{\"amount\":1}"), 503, "OVERLOADED");
  struct http_reply *r = create("{\"id\":\"r-1\",\"amount\":1}");
  journal_answers(ST_OK, &first);
  cr_assert_eq(r->status, 201);
  reply_free(r);
  api.queue_full = false;
}

CHECKED(order_create, what_is_refused)
{
  expect_problem(create("{\"id\":\"ord_1\"}"), 400, "INVALID_CLIENT_ORDER_ID");
  expect_problem(create("{\"type\":\"bygone\"}"), 400, "UNKNOWN_TYPE");
  expect_problem(create("[]"), 400, "INVALID_JSON");
  journal_status = ST_AWAY;
  expect_problem(create("{\"amount\":1}"), 503, "STORE_UNAVAILABLE");
  journal_status = ST_OK;
  struct http_reply *r = create("{\"amount\":1,\"clientOrderId\":\"a\"}");
  journal_answers(ST_CONFLICT, NULL);
  expect_problem(r, 422, "IDEMPOTENCY_MISMATCH");
  r = ask(&(struct ask){.method = "POST",
                        .target = "/api/orders",
                        .body = "{\"amount\":1}",
                        .headers = {"Content-Type: application/json", "Idempotency-Key: a b"}});
  expect_problem(r, 400, "INVALID_IDEMPOTENCY_KEY");
  expect_problem(ask(&(struct ask){.method = "PATCH", .target = "/api/orders"}), 405,
                 "METHOD_NOT_ALLOWED");
}
