/* http_stream_test.c - answers without an end: what is sent, kept, drained, and how they end. */
#include "net_harness.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

struct streaming {
  struct http_stream *out;
  int drained, closed;
};

static void on_drain(void *arg)
{
  ((struct streaming *)arg)->drained++;
}

static void on_close(void *arg)
{
  struct streaming *s = arg;
  s->closed++;
  s->out = NULL;
}

static const struct http_stream_handler handler = {on_drain, on_close};

static struct client begin(struct harness *h, struct streaming *s)
{
  static const struct http_header header = {"X-Accel-Buffering", "no"};
  struct client c = client_open(h);
  *s = (struct streaming){0};
  client_send(&c, GET("/later"));
  until(h, h->n_kept == 1);
  s->out = http_reply_stream(h->kept[--h->n_kept], &header, 1, "text/event-stream", &handler, s);
  return c;
}

static void write_text(struct streaming *s, const char *text)
{
  cr_assert(http_stream_write(s->out, text, strlen(text)));
}

Test(http_stream, sends_pieces_as_they_come)
{
  struct harness h;
  struct streaming s;
  harness_start(&h);
  struct client c = begin(&h, &s);
  client_wait(&c, "HTTP/1.1 200 OK\r\n");
  cr_assert(client_has(&c, "Content-Type: text/event-stream\r\n"));
  cr_assert(client_has(&c, "X-Accel-Buffering: no\r\n") && client_has(&c, "Connection: close\r\n"));
  cr_assert_not(client_has(&c, "Content-Length"));
  write_text(&s, "one;");
  client_wait(&c, "one;");
  write_text(&s, "two;");
  client_wait(&c, "two;");
  cr_assert_eq(http_stream_kept(s.out), 0);
  cr_assert(s.drained == 0 && s.closed == 0);
  client_close(&c);
  until(&h, s.closed == 1);
  harness_stop(&h);
}

/* What the client says meanwhile is not for us, and not kept for long. */
Test(http_stream, does_not_read_a_second_request)
{
  struct harness h;
  struct streaming s;
  harness_start(&h);
  struct client c = begin(&h, &s);
  client_send(&c, GET("/now"));
  write_text(&s, "on;");
  client_wait(&c, "on;");
  cr_assert_eq(h.requests, 1);
  cr_assert_not(client_has(&c, "/now"));
  client_close(&c);
  until(&h, s.closed == 1);
  harness_stop(&h);
}

Test(http_stream, keeps_what_the_socket_does_not_take_and_says_when_it_is_out)
{
  enum { PIECE = 64 * 1024 };
  static char piece[PIECE];
  struct harness h;
  struct streaming s;
  size_t sent = 0;
  harness_start(&h);
  struct client c = begin(&h, &s);
  memset(piece, 'x', sizeof piece);
  while (http_stream_kept(s.out) == 0) {
    cr_assert(http_stream_write(s.out, piece, sizeof piece));
    sent += sizeof piece;
  }
  for (int i = 0; i < 5; i++) spin(&h);
  cr_assert_eq(s.drained, 0);
  until(&h, (client_ended(&c), s.drained == 1));
  cr_assert_eq(http_stream_kept(s.out), 0);
  write_text(&s, ";end");
  client_wait(&c, ";end");
  cr_assert_gt(c.in.len, sent);
  client_close(&c);
  until(&h, s.closed == 1);
  harness_stop(&h);
}

Test(http_stream, is_closed_with_what_is_kept)
{
  static char piece[256 * 1024];
  struct harness h;
  struct streaming s;
  harness_start(&h);
  struct client c = begin(&h, &s);
  memset(piece, 'x', sizeof piece);
  while (http_stream_kept(s.out) == 0) cr_assert(http_stream_write(s.out, piece, sizeof piece));
  write_text(&s, ";end");
  http_stream_close(s.out);
  client_wait(&c, ";end");
  client_wait_eof(&c);
  cr_assert(s.closed == 0 && !c.reset);
  client_close(&c);
  harness_stop(&h);
}

/* Resets the connection. */
static void client_vanish(struct client *c)
{
  struct linger reset = {1, 0};
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client_close(c);
}

Test(http_stream, says_when_writing_finds_the_client_gone)
{
  struct harness h;
  struct streaming s;
  harness_start(&h);
  struct client c = begin(&h, &s);
  client_vanish(&c); /* and the server has not heard of it yet */
  bool there = true;
  for (int i = 0; i < 1000 && there; i++) there = http_stream_write(s.out, "x", 1);
  cr_assert_not(there);
  for (int i = 0; i < 5; i++) spin(&h);
  cr_assert_eq(s.closed, 0, "whoever was told by the write is not told again");
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

Test(http_stream, a_client_that_has_left_before_gets_none)
{
  struct harness h;
  struct streaming s = {0};
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/later"));
  until(&h, h.n_kept == 1);
  client_vanish(&c);
  until(&h, http_server_connections(h.server) == 0);
  cr_assert_null(http_reply_stream(h.kept[--h.n_kept], NULL, 0, "text/plain", &handler, &s));
  cr_assert_eq(s.closed, 0);
  harness_stop(&h);
}

Test(http_stream, ends_when_the_server_drains)
{
  struct harness h;
  struct streaming s;
  harness_start(&h);
  struct client c = begin(&h, &s);
  write_text(&s, "last;");
  http_server_drain(h.server, on_stopped, &h);
  cr_assert_eq(s.closed, 1);
  client_wait(&c, "last;");
  client_wait_eof(&c);
  until(&h, h.stopped);
  client_close(&c);
  harness_stop(&h);
}
