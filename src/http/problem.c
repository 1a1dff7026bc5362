/* problem.c - the table of problems and their JSON; see problem.h. */
#include "http/problem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/list.h"

enum { TEXT_MAX = 255, LIST_MAX = 1 << 18 };

static const struct {
  int status;
  bool retryable;
  const char *code, *title, *detail;
} table[PROBLEMS] = {
    [PROBLEM_BAD_REQUEST] = {400, false, "BAD_REQUEST", "Bad Request", "not a valid request"},
    [PROBLEM_VALIDATION_FAILED] = {400, false, "VALIDATION_FAILED", "Bad Request",
                                   "the request is not valid; errors lists what is wrong"},
    [PROBLEM_INVALID_ORDER_ID] = {400, false, "INVALID_ORDER_ID", "Bad Request",
                                  "not an orderId, nor an id of the caller's own"},
    [PROBLEM_INVALID_SHIPMENT_ID] = {400, false, "INVALID_SHIPMENT_ID", "Bad Request",
                                     "not a shipmentId"},
    [PROBLEM_INVALID_QUERY] = {400, false, "INVALID_QUERY", "Bad Request",
                               "a query parameter is not valid"},
    [PROBLEM_INVALID_IDEMPOTENCY_KEY] = {400, false, "INVALID_IDEMPOTENCY_KEY", "Bad Request",
                                         "Idempotency-Key must be 1-128 of A-Z a-z 0-9 _ -"},
    [PROBLEM_IDEMPOTENCY_KEY_REQUIRED] = {400, false, "IDEMPOTENCY_KEY_REQUIRED", "Bad Request",
                                          "this needs a header Idempotency-Key"},
    [PROBLEM_UNAUTHORIZED] = {401, false, "UNAUTHORIZED", "Unauthorized",
                              "a bearer token is needed"},
    [PROBLEM_INSUFFICIENT_SCOPE] = {403, false, "INSUFFICIENT_SCOPE", "Forbidden",
                                    "the token does not allow this"},
    [PROBLEM_ORIGIN_NOT_ALLOWED] = {403, false, "ORIGIN_NOT_ALLOWED", "Forbidden",
                                    "this Origin is not in CORS_ORIGINS"},
    [PROBLEM_NOT_FOUND] = {404, false, "NOT_FOUND", "Not Found", "there is nothing at this path"},
    [PROBLEM_ORDER_NOT_FOUND] = {404, false, "ORDER_NOT_FOUND", "Not Found",
                                 "there is no such order"},
    [PROBLEM_SHIPMENT_NOT_FOUND] = {404, false, "SHIPMENT_NOT_FOUND", "Not Found",
                                    "no shipment was made of this order, or not yet"},
    [PROBLEM_NOT_SUBSCRIBED] = {404, false, "NOT_SUBSCRIBED", "Not Found",
                                "this socket does not watch that order"},
    [PROBLEM_METHOD_NOT_ALLOWED] = {405, false, "METHOD_NOT_ALLOWED", "Method Not Allowed",
                                    "this path has other methods; see Allow"},
    [PROBLEM_NOT_ACCEPTABLE] = {406, false, "NOT_ACCEPTABLE", "Not Acceptable",
                                "this cannot be had in any form that Accept names"},
    [PROBLEM_REQUEST_TIMEOUT] = {408, true, "REQUEST_TIMEOUT", "Request Timeout",
                                 "the request did not arrive in time"},
    [PROBLEM_REQUEST_IN_PROGRESS] = {409, true, "REQUEST_IN_PROGRESS", "Conflict",
                                     "the same request is still under way"},
    [PROBLEM_ALREADY_SUBSCRIBED] = {409, false, "ALREADY_SUBSCRIBED", "Conflict",
                                    "this socket watches that order already"},
    [PROBLEM_STALE] = {409, true, "ORDER_MOVED_ON", "Conflict", "the order has moved on"},
    [PROBLEM_ORDER_ENDED] = {409, false, "ORDER_ENDED", "Conflict", "the order has ended already"},
    [PROBLEM_ORDER_SUBMITTED] = {409, false, "ORDER_SUBMITTED", "Conflict",
                                 "the order was submitted and can no longer be cancelled"},
    [PROBLEM_NOT_CANCELLABLE] = {409, false, "NOT_CANCELLABLE", "Conflict",
                                 "orders of this type cannot be cancelled"},
    [PROBLEM_ILLEGAL_TRANSITION] = {409, false, "ILLEGAL_TRANSITION", "Conflict",
                                    "an order of this type cannot be moved there from where it is"},
    [PROBLEM_NOT_A_DEAD_LETTER] = {409, false, "NOT_A_DEAD_LETTER", "Conflict",
                                   "the order has not failed"},
    [PROBLEM_OUTCOME_UNKNOWN] =
        {409, false, "OUTCOME_UNKNOWN", "Conflict",
         "what the order did is not known; placing it anew could do it twice"},
    [PROBLEM_TYPE_NOT_EXECUTED] = {409, false, "TYPE_NOT_EXECUTED", "Conflict",
                                   "no executor here runs orders of this type"},
    [PROBLEM_STRESS_TEST_RUNNING] = {409, true, "STRESS_TEST_RUNNING", "Conflict",
                                     "a stress test is under way in this process"},
    [PROBLEM_BODY_TOO_LARGE] = {413, false, "BODY_TOO_LARGE", "Content Too Large",
                                "the body is larger than this path takes"},
    [PROBLEM_TOO_MANY_ORDERS] = {413, false, "TOO_MANY_ORDERS", "Content Too Large",
                                 "a batch has 1000 orders at the most"},
    [PROBLEM_URI_TOO_LONG] = {414, false, "URI_TOO_LONG", "URI Too Long", "the URI is too long"},
    [PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {415, false, "UNSUPPORTED_MEDIA_TYPE",
                                        "Unsupported Media Type",
                                        "Content-Type must be application/json, in UTF-8"},
    [PROBLEM_EXPECTATION_FAILED] = {417, false, "EXPECTATION_FAILED", "Expectation Failed",
                                    "only 100-continue can be expected"},
    [PROBLEM_IDEMPOTENCY_MISMATCH] = {422, false, "IDEMPOTENCY_MISMATCH", "Unprocessable Content",
                                      "this clientOrderId or Idempotency-Key was used before, "
                                      "with another body"},
    [PROBLEM_UPGRADE_REQUIRED] = {426, false, "UPGRADE_REQUIRED", "Upgrade Required",
                                  "this is a WebSocket; POST executes an order"},
    [PROBLEM_TOO_MANY_REQUESTS] = {429, true, "TOO_MANY_REQUESTS", "Too Many Requests",
                                   "too many connections or requests"},
    [PROBLEM_TOO_MANY_SUBSCRIPTIONS] = {429, false, "TOO_MANY_SUBSCRIPTIONS", "Too Many Requests",
                                        "this socket watches as many orders as it may"},
    [PROBLEM_HEADERS_TOO_LARGE] = {431, false, "HEADERS_TOO_LARGE",
                                   "Request Header Fields Too Large",
                                   "request line and headers are too large"},
    [PROBLEM_INTERNAL] = {500, false, "INTERNAL_ERROR", "Internal Server Error",
                          "something is broken here; it was logged"},
    [PROBLEM_NOT_IMPLEMENTED] = {501, false, "NOT_IMPLEMENTED", "Not Implemented",
                                 "this is not supported"},
    [PROBLEM_OVERLOADED] = {503, true, "OVERLOADED", "Service Unavailable",
                            "too many requests are waiting; nothing was done"},
    [PROBLEM_STORE_UNAVAILABLE] =
        {503, true, "STORE_UNAVAILABLE", "Service Unavailable",
         "PostgreSQL cannot be reached or takes no writes; nothing is confirmed"},
    [PROBLEM_QUEUE_UNAVAILABLE] = {503, true, "QUEUE_UNAVAILABLE", "Service Unavailable",
                                   "Redis cannot be reached"},
    [PROBLEM_DRAINING] = {503, true, "DRAINING", "Service Unavailable", "this process is stopping"},
    [PROBLEM_ENDPOINT_TIMEOUT] = {504, true, "ENDPOINT_TIMEOUT", "Gateway Timeout",
                                  "the endpoint did not answer in time"},
    [PROBLEM_HTTP_VERSION] = {505, false, "HTTP_VERSION_NOT_SUPPORTED",
                              "HTTP Version Not Supported", "HTTP/1.1 is spoken here"},
};

int problem_status(enum problem p)
{
  return table[p].status;
}

const char *problem_code(enum problem p)
{
  return table[p].code;
}

const char *problem_title(int status)
{
  for (int p = 0; p < PROBLEMS; p++)
    if (table[p].status == status) return table[p].title;
  return NULL;
}

enum problem problem_of(enum status status)
{
  static const enum problem of[] = {
      [ST_INVALID] = PROBLEM_BAD_REQUEST,           [ST_FULL] = PROBLEM_OVERLOADED,
      [ST_AWAY] = PROBLEM_STORE_UNAVAILABLE,        [ST_STALE] = PROBLEM_STALE,
      [ST_NOT_FOUND] = PROBLEM_ORDER_NOT_FOUND,     [ST_BUSY] = PROBLEM_REQUEST_IN_PROGRESS,
      [ST_CONFLICT] = PROBLEM_IDEMPOTENCY_MISMATCH, [ST_BROKEN] = PROBLEM_INTERNAL,
  };
  assert(status != ST_OK && status != ST_REPLAYED);
  return of[status];
}

enum problem problem_of_http(int status)
{
  for (int p = PROBLEM_REQUEST_TIMEOUT; p < PROBLEMS; p++)
    if (table[p].status == status) return (enum problem)p;
  return status >= 500 ? PROBLEM_INTERNAL : PROBLEM_BAD_REQUEST;
}

/* ── what is wrong with an input ────────────────────────────────────────────────────────────── */

/* How much of text is shown; the writer mends a character that is cut in two. */
static size_t shown(const char *text)
{
  return strnlen(text, TEXT_MAX);
}

static void add(struct ox_errors *base, const char *pointer, const char *code, const char *detail)
{
  problem_errors_add(container_of(base, struct problem_errors, base), pointer, code, detail);
}

void problem_errors_init(struct problem_errors *errors)
{
  *errors = (struct problem_errors){
      .base = {sizeof errors->base, add}, .max = PROBLEM_ERRORS_MAX, .index = -1};
  buf_init(&errors->list, LIST_MAX);
  json_writer_init(&errors->writer, &errors->list);
}

void problem_errors_deinit(struct problem_errors *errors)
{
  buf_deinit(&errors->list);
}

/* The code of a field that is not there is REQUIRED, or ends in it. */
static bool is_missing(const char *code)
{
  static const char word[] = "REQUIRED";
  size_t len = strlen(code);
  return len >= sizeof word - 1 && strcmp(code + len - (sizeof word - 1), word) == 0;
}

void problem_errors_add(struct problem_errors *errors, const char *pointer, const char *code,
                        const char *detail)
{
  errors->n_missing += is_missing(code);
  if (errors->n == errors->max) return;
  if (errors->n++ == 0) {
    snprintf(errors->code, sizeof errors->code, "%s", code);
    snprintf(errors->detail, sizeof errors->detail, "%.*s", (int)shown(detail), detail);
  }
  struct json_writer *w = &errors->writer;
  char where[sizeof errors->under + TEXT_MAX + 1];
  snprintf(where, sizeof where, "%s%.*s", errors->under, (int)shown(pointer), pointer);
  json_begin(w, NULL);
  if (errors->index >= 0) json_int(w, "index", errors->index);
  json_str(w, "pointer", where);
  json_str(w, "code", code);
  json_strn(w, "detail", detail, shown(detail));
  json_end(w);
}

void problem_errors_add_member(struct problem_errors *errors, const char *member, const char *code,
                               const char *detail)
{
  struct buf pointer;
  buf_init(&pointer, 4 * TEXT_MAX);
  buf_append_char(&pointer, '/');
  for (size_t i = 0; i < shown(member); i++) { /* RFC 6901 */
    if (member[i] == '~' || member[i] == '/')
      buf_append_str(&pointer, member[i] == '~' ? "~0" : "~1");
    else
      buf_append_char(&pointer, member[i]);
  }
  problem_errors_add(errors, pointer.data, code, detail);
  buf_deinit(&pointer);
}

/* What every problem has, but for its errors; the object stays open. */
static void begin(struct json_writer *w, const char *key, const struct problem_own *p,
                  const char *request_id)
{
  json_begin(w, key);
  json_str(w, "type", "about:blank");
  json_str(w, "title", problem_title(p->status));
  json_int(w, "status", p->status);
  json_str(w, "detail", p->detail);
  json_str(w, "code", p->code);
  json_str(w, "requestId", request_id);
}

void problem_write(struct json_writer *w, const char *key, enum problem p, const char *detail,
                   const struct problem_errors *errors, const char *request_id)
{
  bool one = errors && errors->n == 1;
  if (!detail) detail = one ? errors->detail : table[p].detail;
  const struct problem_own own = {table[p].status, one ? errors->code : table[p].code, detail};
  begin(w, key, &own, request_id);
  json_bool(w, "retryable", table[p].retryable);
  json_begin_array(w, "errors");
  if (errors && errors->n > 0) json_raw(w, NULL, errors->list.data, errors->list.len);
  json_end_array(w);
  json_end(w);
}

void problem_write_own(struct json_writer *w, const struct problem_own *own, const char *request_id)
{
  begin(w, NULL, own, request_id);
  json_bool(w, "retryable", own->status == 429 || own->status == 503 || own->status == 504);
  json_begin_array(w, "errors");
  json_end_array(w);
  json_end(w);
}

void problem_unknown_status(struct problem_errors *errors, const struct order_type *type)
{
  struct buf text;
  buf_init(&text, TEXT_MAX);
  buf_append_str(&text, "status must be one of");
  for (size_t i = 0; i < type->n_states; i++)
    buf_appendf(&text, "%s%s", i ? ", " : " ", type->states[i].name);
  problem_errors_add(errors, "/status", "UNKNOWN_STATUS", text.data);
  buf_deinit(&text);
}
