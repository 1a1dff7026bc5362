/*
 * http_server.h - what the parts of the HTTP layer share: the server behind its connections.
 * Inside net only; the outside is http.h. Loop thread only.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/http.h"
#include "net/http_address.h"
#include "net/http_message.h"

struct http_conn;

enum {
  HTTP_READ_MAX = 64 * 1024,  /* of one recv() */
  HTTP_AHEAD_MAX = 64 * 1024, /* buffered while a request is in flight */
  HTTP_LINGER_MAX = 64 * 1024,
  HTTP_LINGER_MS = 1000,
  HTTP_LAST_CALL_MS = 200, /* of a drain, for what is on its way */
  HTTP_REFUSED_MAX = 64,   /* connections over the limit that are being told so */
};

/* What a connection may be waiting for. Each has one time-out, so its list is in the order of the
 * deadlines, and looking for the expired ones costs nothing when there are none. */
enum http_wait {
  WAIT_NONE,
  WAIT_HEAD,
  WAIT_BODY,
  WAIT_IDLE,
  WAIT_LAST, /* WAIT_IDLE in a drain */
  WAIT_WRITE,
  WAIT_LINGER,
  N_WAITS
};

struct http_waits {
  struct list conns;
  int64_t timeout_ms;
};

struct http_server {
  uv_loop_t *loop;
  struct http_options options;
  uv_poll_t listener;
  uv_timer_t sweep;
  uv_idle_t turn; /* runs while connections are ready; keeps the loop from sleeping */
  int listen_fd;
  int port;
  bool listening; /* listener is open */
  bool accepting; /* listener is polled: not while out of descriptors */
  bool draining;
  bool destroying;
  int64_t last_call_ms; /* of a drain: when the listener closes */
  int64_t starved_ms;   /* when it was last said that descriptors ran out; 0: never */
  size_t open_handles;
  void (*done)(void *arg);
  void *done_arg;
  struct list conns;
  struct list ready; /* connections with bytes to parse, each in its turn */
  struct http_waits waits[N_WAITS];
  struct http_addresses addresses;
  int64_t date_s; /* the second that date is for */
  char date[40];
  struct buf head;       /* of the answer being written */
  struct http_view view; /* of the request being handled */
  char input[HTTP_READ_MAX + 1];
};

/* Of connections: c has bytes to parse, has died. */
void http_server_ready(struct http_server *s, struct http_conn *c);
void http_server_gone(struct http_server *s, struct http_conn *c);

#endif
