/*
 * ws_server.c - libwebsockets as a guest on the libuv loop: its context, the sockets it is given,
 * and the clock of its sessions. Loop thread only.
 *
 * DESIGN: libwebsockets never listens here. It gets a socket together with a request written anew
 * from the key, so that what the HTTP layer accepted (long headers, a query) cannot be refused or
 * read differently by a second parser. Pings and deadlines are ours: its own timers are one sorted
 * list, walked for every message, and do not fire when set from outside its callbacks.
 */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/ws_session.h"

enum {
  SWEEP_MIN_MS = 10,
  SWEEP_MAX_MS = 1000,
  CLOSE_ABNORMAL = 1006,
  RX_SIZE = 512,         /* each connection has a buffer of this size */
  TX_SIZE = 1024 * 1024, /* of one send(); without it RX_SIZE, and the rest would be copied */
};

/* ── the clock ── */

static void end_unborn(struct ws_server *s)
{
  struct list told = {0};
  list_init(&told);
  list_move_all(&told, &s->unborn); /* a handler may make more of them */
  list_each(node, &told)
  {
    struct ws_session *session = container_of(node, struct ws_session, node);
    session->list = &told;
    ws_session_end(session, CLOSE_ABNORMAL);
  }
}

static void sweep_closing(struct ws_server *s, int64_t now_ms)
{
  list_each(node, &s->closing)
  {
    struct ws_session *session = container_of(node, struct ws_session, node);
    if (session->since_ms + WS_CLOSE_MS > now_ms) return;
    ws_session_cut(session);
  }
}

static void sweep_silent(struct ws_server *s, int64_t now_ms)
{
  list_each(node, &s->open)
  {
    struct ws_session *session = container_of(node, struct ws_session, node);
    int64_t silent_ms = now_ms - session->since_ms;
    if (silent_ms >= s->options.dead_ms)
      ws_session_cut(session);
    else if (silent_ms < s->options.ping_ms)
      return;
    else if (!session->pinged)
      ws_session_ping(session);
  }
}

static void on_sweep(uv_timer_t *timer)
{
  struct ws_server *s = timer->data;
  int64_t now_ms = (int64_t)uv_now(s->loop);
  end_unborn(s);
  sweep_closing(s, now_ms);
  sweep_silent(s, now_ms);
}

static uint64_t sweep_interval(const struct ws_options *o)
{
  int64_t least = (o->ping_ms < o->dead_ms ? o->ping_ms : o->dead_ms) / 4;
  if (least < SWEEP_MIN_MS) return SWEEP_MIN_MS;
  return least < SWEEP_MAX_MS ? (uint64_t)least : SWEEP_MAX_MS;
}

/* ── adopting ── */

