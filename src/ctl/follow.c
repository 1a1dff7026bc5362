/*
 * follow.c - see follow.h.
 *
 * DESIGN. A WebSocket that is refused does not say why as well as the API does, so that is asked
 * for by GET, and what it says decides:
 *
 *   connect ─▶ open ─▶ events … last event ─▶ ENDED
 *     ▲  │       │ cut
 *     │  └─ no ──┴─▶ ask ─ 2xx, none, 5xx ─▶ pause ─┐        too long without a connection ─▶ AWAY
 *     │               ├─ closed well, ended ────────┼─▶ ENDED (since was its last)
 *     │               ├─ 401 ─▶ renew the token ────┤
 *     │               └─ other 4xx ─▶ REFUSED       │
 *     └─────────────────────────────────────────────┘
 */
#include "ctl/follow.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ctl/problem.h"
#include "ctl/query.h"

enum { PATIENCE_MS = 120 * 1000, PAUSE_FIRST_MS = 50, PAUSE_MAX_MS = 2000 };

struct follow {
  struct session *session;
  const struct follow_handler *handler;
  void *arg;
  char *order_id;
  int64_t since;
  int64_t away_since_ms, pause_ms;
  struct ws *ws;
  struct http_exchange *asking;
  uv_timer_t timer;
  bool ended, renewed, stopped, closed_well;
};

static void connect_now(struct follow *f);

/* ── ending ─────────────────────────────────────────────────────────────────────────────────── */

static void on_closed(uv_handle_t *handle)
{
  struct follow *f = handle->data;
  free(f->order_id);
  free(f);
}

void follow_stop(struct follow *f)
{
  if (!f) return;
  f->stopped = true;
  ws_close(f->ws);
  if (f->asking) http_cancel(f->asking);
  f->ws = NULL;
  f->asking = NULL;
  if (!uv_is_closing((uv_handle_t *)&f->timer)) uv_close((uv_handle_t *)&f->timer, on_closed);
}

static void end(struct follow *f, enum follow_end how, const struct http_answer *answer)
{
  if (f->stopped) return;
  f->stopped = true;
  f->handler->on_end(f->arg, how, answer);
  ws_close(f->ws);
  uv_close((uv_handle_t *)&f->timer, on_closed);
}

/* ── asking why ─────────────────────────────────────────────────────────────────────────────── */

static void on_timer(uv_timer_t *timer)
{
  connect_now(timer->data);
}

static void pause_then_connect(struct follow *f)
{
  uv_timer_start(&f->timer, on_timer, (uint64_t)f->pause_ms, 0);
  f->pause_ms = f->pause_ms * 2 < PAUSE_MAX_MS ? f->pause_ms * 2 : PAUSE_MAX_MS;
}

static void on_renewed(void *arg, const struct http_answer *answer)
{
  struct follow *f = arg;
  f->asking = NULL;
  if (session_renewed(f->session, answer) == EXIT_REFUSED)
    end(f, FOLLOW_REFUSED, answer);
  else
    pause_then_connect(f);
}

static bool too_long(const struct follow *f)
{
  int64_t patience_ms = f->session->retry_ms >= 0 ? f->session->retry_ms : PATIENCE_MS;
  return clock_mono_ms() - f->away_since_ms > patience_ms;
}

/* The server had nothing more to say, and the order has ended: there is no event behind since. */
static bool was_all(const struct follow *f, const struct http_answer *answer)
{
  struct json_object state;
  if (!f->closed_well || problem_exit(answer) != EXIT_DONE) return false;
  if (!member_parse(answer->body.data, answer->body.len, &state)) return false;
  bool ended = phase_ended(member_or(&state, "phase", ""));
  json_object_deinit(&state);
  return ended;
}

static void on_state(void *arg, const struct http_answer *answer)
{
  struct follow *f = arg;
  f->asking = NULL;
  if (answer->status == 401 && tokens_renewable(f->session->tokens) && !f->renewed) {
    f->renewed = true;
    f->asking = session_renew(f->session, on_renewed, f);
  } else if (was_all(f, answer)) {
    end(f, FOLLOW_ENDED, answer);
  } else if (problem_exit(answer) == EXIT_REFUSED && answer->status != 429) {
    end(f, FOLLOW_REFUSED, answer);
  } else if (too_long(f)) {
    end(f, FOLLOW_AWAY, answer);
  } else {
    pause_then_connect(f);
  }
}

static void ask_why(struct follow *f)
{
  struct buf path;
  query_order(&path, f->order_id, "/status");
  const struct http_request request = {
      .method = "GET", .path = path.data, .token = tokens_bearer(f->session->tokens)};
  f->asking = http_send(f->session->http, &request, on_state, f);
  buf_deinit(&path);
}

/* ── the socket ─────────────────────────────────────────────────────────────────────────────── */

static void on_open(void *arg)
{
  struct follow *f = arg;
  f->pause_ms = PAUSE_FIRST_MS;
  f->renewed = false;
  if (f->handler->on_open) f->handler->on_open(f->arg);
}

static void on_text(void *arg, const char *text, size_t len)
{
  struct follow *f = arg;
  struct event e;
  if (f->ended || !event_parse(text, len, &e)) return;
  if (e.seq > f->since) f->since = e.seq;
  f->ended = phase_ended(e.phase);
  f->handler->on_event(f->arg, &e);
  event_deinit(&e);
  if (f->ended) end(f, FOLLOW_ENDED, NULL);
}

static void on_close(void *arg, int code)
{
  struct follow *f = arg;
  f->ws = NULL;
  f->closed_well = code == WS_NORMAL;
  if (code != WS_NO_CONNECTION) { /* there was one */
    f->away_since_ms = clock_mono_ms();
    if (f->handler->on_cut && !f->closed_well) f->handler->on_cut(f->arg);
  }
  ask_why(f);
}

static void connect_now(struct follow *f)
{
  static const struct ws_handler handler = {on_open, on_text, on_close};
  char since[24];
  struct buf path;
  buf_init(&path, QUERY_MAX);
  buf_append_str(&path, "/api/orders/execute");
  query_add(&path, "orderId", f->order_id);
  snprintf(since, sizeof since, "%lld", (long long)f->since);
  query_add(&path, "since", since);
  f->ws =
      ws_open(session_ws(f->session), path.data, tokens_bearer(f->session->tokens), &handler, f);
  buf_deinit(&path);
}

struct follow *follow_start(struct session *s, const char *order_id, int64_t since,
                            const struct follow_handler *handler, void *arg)
{
  struct follow *f = mem_alloc(sizeof *f);
  f->session = s;
  f->handler = handler;
  f->arg = arg;
  f->order_id = mem_strdup(order_id);
  f->since = since;
  f->pause_ms = PAUSE_FIRST_MS;
  f->away_since_ms = clock_mono_ms();
  uv_timer_init(&s->loop, &f->timer);
  f->timer.data = f;
  connect_now(f);
  return f;
}
