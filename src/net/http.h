/*
 * http.h - HTTP/1.1 connections: bytes to requests, answers to bytes. Knows nothing of orders.
 *
 * DESIGN. Node's way: libuv polls, a packaged parser parses (http_message.c alone knows which), the
 * parser is paused after each message, so that one request of a connection is in flight and later
 * bytes wait in its buffer. Each request gives a reply token. The token outlives the connection: if
 * the client leaves it is detached, and answering it is a no-op. It must be answered exactly once.
 *
 * Limits, each with its answer: request line and headers 16 KiB (431), body (413, also before it
 * was sent, by Content-Length), header deadline 5 s and body deadline 30 s, total, not since the
 * last byte (408), idle keep-alive 75 s, connections (accept, 503, close), connections of one
 * address (429). Refused with 400: CL + TE, two or bad Content-Length, bare LF, obs-fold, two or no
 * Host, any transfer coding but chunked. Expect: 100-continue is answered when the body is wanted;
 * another expectation is 417. HEAD is GET without a body. Loop thread only.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/status.h"

struct http_server;
struct http_reply;
struct ws_server;
struct ws_handler;

struct http_header {
  const char *name;
  const char *value;
};

struct http_request {
  const char *method; /* "GET", … */
  const char *target; /* as sent */
  const char *path;   /* percent-decoded, without the query; invalid escapes or %00: 400 before */
  const char *query;  /* raw, without "?"; NULL when there is none */
  const struct http_header *headers;
  size_t n_headers;
  const char *body; /* NUL-terminated; "" when there is none */
  size_t body_len;
  const char *peer; /* "127.0.0.1"; the address of the TCP peer */
  bool upgrade;     /* a well-formed WebSocket upgrade */
};

struct http_handler {
  /* on_head() sees the request without its body, and says how many bytes of body it takes; or
   * answers at once through reply and returns 0: the body is then skipped or the connection closed.
   * If it does not answer it forgets reply: the same one comes back with on_request(), or never. */
  size_t (*on_head)(void *arg, const struct http_request *request, struct http_reply *reply);
  /* on_request() sees the whole of it; borrowed for the call. Answer reply now or later. */
  void (*on_request)(void *arg, const struct http_request *request, struct http_reply *reply);
  /* on_error() makes the body of the answers this layer gives by itself (400, 408, 413, 431, …);
   * out is what to send, content type application/problem+json. */
  void (*on_error)(void *arg, int status, const char *detail, const char *request_id,
                   struct buf *out);
  void *arg;
};

struct http_options {
  const char *host;
  int port; /* 0: any, see http_server_port() */
  int64_t max_connections;
  int64_t max_refused;     /* over the limit, that are being told so; 0: HTTP_REFUSED_MAX */
  int64_t max_per_address; /* those that were handed over count until they end; 0: off */
  /* Sockets that were handed over and still count; NULL: none do. */
  size_t (*moved)(const void *arg);
  const void *moved_arg;
  int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms;
  bool reuse_port; /* several processes share the port */
  struct http_handler handler;
};

/* http_server_create() listens at once. ST_BROKEN: error (error_len) says why: "port 3000 is
 * already in use". */
enum status http_server_create(uv_loop_t *loop, const struct http_options *options,
                               struct http_server **out, char *error, size_t error_len) MUST_CHECK;
int http_server_port(const struct http_server *s);
size_t http_server_connections(const struct http_server *s);

/* http_server_drain() answers what has come and what comes within a moment, with Connection: close;
 * stops listening, ends idle connections, and calls done when the last has gone. Nobody is reset
 * who is heard. */
void http_server_drain(struct http_server *s, void (*done)(void *arg), void *arg);
/* http_server_destroy() closes what is left, at once; frees after the loop has let go. If it comes
 * before the end of a drain, only its own done is called. */
void http_server_destroy(struct http_server *s, void (*done)(void *arg), void *arg);

/* http_request_header() finds a header, case-insensitively; NULL when it is not there. */
const char *http_request_header(const struct http_request *request, const char *name);
/* http_query_value() copies the decoded value of a query parameter. ST_NOT_FOUND; ST_INVALID: bad
 * escape, given twice, or longer than out_len. */
enum status http_query_value(const char *query, const char *name, char *out,
                             size_t out_len) MUST_CHECK;

/* The id of this request: taken from X-Request-Id (at most 128 of A-Z a-z 0-9 . _ : -) or made.
 * Sent back as X-Request-Id by http_reply_send(). */
const char *http_reply_request_id(const struct http_reply *reply);

/* http_reply_send() answers. Headers and body are copied; Date, Content-Length, Connection and
 * X-Request-Id are added. Frees the token. */
void http_reply_send(struct http_reply *reply, int status, const struct http_header *headers,
                     size_t n_headers, const char *content_type, const void *body, size_t len);

/* An answer that has no end of its own: bytes as they come, until either side closes. */
struct http_stream;
struct http_stream_handler {
  void (*on_drain)(void *arg); /* what was kept has left */
  /* The client has gone, or the server stops; the stream is freed. Not from inside a call. */
  void (*on_close)(void *arg);
};

/* http_reply_stream() answers 200 without a length, so that the end of the connection is the end of
 * the answer. Headers are copied, handler is borrowed. Frees the token. NULL: the client has gone.
 */
struct http_stream *http_reply_stream(struct http_reply *reply, const struct http_header *headers,
                                      size_t n_headers, const char *content_type,
                                      const struct http_stream_handler *handler, void *arg);

/* http_stream_write() sends, and keeps what the socket does not take. Whoever writes more while
 * something is kept has to bound it himself. False: the client has gone, and the stream with it;
 * on_close does not come. */
bool http_stream_write(struct http_stream *s, const void *data, size_t len) MUST_CHECK;
size_t http_stream_kept(const struct http_stream *s);
/* http_stream_close() sends what is kept, then closes. Frees the stream; on_close does not come. */
void http_stream_close(struct http_stream *s);

/* http_reply_upgrade() answers a request with upgrade set: ws gets the socket, and what came after
 * the request. Frees the token. The handler's on_close is called once whatever happens, also when
 * the client was gone, but not from inside this call. */
void http_reply_upgrade(struct http_reply *reply, struct ws_server *ws,
                        const struct ws_handler *handler, void *arg);

#endif
