/*
 * problem.h - what went wrong, as RFC 9457 application/problem+json:
 *   {"type","title","status","detail","code","requestId","retryable","errors":[…]}
 * One table holds every problem: HTTP status, code, title, whether asking again helps. Pure.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include <ox/order.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "order/type.h"

enum problem {
  PROBLEM_BAD_REQUEST,
  PROBLEM_VALIDATION_FAILED,
  PROBLEM_INVALID_ORDER_ID,
  PROBLEM_INVALID_SHIPMENT_ID,
  PROBLEM_INVALID_QUERY,
  PROBLEM_INVALID_IDEMPOTENCY_KEY,
  PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
  PROBLEM_UNAUTHORIZED,
  PROBLEM_INSUFFICIENT_SCOPE,
  PROBLEM_ORIGIN_NOT_ALLOWED,
  PROBLEM_NOT_FOUND,
  PROBLEM_ORDER_NOT_FOUND,
  PROBLEM_SHIPMENT_NOT_FOUND,
  PROBLEM_NOT_SUBSCRIBED,
  PROBLEM_METHOD_NOT_ALLOWED,
  PROBLEM_NOT_ACCEPTABLE,
  PROBLEM_REQUEST_TIMEOUT,
  PROBLEM_REQUEST_IN_PROGRESS,
  PROBLEM_ALREADY_SUBSCRIBED,
  PROBLEM_STALE,
  PROBLEM_ORDER_ENDED,
  PROBLEM_ORDER_SUBMITTED,
  PROBLEM_NOT_CANCELLABLE,
  PROBLEM_ILLEGAL_TRANSITION,
  PROBLEM_NOT_A_DEAD_LETTER,
  PROBLEM_OUTCOME_UNKNOWN,
  PROBLEM_TYPE_NOT_EXECUTED,
  PROBLEM_STRESS_TEST_RUNNING,
  PROBLEM_BODY_TOO_LARGE,
  PROBLEM_TOO_MANY_ORDERS,
  PROBLEM_URI_TOO_LONG,
  PROBLEM_UNSUPPORTED_MEDIA_TYPE,
  PROBLEM_EXPECTATION_FAILED,
  PROBLEM_IDEMPOTENCY_MISMATCH,
  PROBLEM_UPGRADE_REQUIRED,
  PROBLEM_TOO_MANY_REQUESTS,
  PROBLEM_TOO_MANY_SUBSCRIPTIONS,
  PROBLEM_HEADERS_TOO_LARGE,
  PROBLEM_INTERNAL,
  PROBLEM_NOT_IMPLEMENTED,
  PROBLEM_OVERLOADED,
  PROBLEM_STORE_UNAVAILABLE,
  PROBLEM_QUEUE_UNAVAILABLE,
  PROBLEM_DRAINING,
  PROBLEM_ENDPOINT_TIMEOUT,
  PROBLEM_HTTP_VERSION,
  PROBLEMS
};

int problem_status(enum problem p);
const char *problem_code(enum problem p);

enum problem problem_of(enum status status); /* not of ST_OK, ST_REPLAYED */
enum problem problem_of_http(int status);    /* of what the connection layer answers by itself */

/* Everything wrong with one input; handed to an executor's validate(). The first
 * PROBLEM_ERRORS_MAX are kept, long texts are cut. */
enum { PROBLEM_ERRORS_MAX = 64 };

struct problem_errors {
  struct ox_errors base;
  size_t n, max;
  size_t n_missing; /* of all that were added: a field that is needed is not there */
  char under[24];   /* in front of every pointer; "" for none */
  int64_t index;    /* shown with every error; -1: none */
  struct buf list;  /* elements of the JSON array */
  struct json_writer writer;
  char code[64]; /* of the first */
  char detail[256];
};

void problem_errors_init(struct problem_errors *errors);
void problem_errors_deinit(struct problem_errors *errors);
void problem_errors_add(struct problem_errors *errors, const char *pointer, const char *code,
                        const char *detail);

/* problem_errors_add_member() is the same for a member of the whole, whatever its name. */
void problem_errors_add_member(struct problem_errors *errors, const char *member, const char *code,
                               const char *detail);
/* problem_unknown_status() adds that /status is no state of this type, and which there are. */
void problem_unknown_status(struct problem_errors *errors, const struct order_type *type);

/* problem_title() is the title of problems with this status; NULL: there are none. */
const char *problem_title(int status);

/* A problem that is not in the table: a plugin's own. */
struct problem_own {
  int status; /* one with a title */
  const char *code, *detail;
};
void problem_write_own(struct json_writer *w, const struct problem_own *own,
                       const char *request_id);

/* problem_write() adds the problem as an object. detail NULL: the table's. With exactly one error
 * the problem takes its code and detail. errors and request_id may be NULL. */
void problem_write(struct json_writer *w, const char *key, enum problem p, const char *detail,
                   const struct problem_errors *errors, const char *request_id);

#endif
