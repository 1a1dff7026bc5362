#include "net/ws_session.h"

#include "net_ws_client.h"

static const struct ws_options defaults;

static void end(struct harness *h, struct client *c)
{
  client_close(c);
  until(h, ws_server_sessions(h->ws) == 0);
  cr_assert_eq(h->closed, h->opened);
  harness_stop(h);
}

static enum status send_text(struct ws_session *session, const char *text, size_t len)
{
  struct ws_message *m = ws_message_create(text, len);
  enum status status = ws_session_send(session, m);
  ws_message_unref(m);
  return status;
}

Test(ws_session, puts_fragments_together)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  ws_send(&c, TEXT, "echo:", 5);
  ws_send(&c, CONTINUATION, "he", 2);
  ws_send(&c, FIN | PING, "in between", 10);
  ws_send(&c, CONTINUATION, "", 0);
  ws_send(&c, FIN | CONTINUATION, "llo", 3);
  struct frame f = ws_next(&c);
  cr_assert_eq(f.opcode, PONG);
  cr_assert_str_eq(f.data, "in between");
  frame_free(&f);
  ws_expect(&c, "hello");
  ws_send(&c, FIN | TEXT, "", 0);
  ws_text(&c, "after");
  until(&h, strstr(h.log, "after;"));
  cr_assert_str_eq(h.log, "open;echo:hello;;after;");
  end(&h, &c);
}

Test(ws_session, takes_frames_byte_by_byte)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  struct buf out;
  buf_init(&out, 10000);
  char text[300];
  memset(text, 'x', sizeof text);
  memcpy(text, "echo:", 5);
  ws_put(&out, FIN | TEXT, text, sizeof text);
  for (size_t i = 0; i < out.len; i++) {
    client_send_bytes(&c, out.data + i, 1);
    uv_run(&h.loop, UV_RUN_NOWAIT);
  }
  buf_deinit(&out);
  struct frame f = ws_next(&c);
  cr_assert_eq(f.len, sizeof text - 5);
  frame_free(&f);
  end(&h, &c);
}

Test(ws_session, takes_a_message_of_64_KiB)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  char *text = mem_alloc(WS_MESSAGE_MAX);
  memset(text, 'x', WS_MESSAGE_MAX);
  memcpy(text, "echo:", 5);
  ws_send(&c, FIN | TEXT, text, WS_MESSAGE_MAX);
  struct frame f = ws_next(&c);
  cr_assert_eq(f.len, WS_MESSAGE_MAX - 5);
  frame_free(&f);
  free(text);
  end(&h, &c);
}

/* What is sent makes the server close with code. */
static void closes_with(int first, const char *data, size_t len, int code)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  ws_send(&c, first, data, len);
  ws_expect_close(&c, code, NULL);
  cr_assert_str_eq(h.log, "open;");
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, code);
  end(&h, &c);
}

Test(ws_session, refuses_binary)
{
  closes_with(FIN | BINARY, "x", 1, 1003);
  closes_with(BINARY, "x", 1, 1003);
}

Test(ws_session, refuses_bad_utf8)
{
  closes_with(FIN | TEXT, "\xc3(", 2, 1007);
  closes_with(FIN | TEXT, "\xed\xa0\x80", 3, 1007);
  closes_with(FIN | TEXT, "abc\xe2\x82", 5, 1007);
}

Test(ws_session, refuses_broken_frames)
{
  closes_with(FIN | 3, "x", 1, 1002);
  closes_with(FIN | 0x40 | TEXT, "x", 1, 1002);
  closes_with(FIN | CONTINUATION, "x", 1, 1002);
  closes_with(PING, "x", 1, 1002);
}

/* What is sent while libwebsockets closes a session that broke the protocol goes nowhere. */
Test(ws_session, sends_nothing_after_a_close)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  ws_send(&c, FIN | 3, "x", 1);
  until(&h, (client_read(&c), c.in.len >= 2));
  for (int i = 0; i < 5; i++) {
    if (h.session) cr_assert_eq(send_text(h.session, "late", 4), ST_OK);
    spin(&h);
  }
  struct frame f = ws_next(&c);
  cr_assert_eq(f.opcode, CLOSE);
  ws_send(&c, FIN | CLOSE, f.data, f.len);
  frame_free(&f);
  client_wait_eof(&c);
  cr_assert_eq(c.in.len, 0);
  end(&h, &c);
}

Test(ws_session, hangs_up_on_a_long_control_frame)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  char text[130] = {0};
  ws_send(&c, FIN | PING, text, sizeof text);
  client_wait_eof(&c);
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, 1006);
  end(&h, &c);
}

