/*
 * http_conn.c - one connection. Loop thread only. It owns its socket and buffers; the reply of the
 * request in flight is the handler's, and is detached when the connection ends first.
 *
 * DESIGN: input is read into a buffer that all connections share, and parsed there; only what is
 * left over moves to a buffer of the connection's own, which is given back as soon as it is empty.
 * Output goes straight to the socket, and is kept only where the socket takes no more. So an idle
 * connection has no buffers at all.
 *
 * Everything that happens ends in settle(), which alone decides what comes next: what to poll for,
 * which deadline runs, whether to parse on or to close. The parser is never entered from an answer:
 * a connection with more to parse gets another turn from the loop, so the stack stays flat however
 * many requests are pipelined.
 */
#include "net/http_conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/http_reply.h"
#include "net/ws.h"

enum {
  REQUESTS_A_TURN = 32,
  BODY_LIMIT = 1024 * 1024 * 1024, /* whatever a handler asks for */
  IN_SLACK = HTTP_HEAD_MAX + HTTP_AHEAD_MAX + HTTP_READ_MAX,
};

/* Bytes being parsed: in the shared buffer or in the connection's own. */
struct http_input {
  char *data;
  size_t len;
};

struct http_stream {
  struct http_conn *conn;
  const struct http_stream_handler *handler;
  void *arg;
};

struct http_move {
  struct ws_server *ws;
  const struct ws_handler *handler;
  void *arg;
  char key[WS_KEY_LEN + 1];
};

_Static_assert(sizeof((struct http_conn *)0)->peer == INET6_ADDRSTRLEN, "no room for an address");

static void settle(struct http_conn *c);

static bool is_writing(const struct http_conn *c)
{
  return c->out.len > c->out_start;
}

static size_t buffered(const struct http_conn *c)
{
  return c->in.len - c->in_start;
}

/* Whether bytes may be parsed: there is no request in flight whose answer must go first. */
static bool takes_input(const struct http_conn *c)
{
  return c->state == CONN_READING && !c->last && !is_writing(c);
}

static void drop_input(struct http_conn *c)
{
  buf_deinit(&c->in);
  c->in_start = 0;
}

/* ── the end ── */

static void stop_waiting(struct http_conn *c)
{
  if (c->wait != WAIT_NONE) list_remove(&c->server->waits[c->wait].conns, &c->wait_node);
  c->wait = WAIT_NONE;
}

static void leave_lists(struct http_conn *c)
{
  stop_waiting(c);
  if (list_linked(&c->ready_node)) list_remove(&c->server->ready, &c->ready_node);
}

/* The handler has the token for good only when it has the whole request. */
static void drop_reply(struct http_conn *c)
{
  if (!c->reply) return;
  if (c->state == CONN_WAITING)
    http_reply_detach(c->reply);
  else
    http_reply_destroy(c->reply);
  c->reply = NULL;
}

/* Whoever writes the stream is told, unless he has ended it himself. */
static void drop_stream(struct http_conn *c, bool tell)
{
  struct http_stream *s = c->stream;
  c->stream = NULL;
  if (s && tell) s->handler->on_close(s->arg);
  free(s);
}

static void conn_free(struct http_conn *c)
{
  if (c->fd >= 0) close(c->fd);
  drop_input(c);
  buf_deinit(&c->out);
  http_server_gone(c->server, c);
  free(c);
}

static void on_closed(uv_handle_t *handle)
{
  conn_free(handle->data);
}

void http_conn_close(struct http_conn *c)
{
  if (c->state == CONN_CLOSED || c->state == CONN_MOVING) return;
  drop_reply(c);
  c->state = CONN_CLOSED;
  leave_lists(c);
  uv_close((uv_handle_t *)&c->poll, on_closed);
  drop_stream(c, true);
}

/* Closing a socket with unread input resets it, and the peer may lose the answer. So say that no
 * more will come, and read on a little while. */
static void linger(struct http_conn *c)
{
  drop_input(c);
  if (c->peer_end || shutdown(c->fd, SHUT_WR) < 0) {
    http_conn_close(c);
    return;
  }
  c->state = CONN_LINGERING;
}

