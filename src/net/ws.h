/*
 * ws.h - WebSocket sessions on sockets that the HTTP layer hands over; libwebsockets on the libuv
 * loop. Knows nothing of orders.
 *
 * Text only (binary: close 1003), UTF-8 checked (1007), a message of at most 64 KiB (1009), at most
 * 100 messages a minute (1008), a ping every 20 s and a peer silent for 30 s is closed. Outgoing
 * messages are shared and counted; one is written for each time the socket takes more, so a stalled
 * client costs a queue of pointers, no copies. Loop thread only.
 */
#ifndef NET_WS_H
#define NET_WS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

struct ws_server;
struct ws_session;

/* A message on its way to any number of sessions. */
struct ws_message {
  size_t refs;
  size_t len;
  char text[]; /* after the room libwebsockets wants in front; use ws_message_create() */
};

/* on_close() is called exactly once for each session, also for one that never opened; the session
 * is gone when it returns. code is the close code, 1006 when there was none. */
struct ws_handler {
  void (*on_open)(struct ws_session *session, void *arg);
  void (*on_message)(struct ws_session *session, void *arg, const char *text, size_t len);
  void (*on_close)(struct ws_session *session, void *arg, int code);
};

struct ws_options {
  size_t max_queued;    /* messages waiting in one session; default 1024 */
  int64_t ping_ms;      /* default 20000 */
  int64_t dead_ms;      /* default 30000 */
  int64_t max_messages; /* from a client, each minute; default 100 */
};

enum status ws_server_create(uv_loop_t *loop, const struct ws_options *options,
                             struct ws_server **out) MUST_CHECK;
void ws_server_destroy(struct ws_server *s, void (*done)(void *arg), void *arg);
size_t ws_server_sessions(const struct ws_server *s);

/* ws_server_adopt() takes the socket and the bytes read from it since the start of the upgrade
 * request; used by http.c. */
void ws_server_adopt(struct ws_server *s, int fd, const void *head, size_t len,
                     const struct ws_handler *handler, void *arg);

struct ws_message *ws_message_create(const char *text, size_t len);
void ws_message_unref(struct ws_message *m);

/* ws_session_send() queues m and takes a reference. ST_FULL: max_queued wait already, nothing was
 * queued: the caller closes it. */
enum status ws_session_send(struct ws_session *session, struct ws_message *m) MUST_CHECK;

/* ws_session_close() sends what is queued, then a close frame; reason ≤ 123 bytes. With discard the
 * queue is dropped first. on_close follows. */
void ws_session_close(struct ws_session *session, int code, const char *reason, int discard);

/* ws_server_close_all() closes every session with code, as at shutdown (1001). */
void ws_server_close_all(struct ws_server *s, int code, const char *reason);

#endif
