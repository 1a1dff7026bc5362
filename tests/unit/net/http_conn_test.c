#include "net/http_conn.h"

#include "net_harness.h"

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: x\r\n"

Test(http_conn, answers_one_after_another)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/now/1"));
  client_wait(&c, "\r\n\r\nGET /now/1 ;");
  client_send(&c, POST("/now/2") "Content-Length: 5\r\n\r\nhello");
  client_wait(&c, "\r\n\r\nPOST /now/2 hello;");
  client_send(&c, GET("/now/3"));
  client_wait(&c, "\r\n\r\nGET /now/3 ;");
  cr_assert_eq(h.requests, 3);
  cr_assert_eq(client_count(&c, "HTTP/1.1 200 OK\r\n"), 3);
  cr_assert_eq(client_count(&c, "Connection: close"), 0);
  cr_assert_str_eq(h.peer, "127.0.0.1");
  client_close(&c);
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

Test(http_conn, takes_requests_byte_by_byte)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  const char *text = POST(
      "/now") "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" GET("/now/next");
  for (const char *at = text; *at; at++) {
    client_send_bytes(&c, at, 1);
    uv_run(&h.loop, UV_RUN_NOWAIT);
  }
  client_wait(&c, "POST /now abcde;");
  client_wait(&c, "GET /now/next ;");
  client_close(&c);
  harness_stop(&h);
}

/* Ten requests in one segment, answered late: one at a time is in flight, and answers keep order.
 */
Test(http_conn, answers_pipelined_requests_in_order)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  struct buf text;
  buf_init(&text, 10000);
  for (int i = 0; i < 10; i++)
    buf_appendf(&text, POST("/later/%d") "Content-Length: 1\r\n\r\n%d", i, i);
  client_send_bytes(&c, text.data, text.len);
  buf_deinit(&text);
  for (size_t i = 0; i < 10; i++) {
    until(&h, h.n_kept == i + 1);
    spin(&h);
    cr_assert_eq(h.n_kept, i + 1, "a second request is in flight");
    char body[32];
    snprintf(body, sizeof body, "answer%zu;", i);
    answer(&h, i, body);
  }
  client_wait(&c, "answer9;");
  const char *at = c.in.data;
  for (int i = 0; i < 10; i++) {
    char body[32];
    snprintf(body, sizeof body, "answer%d;", i);
    at = strstr(at, body);
    cr_assert_not_null(at, "%s is not in its place", body);
  }
  client_close(&c);
  harness_stop(&h);
}

/* Many at once neither grow the stack nor keep others waiting. */
Test(http_conn, takes_turns)
{
  enum { MANY = 5000 };
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h), other = client_open(&h);
  struct buf text;
  buf_init(&text, 1000000);
  for (int i = 0; i < MANY; i++) buf_append_str(&text, GET("/now"));
  int64_t end_ms = clock_mono_ms() + WAIT_MS;
  for (size_t sent = 0; sent < text.len && clock_mono_ms() < end_ms;) {
    ssize_t n = send(c.fd, text.data + sent, text.len - sent, MSG_NOSIGNAL);
    if (n > 0) sent += (size_t)n;
    uv_run(&h.loop, UV_RUN_NOWAIT);
    client_read(&c);
  }
  client_send(&other, GET("/now/other"));
  client_wait(&other, "GET /now/other ;");
  until(&h, (client_read(&c), h.requests == MANY + 1));
  until(&h, client_count(&c, "GET /now ;") == MANY);
  buf_deinit(&text);
  client_close(&c);
  client_close(&other);
  harness_stop(&h);
}

Test(http_conn, refuses_bad_chunks)
{
  struct harness h;
  harness_start(&h);
  exchange(&h, c, POST("/now") "Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX");
  cr_assert(client_has(&c, "HTTP/1.1 400 Bad Request\r\n"));
  cr_assert_eq(h.requests, 0);
  client_close(&c);
  harness_stop(&h);
}