static void put_request(struct buf *out, const struct ws_handover *from)
{
  buf_append_str(out, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
  buf_append(out, from->key, WS_KEY_LEN);
  buf_append_str(out, "\r\n\r\n");
  buf_append(out, from->rest, from->rest_len);
}

void ws_server_adopt(struct ws_server *s, const struct ws_handover *from,
                     const struct ws_handler *handler, void *arg)
{
  enum { REQUEST_MAX = 1024 };
  struct ws_session *session = ws_session_create(s, handler, arg);
  session->address = from->address;
  s->adopting = session;
  if (from->fd >= 0 && s->destroy_ticks == 0) {
    struct buf head;
    buf_init(&head, REQUEST_MAX + from->rest_len);
    put_request(&head, from);
    /* It closes the socket itself if it fails; callbacks come from inside it. */
    lws_adopt_socket_vhost_readbuf(s->vhost, from->fd, head.data, head.len);
    buf_deinit(&head);
  } else if (from->fd >= 0) {
    close(from->fd);
  }
  if (s->adopting) { /* libwebsockets never knew it */
    ws_session_move(session, &s->unborn);
    if (s->destroy_ticks == 0) uv_timer_start(&s->sweep, on_sweep, 0, sweep_interval(&s->options));
  }
  s->adopting = NULL;
}

/* ── beginning and end ── */

static void on_lws_log(int level, const char *line)
{
  /* It reports each adoption as an error. */
  if (strstr(line, "calling service")) return;
  char text[256];
  snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\n"), line);
  if (level == LLL_ERR)
    LOG_WARN("libwebsockets", LOG_STR("line", text));
  else
    LOG_DEBUG("libwebsockets", LOG_STR("line", text));
}

static const struct lws_protocols protocols[] = {
    {.name = "ox",
     .callback = ws_session_callback,
     .rx_buffer_size = RX_SIZE,
     .tx_packet_size = TX_SIZE},
    {0},
};

/* All zero: it neither pings nor hangs up by itself. */
static const lws_retry_bo_t no_policy;

static struct ws_options with_defaults(const struct ws_options *o)
{
  return (struct ws_options){
      .max_queued = o->max_queued ? o->max_queued : 1024,
      .ping_ms = o->ping_ms ? o->ping_ms : 20000,
      .dead_ms = o->dead_ms ? o->dead_ms : 30000,
      .max_messages = o->max_messages ? o->max_messages : 100,
  };
}

enum status ws_server_create(uv_loop_t *loop, const struct ws_options *options,
                             struct ws_server **out)
{
  struct ws_server *s = mem_alloc(sizeof *s);
  s->loop = loop;
  s->options = with_defaults(options);
  list_init(&s->open);
  list_init(&s->closing);
  list_init(&s->unborn);
  lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);

  struct lws_context_creation_info info = {
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                 LWS_SERVER_OPTION_VALIDATE_UTF8,
      .port = CONTEXT_PORT_NO_LISTEN_SERVER,
      .foreign_loops = (void *[]){loop},
      .protocols = protocols,
      .retry_and_idle_policy = &no_policy,
      .pcontext = &s->context,
      .user = s,
  };
  s->context = lws_create_context(&info);
  if (!s->context) goto fail_context;
  s->vhost = lws_create_vhost(s->context, &info);
  uv_timer_init(loop, &s->sweep);
  s->sweep.data = s;
  uint64_t interval = sweep_interval(&s->options);
  uv_timer_start(&s->sweep, on_sweep, interval, interval);
  if (!s->vhost) goto fail_vhost;
  *out = s;
  return ST_OK;

fail_vhost:
  LOG_ERROR("libwebsockets gave no vhost");
  ws_server_destroy(s, NULL, NULL);
  return ST_BROKEN;
fail_context:
  LOG_ERROR("libwebsockets gave no context");
  free(s);
  return ST_BROKEN;
}

size_t ws_server_sessions(const struct ws_server *s)
{
  return s->open.len + s->closing.len;
}

void ws_server_close_all(struct ws_server *s, int code, const char *reason)
{
  list_each(node, &s->open)
      ws_session_close(container_of(node, struct ws_session, node), code, reason, 0);
}

static void on_sweep_closed(uv_handle_t *handle)
{
  struct ws_server *s = handle->data;
  if (s->done) s->done(s->done_arg);
  free(s);
}

/* With a loop of ours libwebsockets is destroyed in two calls, and does not say when the second may
 * come: its sockets close in the first turn of the loop after the first call, then its timer and
 * idle handle in the next. Each tick is at least one turn. */
static void on_destroy(uv_timer_t *timer)
{
  enum { FIRST_CALL = 1, SECOND_CALL = 5 };
  struct ws_server *s = timer->data;
  s->destroy_ticks++;
  end_unborn(s);
  if (s->context && (s->destroy_ticks == FIRST_CALL || s->destroy_ticks == SECOND_CALL))
    lws_context_destroy(s->context);
  if (s->destroy_ticks < SECOND_CALL) return;
  uv_close((uv_handle_t *)timer, on_sweep_closed);
}

void ws_server_destroy(struct ws_server *s, void (*done)(void *arg), void *arg)
{
  s->done = done;
  s->done_arg = arg;
  uv_timer_start(&s->sweep, on_destroy, 0, 1);
}
