/*
 * net_harness.h - a server with a tiny handler on a loop of the test's own, and clients on real
 * sockets. Everything runs on the test's thread: waiting for something turns the loop until it is
 * there, or fails the test after WAIT_MS.
 *
 * What the handler does is in the path: /now answers at once with "METHOD path body"; /later keeps
 * the reply for answer(); /early answers 404 from on_head(); /small takes 8 bytes of body, others
 * LARGE; /ws upgrades, /ws-later keeps the reply for that too, /ws-early upgrades from on_head().
 */
#ifndef TESTS_NET_HARNESS_H
#define TESTS_NET_HARNESS_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/http.h"
#include "net/ws.h"

#define UNUSED __attribute__((unused))

enum { WAIT_MS = 5000, LARGE = 1024 * 1024, KEPT_MAX = 64 };

struct harness {
  uv_loop_t loop;
  struct http_server *server;
  struct ws_server *ws;
  struct http_options options;
  struct http_reply *kept[KEPT_MAX];
  size_t n_kept;
  int heads, requests, errors;
  size_t answer_len; /* if set, answers are this long */
  char peer[64];
  char log[8192]; /* what the WebSocket handler saw */
  struct ws_session *session;
  int opened, closed, code;
  bool stopped;
};

struct client {
  struct harness *h;
  int fd;
  struct buf in;
  bool eof, reset;
};

UNUSED static void answer_text(struct http_reply *reply, int status, const char *text)
{
  http_reply_send(reply, status, NULL, 0, "text/plain", text, strlen(text));
}

/* ── the handlers ── */

static void note(struct harness *h, const char *format, ...)
{
  size_t len = strlen(h->log);
  va_list args;
  va_start(args, format);
  vsnprintf(h->log + len, sizeof h->log - len, format, args);
  va_end(args);
}

static void ws_opened(struct ws_session *session, void *arg)
{
  struct harness *h = arg;
  h->session = session;
  h->opened++;
  note(h, "open;");
}

static void ws_heard(struct ws_session *session, void *arg, const char *text, size_t len)
{
  struct harness *h = arg;
  note(h, "%.*s;", (int)(len < 100 ? len : 100), text);
  if (len > 5 && memcmp(text, "echo:", 5) == 0) {
    struct ws_message *m = ws_message_create(text + 5, len - 5);
    cr_assert_eq(ws_session_send(session, m), ST_OK);
    ws_message_unref(m);
  }
  if (len == 3 && memcmp(text, "bye", 3) == 0) ws_session_close(session, 4000, "as asked", 0);
}

static void ws_gone(struct ws_session *session, void *arg, int code)
{
  struct harness *h = arg;
  if (h->session == session) h->session = NULL;
  h->closed++;
  h->code = code;
}

static const struct ws_handler ws_handler = {ws_opened, ws_heard, ws_gone};

static bool under(const struct http_request *request, const char *prefix)
{
  return strncmp(request->path, prefix, strlen(prefix)) == 0;
}

static size_t on_head(void *arg, const struct http_request *request, struct http_reply *reply)
{
  struct harness *h = arg;
  h->heads++;
  if (under(request, "/early")) {
    answer_text(reply, 404, "not here");
    return 0;
  }
  if (under(request, "/ws-early")) {
    http_reply_upgrade(reply, h->ws, &ws_handler, h);
    return 0;
  }
  return under(request, "/small") ? 8 : LARGE;
}

static void on_request(void *arg, const struct http_request *request, struct http_reply *reply)
{
  struct harness *h = arg;
  h->requests++;
  snprintf(h->peer, sizeof h->peer, "%s", request->peer);
  if (request->upgrade && strcmp(request->path, "/ws") == 0) {
    http_reply_upgrade(reply, h->ws, &ws_handler, h);
  } else if (under(request, "/later") || under(request, "/ws-later")) {
    cr_assert_lt(h->n_kept, KEPT_MAX);
    h->kept[h->n_kept++] = reply;
  } else if (h->answer_len) {
    char *body = mem_alloc(h->answer_len);
    memset(body, 'x', h->answer_len);
    http_reply_send(reply, 200, NULL, 0, "text/plain", body, h->answer_len);
    free(body);
  } else {
    struct buf text;
    buf_init(&text, 2 * LARGE);
    buf_appendf(&text, "%s %s ", request->method, request->path);
    buf_append(&text, request->body, request->body_len);
    buf_append_char(&text, ';');
    cr_assert_eq(strlen(request->body), request->body_len);
    http_reply_send(reply, 200, NULL, 0, "text/plain", text.data, text.len);
    buf_deinit(&text);
  }
}

static void on_error(void *arg, int status, const char *detail, const char *request_id,
                     struct buf *out)
{
  struct harness *h = arg;
  h->errors++;
  cr_assert_gt(strlen(request_id), 0);
  buf_appendf(out, "{\"status\":%d,\"detail\":\"%s\"}", status, detail);
}

/* ── the loop ── */

static void spin(struct harness *h)
{
  uv_run(&h->loop, UV_RUN_NOWAIT);
  poll(NULL, 0, 1); /* leaves the processor to others; nothing depends on how long it is */
}