/* Each has its status, an error document, and the connection ends. What follows is not read. */
Test(http_conn, refuses)
{
  static const struct {
    const char *request;
    int status;
  } cases[] = {
      {"GET /now HTTP/1.1\nHost: x\n\n", 400},
      {"GET /now HTTP/1.1\r\n\r\n", 400},
      {"GET /now HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
      {"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {POST("/now") "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {POST("/now") "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
      {POST("/now") "Content-Length: abc\r\n\r\nabc", 400},
      {POST("/small") "Content-Length: 9\r\n\r\n123456789", 413},
      {POST("/small") "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", 413},
      {POST("/small") "Transfer-Encoding: chunked\r\n\r\n9\r\n", 413},
      {POST("/now") "Content-Length: 9\r\nExpect: miracles\r\n\r\n", 417},
      {"BREW /now HTTP/1.1\r\nHost: x\r\n\r\n", 501},
      {"GET /now HTTP/3.0\r\nHost: x\r\n\r\n", 505},
  };
  struct harness h;
  harness_start(&h);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct client c = client_open(&h);
    client_send(&c, cases[i].request);
    client_send(&c, GET("/now/smuggled"));
    client_wait_eof(&c);
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", cases[i].status);
    cr_expect(client_has(&c, line), "%s: %s", cases[i].request, c.in.data);
    cr_expect(client_has(&c, "\r\nConnection: close\r\n"));
    cr_expect(client_has(&c, "\r\nContent-Type: application/problem+json\r\n"));
    cr_expect(client_has(&c, "\r\nX-Request-Id: "));
    snprintf(line, sizeof line, "{\"status\":%d,", cases[i].status);
    cr_expect(client_has(&c, line));
    cr_expect_not(c.reset, "%s: the answer may be lost", cases[i].request);
    cr_expect_eq(client_count(&c, "X-Request-Id: "), 1, "%s", c.in.data);
    client_close(&c);
  }
  cr_assert_eq(h.requests, 0);
  cr_assert_eq(h.errors, (int)(sizeof cases / sizeof *cases));
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

Test(http_conn, refuses_a_long_head)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, "GET /now HTTP/1.1\r\nHost: x\r\nA: ");
  char text[HTTP_HEAD_MAX];
  memset(text, 'x', sizeof text);
  client_send_bytes(&c, text, sizeof text);
  client_wait_eof(&c);
  cr_assert(client_has(&c, "HTTP/1.1 431 "));
  client_close(&c);
  harness_stop(&h);
}

Test(http_conn, says_continue_when_it_wants_the_body)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, POST("/now") "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  client_wait(&c, "HTTP/1.1 100 Continue\r\n\r\n");
  cr_assert_eq(h.requests, 0);
  client_send(&c, "abc");
  client_wait(&c, "POST /now abc;");
  cr_assert_eq(client_count(&c, "100 Continue"), 1);
  /* Not when the body has begun to come by itself. */
  client_send(&c, POST("/now") "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nd");
  until(&h, h.heads == 2);
  client_send(&c, "ef");
  client_wait(&c, "POST /now def;");
  /* Nor when the answer is clear without it; then the body may come or not: no more requests. */
  client_send(&c, POST("/early") "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  client_wait(&c, "HTTP/1.1 404 ");
  client_wait(&c, "Connection: close");
  cr_assert_eq(client_count(&c, "100 Continue"), 1);
  client_wait_eof(&c);
  client_close(&c);
  harness_stop(&h);
}

Test(http_conn, says_no_body_to_head)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, "HEAD /now HTTP/1.1\r\nHost: x\r\n\r\n" GET("/now/get"));
  client_wait(&c, "GET /now/get ;");
  cr_assert_eq(client_count(&c, "Content-Length: 11\r\n"), 1); /* HEAD /now ; */
  cr_assert_not(client_has(&c, "HEAD /now ;"));
  client_close(&c);
  harness_stop(&h);
}

