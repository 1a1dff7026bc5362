/*
 * watch.c - GET /api/orders/execute: an upgrade to a WebSocket. With ?orderId= it shows that
 * order's events and closes after the last one; without, it is a socket for many orders (feed.c).
 *
 * A struct watch lives from the look-up of its order, before the upgrade, to on_close(). A slow
 * reader is sent what is queued for it and then 4008 with the last seq of that: nothing is skipped,
 * and it can go on from there.
 */
#include "http/watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "http/action.h"
#include "http/answer.h"
#include "http/gate.h"
#include "http/handlers.h"
#include "http/order_ref.h"
#include "metrics/metrics.h"

enum { ORDER_ID_MAX = 128, SEQ_MAX = 16 };

struct watch {
  struct call call; /* reply: until the upgrade */
  struct ws_session *session;
  struct hub_watch *hub; /* NULL: not yet, or over */
  struct auth_guard guard;
  struct ulid order;
  int32_t since; /* what the client has */
  int32_t ver;   /* of the order when it was looked up */
  int32_t sent;
  bool ended; /* there was nothing to wait for */
};

/* ── messages ───────────────────────────────────────────────────────────────────────────────── */

enum status watch_send_text(struct ws_session *session, const struct buf *text)
{
  struct ws_message *m = ws_message_create(text->data, text->len);
  enum status status = ws_session_send(session, m);
  ws_message_unref(m);
  return status;
}

enum status watch_send_error(const struct call *call, struct ws_session *session, enum problem p,
                             const struct problem_errors *errors, const char *request_id)
{
  struct buf *text = answer_body(call);
  struct json_writer w;
  json_writer_init(&w, text);
  json_begin(&w, NULL);
  json_str(&w, "type", "error");
  json_str(&w, "requestId", request_id);
  problem_write(&w, "error", p, NULL, errors, request_id);
  json_end(&w);
  return watch_send_text(session, text);
}

/* ── following one order ────────────────────────────────────────────────────────────────────── */

/* The hub's watch is over before the close, which may free w. */
static void leave(struct watch *w, int code, const char *reason)
{
  if (w->hub) hub_unwatch(w->hub);
  w->hub = NULL;
  gate_unguard(&w->call, &w->guard);
  if (code == WATCH_TOO_SLOW) metrics_inc(METRIC_SLOW_READERS);
  ws_session_close(w->session, code, reason, 0);
}

static void leave_with_seq(struct watch *w, int code)
{
  char seq[SEQ_MAX];
  snprintf(seq, sizeof seq, "%" PRId32, w->sent);
  leave(w, code, seq);
}

static void on_event(void *arg, int32_t seq, bool terminal, struct ws_message *text)
{
  struct watch *w = arg;
  if (seq > w->since) {
    if (ws_session_send(w->session, text) != ST_OK) {
      leave_with_seq(w, WATCH_TOO_SLOW);
      return;
    }
    w->sent = seq;
  }
  if (terminal) leave(w, WATCH_DONE, "");
}

static void on_lost(void *arg, int32_t last_seq)
{
  struct watch *w = arg;
  (void)last_seq;
  leave_with_seq(w, WATCH_TRY_LATER);
}

static const struct hub_sink sink = {on_event, on_lost};

static void on_over(struct auth_guard *guard)
{
  leave(container_of(guard, struct watch, guard), WATCH_EXPIRED, WATCH_EXPIRED_REASON);
}

static void on_open(struct ws_session *session, void *arg)
{
  struct watch *w = arg;
  w->session = session;
  gate_guard(&w->call, &w->guard, on_over);
  if (w->ended) {
    leave(w, WATCH_DONE, "");
    return;
  }
  /* A client that claims to have more than there is waits for what comes after its claim. */
  int32_t since = w->since < w->ver ? w->since : w->ver;
  w->hub = hub_watch(w->call.api->hub, &w->order, since, &sink, w);
}

