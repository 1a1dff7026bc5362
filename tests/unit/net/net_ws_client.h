/*
 * net_ws_client.h - the client's side of WebSocket (RFC 6455) for tests: frames out, masked, and
 * frames in.
 */
#ifndef TESTS_NET_WS_CLIENT_H
#define TESTS_NET_WS_CLIENT_H

#include "net_harness.h"

enum { FIN = 0x80, CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

#define UPGRADE(path)                                                                              \
  "GET " path " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"              \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* Of the key above, as in RFC 6455. */
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

struct frame {
  int opcode;
  size_t len;
  char *data; /* NUL-terminated; frame_free() */
};

UNUSED static void frame_free(struct frame *f)
{
  free(f->data);
  f->data = NULL;
}

/* ws_put() appends one frame, masked. */
static void ws_put(struct buf *out, int first, const char *data, size_t len)
{
  static const unsigned char mask[4] = {1, 2, 3, 4};
  buf_append_char(out, (char)first);
  if (len < 126) {
    buf_append_char(out, (char)(0x80 | len));
  } else if (len < 65536) {
    buf_append_char(out, (char)(0x80 | 126));
    for (int i = 1; i >= 0; i--) buf_append_char(out, (char)(len >> (8 * i)));
  } else {
    buf_append_char(out, (char)(0x80 | 127));
    for (int i = 7; i >= 0; i--) buf_append_char(out, (char)(len >> (8 * i)));
  }
  buf_append(out, mask, 4);
  for (size_t i = 0; i < len; i++) buf_append_char(out, (char)(data[i] ^ mask[i % 4]));
}

UNUSED static void ws_send(struct client *c, int first, const char *data, size_t len)
{
  struct buf out;
  buf_init(&out, len + 64);
  ws_put(&out, first, data, len);
  client_send_bytes(c, out.data, out.len);
  buf_deinit(&out);
}

UNUSED static void ws_text(struct client *c, const char *text)
{
  ws_send(c, FIN | TEXT, text, strlen(text));
}

/* The head of the upgrade's answer is read and dropped. */
UNUSED static void ws_wait_open(struct client *c)
{
  client_wait(c, "HTTP/1.1 101 Switching Protocols\r\n");
  client_wait(c, "\r\n\r\n");
  cr_assert(client_has(c, ACCEPT), "%s", c->in.data);
  char *end = strstr(strstr(c->in.data, "HTTP/1.1 101"), "\r\n\r\n");
  buf_consume(&c->in, (size_t)(end + 4 - c->in.data));
}

UNUSED static struct client ws_open(struct harness *h)
{
  struct client c = client_open(h);
  client_send(&c, UPGRADE("/ws"));
  ws_wait_open(&c);
  return c;
}

/* Takes the next frame out of what came, if it is whole. */
static bool frame_take(struct client *c, struct frame *f)
{
  const unsigned char *at = (const unsigned char *)c->in.data;
  size_t head = 2, have = c->in.len;
  if (have < 2) return false;
  cr_assert_not(at[1] & 0x80, "a server does not mask");
  cr_assert(at[0] & 0x80, "a server does not fragment");
  size_t len = at[1], more = len == 126 ? 2 : len == 127 ? 8 : 0;
  if (have < head + more) return false;
  if (more) len = 0;
  for (size_t i = 0; i < more; i++) len = len << 8 | at[head + i];
  head += more;
  if (have < head + len) return false;
  *f = (struct frame){at[0] & 15, len, mem_alloc(len + 1)};
  memcpy(f->data, at + head, len);
  buf_consume(&c->in, head + len);
  return true;
}

UNUSED static struct frame ws_next(struct client *c)
{
  struct frame f;
  until(c->h, (client_read(c), frame_take(c, &f)));
  return f;
}

#define ws_expect(c, text)                                                                         \
  do {                                                                                             \
    struct frame frame_ = ws_next(c);                                                              \
    cr_expect_eq(frame_.opcode, TEXT, "opcode %d", frame_.opcode);                                 \
    cr_expect_str_eq(frame_.data, text);                                                           \
    frame_free(&frame_);                                                                           \
  } while (0)

/* Waits for the server's close frame (other frames before it are skipped), answers it, and waits
 * for the end of the connection. */
#define ws_expect_close(c, code_, reason_)                                                         \
  do {                                                                                             \
    struct frame frame_ = ws_next(c);                                                              \
    while (frame_.opcode != CLOSE) {                                                               \
      frame_free(&frame_);                                                                         \
      frame_ = ws_next(c);                                                                         \
    }                                                                                              \
    const unsigned char *payload_ = (const unsigned char *)frame_.data;                            \
    const char *expected_ = reason_;                                                               \
    cr_expect_geq(frame_.len, 2);                                                                  \
    cr_expect_eq(payload_[0] << 8 | payload_[1], code_, "%d", payload_[0] << 8 | payload_[1]);     \
    if (expected_) cr_expect_str_eq(frame_.data + 2, expected_);                                   \
    ws_send(c, FIN | CLOSE, frame_.data, frame_.len);                                              \
    frame_free(&frame_);                                                                           \
    client_wait_eof(c);                                                                            \
  } while (0)

#endif
