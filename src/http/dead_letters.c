/*
 * dead_letters.c - orders that failed: GET /dlq, and placing them anew, POST /dlq/:id/redrive and
 * POST /dlq/redrive. What waits is the reply.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "http/order_ref.h"
#include "journal/redrive.h"
#include "store/dead_letters.h"

enum { LIMIT_DEFAULT = 50, NUMBER_MAX = 8, CURSOR_MAX = 64 };

struct waiting {
  struct call call;
  size_t limit;
};

static struct waiting *wait_for(const struct call *call)
{
  struct waiting *w = mem_alloc(sizeof *w);
  w->call = *call;
  return w;
}

static void refuse(struct waiting *w, enum problem p)
{
  answer_problem(&w->call, p, NULL);
  free(w);
}

static void write_id(struct json_writer *w, const char *name, const struct ulid *id)
{
  char text[ULID_ORDER_LEN + 1];
  ulid_format_order(id, text);
  json_strn(w, name, text, ULID_ORDER_LEN);
}

/* ── the list ───────────────────────────────────────────────────────────────────────────────── */

static void write_page(struct buf *body, const struct order *orders, size_t n, bool more)
{
  struct json_writer w;
  json_writer_init(&w, body);
  json_begin(&w, NULL);
  json_begin_array(&w, "orders");
  for (size_t i = 0; i < n; i++) {
    struct buf one;
    buf_init(&one, body->max);
    order_write(&orders[i], &one);
    json_raw(&w, NULL, one.data, one.len);
    buf_deinit(&one);
  }
  json_end_array(&w);
  if (more)
    write_id(&w, "nextCursor", &orders[n - 1].id);
  else
    json_nil(&w, "nextCursor");
  json_end(&w);
}

static void on_page(void *arg, enum status status, const struct order *orders, size_t n, bool more)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, problem_of(status));
    return;
  }
  char link[128], id[ULID_ORDER_LEN + 1];
  if (more) {
    ulid_format_order(&orders[n - 1].id, id);
    snprintf(link, sizeof link, "</dlq?limit=%zu&cursor=%s>; rel=\"next\"", w->limit, id);
  }
  const struct http_header next = {"Link", link};
  write_page(answer_body(&w->call), orders, n, more);
  answer_send(&w->call, 200, &next, more);
  free(w);
}

static bool read_limit(const char *query, size_t *out)
{
  char text[NUMBER_MAX];
  *out = LIMIT_DEFAULT;
  enum status status = http_query_value(query, "limit", text, sizeof text);
  if (status == ST_NOT_FOUND) return true;
  if (status != ST_OK || !*text || strspn(text, "0123456789") != strlen(text)) return false;
  *out = strtoul(text, NULL, 10);
  return *out >= 1 && *out <= DEAD_LETTERS_MAX;
}

static bool read_cursor(const char *query, struct ulid *out)
{
  char text[CURSOR_MAX];
  memset(out, 0, sizeof *out);
  enum status status = http_query_value(query, "cursor", text, sizeof text);
  if (status == ST_NOT_FOUND) return true;
  return status == ST_OK && ulid_parse_order(text, strlen(text), out);
}

void dead_letters_get(const struct call *call, const struct http_request *request,
                      const char *param)
{
  size_t limit;
  struct ulid after;
  (void)param;
  if (!read_limit(request->query, &limit)) {
    answer_problem(call, PROBLEM_INVALID_QUERY, "limit must be 1 to 200");
    return;
  }
  if (!read_cursor(request->query, &after)) {
    answer_problem(call, PROBLEM_INVALID_QUERY, "cursor must be a nextCursor of an earlier answer");
    return;
  }
  struct waiting *w = wait_for(call);
  w->limit = limit;
  enum status status = dead_letters_page(call->api->reader, &after, limit, on_page, w);
  if (status != ST_OK) refuse(w, problem_of(status));
}

/* ── one placed anew ────────────────────────────────────────────────────────────────────────── */

static void answer_redriven(const struct call *call, const struct journal_redriven *redriven,
                            bool again)
{
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  json_begin(&w, NULL);
  write_id(&w, "orderId", &redriven->id);
  json_str(&w, "status", redriven->status);
  json_time(&w, "timestamp", redriven->created_at_ms);
  write_id(&w, "redriveOf", &redriven->redrive_of);
  json_end(&w);
  char location[sizeof "/api/orders/" + ULID_ORDER_LEN] = "/api/orders/";
  ulid_format_order(&redriven->id, location + strlen(location));
  const struct http_header headers[] = {{"Location", location}, {"Idempotent-Replayed", "true"}};
  answer_send(call, 201, headers, again ? 2 : 1);
}

static void on_redriven(void *arg, enum redrive_result result,
                        const struct journal_redriven *redriven)
{
  static const enum problem problems[] = {[REDRIVE_NOT_FAILED] = PROBLEM_NOT_A_DEAD_LETTER,
                                          [REDRIVE_MAYBE_LANDED] = PROBLEM_OUTCOME_UNKNOWN,
                                          [REDRIVE_UNKNOWN_TYPE] = PROBLEM_TYPE_NOT_EXECUTED,
                                          [REDRIVE_UNKNOWN_ORDER] = PROBLEM_ORDER_NOT_FOUND,
                                          [REDRIVE_AWAY] = PROBLEM_STORE_UNAVAILABLE};
  struct waiting *w = arg;
  if (!redriven) {
    refuse(w, problems[result]);
    return;
  }
  answer_redriven(&w->call, redriven, result == REDRIVE_AGAIN);
  free(w);
}

static void redrive(struct waiting *w, const struct ulid *id)
{
  enum status status = journal_redrive(w->call.api->journal, id, on_redriven, w);
  if (status != ST_OK) refuse(w, problem_of(status));
}

static void on_order(void *arg, enum status status, const struct order *order)
{
  if (status == ST_OK)
    redrive(arg, &order->id);
  else
    refuse(arg, problem_of(status));
}

/* Redrives wait like any other order. */
static bool has_room(const struct call *call)
{
  if (!call->api->queue_full) return true;
  answer_problem(call, PROBLEM_OVERLOADED, NULL);
  return false;
}

void dead_letter_redrive(const struct call *call, const struct http_request *request,
                         const char *param)
{
  struct order_ref ref;
  (void)request;
  if (!param || !order_ref_parse(param, &ref)) {
    answer_problem(call, PROBLEM_INVALID_ORDER_ID, NULL);
    return;
  }
  if (!has_room(call)) return;
  struct waiting *w = wait_for(call);
  if (!ref.own_id) {
    redrive(w, &ref.id);
    return;
  }
  enum status status = order_ref_read(call, &ref, on_order, w);
  if (status != ST_OK) refuse(w, problem_of(status));
}

/* ── all of them ────────────────────────────────────────────────────────────────────────────── */

static void on_all_redriven(void *arg, enum status status, int64_t n, int64_t refused)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    answer_problem(&w->call, problem_of(status), "some dead letters may be left; redrive again");
    free(w);
    return;
  }
  struct json_writer json;
  json_writer_init(&json, answer_body(&w->call));
  json_begin(&json, NULL);
  json_int(&json, "redriven", n);
  json_int(&json, "refused", refused);
  json_end(&json);
  answer_send(&w->call, 200, NULL, 0);
  free(w);
}

void dead_letters_redrive(const struct call *call, const struct http_request *request,
                          const char *param)
{
  (void)request, (void)param;
  if (!has_room(call)) return;
  struct waiting *w = wait_for(call);
  enum status status = journal_redrive_all(call->api->journal, on_all_redriven, w);
  if (status != ST_OK) refuse(w, problem_of(status));
}
