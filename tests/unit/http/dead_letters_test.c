/* dead_letters_test.c - the list of dead letters, and placing them anew. */
#include "tests/unit/http/fakes.h"

#define ID1 "ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3"
#define ID2 "ord_01J8Z3V4N5P6Q7R8S9T0V1W2X4"

static struct http_reply *post_to(const char *target)
{
  return ask(&(struct ask){.method = "POST", .target = target});
}

static struct order failed(const char *id)
{
  static char type[] = "market", status[] = "failed", payload[] = "{\"amount\":1.50}",
              error[] = "{\"code\":\"X\",\"outcome\":\"none\"}";
  struct order o = {.type = type,
                    .status = status,
                    .phase = OX_FAILED,
                    .attempt = 3,
                    .ver = 5,
                    .payload = payload,
                    .error = error,
                    .created_at_ms = 1769855400123,
                    .updated_at_ms = 1769855400456};
  ulid_parse_order(id, strlen(id), &o.id);
  return o;
}

CHECKED(dead_letters, a_page_and_the_way_to_the_next)
{
  struct order orders[] = {failed(ID1), failed(ID2)};
  struct http_reply *r = get("/dlq?limit=2&cursor=" ID1);
  cr_assert_eq(ulid_compare(&dead_letters_after, &orders[0].id), 0);
  cr_assert_eq(dead_letters_limit, 2);
  dead_letters_done(dead_letters_arg, ST_OK, orders, 2, true);
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(header_of(r, "Link"), "</dlq?limit=2&cursor=" ID2 ">; rel=\"next\"");
  json_t *body = parse(r->body), *list = json_object_get(body, "orders");
  cr_assert_eq(json_array_size(list), 2);
  cr_assert_str_eq(str_of(json_array_get(list, 1), "orderId"), ID2);
  cr_assert_str_eq(str_of(json_array_get(list, 1), "phase"), "failed");
  cr_assert_str_eq(str_of(body, "nextCursor"), ID2);
  json_decref(body);
  reply_free(r);
}

CHECKED(dead_letters, the_last_page)
{
  static const struct ulid none;
  struct http_reply *r = get("/sqs/dlq");
  cr_assert_eq(dead_letters_limit, 50);
  cr_assert_eq(ulid_compare(&dead_letters_after, &none), 0);
  dead_letters_done(dead_letters_arg, ST_OK, NULL, 0, false);
  cr_assert_str_eq(r->body, "{\"orders\":[],\"nextCursor\":null}");
  cr_assert_null(header_of(r, "Link"));
  reply_free(r);
}

CHECKED(dead_letters, bad_queries)
{
  static const char *const targets[] = {"/dlq?limit=0",  "/dlq?limit=201", "/dlq?limit=-1",
                                        "/dlq?limit=",   "/dlq?limit=1e2", "/dlq?limit=999999999",
                                        "/dlq?cursor=x", "/dlq?cursor=",   "/dlq?cursor=ord_x"};
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
    expect_problem(get(targets[i]), 400, "INVALID_QUERY");
}

CHECKED(dead_letters, a_store_that_is_away)
{
  reader_status = ST_AWAY;
  expect_problem(get("/dlq"), 503, "STORE_UNAVAILABLE");
  reader_status = ST_OK;
  struct http_reply *r = get("/dlq");
  dead_letters_done(dead_letters_arg, ST_AWAY, NULL, 0, false);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
  journal_status = ST_AWAY;
  expect_problem(post_to("/dlq/" ID1 "/redrive"), 503, "STORE_UNAVAILABLE");
  expect_problem(post_to("/dlq/redrive"), 503, "STORE_UNAVAILABLE");
  journal_status = ST_OK;
}

static struct http_reply *redrive(enum redrive_result result)
{
  struct journal_redriven redriven = {.status = "pending", .created_at_ms = 1769855400123};
  struct ulid id;
  ulid_parse_order(ID1, strlen(ID1), &id);
  ulid_parse_order(ID2, strlen(ID2), &redriven.id);
  redriven.redrive_of = id;
  struct http_reply *r = post_to("/dlq/" ID1 "/redrive");
  cr_assert_eq(ulid_compare(&redriven_id, &id), 0);
  bool given = result == REDRIVE_DONE || result == REDRIVE_AGAIN;
  redriven_done(redriven_arg, result, given ? &redriven : NULL);
  return r;
}

CHECKED(dead_letters, one_placed_anew_and_again)
{
  struct http_reply *first = redrive(REDRIVE_DONE), *again = redrive(REDRIVE_AGAIN);
  cr_assert_eq(first->status, 201);
  cr_assert_eq(again->status, 201);
  cr_assert_str_eq(first->body, "{\"orderId\":\"" ID2 "\",\"status\":\"pending\","
                                "\"timestamp\":\"2026-01-31T10:30:00.123Z\","
                                "\"redriveOf\":\"" ID1 "\"}");
  cr_assert_str_eq(again->body, first->body);
  cr_assert_str_eq(header_of(first, "Location"), "/api/orders/" ID2);
  cr_assert_null(header_of(first, "Idempotent-Replayed"));
  cr_assert_str_eq(header_of(again, "Idempotent-Replayed"), "true");
  reply_free(first);
  reply_free(again);
}

CHECKED(dead_letters, what_is_refused)
{
  expect_problem(redrive(REDRIVE_NOT_FAILED), 409, "NOT_A_DEAD_LETTER");
  expect_problem(redrive(REDRIVE_MAYBE_LANDED), 409, "OUTCOME_UNKNOWN");
  expect_problem(redrive(REDRIVE_UNKNOWN_TYPE), 409, "TYPE_NOT_EXECUTED");
  expect_problem(redrive(REDRIVE_UNKNOWN_ORDER), 404, "ORDER_NOT_FOUND");
  expect_problem(redrive(REDRIVE_AWAY), 503, "STORE_UNAVAILABLE");
  expect_problem(post_to("/dlq/ord_x/redrive"), 400, "INVALID_ORDER_ID");
  api.queue_full = true;
  expect_problem(post_to("/dlq/" ID1 "/redrive"), 503, "OVERLOADED");
  expect_problem(post_to("/dlq/redrive"), 503, "OVERLOADED");
  api.queue_full = false;
}

CHECKED(dead_letters, by_an_id_of_the_callers_own)
{
  struct order o = failed(ID1);
  struct http_reply *r = post_to("/dlq/mine/redrive");
  cr_assert_str_eq(lookups[0].own_id, "mine");
  reader_answers(ST_OK, &o);
  cr_assert_eq(ulid_compare(&redriven_id, &o.id), 0);
  redriven_done(redriven_arg, REDRIVE_NOT_FAILED, NULL);
  expect_problem(r, 409, "NOT_A_DEAD_LETTER");
  r = post_to("/dlq/nobodys/redrive");
  reader_answers(ST_NOT_FOUND, NULL);
  expect_problem(r, 404, "ORDER_NOT_FOUND");
}

CHECKED(dead_letters, all_of_them)
{
  struct http_reply *r = post_to("/dlq/redrive");
  redriven_all_done(redriven_arg, ST_OK, 12, 3);
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->body, "{\"redriven\":12,\"refused\":3}");
  reply_free(r);
  r = post_to("/sqs/dlq/redrive");
  redriven_all_done(redriven_arg, ST_AWAY, 12, 3);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
  journal_status = ST_BUSY;
  expect_problem(post_to("/dlq/redrive"), 409, "REQUEST_IN_PROGRESS");
  journal_status = ST_OK;
}
