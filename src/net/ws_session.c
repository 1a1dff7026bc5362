/*
 * ws_session.c - one WebSocket: what libwebsockets calls for, one function per reason. Loop thread
 * only. A session belongs to its server's lists, and to the socket's lws from the moment that
 * exists; whichever callback comes first of CLOSED and WSI_DESTROY ends it.
 *
 * DESIGN: libwebsockets allows one write for each WRITEABLE, so everything that goes out goes
 * through on_writeable(): ping, then messages, and when the queue is empty the close.
 */
#include "net/ws_session.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"

enum { WINDOW_MS = 60000, CLOSE_NONE = 1005, CLOSE_ABNORMAL = 1006 };

static void drop_queue(struct ws_session *session)
{
  ws_queue_clear(&session->queue);
}

struct ws_session *ws_session_create(struct ws_server *s, const struct ws_handler *handler,
                                     void *arg)
{
  struct ws_session *session = mem_alloc(sizeof *session);
  session->server = s;
  session->handler = handler;
  session->arg = arg;
  buf_init(&session->in, WS_MESSAGE_MAX);
  ws_session_move(session, &s->open);
  return session;
}

void ws_session_move(struct ws_session *session, struct list *list)
{
  if (session->list) list_remove(session->list, &session->node);
  list_append(list, &session->node);
  session->list = list;
  session->since_ms = (int64_t)uv_now(session->server->loop);
}

void ws_session_end(struct ws_session *session, int code)
{
  list_remove(session->list, &session->node);
  session->handler->on_close(session, session->arg, session->code ? session->code : code);
  http_address_leave(session->address);
  drop_queue(session);
  buf_deinit(&session->in);
  free(session->received);
  free(session->reason);
  free(session);
}

void ws_session_cut(struct ws_session *session)
{
  shutdown(lws_get_socket_fd(session->wsi), SHUT_RDWR);
}

void ws_session_ping(struct ws_session *session)
{
  session->pinged = session->ping_due = true;
  lws_callback_on_writable(session->wsi);
}

/* ── from above ── */

enum status ws_session_send(struct ws_session *session, struct ws_message *m)
{
  if (session->state >= WS_CLOSING) return ST_OK;
  if (session->queue.len >= session->server->options.max_queued) return ST_FULL;
  ws_queue_push(&session->queue, m);
  lws_callback_on_writable(session->wsi);
  return ST_OK;
}

/* At most max bytes, and no piece of a character at the end. */
static size_t utf8_cut(const char *text, size_t max)
{
  size_t len = strlen(text);
  if (len <= max) return len;
  for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;) len--;
  return len;
}

void ws_session_close(struct ws_session *session, int code, const char *reason, int discard)
{
  assert(code >= 1000 && code <= 4999);
  if (discard) drop_queue(session);
  if (session->state >= WS_CLOSING) return;
  session->state = WS_CLOSING;
  session->code = code;
  session->reason = mem_strndup(reason, utf8_cut(reason, WS_REASON_MAX));
  ws_session_move(session, &session->server->closing);
  lws_callback_on_writable(session->wsi);
}

/* ── from libwebsockets ── */

static int on_bound(struct lws *wsi)
{
  struct ws_server *s = lws_context_user(lws_get_context(wsi));
  if (!s->adopting) return -1;
  s->adopting->wsi = wsi;
  lws_set_opaque_user_data(wsi, s->adopting);
  s->adopting = NULL;
  return 0;
}

static int on_established(struct ws_session *session)
{
  session->state = WS_OPEN;
  session->handler->on_open(session, session->arg);
  return 0;
}

static int on_heard(struct ws_session *session)
{
  session->pinged = session->ping_due = false;
  if (session->state == WS_OPEN) ws_session_move(session, &session->server->open);
  return 0;
}

/* The window slides: a message is too many if as many as allowed came in the minute before it. */
static bool too_many_messages(struct ws_session *session)
{
  size_t max = (size_t)session->server->options.max_messages;
  int64_t now_ms = (int64_t)uv_now(session->server->loop);
  if (!session->received) {
    session->received = mem_alloc(max * sizeof *session->received);
    for (size_t i = 0; i < max; i++) session->received[i] = now_ms - WINDOW_MS;
  }
  int64_t *oldest = &session->received[session->received_at];
  if (now_ms - *oldest < WINDOW_MS) return true;
  *oldest = now_ms;
  session->received_at = (session->received_at + 1) % max;
  return false;
}