Test(ws_session, refuses_a_message_over_64_KiB)
{
  char *text = mem_alloc(WS_MESSAGE_MAX + 1);
  closes_with(FIN | TEXT, text, WS_MESSAGE_MAX + 1, 1009);

  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  memset(text, 'x', WS_MESSAGE_MAX);
  ws_send(&c, TEXT, text, WS_MESSAGE_MAX - 10);
  ws_send(&c, FIN | CONTINUATION, text, 11);
  ws_expect_close(&c, 1009, NULL);
  free(text);
  end(&h, &c);
}

/* From its announced length alone, before the rest of it is there. */
Test(ws_session, refuses_a_message_that_would_be_huge)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  client_send_bytes(&c, "\x81\xff\0\0\x7f\0\0\0\0\0\0\0\0\0", 14);
  char some[600] = {0};
  client_send_bytes(&c, some, sizeof some);
  struct frame f = ws_next(&c);
  cr_assert_eq(f.opcode, CLOSE);
  cr_assert_eq((unsigned char)f.data[0] << 8 | (unsigned char)f.data[1], 1009);
  frame_free(&f);
  end(&h, &c);
}

Test(ws_session, refuses_too_many_messages)
{
  struct harness h;
  harness_start_ws(&h, &(struct ws_options){.max_messages = 5});
  struct client c = ws_open(&h);
  for (int i = 0; i < 5; i++) ws_text(&c, "echo:x");
  for (int i = 0; i < 5; i++) ws_expect(&c, "x");
  ws_text(&c, "echo:once too often");
  ws_expect_close(&c, 1008, "too many messages");
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, 1008);
  end(&h, &c);
}

/* The window slides: what came a minute ago makes room for as much, and no more. */
Test(ws_session, allows_more_messages_later)
{
  struct harness h;
  harness_start_ws(&h, &(struct ws_options){.max_messages = 3});
  struct client c = ws_open(&h);
  for (int i = 0; i < 3; i++) ws_text(&c, "echo:x");
  for (int i = 0; i < 3; i++) ws_expect(&c, "x");
  h.session->received[0] -= 60000;
  ws_text(&c, "echo:again");
  ws_expect(&c, "again");
  ws_text(&c, "echo:too often");
  ws_expect_close(&c, 1008, NULL);
  end(&h, &c);
}

Test(ws_session, sends_one_message_to_many)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client clients[10];
  struct ws_session *sessions[10];
  for (int i = 0; i < 10; i++) {
    clients[i] = ws_open(&h);
    sessions[i] = h.session;
  }
  const size_t lens[] = {0, 1, 125, 126, 65535, 65536, 200000};
  char *text = mem_alloc(200001);
  memset(text, 'm', 200000);
  for (size_t n = 0; n < 7; n++) {
    struct ws_message *m = ws_message_create(text, lens[n]);
    for (int i = 0; i < 10; i++) cr_assert_eq(ws_session_send(sessions[i], m), ST_OK);
    cr_assert_eq(m->refs, 11);
    for (int i = 0; i < 10; i++) {
      struct frame f = ws_next(&clients[i]);
      cr_assert_eq(f.opcode, TEXT);
      cr_assert_eq(f.len, lens[n]);
      cr_assert_arr_eq(f.data, text, f.len);
      frame_free(&f);
    }
    cr_assert_eq(m->refs, 1);
    cr_assert_str_eq(m->text + m->len, "");
    ws_message_unref(m);
  }
  free(text);
  for (int i = 0; i < 10; i++) client_close(&clients[i]);
  until(&h, h.closed == 10);
  harness_stop(&h);
}

/* A client that does not read: its queue fills, and only that. */
static struct client stall(struct harness *h)
{
  struct client c = client_open_buffered(h, 4096);
  client_send(&c, UPGRADE("/ws"));
  ws_wait_open(&c);
  char text[8192];
  memset(text, 's', sizeof text);
  int64_t give_up_ms = clock_mono_ms() + WAIT_MS;
  enum status status;
  while ((status = send_text(h->session, text, sizeof text)) == ST_OK) {
    uv_run(&h->loop, UV_RUN_NOWAIT);
    cr_assert_lt(clock_mono_ms(), give_up_ms);
  }
  cr_assert_eq(status, ST_FULL);
  cr_assert_eq(h->session->queue.len, h->ws->options.max_queued);
  return c;
}