static void on_moved(uv_handle_t *handle)
{
  struct http_conn *c = handle->data;
  struct http_move *move = c->move;
  struct ws_handover from = {.fd = c->fd, .address = c->address, .key = move->key};
  if (buffered(c) > c->message.taken) { /* taken: of the request itself, if still in on_head() */
    from.rest = c->in.data + c->in_start + c->message.taken;
    from.rest_len = buffered(c) - c->message.taken;
  }
  c->fd = -1;
  c->address = NULL;
  ws_server_adopt(move->ws, &from, move->handler, move->arg);
  free(move);
  conn_free(c);
}

void http_conn_move(struct http_conn *c, const char *key, struct ws_server *ws,
                    const struct ws_handler *handler, void *arg)
{
  assert(c->reply && !is_writing(c));
  c->reply = NULL;
  c->state = CONN_MOVING;
  leave_lists(c);
  c->move = mem_alloc(sizeof *c->move);
  *c->move = (struct http_move){.ws = ws, .handler = handler, .arg = arg};
  memcpy(c->move->key, key, WS_KEY_LEN);
  uv_close((uv_handle_t *)&c->poll, on_moved);
}

/* ── output ── */

static void keep_output(struct http_conn *c, const struct iovec *parts, size_t sent)
{
  for (int i = 0; i < 2; i++) {
    size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
    buf_append(&c->out, (const char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
    sent -= skip;
  }
  assert(!c->out.overflow);
}

static void send_parts(struct http_conn *c, const void *head, size_t head_len, const void *body,
                       size_t body_len)
{
  struct iovec parts[2] = {{(void *)(uintptr_t)head, head_len},
                           {(void *)(uintptr_t)body, body_len}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t sent = 0;
  if (!is_writing(c))
    sent = body_len ? sendmsg(c->fd, &message, MSG_NOSIGNAL)
                    : send(c->fd, head, head_len, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    http_conn_close(c);
    return;
  }
  size_t done = sent > 0 ? (size_t)sent : 0;
  if (done < head_len + body_len) keep_output(c, parts, done);
}

static void flush(struct http_conn *c)
{
  ssize_t sent = send(c->fd, c->out.data + c->out_start, c->out.len - c->out_start, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) http_conn_close(c);
    return;
  }
  c->out_start += (size_t)sent;
  stop_waiting(c); /* it moved: the deadline starts anew */
  if (is_writing(c)) return;
  buf_deinit(&c->out);
  c->out_start = 0;
}

/* ── streams ── */

struct http_stream *http_conn_stream(struct http_conn *c, const struct buf *head,
                                     const struct http_stream_handler *handler, void *arg)
{
  c->reply = NULL;
  c->last = true;
  c->state = CONN_STREAMING;
  send_parts(c, head->data, head->len, NULL, 0);
  if (c->state == CONN_CLOSED) return NULL;
  c->stream = mem_alloc(sizeof *c->stream);
  *c->stream = (struct http_stream){c, handler, arg};
  if (!c->turn) settle(c);
  return c->stream;
}

bool http_stream_write(struct http_stream *s, const void *data, size_t len)
{
  struct http_conn *c = s->conn;
  c->stream = NULL; /* if this closes the connection nobody is to be told */
  send_parts(c, data, len, NULL, 0);
  if (c->state == CONN_CLOSED) {
    free(s);
    return false;
  }
  c->stream = s;
  if (!c->turn) settle(c);
  return true;
}

size_t http_stream_kept(const struct http_stream *s)
{
  return s->conn->out.len - s->conn->out_start;
}

void http_stream_close(struct http_stream *s)
{
  struct http_conn *c = s->conn;
  drop_stream(c, false);
  c->state = CONN_READING;
  if (!c->turn) settle(c);
}

static bool has_more(const struct http_conn *c)
{
  return (c->turn ? c->turn->len : buffered(c)) > c->message.taken;
}

/* In a drain what has come already is answered, too. */
bool http_conn_can_keep(const struct http_conn *c)
{
  return c->body_in && (!c->server->draining || has_more(c));
}

void http_conn_answer(struct http_conn *c, const struct buf *head, const void *body, size_t len,
                      bool keep)
{
  c->reply = NULL;
  if (!keep) c->last = true;
  if (c->state == CONN_WAITING) c->state = CONN_READING;
  send_parts(c, head->data, head->len, body, len);
  if (!c->turn) settle(c);
}

void http_conn_refuse(struct http_conn *c, int status, const char *detail)
{
  if (!c->reply) c->reply = http_reply_create(c, NULL, false);
  c->body_in = false;
  http_reply_refuse(c->reply, status, detail);
}

/* ── requests ── */

static void call_handler(struct http_conn *c, struct http_input *in)
{
  const struct http_handler *handler = &c->server->options.handler;
  char *end = in->data + c->message.taken, next = *end; /* maybe of the next request */
  *end = '\0';
  c->state = CONN_WAITING;
  http_message_view(&c->message, in->data, c->peer, &c->server->view);
  handler->on_request(handler->arg, &c->server->view.request, c->reply);
  *end = next;
}

/* The body counts as being in when it need not be waited for: the connection stays usable even if
 * the handler answers now. */
static void take_head(struct http_conn *c, const struct http_input *in)
{
  struct http_message *m = &c->message;
  struct http_view *view = &c->server->view;
  const struct http_handler *handler = &c->server->options.handler;
  stop_waiting(c);
  c->body_in = !m->chunked && m->content_length <= in->len - m->taken;
  http_message_view(m, in->data, c->peer, view);
  c->reply = http_reply_create(c, &view->request, m->keep_alive);
  size_t max = handler->on_head(handler->arg, &view->request, c->reply);
  if (!c->reply) max = in->len; /* answered: if it goes on at all, then by skipping the body */
  m->body_max = max < BODY_LIMIT ? max : BODY_LIMIT;
  c->in.max = IN_SLACK + m->body_max;
}

static void take_message(struct http_conn *c, struct http_input *in)
{
  c->body_in = true;
  if (c->reply) call_handler(c, in);
  in->data += c->message.taken;
  in->len -= c->message.taken;
  http_message_init(&c->message);
  c->fresh = false;
  stop_waiting(c);
}

static void want_more(struct http_conn *c, const struct http_input *in)
{
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  c->starved = true;
  if (!c->message.expects_continue) return;
  c->message.expects_continue = false;
  if (in->len == c->message.head_len) send_parts(c, go_on, sizeof go_on - 1, NULL, 0);
}

static void step(struct http_conn *c, struct http_input *in)
{
  switch (http_message_parse(&c->message, in->data, &in->len)) {
  case PARSED_MORE:
    want_more(c, in);
    return;
  case PARSED_HEAD:
    take_head(c, in);
    return;
  case PARSED_DONE:
    take_message(c, in);
    return;
  case PARSED_REFUSED:
    http_conn_refuse(c, c->message.status, c->message.detail);
    return;
  }
}

/* A step is a head or a body, hence two for each request. */
static void turn(struct http_conn *c, struct http_input *in)
{
  c->turn = in;
  c->starved = false;
  for (int n = 0; n < 2 * REQUESTS_A_TURN; n++) {
    if (in->len == 0 || c->starved || !takes_input(c)) break;
    step(c, in);
  }
  c->turn = NULL;
}

/* ── input ── */

static struct http_input own_input(const struct http_conn *c)
{
  return (struct http_input){c->in.data + c->in_start, buffered(c)};
}

/* What is left of the connection's own buffer. */
static void keep_own_input(struct http_conn *c, const struct http_input *in)
{
  if (in->len == 0) {
    drop_input(c);
    return;
  }
  c->in_start = (size_t)(in->data - c->in.data);
  c->in.len = c->in_start + in->len;
}

static void append_input(struct http_conn *c, const char *data, size_t len)
{
  if (len == 0) return;
  buf_consume(&c->in, c->in_start);
  c->in_start = 0;
  buf_append(&c->in, data, len);
  assert(!c->in.overflow);
}

static void parse_input(struct http_conn *c, char *data, size_t len)
{
  if (buffered(c) == 0) {
    struct http_input in = {data, len};
    turn(c, &in);
    append_input(c, in.data, in.len);
    return;
  }
  append_input(c, data, len);
  struct http_input in = own_input(c);
  turn(c, &in);
  keep_own_input(c, &in);
}

static void discard(struct http_conn *c, size_t len)
{
  c->lingered += len;
  if (len == 0 || c->lingered > HTTP_LINGER_MAX) http_conn_close(c);
}

/* read_input() gives whether there was anything, the end included. */
static bool read_input(struct http_conn *c)
{
  char *data = c->server->input;
  ssize_t len = recv(c->fd, data, HTTP_READ_MAX, 0);
  if (len < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (len < 0) {
    http_conn_close(c);
  } else if (c->state == CONN_LINGERING || c->state == CONN_STREAMING) {
    discard(c, (size_t)len);
  } else {
    if (len == 0) c->peer_end = true;
    parse_input(c, data, (size_t)len);
  }
  return true;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
  struct http_conn *c = handle->data;
  if (status < 0) {
    http_conn_close(c);
    return;
  }
  if (events & UV_WRITABLE && is_writing(c)) flush(c);
  if (c->stream && events & UV_WRITABLE && !is_writing(c))
    c->stream->handler->on_drain(c->stream->arg);
  if (events & UV_READABLE && c->state != CONN_CLOSED) read_input(c);
  settle(c);
}

void http_conn_resume(struct http_conn *c)
{
  struct http_input in = own_input(c);
  turn(c, &in);
  keep_own_input(c, &in);
  settle(c);
}

/* ── what comes next ── */

static void poll_for(struct http_conn *c, int events)
{
  if (events == c->events) return;
  c->events = events;
  if (events)
    uv_poll_start(&c->poll, events, on_poll);
  else
    uv_poll_stop(&c->poll);
}

static bool wants_bytes(const struct http_conn *c)
{
  if (c->peer_end) return false;
  if (c->state == CONN_LINGERING || c->state == CONN_STREAMING) return true;
  return buffered(c) < HTTP_AHEAD_MAX || (c->starved && takes_input(c));
}

static enum http_wait wait_of(const struct http_conn *c)
{
  if (c->state == CONN_LINGERING) return WAIT_LINGER;
  if (is_writing(c)) return WAIT_WRITE;
  if (c->state == CONN_WAITING || c->state == CONN_STREAMING) return WAIT_NONE;
  if (c->message.head_len > 0) return WAIT_BODY;
  if (c->server->draining && buffered(c) == 0) return WAIT_LAST;
  return c->fresh || buffered(c) > 0 ? WAIT_HEAD : WAIT_IDLE;
}

static void wait_for(struct http_conn *c, enum http_wait wait)
{
  if (wait == c->wait) return;
  stop_waiting(c);
  c->wait = wait;
  if (wait == WAIT_NONE) return;
  struct http_waits *waits = &c->server->waits[wait];
  c->deadline_ms = (int64_t)uv_now(c->server->loop) + waits->timeout_ms;
  list_append(&waits->conns, &c->wait_node);
}

static void settle(struct http_conn *c)
{
  if (c->state == CONN_READING && c->last && !is_writing(c)) linger(c);
  if (takes_input(c)) {
    if (buffered(c) > 0 && !c->starved)
      http_server_ready(c->server, c);
    else if (c->peer_end)
      http_conn_close(c);
  }
  if (c->state == CONN_CLOSED || c->state == CONN_MOVING) return;
  wait_for(c, wait_of(c));
  poll_for(c, (wants_bytes(c) ? UV_READABLE : 0) | (is_writing(c) ? UV_WRITABLE : 0));
}

/* A stream goes on elsewhere: its reader knows where it was. */
void http_conn_drain(struct http_conn *c)
{
  if (c->state == CONN_STREAMING) {
    drop_stream(c, true);
    c->state = CONN_READING;
  }
  if (!c->turn) settle(c);
}

/* What came since the loop polled is not left unread: that would be a reset. */
static void end_last_call(struct http_conn *c)
{
  stop_waiting(c);
  if (!read_input(c)) linger(c);
  settle(c);
}

void http_conn_expire(struct http_conn *c)
{
  enum http_wait wait = c->wait;
  if (wait == WAIT_LAST)
    end_last_call(c);
  else if (wait == WAIT_BODY)
    http_conn_refuse(c, 408, "the body took too long");
  else if (wait == WAIT_HEAD && buffered(c) > 0)
    http_conn_refuse(c, 408, "the head took too long");
  else
    http_conn_close(c);
}

struct http_conn *http_conn_create(struct http_server *s, int fd, const struct sockaddr *peer)
{
  struct http_conn *c = mem_alloc(sizeof *c);
  c->server = s;
  c->fd = fd;
  c->fresh = true;
  if (uv_poll_init_socket(s->loop, &c->poll, fd) < 0) {
    close(fd);
    free(c);
    return NULL;
  }
  c->poll.data = c;
  c->address = http_address_enter(&s->addresses, peer);
  http_address_format(peer, c->peer);
  buf_init(&c->in, IN_SLACK);
  buf_init(&c->out, SIZE_MAX / 8);
  http_message_init(&c->message);
  list_append(&s->conns, &c->node);
  settle(c);
  return c;
}
