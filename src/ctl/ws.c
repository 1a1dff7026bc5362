/*
 * ws.c - see ws.h.
 *
 * DESIGN: a struct ws lives until libwebsockets has forgotten its connection. One that could not
 * even begin is told so by a timer, so that ws_open() never calls back.
 */
#include "ctl/ws.h"

#include <curl/curl.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"

enum { TEXT_MAX = 4 << 20, RX_SIZE = 4096, DESTROY_TURNS = 8 };

struct ws_client {
  uv_loop_t *loop;
  uv_timer_t unborn_timer;
  struct lws_context *context;
  struct lws_vhost *vhost;
  struct list open, unborn; /* of ws.node */
  char *host, *prefix;      /* prefix: the path of the URL */
  char *host_header;
  int port;
  bool tls, destroyed;
};

struct ws {
  struct list_node node;
  struct list *list;
  struct ws_client *client;
  struct lws *wsi;                  /* NULL: not begun, or over */
  const struct ws_handler *handler; /* NULL: nobody listens any more */
  void *arg;
  char *path, *token;
  struct buf text; /* a message so far */
  int code;
};

/* ── a socket's life ────────────────────────────────────────────────────────────────────────── */

static void ws_free(struct ws *ws)
{
  list_remove(ws->list, &ws->node);
  buf_deinit(&ws->text);
  free(ws->path);
  free(ws->token);
  free(ws);
}

static void ended(struct ws *ws)
{
  const struct ws_handler *handler = ws->handler;
  ws->handler = NULL;
  ws->wsi = NULL;
  if (handler) handler->on_close(ws->arg, ws->code);
  ws_free(ws);
}

static void on_unborn(uv_timer_t *timer)
{
  struct ws_client *c = timer->data;
  struct list told = {0};
  list_init(&told);
  list_move_all(&told, &c->unborn); /* their handlers may make more of them */
  list_each(node, &told) container_of(node, struct ws, node)->list = &told;
  for (struct list_node *n; (n = list_first(&told)) != NULL;)
    ended(container_of(n, struct ws, node));
}

void ws_close(struct ws *ws)
{
  if (!ws) return;
  ws->handler = NULL;
  if (ws->wsi) lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

/* ── what libwebsockets says ────────────────────────────────────────────────────────────────── */

static int on_receive(struct ws *ws, struct lws *wsi, const char *data, size_t len)
{
  if (lws_is_first_fragment(wsi)) buf_clear(&ws->text);
  buf_append(&ws->text, data, len);
  if (ws->text.overflow) return -1;
  if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0) return 0;
  if (ws->handler) ws->handler->on_text(ws->arg, ws->text.data ? ws->text.data : "", ws->text.len);
  buf_clear(&ws->text);
  return ws->handler ? 0 : -1;
}

static int append_token(const struct ws *ws, struct lws *wsi, unsigned char **at, size_t len)
{
  if (!ws->token) return 0;
  struct buf bearer;
  buf_init(&bearer, TEXT_MAX);
  buf_appendf(&bearer, "Bearer %s", ws->token);
  int failed =
      lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, (unsigned char *)bearer.data,
                                   (int)bearer.len, at, *at + len);
  buf_deinit(&bearer);
  return failed ? -1 : 0;
}

static void on_peer_close(struct ws *ws, const unsigned char *data, size_t len)
{
  if (len >= 2) ws->code = data[0] << 8 | data[1];
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
  struct ws *ws = user;
  if (!ws) return 0;
  switch (reason) {
  case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    return append_token(ws, wsi, in, len);
  case LWS_CALLBACK_CLIENT_ESTABLISHED:
    ws->code = WS_CUT;
    if (ws->handler) ws->handler->on_open(ws->arg);
    return ws->handler ? 0 : -1;
  case LWS_CALLBACK_CLIENT_RECEIVE:
    return on_receive(ws, wsi, in, len);
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    on_peer_close(ws, in, len);
    return 0;
  case LWS_CALLBACK_CLIENT_CLOSED:
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    lws_set_wsi_user(wsi, NULL);
    if (ws->wsi)
      ended(ws); /* else it is still inside ws_open() */
    else
      ws->client = NULL;
    return 0;
  default:
    return 0;
  }
}

/* ── opening ────────────────────────────────────────────────────────────────────────────────── */

static void move_to(struct ws *ws, struct list *list)
{
  if (ws->list) list_remove(ws->list, &ws->node);
  ws->list = list;
  list_append(list, &ws->node);
}

