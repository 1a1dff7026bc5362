/*
 * ws.h - WebSocket sessions on sockets that the HTTP layer hands over; libwebsockets on the libuv
 * loop. Knows nothing of orders.
 *
 * Text only (binary: close 1003), UTF-8 checked (1007), a message of at most 64 KiB (1009), at most
 * 100 messages in any minute (1008), a ping after 20 s of silence, and a peer silent for 30 s is
 * closed. Outgoing messages are shared and counted; one is written for each time the socket takes
 * more, so a stalled client costs a queue of pointers, no copies. Loop thread only.
 */
#ifndef NET_WS_H
#define NET_WS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

struct http_address;
struct ws_server;
struct ws_session;

enum { WS_KEY_LEN = 24, WS_MESSAGE_MAX = 64 * 1024, WS_REASON_MAX = 123 };

/* A message on its way to any number of sessions. */
struct ws_message {
  size_t refs;
  size_t len;
  const char *text; /* NUL-terminated; libwebsockets has room in front of it */
};

/* Must outlive the session. on_close() is called exactly once for each session, also for one that
 * never opened, and never from inside a call of this interface; the session is gone when it
 * returns. code is the close code, 1006 when there was none. */
struct ws_handler {
  void (*on_open)(struct ws_session *session, void *arg);
  void (*on_message)(struct ws_session *session, void *arg, const char *text, size_t len);
  void (*on_close)(struct ws_session *session, void *arg, int code);
};

/* 0 takes the default. */
struct ws_options {
  size_t max_queued;    /* messages waiting in one session; default 1024 */
  int64_t ping_ms;      /* default 20000 */
  int64_t dead_ms;      /* default 30000 */
  int64_t max_messages; /* from a client, in any minute; default 100 */
};

enum status ws_server_create(uv_loop_t *loop, const struct ws_options *options,
                             struct ws_server **out) MUST_CHECK;

/* ws_server_destroy() closes what is left, at once, and frees after the loop has let go. */
void ws_server_destroy(struct ws_server *s, void (*done)(void *arg), void *arg);
size_t ws_server_sessions(const struct ws_server *s);

/* A connection that asked for a WebSocket: its socket (-1: it has gone), the address that it counts
 * for until the session ends (NULL: none), the Sec-WebSocket-Key of the request, and the bytes read
 * from it after the request. */
struct ws_handover {
  int fd;
  struct http_address *address;
  const char *key;
  const void *rest;
  size_t rest_len;
};

/* ws_server_adopt() takes the socket and the place at its address; used by the HTTP layer. */
void ws_server_adopt(struct ws_server *s, const struct ws_handover *from,
                     const struct ws_handler *handler, void *arg);

struct ws_message *ws_message_create(const char *text, size_t len);
void ws_message_unref(struct ws_message *m);

/* ws_session_send() queues m and takes a reference. ST_FULL: max_queued wait already, nothing was
 * queued: the caller closes it. A session that is closing drops it, and says ST_OK. */
enum status ws_session_send(struct ws_session *session, struct ws_message *m) MUST_CHECK;

/* ws_session_close() sends what is queued, then a close frame; a reason over 123 bytes is cut. With
 * discard the queue is dropped first. A client that does not take it in 5 s is cut off. on_close
 * follows. */
void ws_session_close(struct ws_session *session, int code, const char *reason, int discard);

/* ws_server_close_all() closes every session with code, as at shutdown (1001). */
void ws_server_close_all(struct ws_server *s, int code, const char *reason);

#endif