Test(http_conn, closes_when_asked_to)
{
  struct harness h;
  harness_start(&h);
  exchange(&h, c, "GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET("/now"));
  cr_assert_eq(client_count(&c, "GET /now ;"), 1);
  cr_assert_eq(client_count(&c, "Connection: close"), 1);
  cr_assert_not(c.reset);
  client_close(&c);
  exchange(&h, old, "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  cr_assert_eq(client_count(&old, "GET /now ;"), 1);
  client_close(&old);
  harness_stop(&h);
}

Test(http_conn, skips_the_body_of_a_request_answered_early)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/early") POST("/early") "Content-Length: 3\r\n\r\nabc" GET("/now"));
  client_wait(&c, "GET /now ;");
  cr_assert_eq(client_count(&c, "HTTP/1.1 404 "), 2);
  cr_assert_eq(h.requests, 1);
  client_close(&c);
  harness_stop(&h);
}

/* The client goes on sending for a while: it must still be able to read the answer. */
Test(http_conn, closes_gently_when_the_body_is_not_there_yet)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, POST("/early") "Content-Length: 50000\r\n\r\n");
  client_wait(&c, "not here");
  cr_assert(client_has(&c, "Connection: close"));
  char body[50000] = {0};
  client_send_bytes(&c, body, sizeof body);
  for (int i = 0; i < 20; i++) spin(&h);
  client_wait_eof(&c);
  cr_assert_not(c.reset);
  client_close(&c);
  until(&h, http_server_connections(h.server) == 0);

  exchange(&h, chunked, POST("/early") "Transfer-Encoding: chunked\r\n\r\n");
  cr_assert(client_has(&chunked, "Connection: close"));
  client_close(&chunked);
  harness_stop(&h);
}

Test(http_conn, does_not_read_for_ever_before_it_closes)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, POST("/early") "Content-Length: 100000000\r\n\r\n");
  client_wait(&c, "not here");
  char piece[10000] = {0};
  int64_t end_ms = clock_mono_ms() + WAIT_MS;
  while (http_server_connections(h.server) > 0) {
    send(c.fd, piece, sizeof piece, MSG_NOSIGNAL);
    uv_run(&h.loop, UV_RUN_NOWAIT);
    cr_assert_lt(clock_mono_ms(), end_ms);
  }
  client_close(&c);

  c = client_open(&h); /* and not wait for ever, either */
  client_send(&c, "\n");
  client_wait_eof(&c);
  until(&h, http_server_connections(h.server) == 0);
  client_close(&c);
  harness_stop(&h);
}