/* until() turns the loop until condition holds. */
#define until(h, condition)                                                                        \
  do {                                                                                             \
    int64_t until_ms = clock_mono_ms() + WAIT_MS;                                                  \
    while (!(condition)) {                                                                         \
      cr_assert_lt(clock_mono_ms(), until_ms, "%s: did not come about", #condition);               \
      spin(h);                                                                                     \
    }                                                                                              \
  } while (0)

static void on_stopped(void *arg)
{
  ((struct harness *)arg)->stopped = true;
}

static void harness_init(struct harness *h)
{
  memset(h, 0, sizeof *h);
  uv_loop_init(&h->loop);
  h->options = (struct http_options){
      .host = "127.0.0.1",
      .max_connections = 1000,
      .header_timeout_ms = 5000,
      .body_timeout_ms = 30000,
      .idle_timeout_ms = 75000,
      .handler = {on_head, on_request, on_error, h},
  };
}

UNUSED static void harness_listen(struct harness *h)
{
  char error[256];
  enum status status = http_server_create(&h->loop, &h->options, &h->server, error, sizeof error);
  cr_assert_eq(status, ST_OK, "%s", error);
}

UNUSED static void harness_start(struct harness *h)
{
  harness_init(h);
  harness_listen(h);
}

UNUSED static void harness_start_ws(struct harness *h, const struct ws_options *options)
{
  harness_start(h);
  cr_assert_eq(ws_server_create(&h->loop, options, &h->ws), ST_OK);
}

/* Nothing may be left on the loop. */
UNUSED static void harness_stop(struct harness *h)
{
  if (h->server) {
    h->stopped = false;
    http_server_destroy(h->server, on_stopped, h);
    until(h, h->stopped);
  }
  if (h->ws) {
    h->stopped = false;
    ws_server_destroy(h->ws, on_stopped, h);
    until(h, h->stopped);
  }
  until(h, uv_loop_close(&h->loop) == 0);
}

/* ── clients ── */

UNUSED static struct client client_open_buffered(struct harness *h, int receive_buffer)
{
  struct client c = {.h = h};
  buf_init(&c.in, 64 * 1024 * 1024);
  c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer)
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)http_server_port(h->server)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  cr_assert_eq(connect(c.fd, (struct sockaddr *)&at, sizeof at), 0);
  cr_assert_eq(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
  return c;
}

UNUSED static struct client client_open(struct harness *h)
{
  return client_open_buffered(h, 0);
}

static void client_close(struct client *c)
{
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  buf_deinit(&c->in);
}

/* The next close() sends a reset. */
UNUSED static void client_abort(struct client *c)
{
  struct linger now = {.l_onoff = 1};
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  client_close(c);
}

UNUSED static void client_send_bytes(struct client *c, const void *data, size_t len)
{
  const char *at = data;
  int64_t give_up_ms = clock_mono_ms() + WAIT_MS;
  while (len > 0) {
    ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return; /* the server need not take all of it */
    if (n > 0) {
      at += n;
      len -= (size_t)n;
    }
    if (len > 0) spin(c->h);
    cr_assert_lt(clock_mono_ms(), give_up_ms, "the server does not read");
  }
}

UNUSED static void client_send(struct client *c, const char *text)
{
  client_send_bytes(c, text, strlen(text));
}

static void client_read(struct client *c)
{
  for (;;) {
    char *room = buf_reserve(&c->in, 65536);
    ssize_t n = recv(c->fd, room, 65536, 0);
    if (n > 0) {
      buf_commit(&c->in, (size_t)n);
      continue;
    }
    if (n == 0) c->eof = true;
    if (n < 0 && errno == ECONNRESET) c->reset = true;
    return;
  }
}

UNUSED static bool client_has(struct client *c, const char *needle)
{
  client_read(c);
  return c->in.len >= strlen(needle) && memmem(c->in.data, c->in.len, needle, strlen(needle));
}

UNUSED static bool client_ended(struct client *c)
{
  client_read(c);
  return c->eof || c->reset;
}

/* With lengths: under ASan strstr() takes that of all that is left, each time. */
UNUSED static int client_count(struct client *c, const char *needle)
{
  client_read(c);
  int n = 0;
  size_t len = strlen(needle);
  const char *at = c->in.data;
  while (at && (at = memmem(at, c->in.len - (size_t)(at - c->in.data), needle, len)) != NULL)
    n++, at += len;
  return n;
}

#define client_wait(c, needle)                                                                     \
  do {                                                                                             \
    int64_t client_end_ms = clock_mono_ms() + WAIT_MS;                                             \
    while (!client_has(c, needle)) {                                                               \
      cr_assert_lt(clock_mono_ms(), client_end_ms, "waited for %s, got: %s", needle,               \
                   (c)->in.data);                                                                  \
      spin((c)->h);                                                                                \
    }                                                                                              \
  } while (0)

#define client_wait_eof(c) until((c)->h, client_ended(c))

/* One request on a connection of its own; returns with the answer read to its end. */
#define exchange(h, c, request)                                                                    \
  struct client c = client_open(h);                                                                \
  client_send(&c, request);                                                                        \
  client_wait_eof(&c)

UNUSED static void answer(struct harness *h, size_t which, const char *text)
{
  answer_text(h->kept[which], 200, text);
  h->kept[which] = NULL;
}

#endif
