/*
 * http_server.c - listening, accepting within limits, deadlines, and the end. Loop thread only. The
 * server owns its connections; it is freed when the last of their handles has closed.
 *
 * DESIGN. A drain. The kernel resets what waits in a listener's backlog when it closes, and what a
 * handshake that is under way is about to put there. So first no handshake begins any more (a
 * packet filter drops SYNs; whoever sent one tries again in a second, and finds another process or
 * nobody), then those under way have HTTP_LAST_CALL_MS to end, then all that wait are accepted, and
 * the listener closes. Connections between two requests have as long for another one, which is
 * answered with Connection: close, before they are told that there is no more to come.
 */
#include "net/http_server.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/http_conn.h"

enum {
  ACCEPTS_A_TURN = 64,
  BACKLOG = 1024,
  WAITING_MAX = 2 * BACKLOG, /* that are accepted at the end of a drain */
  HEAD_MAX = 64 * 1024,      /* of an answer */
  SWEEP_MIN_MS = 10,
  SWEEP_MAX_MS = 1000,
  SAY_AGAIN_MS = 60000,
  LAST_CALL_SWEEP_MS = 20,
};

/* ── listening ── */

static const char *why_not(int error)
{
  switch (error) {
  case EADDRINUSE:
    return "is already in use";
  case EACCES:
    return "needs privileges";
  case EADDRNOTAVAIL:
    return "is not an address of this machine";
  default:
    return strerror(error);
  }
}

static int open_listener(const struct http_options *options, const struct addrinfo *at)
{
  int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options->reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
    goto fail;
  if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) goto fail;
  return fd;

fail:;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int port_of(int fd)
{
  struct sockaddr_storage at;
  socklen_t len = sizeof at;
  if (getsockname(fd, (struct sockaddr *)&at, &len) < 0) return 0;
  in_port_t port = at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                            : ((struct sockaddr_in *)&at)->sin_port;
  return ntohs(port);
}

static enum status listen_at(struct http_server *s, char *error, size_t error_len)
{
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  char port[16];
  snprintf(port, sizeof port, "%d", s->options.port);
  struct addrinfo *at;
  int failed = getaddrinfo(s->options.host, port, &hints, &at);
  if (failed) {
    snprintf(error, error_len, "host %s: %s", s->options.host, gai_strerror(failed));
    return ST_BROKEN;
  }
  s->listen_fd = open_listener(&s->options, at);
  int reason = errno;
  freeaddrinfo(at);
  if (s->listen_fd < 0) {
    if (reason == EADDRNOTAVAIL)
      snprintf(error, error_len, "host %s %s", s->options.host, why_not(reason));
    else
      snprintf(error, error_len, "port %d %s", s->options.port, why_not(reason));
    return ST_BROKEN;
  }
  s->port = port_of(s->listen_fd);
  return ST_OK;
}

/* ── accepting ── */

static int64_t over_limit(const struct http_server *s)
{
  const struct http_options *o = &s->options;
  size_t moved = o->moved ? o->moved(o->moved_arg) : 0;
  return (int64_t)(s->conns.len + moved) - o->max_connections;
}

/* Whoever is refused stays for a moment to be told why, and so many may do that. */
static void admit(struct http_server *s, int fd, const struct sockaddr *peer)
{
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int64_t over = over_limit(s), most = s->options.max_per_address;
  if (over >= s->options.max_refused) {
    close(fd);
    return;
  }
  struct http_conn *c = http_conn_create(s, fd, peer);
  if (!c) return;
  int64_t over_here = most > 0 ? c->address->connections - most : 0;
  if (over >= 0)
    http_conn_refuse(c, 503, "too many connections");
  else if (over_here > s->options.max_refused)
    http_conn_close(c);
  else if (over_here > 0)
    http_conn_refuse(c, 429, "too many connections from this address");
}

/* Polling on would spin: whoever waits stays in the backlog until a connection ends, or the next
 * sweep. One line a minute says so. */
