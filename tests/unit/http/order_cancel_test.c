/* order_cancel_test.c - DELETE /api/orders/:id. */
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

static struct http_reply *cancel(const char *id)
{
  char target[160];
  snprintf(target, sizeof target, "/api/orders/%s", id);
  return ask(&(struct ask){.method = "DELETE", .target = target});
}

/* Up to the journal's answer. */
static struct http_reply *cancel_to(enum cancel_result result)
{
  struct order o = order_of("market", "pending", OX_QUEUED);
  struct http_reply *r = cancel(ID);
  reader_answers(ST_OK, &o);
  cr_assert_eq(ulid_compare(&cancelled_id, &o.id), 0);
  journal_cancels(result);
  return r;
}

CHECKED(order_cancel, the_order_as_it_is_then)
{
  struct http_reply *r = cancel_to(CANCEL_DONE);
  struct order o = order_of("market", "cancelled", OX_CANCELLED);
  cr_assert_str_eq(lookups[0].tenant, "default");
  reader_answers(ST_OK, &o);
  cr_assert_eq(r->status, 200);
  json_t *body = parse(r->body);
  cr_assert_str_eq(str_of(body, "status"), "cancelled");
  cr_assert_str_eq(str_of(body, "phase"), "cancelled");
  cr_assert_str_eq(str_of(body, "orderId"), ID);
  json_decref(body);
  reply_free(r);
}

CHECKED(order_cancel, by_an_id_of_the_callers_own)
{
  struct http_reply *r = cancel("mine-1");
  cr_assert_str_eq(lookups[0].own_id, "mine-1");
  reader_answers(ST_NOT_FOUND, NULL);
  expect_problem(r, 404, "ORDER_NOT_FOUND");
}

CHECKED(order_cancel, what_the_journal_refuses)
{
  expect_problem(cancel_to(CANCEL_ENDED), 409, "ORDER_ENDED");
  expect_problem(cancel_to(CANCEL_SUBMITTED), 409, "ORDER_SUBMITTED");
  expect_problem(cancel_to(CANCEL_UNKNOWN), 404, "ORDER_NOT_FOUND");
  expect_problem(cancel_to(CANCEL_AWAY), 503, "STORE_UNAVAILABLE");
}

CHECKED(order_cancel, an_order_that_has_ended_is_not_asked_for)
{
  struct order o = order_of("market", "confirmed", OX_SUCCEEDED);
  struct http_reply *r = cancel(ID);
  reader_answers(ST_OK, &o);
  cr_assert_null(cancelled_done);
  expect_problem(r, 409, "ORDER_ENDED");
}

CHECKED(order_cancel, a_type_that_knows_no_cancel)
{
  struct order record = order_of("record", "PENDING", OX_QUEUED),
               lost = order_of("bygone", "pending", OX_QUEUED);
  struct http_reply *r = cancel(ID);
  reader_answers(ST_OK, &record);
  expect_problem(r, 409, "NOT_CANCELLABLE");
  r = cancel(ID);
  reader_answers(ST_OK, &lost);
  expect_problem(r, 409, "NOT_CANCELLABLE");
}

CHECKED(order_cancel, names_that_are_none)
{
  expect_problem(cancel("ord_1"), 400, "INVALID_ORDER_ID");
  expect_problem(cancel("a%20b"), 400, "INVALID_ORDER_ID");
}

CHECKED(order_cancel, a_store_that_is_away)
{
  struct order o = order_of("market", "pending", OX_QUEUED);
  reader_status = ST_AWAY;
  expect_problem(cancel(ID), 503, "STORE_UNAVAILABLE");
  reader_status = ST_OK;
  struct http_reply *r = cancel(ID);
  reader_answers(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
  journal_status = ST_FULL;
  r = cancel(ID);
  reader_answers(ST_OK, &o);
  expect_problem(r, 503, "OVERLOADED");
  journal_status = ST_OK;
  r = cancel_to(CANCEL_DONE);
  reader_answers(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
  reader_status = ST_OK;
}
