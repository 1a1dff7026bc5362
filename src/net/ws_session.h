/*
 * ws_session.h - the inside of WebSocket sessions and of their server. Inside net only; the outside
 * is ws.h. Loop thread only.
 */
#ifndef NET_WS_SESSION_H
#define NET_WS_SESSION_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/http_address.h"
#include "net/ws.h"
#include "net/ws_queue.h"

enum { WS_CLOSE_MS = 5000 }; /* for the peer to take what is queued, and the close frame */

struct ws_server {
  uv_loop_t *loop;
  struct ws_options options;
  struct lws_context *context; /* libwebsockets sets it to NULL when it has freed it */
  struct lws_vhost *vhost;
  uv_timer_t sweep;
  struct list open;            /* in the order in which they were last heard of */
  struct list closing;         /* in the order in which that began */
  struct list unborn;          /* gone before they were there; to be told so */
  struct ws_session *adopting; /* until libwebsockets has made its side of it */
  unsigned destroy_ticks;
  void (*done)(void *arg);
  void *done_arg;
};

/*
 *  adopt ▶ OPENING ▶ OPEN ▶ CLOSING ▶ CLOSED    and from each to the end, when the peer goes
 */
enum ws_state { WS_OPENING, WS_OPEN, WS_CLOSING, WS_CLOSED };

struct ws_session {
  struct ws_server *server;
  struct list_node node;
  struct list *list; /* the one it is in */
  struct lws *wsi;
  struct http_address *address; /* one of its connections; NULL: the client was gone before */
  const struct ws_handler *handler;
  void *arg;
  struct ws_queue queue;
  struct buf in;      /* the message being received; empty memory in between */
  int64_t *received;  /* when, of the last max_messages; NULL until the first */
  size_t received_at; /* the oldest of them */
  int64_t since_ms;   /* last heard of; when it began to close */
  char *reason;       /* of our close frame */
  int code;           /* of it, or of the peer's; 0: none yet */
  enum ws_state state;
  bool ping_due;
  bool pinged; /* since it was last heard of */
};

struct ws_session *ws_session_create(struct ws_server *s, const struct ws_handler *handler,
                                     void *arg);
void ws_session_move(struct ws_session *session, struct list *list); /* to its end, with the time */
void ws_session_cut(struct ws_session *session); /* the connection; its end follows */
void ws_session_ping(struct ws_session *session);
void ws_session_end(struct ws_session *session, int code); /* tells the handler, and frees */

/* ws_session_callback() is what libwebsockets calls. */
int ws_session_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len);

#endif