static void starve(struct http_server *s, int error)
{
  int64_t now_ms = (int64_t)uv_now(s->loop);
  if (s->starved_ms == 0 || now_ms - s->starved_ms >= SAY_AGAIN_MS) {
    LOG_WARN("cannot accept connections", LOG_STR("reason", strerror(error)),
             LOG_INT("connections", (int64_t)s->conns.len));
    s->starved_ms = now_ms;
  }
  uv_poll_stop(&s->listener);
  s->accepting = false;
}

/* accept_waiting() gives whether nobody waits any more. */
static bool accept_waiting(struct http_server *s, int most)
{
  for (int i = 0; i < most && s->accepting; i++) {
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int fd = accept4(s->listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(s, fd, (const struct sockaddr *)&peer);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      starve(s, errno);
    } else if (errno != ECONNABORTED && errno != EINTR) {
      return true;
    }
  }
  return false;
}

static void on_connection(uv_poll_t *handle, int status, int events)
{
  (void)status, (void)events; /* accept4() tells */
  accept_waiting(handle->data, ACCEPTS_A_TURN);
}

static void start_accepting(struct http_server *s)
{
  s->accepting = uv_poll_start(&s->listener, UV_READABLE, on_connection) == 0;
}

/* ── the end ── */

static void end(struct http_server *s)
{
  void (*done)(void *) = s->done;
  void *arg = s->done_arg;
  s->done = NULL;
  if (s->destroying) {
    http_addresses_deinit(&s->addresses);
    buf_deinit(&s->head);
    free(s);
  }
  if (done) done(arg);
}

static void end_if_over(struct http_server *s)
{
  bool drained = s->draining && !s->listening && list_empty(&s->conns);
  if (s->destroying ? drained && s->open_handles == 0 : drained && s->done) end(s);
}

static void on_handle_closed(uv_handle_t *handle)
{
  struct http_server *s = handle->data;
  s->open_handles--;
  end_if_over(s);
}

static void stop_listening(struct http_server *s)
{
  if (!s->listening) return;
  s->listening = s->accepting = false;
  uv_close((uv_handle_t *)&s->listener, on_handle_closed);
  close(s->listen_fd);
}

/* The filter sees a segment from its TCP header on. Where it is not to be had, a connection that
 * comes in the very last moment is reset. */
