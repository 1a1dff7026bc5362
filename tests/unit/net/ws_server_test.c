#include "net/ws.h"

#include <sys/resource.h>

#include "net_ws_client.h"

#define GET(path)        "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, body) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n" body

static const struct ws_options defaults;

static void end(struct harness *h, struct client *c)
{
  client_close(c);
  until(h, ws_server_sessions(h->ws) == 0);
  cr_assert_eq(h->closed, h->opened);
  harness_stop(h);
}

Test(ws_server, takes_a_fresh_connection)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  cr_assert_eq(ws_server_sessions(h.ws), 1);
  cr_assert_eq(http_server_connections(h.server), 0);
  ws_text(&c, "echo:hello");
  ws_expect(&c, "hello");
  cr_assert_str_eq(h.log, "open;echo:hello;");
  end(&h, &c);
}

/* The order is placed and watched on one connection. */
Test(ws_server, takes_a_connection_that_carried_a_post)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = client_open(&h);
  client_send(&c, POST("/now", "hello"));
  client_wait(&c, "POST /now hello;");
  client_send(&c, UPGRADE("/ws"));
  ws_wait_open(&c);
  ws_text(&c, "echo:1");
  ws_expect(&c, "1");
  end(&h, &c);
}

/* POST, upgrade and the first frames, all in one segment. */
Test(ws_server, takes_what_was_pipelined)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = client_open(&h);
  struct buf text;
  buf_init(&text, 10000);
  buf_append_str(&text, POST("/later", "hello") UPGRADE("/ws"));
  ws_put(&text, FIN | TEXT, "echo:first", 10);
  ws_put(&text, FIN | TEXT, "echo:second", 11);
  client_send_bytes(&c, text.data, text.len);
  until(&h, h.n_kept == 1);
  answer(&h, 0, "posted;");
  client_wait(&c, "posted;");
  ws_wait_open(&c);
  ws_expect(&c, "first");
  ws_expect(&c, "second");
  buf_deinit(&text);
  end(&h, &c);
}

/* More than libwebsockets reads at once, and more than its header buffer. */
Test(ws_server, takes_a_long_rest)
{
  enum { LEN = 60000 };
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = client_open(&h);
  char *long_text = mem_alloc(LEN + 1);
  memset(long_text, 'x', LEN);
  memcpy(long_text, "echo:", 5);
  struct buf text;
  buf_init(&text, 4 * LEN);
  buf_append_str(&text, UPGRADE("/ws-later"));
  ws_put(&text, FIN | TEXT, long_text, LEN);
  ws_put(&text, FIN | TEXT, "echo:end", 8);
  client_send_bytes(&c, text.data, text.len);
  until(&h, h.n_kept == 1);
  for (int i = 0; i < 10; i++) spin(&h);
  http_reply_upgrade(h.kept[0], h.ws, &ws_handler, &h);
  ws_wait_open(&c);
  ws_expect(&c, long_text + 5);
  ws_expect(&c, "end");
  buf_deinit(&text);
  free(long_text);
  end(&h, &c);
}

/* What the HTTP layer accepted is not refused for its length by libwebsockets. */
Test(ws_server, takes_a_long_head)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = client_open(&h);
  char cookie[12000];
  memset(cookie, 'c', sizeof cookie - 1);
  cookie[sizeof cookie - 1] = '\0';
  client_send(
      &c, "GET /ws?a=%20&b=.. HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: unheard-of\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: ");
  client_send(&c, cookie);
  client_send(&c, "\r\n\r\n");
  ws_wait_open(&c);
  ws_text(&c, "echo:1");
  ws_expect(&c, "1");
  end(&h, &c);
}

Test(ws_server, takes_one_from_on_head)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = client_open(&h);
  struct buf text;
  buf_init(&text, 10000);
  buf_append_str(&text, UPGRADE("/ws-early"));
  ws_put(&text, FIN | TEXT, "echo:x", 6);
  client_send_bytes(&c, text.data, text.len);
  buf_deinit(&text);
  ws_wait_open(&c);
  ws_expect(&c, "x");
  end(&h, &c);
}

Test(ws_server, says_when_the_client_was_gone)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = client_open(&h);
  client_send(&c, UPGRADE("/ws-later"));
  until(&h, h.n_kept == 1);
  client_abort(&c);
  until(&h, http_server_connections(h.server) == 0);
  http_reply_upgrade(h.kept[0], h.ws, &ws_handler, &h);
  cr_assert_eq(h.closed, 0, "not from inside the call");
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, 1006);
  cr_assert_eq(h.opened, 0);
  harness_stop(&h);
}

/* It goes at the very moment of the hand-over, by a FIN or by a reset. */
Test(ws_server, says_when_the_client_is_going)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  for (int i = 0; i < 2; i++) {
    struct client c = client_open(&h);
    client_send(&c, UPGRADE("/ws-later"));
    until(&h, h.n_kept == (size_t)i + 1);
    if (i == 0)
      client_close(&c);
    else
      client_abort(&c);
    http_reply_upgrade(h.kept[i], h.ws, &ws_handler, &h);
    until(&h, h.closed == i + 1);
    cr_assert_eq(h.code, 1006);
  }
  cr_assert_eq(ws_server_sessions(h.ws), 0);
  harness_stop(&h);
}