Test(ws_session, says_when_its_queue_is_full)
{
  struct harness h;
  harness_start_ws(&h, &(struct ws_options){.max_queued = 20});
  struct client c = stall(&h);
  ws_session_close(h.session, 4008, "too slow, last seq 17", 1);
  cr_assert_eq(h.session->queue.len, 0);
  cr_assert_eq(send_text(h.session, "late", 4), ST_OK); /* and dropped */
  cr_assert_eq(h.session->queue.len, 0);
  ws_expect_close(&c, 4008, "too slow, last seq 17"); /* now that it reads */
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, 4008);
  end(&h, &c);
}

Test(ws_session, sends_what_is_queued_before_it_closes)
{
  struct harness h;
  harness_start_ws(&h, &(struct ws_options){.max_queued = 20});
  struct client c = stall(&h);
  ws_session_close(h.session, 1000, "done", 0);
  cr_assert_eq(h.session->queue.len, 20);
  struct frame f;
  int n = 0;
  while ((f = ws_next(&c)).opcode == TEXT) {
    cr_assert_eq(f.len, 8192);
    frame_free(&f);
    n++;
  }
  cr_assert_eq(f.opcode, CLOSE);
  cr_assert_str_eq(f.data + 2, "done");
  cr_assert_gt(n, 20);
  frame_free(&f);
  end(&h, &c);
}

Test(ws_session, cuts_off_who_does_not_take_the_close)
{
  struct harness h;
  harness_start_ws(&h, &(struct ws_options){.max_queued = 20});
  struct client c = stall(&h);
  ws_session_close(h.session, 4008, "too slow", 0);
  int64_t give_up_ms = clock_mono_ms() + WS_CLOSE_MS + 4000;
  while (h.closed == 0) {
    cr_assert_lt(clock_mono_ms(), give_up_ms);
    spin(&h);
  }
  end(&h, &c);
}

Test(ws_session, drops_its_queue_when_the_client_leaves)
{
  struct harness h;
  harness_start_ws(&h, &(struct ws_options){.max_queued = 20});
  struct client c = stall(&h);
  client_abort(&c);
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, 1006);
  end(&h, &c);
}

Test(ws_session, closes_once)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  ws_session_close(h.session, 4001, "first", 0);
  ws_session_close(h.session, 4002, "second", 1);
  ws_server_close_all(h.ws, 1001, "third");
  ws_text(&c, "echo:too late");
  ws_expect_close(&c, 4001, "first");
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, 4001);
  cr_assert_str_eq(h.log, "open;");
  end(&h, &c);
}

Test(ws_session, cuts_a_long_reason_between_characters)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  char reason[200], expected[200];
  memset(reason, 'r', 122);
  snprintf(reason + 122, 20, "\xc3\xa9 and more"); /* the é does not fit */
  snprintf(expected, sizeof expected, "%.122s", reason);
  ws_session_close(h.session, 4000, reason, 0);
  ws_expect_close(&c, 4000, expected);
  end(&h, &c);
}

Test(ws_session, answers_the_close_of_its_client)
{
  struct harness h;
  harness_start_ws(&h, &defaults);
  struct client c = ws_open(&h);
  ws_send(&c, FIN | CLOSE,
          "\x0f\xa1"
          "bye",
          5);
  struct frame f = ws_next(&c);
  cr_assert_eq(f.opcode, CLOSE);
  cr_assert_arr_eq(f.data, "\x0f\xa1", 2);
  frame_free(&f);
  client_wait_eof(&c);
  until(&h, h.closed == 1);
  cr_assert_eq(h.code, 4001);
  client_close(&c);

  c = ws_open(&h);
  ws_send(&c, FIN | CLOSE, "", 0);
  client_wait_eof(&c);
  until(&h, h.closed == 2);
  cr_assert_eq(h.code, 1005);
  end(&h, &c);
}

static void greet_and_close(struct ws_session *session, void *arg)
{
  ws_opened(session, arg);
  cr_assert_eq(send_text(session, "hello", 5), ST_OK);
  ws_session_close(session, 4003, "not today", 0);
}

static void upgrade_to_greeter(void *arg, const struct http_request *request,
                               struct http_reply *reply)
{
  static const struct ws_handler greeter = {greet_and_close, ws_heard, ws_gone};
  struct harness *h = arg;
  cr_assert(request->upgrade);
  http_reply_upgrade(reply, h->ws, &greeter, h);
}

Test(ws_session, may_send_and_close_as_it_opens)
{
  struct harness h;
  harness_init(&h);
  h.options.handler.on_request = upgrade_to_greeter;
  harness_listen(&h);
  cr_assert_eq(ws_server_create(&h.loop, &defaults, &h.ws), ST_OK);
  struct client c = ws_open(&h);
  ws_expect(&c, "hello");
  ws_expect_close(&c, 4003, "not today");
  end(&h, &c);
}