static void refuse_handshakes(struct http_server *s)
{
  enum { FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };
  struct sock_filter drop_syn[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  struct sock_fprog program = {sizeof drop_syn / sizeof *drop_syn, drop_syn};
  if (setsockopt(s->listen_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
    LOG_WARN("no packet filter: what connects while the listener closes is reset",
             LOG_STR("reason", strerror(errno)));
}

static void end_last_call(struct http_server *s, int64_t now_ms)
{
  if (now_ms < s->last_call_ms || !accept_waiting(s, WAITING_MAX)) return;
  stop_listening(s);
  end_if_over(s);
}

/* ── deadlines and turns ── */

static void expire(struct http_waits *waits, int64_t now_ms)
{
  for (struct list_node *first; (first = list_first(&waits->conns)) != NULL;) {
    struct http_conn *c = container_of(first, struct http_conn, wait_node);
    if (c->deadline_ms > now_ms) return;
    http_conn_expire(c);
  }
}

static void on_sweep(uv_timer_t *timer)
{
  struct http_server *s = timer->data;
  int64_t now_ms = (int64_t)uv_now(s->loop);
  for (int i = WAIT_NONE + 1; i < N_WAITS; i++) expire(&s->waits[i], now_ms);
  if (s->listening && !s->accepting) start_accepting(s);
  if (s->listening && s->draining) end_last_call(s, now_ms);
}

static uint64_t sweep_interval(const struct http_options *o)
{
  int64_t least = o->header_timeout_ms;
  if (o->body_timeout_ms < least) least = o->body_timeout_ms;
  if (o->idle_timeout_ms < least) least = o->idle_timeout_ms;
  least /= 4;
  if (least < SWEEP_MIN_MS) return SWEEP_MIN_MS;
  return least < SWEEP_MAX_MS ? (uint64_t)least : SWEEP_MAX_MS;
}

static void on_turn(uv_idle_t *handle)
{
  struct http_server *s = handle->data;
  for (size_t n = s->ready.len; n > 0; n--) {
    struct list_node *first = list_pop(&s->ready);
    if (!first) break; /* others have died in the meantime */
    http_conn_resume(container_of(first, struct http_conn, ready_node));
  }
  if (list_empty(&s->ready)) uv_idle_stop(&s->turn);
}

void http_server_ready(struct http_server *s, struct http_conn *c)
{
  if (list_linked(&c->ready_node)) return;
  list_append(&s->ready, &c->ready_node);
  uv_idle_start(&s->turn, on_turn);
}

/* ── beginning and end ── */

static void init_lists(struct http_server *s)
{
  const struct http_options *o = &s->options;
  const int64_t timeouts[N_WAITS] = {
      [WAIT_HEAD] = o->header_timeout_ms, [WAIT_BODY] = o->body_timeout_ms,
      [WAIT_IDLE] = o->idle_timeout_ms,   [WAIT_LAST] = HTTP_LAST_CALL_MS,
      [WAIT_WRITE] = o->body_timeout_ms,  [WAIT_LINGER] = HTTP_LINGER_MS,
  };
  list_init(&s->conns);
  list_init(&s->ready);
  for (int i = 0; i < N_WAITS; i++) {
    list_init(&s->waits[i].conns);
    s->waits[i].timeout_ms = timeouts[i];
  }
  http_addresses_init(&s->addresses);
  buf_init(&s->head, HEAD_MAX);
}

enum status http_server_create(uv_loop_t *loop, const struct http_options *options,
                               struct http_server **out, char *error, size_t error_len)
{
  assert(options->handler.on_head && options->handler.on_request && options->handler.on_error);
  struct http_server *s = mem_alloc(sizeof *s);
  s->loop = loop;
  s->options = *options;
  if (s->options.max_refused == 0) s->options.max_refused = HTTP_REFUSED_MAX;
  enum status status = listen_at(s, error, error_len);
  if (status != ST_OK) goto fail_listen;
  int failed = uv_poll_init_socket(loop, &s->listener, s->listen_fd);
  if (failed) {
    snprintf(error, error_len, "listening: %s", uv_strerror(failed));
    status = ST_BROKEN;
    goto fail_poll;
  }
  s->listener.data = s->sweep.data = s->turn.data = s;
  uv_timer_init(loop, &s->sweep);
  uv_idle_init(loop, &s->turn);
  s->open_handles = 3;
  s->listening = true;
  init_lists(s);
  start_accepting(s);
  uint64_t interval = sweep_interval(options);
  uv_timer_start(&s->sweep, on_sweep, interval, interval);
  *out = s;
  return ST_OK;

fail_poll:
  close(s->listen_fd);
fail_listen:
  free(s);
  return status;
}

int http_server_port(const struct http_server *s)
{
  return s->port;
}

size_t http_server_connections(const struct http_server *s)
{
  return s->conns.len;
}

void http_server_gone(struct http_server *s, struct http_conn *c)
{
  list_remove(&s->conns, &c->node);
  http_address_leave(c->address);
  if (s->listening && !s->accepting) start_accepting(s);
  end_if_over(s);
}

void http_server_drain(struct http_server *s, void (*done)(void *arg), void *arg)
{
  assert(!s->draining);
  s->draining = true;
  s->last_call_ms = (int64_t)uv_now(s->loop) + HTTP_LAST_CALL_MS;
  s->done = done;
  s->done_arg = arg;
  refuse_handshakes(s);
  uv_timer_start(&s->sweep, on_sweep, LAST_CALL_SWEEP_MS, LAST_CALL_SWEEP_MS);
  list_each(node, &s->conns) http_conn_drain(container_of(node, struct http_conn, node));
}

void http_server_destroy(struct http_server *s, void (*done)(void *arg), void *arg)
{
  assert(!s->destroying);
  s->draining = s->destroying = true;
  s->done = done;
  s->done_arg = arg;
  stop_listening(s);
  uv_close((uv_handle_t *)&s->sweep, on_handle_closed);
  uv_close((uv_handle_t *)&s->turn, on_handle_closed);
  list_each(node, &s->conns) http_conn_close(container_of(node, struct http_conn, node));
}
