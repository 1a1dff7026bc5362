/*
 * http_reply.c - answers: the token that a handler answers through, and the head of what is sent.
 * Loop thread only. The token belongs to the handler until answered; it points to the connection
 * only as long as that lives.
 *
 * DESIGN: an answer is a head and a body in one go; a stream is a head, then pieces, which wait in
 * the connection's out buffer as an answer's rest does.
 */
#include "net/http_reply.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/ulid.h"
#include "net/ws.h"

enum {
  REQUEST_ID_MAX = 128,
  SMALL_BODY = 8 * 1024, /* is cheaper to copy than to send as a second part */
};

struct http_reply {
  struct http_conn *conn; /* NULL: the client has gone */
  bool keep_alive;
  bool head_only;
  char ws_key[WS_KEY_LEN + 1]; /* "" when it is no WebSocket upgrade */
  char request_id[REQUEST_ID_MAX + 1];
};

static bool is_request_id(const char *text)
{
  static const char allowed[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
  size_t len = strspn(text, allowed);
  return len > 0 && len <= REQUEST_ID_MAX && text[len] == '\0';
}

struct http_reply *http_reply_create(struct http_conn *c, const struct http_request *request,
                                     bool keep_alive)
{
  struct http_reply *reply = mem_alloc(sizeof *reply);
  reply->conn = c;
  reply->keep_alive = keep_alive;
  const char *id = request ? http_request_header(request, "X-Request-Id") : NULL;
  if (id && is_request_id(id)) {
    memcpy(reply->request_id, id, strlen(id));
  } else {
    struct ulid made = ulid_make();
    ulid_format(&made, reply->request_id);
  }
  if (!request) return reply;
  reply->head_only = strcmp(request->method, "HEAD") == 0;
  if (request->upgrade)
    memcpy(reply->ws_key, http_request_header(request, "Sec-WebSocket-Key"), WS_KEY_LEN);
  return reply;
}

void http_reply_detach(struct http_reply *reply)
{
  reply->conn = NULL;
}

void http_reply_destroy(struct http_reply *reply)
{
  free(reply);
}

const char *http_reply_request_id(const struct http_reply *reply)
{
  return reply->request_id;
}

static const char *reason_of(int status)
{
  static const struct {
    int status;
    const char *reason;
  } reasons[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {303, "See Other"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status) return reasons[i].reason;
  return "Unknown";
}

/* The date is formatted once a second. */
static const char *date_of(struct http_server *s)
{
  int64_t now_s = clock_unix_ms() / 1000;
  if (now_s == s->date_s) return s->date;
  time_t now = (time_t)now_s;
  struct tm utc;
  gmtime_r(&now, &utc);
  strftime(s->date, sizeof s->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  s->date_s = now_s;
  return s->date;
}

static void put_header(struct buf *head, const char *name, const char *value)
{
  buf_append_str(head, name);
  buf_append(head, ": ", 2);
  buf_append_str(head, value);
  buf_append(head, "\r\n", 2);
}

/* A line break in a value would let whoever chose the value write headers of his own. */
static void put_checked_header(struct buf *head, const struct http_header *h)
{
  if (strpbrk(h->value, "\r\n"))
    LOG_ERROR("header with a line break not sent", LOG_STR("name", h->name));
  else
    put_header(head, h->name, h->value);
}

static void put_status(struct buf *head, int status)
{
  assert(status >= 200 && status <= 599);
  buf_append_str(head, "HTTP/1.1 ");
  buf_append_int(head, status);
  buf_append_char(head, ' ');
  buf_append_str(head, reason_of(status));
  buf_append(head, "\r\n", 2);
}

/* What every head begins with. */
static struct buf *begin_head(struct http_conn *c, int status, const char *content_type)
{
  struct buf *head = &c->server->head;
  buf_clear(head);
  put_status(head, status);
  put_header(head, "Date", date_of(c->server));
  if (content_type) put_header(head, "Content-Type", content_type);
  return head;
}

static void end_head(struct buf *head, const struct http_reply *reply,
                     const struct http_header *headers, size_t n_headers, bool keep)
{
  put_header(head, "X-Request-Id", reply->request_id);
  for (size_t i = 0; i < n_headers; i++) put_checked_header(head, &headers[i]);
  if (!keep) put_header(head, "Connection", "close");
  buf_append(head, "\r\n", 2);
}

void http_reply_send(struct http_reply *reply, int status, const struct http_header *headers,
                     size_t n_headers, const char *content_type, const void *body, size_t len)
{
  struct http_conn *c = reply->conn;
  if (!c) {
    free(reply);
    return;
  }
  bool bodyless = status == 204 || status == 304;
  assert(!bodyless || len == 0);
  bool keep = reply->keep_alive && http_conn_can_keep(c);
  struct buf *head = begin_head(c, status, content_type);
  if (!bodyless) {
    buf_append_str(head, "Content-Length: ");
    buf_append_int(head, (long long)len);
    buf_append(head, "\r\n", 2);
  }
  end_head(head, reply, headers, n_headers, keep);
  size_t body_len = reply->head_only ? 0 : len;
  free(reply);
  if (body_len <= SMALL_BODY) {
    buf_append(head, body, body_len);
    body_len = 0;
  }
  assert(!head->overflow);
  http_conn_answer(c, head, body, body_len, keep);
}

struct http_stream *http_reply_stream(struct http_reply *reply, const struct http_header *headers,
                                      size_t n_headers, const char *content_type,
                                      const struct http_stream_handler *handler, void *arg)
{
  struct http_conn *c = reply->conn;
  struct http_stream *stream = NULL;
  if (c) {
    struct buf *head = begin_head(c, 200, content_type);
    end_head(head, reply, headers, n_headers, false);
    assert(!head->overflow);
    stream = http_conn_stream(c, head, handler, arg);
  }
  free(reply);
  return stream;
}

void http_reply_refuse(struct http_reply *reply, int status, const char *detail)
{
  enum { ERROR_MAX = 64 * 1024 };
  static const struct http_header retry = {"Retry-After", "1"};
  const struct http_handler *handler = &reply->conn->server->options.handler;
  struct buf body;
  buf_init(&body, ERROR_MAX);
  handler->on_error(handler->arg, status, detail, reply->request_id, &body);
  reply->keep_alive = false;
  http_reply_send(reply, status, &retry, status == 503 || status == 429, "application/problem+json",
                  body.data, body.len);
  buf_deinit(&body);
}

void http_reply_upgrade(struct http_reply *reply, struct ws_server *ws,
                        const struct ws_handler *handler, void *arg)
{
  assert(reply->ws_key[0]); /* request->upgrade was set */
  if (reply->conn) {
    http_conn_move(reply->conn, reply->ws_key, ws, handler, arg);
  } else {
    ws_server_adopt(ws, &(struct ws_handover){.fd = -1}, handler, arg);
  }
  free(reply);
}