/* An upgrade is no way around the limit of an address, and its end makes room again. */
Test(ws_server, counts_for_its_address)
{
  struct harness h;
  harness_init(&h);
  h.options.max_per_address = 2;
  harness_listen(&h);
  cr_assert_eq(ws_server_create(&h.loop, &defaults, &h.ws), ST_OK);
  struct client a = ws_open(&h), b = ws_open(&h);
  cr_assert_eq(http_server_connections(h.server), 0);
  exchange(&h, c, GET("/now"));
  cr_assert(client_has(&c, "HTTP/1.1 429 Too Many Requests\r\n"));
  client_close(&c);
  client_abort(&a);
  until(&h, ws_server_sessions(h.ws) == 1 && http_server_connections(h.server) == 0);
  struct client d = client_open(&h);
  client_send(&d, GET("/now"));
  client_wait(&d, "GET /now ;");
  client_close(&d);
  end(&h, &b);
}

Test(ws_server, has_many_sessions)
{
  enum { MANY = 200 };
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client clients[MANY];
  for (int i = 0; i < MANY; i++) clients[i] = ws_open(&h);
  cr_assert_eq(ws_server_sessions(h.ws), MANY);
  for (int i = 0; i < MANY; i++) ws_text(&clients[i], "echo:hello");
  for (int i = 0; i < MANY; i++) ws_expect(&clients[i], "hello");
  ws_server_close_all(h.ws, 1001, "server stops");
  for (int i = 0; i < MANY; i++) {
    ws_expect_close(&clients[i], 1001, "server stops");
    client_close(&clients[i]);
  }
  until(&h, ws_server_sessions(h.ws) == 0);
  cr_assert_eq(h.closed, MANY);
  cr_assert_eq(h.code, 1001);
  harness_stop(&h);
}

Test(ws_server, pings_and_keeps_who_answers)
{
  struct harness h;
  harness_start_ws(&h, &(struct ws_options){.ping_ms = 40, .dead_ms = 400});
  struct client c = ws_open(&h);
  for (int i = 0; i < 15; i++) { /* for longer than dead_ms */
    struct frame f = ws_next(&c);
    cr_assert_eq(f.opcode, PING);
    ws_send(&c, FIN | PONG, f.data, f.len);
    frame_free(&f);
  }
  cr_assert_eq(h.closed, 0);
  ws_text(&c, "echo:alive");
  ws_expect(&c, "alive");
  end(&h, &c);
}

Test(ws_server, closes_who_is_silent)
{
  struct harness h;
  harness_start_ws(&h, &(struct ws_options){.ping_ms = 40, .dead_ms = 120});
  struct client c = ws_open(&h);
  int64_t begin_ms = clock_mono_ms();
  struct frame f = ws_next(&c);
  cr_assert_eq(f.opcode, PING);
  frame_free(&f);
  client_wait_eof(&c);
  cr_assert_geq(clock_mono_ms() - begin_ms, 100);
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, 1006);
  end(&h, &c);
}

Test(ws_server, closes_who_does_not_answer_the_close)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  ws_text(&c, "bye");
  struct frame f = ws_next(&c);
  cr_assert_eq(f.opcode, CLOSE);
  frame_free(&f);
  int64_t give_up_ms = clock_mono_ms() + 9000;
  while (h.closed == 0) {
    cr_assert_lt(clock_mono_ms(), give_up_ms);
    spin(&h);
  }
  cr_assert_eq(h.code, 4000);
  end(&h, &c);
}

Test(ws_server, is_destroyed_with_sessions)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client a = ws_open(&h), b = ws_open(&h), moving = client_open(&h);
  ws_text(&b, "bye"); /* closing */
  until(&h, strstr(h.log, "bye;"));
  client_send(&moving, UPGRADE("/ws-later"));
  until(&h, h.n_kept == 1);
  int closed = h.closed;
  ws_server_destroy(h.ws, on_stopped, &h);
  cr_assert_eq(h.closed, closed, "not from inside the call");
  http_reply_upgrade(h.kept[0], h.ws, &ws_handler, &h);
  until(&h, h.stopped);
  h.ws = NULL;
  cr_assert_eq(h.closed, 3);
  client_close(&a);
  client_close(&b);
  client_close(&moving);
  harness_stop(&h);
}

Test(ws_server, says_when_libwebsockets_cannot_start)
{
  struct harness h;
  harness_start(&h);
  struct rlimit limit, low;
  getrlimit(RLIMIT_NOFILE, &limit);
  low = limit;
  int next = dup(0);
  close(next);
  low.rlim_cur = (rlim_t)next;
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
  struct ws_server *ws = NULL;
  cr_assert_eq(ws_server_create(&h.loop, &defaults, &ws), ST_BROKEN);
  cr_assert_null(ws);
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
  harness_stop(&h);
}

Test(ws_server, is_destroyed_without_sessions)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  harness_stop(&h);
}