Test(http_conn, cuts_off_a_slow_head)
{
  struct harness h;
  harness_init(&h);
  h.options.header_timeout_ms = 60;
  harness_listen(&h);
  struct client c = client_open(&h), silent = client_open(&h);
  int64_t begin_ms = clock_mono_ms();
  client_send(&c, "GET /now HTTP/1.1\r\n");
  until(&h, (send(c.fd, "A", 1, MSG_NOSIGNAL), client_ended(&c))); /* trickling does not help */
  cr_assert_geq(clock_mono_ms() - begin_ms, 50);
  cr_assert(client_has(&c, "HTTP/1.1 408 Request Timeout\r\n"));
  client_wait_eof(&silent);
  cr_assert_eq(silent.in.len, 0); /* who asked nothing is told nothing */
  client_close(&c);
  client_close(&silent);
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

Test(http_conn, cuts_off_a_slow_second_head)
{
  struct harness h;
  harness_init(&h);
  h.options.header_timeout_ms = 60;
  harness_listen(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/later") "GET /now");
  until(&h, h.n_kept == 1);
  int64_t begin_ms = clock_mono_ms();
  until(&h, clock_mono_ms() - begin_ms > 150); /* it is ours to answer: no deadline runs */
  answer(&h, 0, "late;");
  client_wait(&c, "late;");
  client_wait(&c, "HTTP/1.1 408 ");
  client_wait_eof(&c);
  client_close(&c);
  harness_stop(&h);
}

Test(http_conn, cuts_off_a_slow_body)
{
  struct harness h;
  harness_init(&h);
  h.options.body_timeout_ms = 60;
  harness_listen(&h);
  struct client c = client_open(&h);
  int64_t begin_ms = clock_mono_ms();
  client_send(&c, POST("/now") "Content-Length: 100000\r\n\r\n");
  until(&h, (send(c.fd, "A", 1, MSG_NOSIGNAL), client_ended(&c)));
  cr_assert_geq(clock_mono_ms() - begin_ms, 50);
  cr_assert(client_has(&c, "HTTP/1.1 408 Request Timeout\r\n"));
  cr_assert_eq(h.requests, 0);
  client_close(&c);
  harness_stop(&h);
}

Test(http_conn, closes_an_idle_connection)
{
  struct harness h;
  harness_init(&h);
  h.options.idle_timeout_ms = 60;
  harness_listen(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/now"));
  client_wait(&c, "GET /now ;");
  size_t len = c.in.len;
  client_wait_eof(&c);
  cr_assert_eq(c.in.len, len);
  client_close(&c);
  harness_stop(&h);
}

Test(http_conn, forgets_a_client_that_leaves)
{
  struct harness h;
  harness_start(&h);
  struct client polite = client_open(&h), rude = client_open(&h), early = client_open(&h);
  client_send(&polite, GET("/later"));
  client_send(&rude, GET("/later"));
  client_send(&early, GET("/lat"));
  until(&h, h.n_kept == 2 && http_server_connections(h.server) == 3);
  client_close(&polite);
  client_abort(&rude);
  client_close(&early);
  until(&h, http_server_connections(h.server) == 1); /* polite may be waiting for its answer */
  answer(&h, 0, "to nobody");
  answer(&h, 1, "to nobody");
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

Test(http_conn, forgets_a_client_that_leaves_in_a_body)
{
  struct harness h;
  harness_start(&h);
  struct client a = client_open(&h), b = client_open(&h);
  client_send(&a, POST("/now") "Content-Length: 10\r\n\r\nabc");
  client_send(&b, POST("/now") "Content-Length: 10\r\n\r\nabc");
  until(&h, h.heads == 2);
  client_close(&a);
  client_abort(&b);
  until(&h, http_server_connections(h.server) == 0);
  cr_assert_eq(h.requests, 0);
  harness_stop(&h);
}

Test(http_conn, answers_a_client_that_only_listens)
{
  struct harness h;
  harness_start(&h);
  struct client now = client_open(&h), later = client_open(&h);
  client_send(&now, GET("/now"));
  shutdown(now.fd, SHUT_WR);
  client_wait(&now, "GET /now ;");
  client_wait_eof(&now);
  client_send(&later, GET("/later") GET("/now/1") GET("/later/2") "GET /cut");
  shutdown(later.fd, SHUT_WR);
  until(&h, h.n_kept == 1);
  for (int i = 0; i < 5; i++) spin(&h);
  answer(&h, 0, "first;");
  until(&h, h.n_kept == 2);
  answer(&h, 1, "third;");
  client_wait(&later, "first;");
  client_wait(&later, "GET /now/1 ;");
  client_wait(&later, "third;");
  client_wait_eof(&later);
  cr_assert_not(later.reset);
  client_close(&now);
  client_close(&later);
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

/* It stopped sending and was believed to listen; only the answer finds out that it is gone. */
Test(http_conn, forgets_a_client_that_listened_and_then_left)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/later") GET("/now"));
  shutdown(c.fd, SHUT_WR);
  until(&h, h.n_kept == 1);
  for (int i = 0; i < 5; i++) spin(&h);
  client_abort(&c);
  for (int i = 0; i < 5; i++) spin(&h);
  answer(&h, 0, "to nobody");
  until(&h, http_server_connections(h.server) == 0);
  cr_assert_eq(h.requests, 1);
  harness_stop(&h);
}

Test(http_conn, refuses_a_client_that_only_listens)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, "GET / HTTP/7.1\r\n");
  shutdown(c.fd, SHUT_WR);
  client_wait(&c, "HTTP/1.1 505 ");
  client_wait_eof(&c);
  client_close(&c);
  c = client_open(&h);
  client_send(&c, "GET /later HTTP/1.0\r\n\r\n");
  shutdown(c.fd, SHUT_WR);
  until(&h, h.n_kept == 1);
  for (int i = 0; i < 5; i++) spin(&h);
  answer(&h, 0, "the last;");
  client_wait(&c, "the last;");
  client_wait_eof(&c);
  client_close(&c);
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

Test(http_conn, writes_as_fast_as_the_client_reads)
{
  enum { ANSWER = 8 * 1024 * 1024 };
  struct harness h;
  harness_start(&h);
  h.answer_len = ANSWER;
  struct client c = client_open_buffered(&h, 4096);
  client_send(&c, GET("/big") GET("/big/2"));
  until(&h, h.requests == 1);
  for (int i = 0; i < 20; i++) spin(&h);
  cr_assert_eq(h.requests, 1, "the next one waits until this one is written");
  until(&h, (client_read(&c), h.requests == 2));
  until(&h, (client_read(&c), c.in.len > 2 * ANSWER && client_count(&c, "HTTP/1.1 200") == 2));
  client_close(&c);
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

Test(http_conn, gives_up_on_a_client_that_does_not_read)
{
  struct harness h;
  harness_init(&h);
  h.options.body_timeout_ms = 60;
  harness_listen(&h);
  h.answer_len = 32 * 1024 * 1024;
  struct client c = client_open_buffered(&h, 4096);
  client_send(&c, GET("/big"));
  until(&h, h.requests == 1);
  until(&h, http_server_connections(h.server) == 0);
  client_close(&c);
  harness_stop(&h);
}

Test(http_conn, notices_a_reset_while_it_writes)
{
  struct harness h;
  harness_start(&h);
  h.answer_len = 32 * 1024 * 1024;
  struct client c = client_open_buffered(&h, 4096);
  client_send(&c, GET("/big"));
  until(&h, h.requests == 1);
  client_abort(&c);
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

/* A request in flight: what comes after it is buffered only up to a bound. */
Test(http_conn, reads_ahead_only_so_far)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/later"));
  until(&h, h.n_kept == 1);
  char *more = mem_alloc(LARGE);
  size_t sent = 0;
  for (int stalled = 0; stalled < 50; stalled++) {
    ssize_t n = send(c.fd, more, LARGE, MSG_NOSIGNAL);
    if (n > 0) sent += (size_t)n, stalled = 0;
    uv_run(&h.loop, UV_RUN_NOWAIT);
    cr_assert_lt(sent, 64 * 1024 * 1024, "the server reads all there is");
  }
  free(more);
  answer(&h, 0, "first;");
  client_wait(&c, "first;");
  client_wait(&c, "HTTP/1.1 4"); /* the rest was no request */
  client_close(&c);
  until(&h, http_server_connections(h.server) == 0);
  harness_stop(&h);
}

Test(http_conn, takes_a_large_body)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  char *body = mem_alloc(LARGE);
  memset(body, 'b', LARGE);
  client_send(&c, POST("/now") "Content-Length: 1048576\r\n\r\n");
  client_send_bytes(&c, body, LARGE);
  until(&h, (client_read(&c), c.in.len > LARGE && client_has(&c, "bbb;")));
  /* The same in chunks of 16. */
  client_send(&c, POST("/now") "Transfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < LARGE / 16; i++) client_send(&c, "10\r\n0123456789abcdef\r\n");
  client_send(&c, "0\r\n\r\n");
  until(&h, client_count(&c, "0123456789abcdef") == LARGE / 16 && client_has(&c, "cdef;"));
  free(body);
  client_close(&c);
  harness_stop(&h);
}