struct ws *ws_open(struct ws_client *c, const char *path, const char *token,
                   const struct ws_handler *handler, void *arg)
{
  struct ws *ws = mem_alloc(sizeof *ws);
  struct buf whole;
  buf_init(&whole, TEXT_MAX);
  buf_appendf(&whole, "%s%s", c->prefix, path);
  ws->path = buf_take(&whole, NULL);
  ws->client = c;
  ws->handler = handler;
  ws->arg = arg;
  ws->token = token ? mem_strdup(token) : NULL;
  ws->code = WS_NO_CONNECTION;
  buf_init(&ws->text, TEXT_MAX);
  move_to(ws, &c->open);
  struct lws_client_connect_info info = {
      .context = c->context,
      .vhost = c->vhost,
      .address = c->host,
      .port = c->port,
      .path = ws->path,
      .host = c->host_header,
      .protocol = NULL,
      .local_protocol_name = "ox",
      .ssl_connection = c->tls ? LCCSCF_USE_SSL : 0,
      .userdata = ws,
  };
  struct lws *wsi = lws_client_connect_via_info(&info);
  if (wsi && ws->client) {
    ws->wsi = wsi;
    return ws;
  }
  ws->client = c;
  move_to(ws, &c->unborn);
  uv_timer_start(&c->unborn_timer, on_unborn, 0, 0);
  return ws;
}

/* ── beginning and end ──────────────────────────────────────────────────────────────────────── */

static char *url_part(CURLU *url, CURLUPart part)
{
  char *text = NULL, *copy;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return mem_strdup("");
  copy = mem_strdup(text);
  curl_free(text);
  return copy;
}

static char *without_brackets(char *host)
{
  size_t len = strlen(host);
  if (host[0] != '[' || len < 2) return host;
  memmove(host, host + 1, len - 2);
  host[len - 2] = '\0';
  return host;
}

static bool read_url(struct ws_client *c, const char *text)
{
  CURLU *url = curl_url();
  bool good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
  if (good) {
    char *scheme = url_part(url, CURLUPART_SCHEME), *port = url_part(url, CURLUPART_PORT);
    char *host = url_part(url, CURLUPART_HOST);
    struct buf header;
    buf_init(&header, TEXT_MAX);
    buf_appendf(&header, "%s:%s", host, port);
    c->host_header = buf_take(&header, NULL);
    c->tls = strcmp(scheme, "https") == 0;
    c->port = (int)strtol(port, NULL, 10);
    c->host = without_brackets(host);
    c->prefix = url_part(url, CURLUPART_PATH);
    size_t len = strlen(c->prefix);
    if (len > 0 && c->prefix[len - 1] == '/') c->prefix[len - 1] = '\0';
    free(scheme);
    free(port);
  }
  curl_url_cleanup(url);
  return good;
}

static const struct lws_protocols protocols[] = {
    {.name = "ox", .callback = on_lws, .rx_buffer_size = RX_SIZE}, {0}};

/* A server that is gone without a word is noticed: it pings, too, but that is not shown to us. */
static const lws_retry_bo_t policy = {.secs_since_valid_ping = 15, .secs_since_valid_hangup = 30};

enum status ws_client_create(uv_loop_t *loop, const char *url, const char *ca,
                             struct ws_client **out)
{
  struct ws_client *c = mem_alloc(sizeof *c);
  c->loop = loop;
  list_init(&c->open);
  list_init(&c->unborn);
  if (!read_url(c, url)) {
    free(c);
    return ST_INVALID;
  }
  lws_set_log_level(0, NULL);
  struct lws_context_creation_info info = {
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                 LWS_SERVER_OPTION_VALIDATE_UTF8 |
                 (c->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
      .port = CONTEXT_PORT_NO_LISTEN,
      .foreign_loops = (void *[]){loop},
      .protocols = protocols,
      .retry_and_idle_policy = &policy,
      .client_ssl_ca_filepath = c->tls ? ca : NULL,
  };
  c->context = lws_create_context(&info);
  if (c->context) c->vhost = lws_create_vhost(c->context, &info);
  if (!c->vhost) abort(); /* out of memory, or of descriptors at the very start */
  uv_timer_init(loop, &c->unborn_timer);
  c->unborn_timer.data = c;
  *out = c;
  return ST_OK;
}

static void on_closed(uv_handle_t *handle)
{
  struct ws_client *c = handle->data;
  c->destroyed = true;
}

static void on_tick(uv_timer_t *timer)
{
  (void)timer;
}

void ws_client_destroy(struct ws_client *c)
{
  if (!c) return;
  list_each(node, &c->open) container_of(node, struct ws, node)->handler = NULL;
  list_each(node, &c->unborn) container_of(node, struct ws, node)->handler = NULL;
  on_unborn(&c->unborn_timer);
  /* With a loop of ours libwebsockets is destroyed in two calls; between them its sockets, timer
   * and idle handle close in some turns of the loop, and it does not say when. */
  lws_context_destroy(c->context);
  uv_timer_start(&c->unborn_timer, on_tick, 1, 1);
  for (int i = 0; i < DESTROY_TURNS; i++) uv_run(c->loop, UV_RUN_ONCE);
  lws_context_destroy(c->context);
  uv_close((uv_handle_t *)&c->unborn_timer, on_closed);
  while (!c->destroyed) uv_run(c->loop, UV_RUN_ONCE);
  list_each(node, &c->open) ws_free(container_of(node, struct ws, node));
  free(c->host);
  free(c->host_header);
  free(c->prefix);
  free(c);
}
