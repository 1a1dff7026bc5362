/* order_move_test.c - PUT /api/orders/:id/status. */
#include "tests/unit/http/fakes.h"

#define ID "ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3"

static struct order order_of(const char *type, const char *status, enum ox_phase phase)
{
  static char type_text[16], status_text[16], payload[] = "{\"amount\":1.50}";
  snprintf(type_text, sizeof type_text, "%s", type);
  snprintf(status_text, sizeof status_text, "%s", status);
  struct order o = {.type = type_text,
                    .status = status_text,
                    .phase = phase,
                    .attempt = 1,
                    .ver = 2,
                    .payload = payload,
                    .created_at_ms = 1769855400123,
                    .updated_at_ms = 1769855400456};
  ulid_parse_order(ID, strlen(ID), &o.id);
  return o;
}

static struct http_reply *move(const char *id, const char *body)
{
  char target[160];
  snprintf(target, sizeof target, "/api/orders/%s/status", id);
  return ask(&(struct ask){.method = "PUT",
                           .target = target,
                           .body = body,
                           .headers = {"Content-Type: application/json"}});
}

/* Up to what the look-up gives. */
static struct http_reply *move_one(const char *type, const char *word)
{
  char body[80];
  struct order o = order_of(type, strcmp(type, "record") == 0 ? "PENDING" : "pending", OX_QUEUED);
  snprintf(body, sizeof body, "{\"status\":\"%s\"}", word);
  struct http_reply *r = move(ID, body);
  reader_answers(ST_OK, &o);
  return r;
}

CHECKED(order_move, the_order_as_it_is_then)
{
  struct http_reply *r = move_one("record", "PROCESSING");
  struct order o = order_of("record", "PROCESSING", OX_ACTIVE);
  cr_assert_str_eq(moved_to->name, "PROCESSING");
  cr_assert_eq(ulid_compare(&cancelled_id, &o.id), 0);
  journal_cancels(CANCEL_DONE);
  reader_answers(ST_OK, &o);
  cr_assert_eq(r->status, 200);
  json_t *body = parse(r->body);
  cr_assert_str_eq(str_of(body, "status"), "PROCESSING");
  cr_assert_str_eq(str_of(body, "orderId"), ID);
  json_decref(body);
  reply_free(r);
}

CHECKED(order_move, by_an_id_of_the_callers_own)
{
  struct http_reply *r = move("mine-1", "{\"status\":\"PROCESSING\"}");
  cr_assert_str_eq(lookups[0].own_id, "mine-1");
  reader_answers(ST_NOT_FOUND, NULL);
  expect_problem(r, 404, "ORDER_NOT_FOUND");
}

CHECKED(order_move, what_the_journal_refuses)
{
  static const struct {
    enum cancel_result result;
    int status;
    const char *code;
  } cases[] = {{CANCEL_ENDED, 409, "ILLEGAL_TRANSITION"},
               {CANCEL_SUBMITTED, 409, "ILLEGAL_TRANSITION"},
               {CANCEL_UNKNOWN, 404, "ORDER_NOT_FOUND"},
               {CANCEL_AWAY, 503, "STORE_UNAVAILABLE"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_reply *r = move_one("record", "COMPLETED");
    journal_cancels(cases[i].result);
    expect_problem(r, cases[i].status, cases[i].code);
  }
}

CHECKED(order_move, swaps_and_lost_types_are_not_moved)
{
  expect_problem(move_one("market", "confirmed"), 409, "ILLEGAL_TRANSITION");
  expect_problem(move_one("market", "cancelled"), 409, "ILLEGAL_TRANSITION");
  expect_problem(move_one("bygone", "confirmed"), 409, "ILLEGAL_TRANSITION");
  expect_problem(move_one("record", "PENDING"), 409, "ILLEGAL_TRANSITION");
  cr_assert_null(cancelled_done);
}

CHECKED(order_move, words_that_are_no_status)
{
  expect_problem(move_one("record", "Processing"), 400, "UNKNOWN_STATUS");
  expect_problem(move_one("record", ""), 400, "UNKNOWN_STATUS");
  expect_problem(move_one("record", "a-word-that-is-longer-than-any-status"), 400,
                 "UNKNOWN_STATUS");
  expect_problem(move_one("market", "CONFIRMED"), 400, "UNKNOWN_STATUS");
}

CHECKED(order_move, bodies_that_are_none)
{
  expect_problem(move(ID, "{}"), 400, "REQUIRED");
  expect_problem(move(ID, "{\"status\":7}"), 400, "WRONG_TYPE");
  expect_problem(move(ID, "{\"status\":null}"), 400, "WRONG_TYPE");
  expect_problem(move(ID, "{\"status\":\"PROCESSING\",\"x\":1}"), 400, "UNKNOWN_FIELD");
  expect_problem(move(ID, "{\"x\":1,\"status\":7}"), 400, "VALIDATION_FAILED");
  expect_problem(move(ID, ""), 400, "INVALID_JSON");
  expect_problem(move(ID, "[]"), 400, "INVALID_JSON");
  struct http_reply *r = move(ID, "{\"a/b~c\":1,\"status\":\"PROCESSING\"}");
  cr_assert_not_null(strstr(r->body, "\"/a~1b~0c\""));
  reply_free(r);
}

CHECKED(order_move, names_that_are_none)
{
  expect_problem(move("ord_1", "{\"status\":\"PROCESSING\"}"), 400, "INVALID_ORDER_ID");
}

CHECKED(order_move, a_store_that_is_away)
{
  reader_status = ST_AWAY;
  expect_problem(move(ID, "{\"status\":\"PROCESSING\"}"), 503, "STORE_UNAVAILABLE");
  reader_status = ST_OK;
  struct http_reply *r = move(ID, "{\"status\":\"PROCESSING\"}");
  reader_answers(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
  journal_status = ST_FULL;
  expect_problem(move_one("record", "PROCESSING"), 503, "OVERLOADED");
  journal_status = ST_OK;
  r = move_one("record", "PROCESSING");
  journal_cancels(CANCEL_DONE);
  reader_answers(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}
