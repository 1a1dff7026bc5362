/*
 * http_conn.h - one HTTP connection: bytes in, requests to the handler, answers out. Inside net
 * only. Loop thread only.
 */
#ifndef NET_HTTP_CONN_H
#define NET_HTTP_CONN_H

#include "net/http_server.h"

struct http_move;
struct http_input;

/*
 *            ┌──────── answered ───────┐
 *            ▼                         │
 *  accept ▶ READING ── a request ─▶ WAITING ── upgrade ─▶ MOVING ▶ libwebsockets
 *            │ the last answer is out  │ └──── stream ──▶ STREAMING
 *            ▼                         │ the peer has gone  │
 *         LINGERING ───────────────▶ CLOSED ◀──────────────┘
 */
enum http_conn_state {
  CONN_READING,
  CONN_WAITING,
  CONN_STREAMING,
  CONN_MOVING,
  CONN_LINGERING,
  CONN_CLOSED
};

struct http_conn {
  uv_poll_t poll;
  struct http_server *server;
  struct list_node node; /* in server->conns */
  struct list_node ready_node;
  struct list_node wait_node;
  int64_t deadline_ms;
  struct http_address *address; /* NULL: it went along with the socket */
  struct http_reply *reply;     /* of the request in flight; the handler owns it */
  struct http_move *move;
  struct http_stream *stream;    /* while STREAMING */
  const struct http_input *turn; /* its bytes, while they are parsed further up the stack */
  struct buf in;                 /* bytes not parsed yet, from in_start on; nothing while idle */
  size_t in_start;
  struct buf out; /* what the socket did not take, from out_start on */
  size_t out_start;
  size_t lingered;
  int fd;
  int events; /* polled for */
  enum http_conn_state state;
  enum http_wait wait;
  bool fresh;    /* has not carried a request yet */
  bool starved;  /* the parser needs more than there is */
  bool body_in;  /* the rest of the request is there or does not matter: the next one can follow */
  bool last;     /* it ends with the answer that is on its way */
  bool peer_end; /* the peer sends no more */
  char peer[46]; /* INET6_ADDRSTRLEN */
  struct http_message message;
};

/* http_conn_create() takes fd. NULL: it could not be polled, and is closed. */
struct http_conn *http_conn_create(struct http_server *s, int fd, const struct sockaddr *peer);

void http_conn_close(struct http_conn *c);                                  /* at once */
void http_conn_refuse(struct http_conn *c, int status, const char *detail); /* and then close */
void http_conn_drain(struct http_conn *c);  /* its next request is the last, if it comes soon */
void http_conn_resume(struct http_conn *c); /* its turn has come */
void http_conn_expire(struct http_conn *c); /* its deadline has passed */

/* http_conn_can_keep() says whether another request may follow the answer being made. */
bool http_conn_can_keep(const struct http_conn *c);

/* http_conn_answer() sends the answer to the request in flight. */
void http_conn_answer(struct http_conn *c, const struct buf *head, const void *body, size_t len,
                      bool keep);

/* http_conn_stream() sends the head of an answer that goes on as a stream. */
struct http_stream *http_conn_stream(struct http_conn *c, const struct buf *head,
                                     const struct http_stream_handler *handler, void *arg);

/* http_conn_move() hands the socket to ws; key is the request's Sec-WebSocket-Key. */
void http_conn_move(struct http_conn *c, const char *key, struct ws_server *ws,
                    const struct ws_handler *handler, void *arg);

#endif
