/*
 * order_get.c - GET /api/orders/:id, /status, /events. The reader answers all lookups of a turn
 * with one query; what waits for it is the reply and what the answer depends on.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/order_ref.h"
#include "order/order.h"

enum { IF_NONE_MATCH_MAX = 512 }; /* a longer one is answered in full */

struct waiting {
  struct call call;
  struct ulid id;       /* events: whose */
  char if_none_match[]; /* "" for none */
};

static void refuse(struct waiting *w, enum status status)
{
  answer_problem(&w->call, problem_of(status), NULL);
  free(w);
}

/* look_up() parses :id and asks the reader; done gets a struct waiting. */
static void look_up(const struct call *call, const char *param, const char *if_none_match,
                    reader_order_fn done)
{
  struct order_ref ref;
  if (!param || !order_ref_parse(param, &ref)) {
    answer_problem(call, PROBLEM_INVALID_ORDER_ID, NULL);
    return;
  }
  if (!if_none_match || strlen(if_none_match) > IF_NONE_MATCH_MAX) if_none_match = "";
  size_t len = strlen(if_none_match) + 1;
  struct waiting *w = mem_alloc(sizeof *w + len);
  w->call = *call;
  memcpy(w->if_none_match, if_none_match, len);
  enum status status = order_ref_read(call, &ref, done, w);
  if (status != ST_OK) refuse(w, status);
}

/* ── the order ──────────────────────────────────────────────────────────────────────────────── */

static void answer_order(const struct waiting *w, const struct order *o)
{
  char etag[ETAG_MAX];
  etag_of(o, etag);
  const struct http_header headers[] = {{"ETag", etag},
                                        {"Cache-Control", "private, no-cache"},
                                        {"X-Cache", "MISS"},
                                        {"X-Cache-Age", "0"}};
  enum { N = sizeof headers / sizeof *headers };
  if (*w->if_none_match && etag_matches(w->if_none_match, etag)) {
    answer_empty(&w->call, 304, headers, N);
    return;
  }
  order_write(o, answer_body(&w->call));
  answer_send(&w->call, 200, headers, N);
}

static void on_order(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  answer_order(w, order);
  free(w);
}

void order_get(const struct call *call, const struct http_request *request, const char *param)
{
  look_up(call, param, http_request_header(request, "If-None-Match"), on_order);
}

/* ── its status ─────────────────────────────────────────────────────────────────────────────── */

static void write_id(struct json_writer *w, const struct ulid *id)
{
  char text[ULID_ORDER_LEN + 1];
  ulid_format_order(id, text);
  json_strn(w, "orderId", text, ULID_ORDER_LEN);
}

static void on_order_for_status(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  struct json_writer json;
  json_writer_init(&json, answer_body(&w->call));
  json_begin(&json, NULL);
  write_id(&json, &order->id);
  json_str(&json, "status", order->status);
  json_str(&json, "phase", order_phase_name(order->phase));
  json_end(&json);
  answer_send(&w->call, 200, NULL, 0);
  free(w);
}

void order_get_status(const struct call *call, const struct http_request *request,
                      const char *param)
{
  (void)request;
  look_up(call, param, NULL, on_order_for_status);
}

/* As shops ask for it. */
static void on_order_for_shop(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  struct json_writer json;
  json_writer_init(&json, answer_body(&w->call));
  json_begin(&json, NULL);
  json_str(&json, "status", order->status);
  json_end(&json);
  answer_send(&w->call, 200, NULL, 0);
  free(w);
}

void shop_get_status(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request;
  look_up(call, param, NULL, on_order_for_shop);
}

/* ── its events ─────────────────────────────────────────────────────────────────────────────── */

static void on_events(void *arg, enum status status, const struct reader_event *events, size_t n)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  struct json_writer json;
  json_writer_init(&json, answer_body(&w->call));
  json_begin(&json, NULL);
  write_id(&json, &w->id);
  json_begin_array(&json, "events");
  for (size_t i = 0; i < n; i++) json_raw(&json, NULL, events[i].json, events[i].json_len);
  json_end_array(&json);
  json_end(&json);
  answer_send(&w->call, 200, NULL, 0);
  free(w);
}

/* The order first: events alone do not tell whose they are. */
static void on_order_for_events(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status == ST_OK) {
    w->id = order->id;
    status = reader_events(w->call.api->reader, &w->id, 0, on_events, w);
  }
  if (status != ST_OK) refuse(w, status);
}

void order_get_events(const struct call *call, const struct http_request *request,
                      const char *param)
{
  (void)request;
  look_up(call, param, NULL, on_order_for_events);
}