static void take_message(struct ws_session *session)
{
  if (too_many_messages(session)) {
    ws_session_close(session, 1008, "too many messages", 1);
    return;
  }
  const char *text = session->in.data ? session->in.data : "";
  session->handler->on_message(session, session->arg, text, session->in.len);
  buf_deinit(&session->in);
}

static int on_receive(struct ws_session *session, const void *piece, size_t len)
{
  on_heard(session);
  if (session->state != WS_OPEN) return 0;
  size_t rest = lws_remaining_packet_payload(session->wsi);
  if (lws_frame_is_binary(session->wsi)) {
    ws_session_close(session, 1003, "only text is understood", 1);
  } else if (rest > WS_MESSAGE_MAX || session->in.len + len + rest > WS_MESSAGE_MAX) {
    ws_session_close(session, 1009, "a message may have 64 KiB", 1);
  } else {
    buf_append(&session->in, piece, len);
    if (lws_is_final_fragment(session->wsi)) take_message(session);
  }
  return 0;
}

static int on_peer_close(struct ws_session *session, const unsigned char *payload, size_t len)
{
  if (session->code == 0) session->code = len < 2 ? CLOSE_NONE : payload[0] << 8 | payload[1];
  session->state = WS_CLOSED;
  drop_queue(session);
  return 0;
}

/* libwebsockets closes by itself what breaks the protocol, and goes on calling meanwhile. */
static bool is_broken(struct ws_session *session)
{
  if (session->state != WS_OPEN || lws_get_close_length(session->wsi) < 2) return false;
  const unsigned char *payload = lws_get_close_payload(session->wsi);
  session->code = payload[0] << 8 | payload[1];
  session->state = WS_CLOSED;
  drop_queue(session);
  return true;
}

/* A ping with content, since libwebsockets does not tell of an empty pong. */
static int write_ping(struct ws_session *session)
{
  unsigned char frame[LWS_PRE + 2] = {[LWS_PRE] = 'o', 'x'};
  session->ping_due = false;
  return lws_write(session->wsi, frame + LWS_PRE, 2, LWS_WRITE_PING);
}

static int write_message(struct ws_session *session)
{
  struct ws_message *m = ws_queue_pop(&session->queue);
  unsigned char *text = (unsigned char *)(uintptr_t)m->text;
  int written = lws_write(session->wsi, text, m->len, LWS_WRITE_TEXT);
  ws_message_unref(m);
  return written;
}

/* Returning -1 should do, but Debian's build of 4.1.6 has _DEBUG set, and then closes a second time
 * what a WRITEABLE callback asks to close, before the close frame is out. */
static void begin_close(struct ws_session *session)
{
  session->state = WS_CLOSED;
  lws_close_reason(session->wsi, (enum lws_close_status)session->code,
                   (unsigned char *)session->reason, strlen(session->reason));
  lws_set_timeout(session->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

static int on_writeable(struct ws_session *session)
{
  int written = 0;
  if (session->state == WS_CLOSED || is_broken(session)) return 0;
  if (session->ping_due && session->state == WS_OPEN) {
    written = write_ping(session);
  } else if (session->queue.len > 0) {
    written = write_message(session);
  } else if (session->state == WS_CLOSING) {
    begin_close(session); /* and may have ended it */
    return 0;
  }
  if (session->queue.len > 0 || session->state == WS_CLOSING)
    lws_callback_on_writable(session->wsi);
  return written < 0 ? -1 : 0;
}

static int on_gone(struct ws_session *session)
{
  is_broken(session); /* for the code */
  lws_set_opaque_user_data(session->wsi, NULL);
  ws_session_end(session, CLOSE_ABNORMAL);
  return 0;
}

int ws_session_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
  (void)user;
  if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED) return on_bound(wsi);
  if (reason == LWS_CALLBACK_HTTP) return -1; /* only upgrades come here */
  struct ws_session *session = wsi ? lws_get_opaque_user_data(wsi) : NULL;
  if (!session) return 0;
  switch (reason) {
  case LWS_CALLBACK_ESTABLISHED:
    return on_established(session);
  case LWS_CALLBACK_RECEIVE:
    return on_receive(session, in, len);
  case LWS_CALLBACK_RECEIVE_PONG:
    return on_heard(session);
  case LWS_CALLBACK_SERVER_WRITEABLE:
    return on_writeable(session);
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    return on_peer_close(session, in, len);
  case LWS_CALLBACK_CLOSED:
  case LWS_CALLBACK_WSI_DESTROY:
    return on_gone(session);
  default:
    return 0;
  }
}