static void on_message(struct ws_session *session, void *arg, const char *text, size_t len)
{
  struct watch *w = arg;
  struct problem_errors errors;
  (void)text, (void)len;
  problem_errors_init(&errors);
  problem_errors_add(&errors, "", "NOTHING_TO_SAY", "this socket only shows the order's events");
  if (watch_send_error(&w->call, session, PROBLEM_VALIDATION_FAILED, &errors, NULL) != ST_OK)
    leave_with_seq(w, WATCH_TOO_SLOW);
  problem_errors_deinit(&errors);
}

static void on_close(struct ws_session *session, void *arg, int code)
{
  struct watch *w = arg;
  (void)session, (void)code;
  gate_unguard(&w->call, &w->guard);
  if (w->hub) hub_unwatch(w->hub);
  free(w);
}

static const struct ws_handler watch_handler = {on_open, on_message, on_close};

/* ── before the upgrade ─────────────────────────────────────────────────────────────────────── */

static void on_order(void *arg, enum status status, const struct order *order)
{
  struct watch *w = arg;
  if (status != ST_OK) {
    answer_problem(&w->call, problem_of(status), NULL);
    free(w);
    return;
  }
  w->order = order->id;
  w->ver = order->ver;
  w->ended = order_phase_terminal(order->phase) && w->since >= order->ver;
  http_reply_upgrade(w->call.reply, w->call.api->ws, &watch_handler, w);
}

static void watch_upgrade(const struct call *call, const struct order_ref *ref, int32_t since)
{
  struct watch *w = mem_alloc(sizeof *w);
  w->call = *call;
  w->since = w->sent = since;
  enum status status = order_ref_read(call, ref, on_order, w);
  if (status == ST_OK) return;
  answer_problem(call, problem_of(status), NULL);
  free(w);
}

/* Browsers send Origin with every upgrade and ask nobody first, so this is where it is checked. */
static bool origin_allowed(const struct call *call, const struct http_request *request)
{
  const char *origin = http_request_header(request, "Origin");
  if (!origin || call->origin) return true;
  return cors_same_origin(origin, http_request_header(request, "Host"));
}

static bool may_upgrade(const struct call *call, const struct http_request *request)
{
  if (!request->upgrade) {
    answer_problem_with(call, PROBLEM_UPGRADE_REQUIRED, NULL,
                        (struct http_header){"Upgrade", "websocket"});
    return false;
  }
  if (!origin_allowed(call, request)) {
    answer_problem(call, PROBLEM_ORIGIN_NOT_ALLOWED, NULL);
    return false;
  }
  if (call->api->draining) {
    answer_problem(call, PROBLEM_DRAINING, NULL);
    return false;
  }
  return true;
}

/* read_since() answers itself when since is there and no seq. */
static bool read_since(const struct call *call, const char *query, int32_t *out)
{
  char text[SEQ_MAX];
  *out = 0;
  enum status status = http_query_value(query, "since", text, sizeof text);
  if (status == ST_NOT_FOUND) return true;
  if (status == ST_OK && action_seq_parse(text, out)) return true;
  answer_problem(call, PROBLEM_INVALID_QUERY, "since must be an integer, 0 or more");
  return false;
}

void watch_get(const struct call *call, const struct http_request *request, const char *param)
{
  char text[ORDER_ID_MAX];
  struct order_ref ref;
  int32_t since;
  (void)param;
  if (!may_upgrade(call, request)) return;
  enum status status = http_query_value(request->query, "orderId", text, sizeof text);
  if (status == ST_NOT_FOUND) {
    feed_upgrade(call);
    return;
  }
  if (status != ST_OK || !order_ref_parse(text, &ref)) {
    answer_problem(call, PROBLEM_INVALID_ORDER_ID, NULL);
    return;
  }
  if (read_since(call, request->query, &since)) watch_upgrade(call, &ref, since);
}
