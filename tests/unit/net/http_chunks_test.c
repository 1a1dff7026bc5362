#include "net/http_chunks.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct outcome {
  enum http_chunks_result result;
  size_t taken, made;
  char data[20000];
};

/* Decodes text in pieces of at most piece bytes. */
static void decode(const char *text, size_t len, size_t piece, struct outcome *o)
{
  struct http_chunks c;
  http_chunks_init(&c);
  *o = (struct outcome){.result = CHUNKS_MORE};
  while (o->taken < len && o->result == CHUNKS_MORE) {
    size_t n = len - o->taken < piece ? len - o->taken : piece, taken, made;
    char in[20000];
    memcpy(in, text + o->taken, n);
    o->result = http_chunks_decode(&c, in, n, in, &taken, &made);
    memcpy(o->data + o->made, in, made);
    o->taken += taken;
    o->made += made;
  }
}

static void check(const char *text, enum http_chunks_result result, const char *data)
{
  const size_t pieces[] = {20000, 1, 2, 3, 7};
  for (size_t i = 0; i < 5; i++) {
    struct outcome *o = malloc(sizeof *o);
    decode(text, strlen(text), pieces[i], o);
    cr_expect_eq(o->result, result, "'%s' by %zu: %d", text, pieces[i], (int)o->result);
    if (result != CHUNKS_BAD) cr_expect_str_eq(o->data, data, "'%s' by %zu", text, pieces[i]);
    free(o);
  }
}

Test(http_chunks, decodes)
{
  check("0\r\n\r\n", CHUNKS_DONE, "");
  check("5\r\nhello\r\n0\r\n\r\n", CHUNKS_DONE, "hello");
  check("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", CHUNKS_DONE, "hello world");
  check("00A\r\n0123456789\r\n000\r\n\r\n", CHUNKS_DONE, "0123456789");
  check("a\r\n0123456789\r\n0\r\n\r\n", CHUNKS_DONE, "0123456789");
  check("3;name=value\r\nabc\r\n0;x=\"y\"\r\n\r\n", CHUNKS_DONE, "abc");
  check("3 ;a\r\nabc\r\n0\r\n\r\n", CHUNKS_DONE, "abc");
  check("3\r\nabc\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", CHUNKS_DONE, "abc");
  check("2\r\n\r\n\r\n0\r\n\r\n", CHUNKS_DONE, "\r\n");
}

Test(http_chunks, wants_more)
{
  check("", CHUNKS_MORE, "");
  check("5", CHUNKS_MORE, "");
  check("5\r\nhel", CHUNKS_MORE, "hel");
  check("5\r\nhello\r\n", CHUNKS_MORE, "hello");
  check("0\r\n", CHUNKS_MORE, "");
  check("0\r\nTrailer: x\r\n", CHUNKS_MORE, "");
}

Test(http_chunks, stops_at_its_end)
{
  struct outcome *o = malloc(sizeof *o);
  decode("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1", 25, 100, o);
  cr_assert_eq(o->result, CHUNKS_DONE);
  cr_assert_eq(o->taken, 11);
  free(o);
}

Test(http_chunks, refuses)
{
  static const char *const bad[] = {
      "\r\n",
      "g\r\n",
      "-1\r\n",
      "+1\r\n",
      "0x1\r\n",
      " 1\r\n",
      ";\r\n",
      "1\na\r\n0\r\n\r\n",        /* bare LF after the size */
      "1\r\na\n0\r\n\r\n",        /* and after the data */
      "1\r\naXX0\r\n\r\n",        /* no CRLF after the data */
      "1\r\nab\r\n0\r\n\r\n",     /* more data than announced */
      "1;a\nb\r\na\r\n0\r\n\r\n", /* LF inside an extension */
      "1;a\rb\r\na\r\n0\r\n\r\n", /* CR inside an extension */
      "1;\x01\r\na\r\n0\r\n\r\n",
      "0\r\n\n",
      "0\r\nTrailer: x\n\r\n",
      "0\r\n folded: x\r\n\r\n",
      "0\r\n: x\r\n\r\n",
      "0\r\nTrailer: \x01\r\n\r\n",
      "1234567890abcdef\r\n", /* 64 bits */
      "0000000000000000\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) check(bad[i], CHUNKS_BAD, NULL);
}

/* before, then n times 'x', then after. */
static void check_padded(const char *before, size_t n, const char *after,
                         enum http_chunks_result result, const char *data)
{
  char text[HTTP_TRAILERS_MAX + 100];
  snprintf(text, sizeof text, "%s%*s%s", before, (int)n, "", after);
  memset(text + strlen(before), 'x', n);
  check(text, result, data);
}

Test(http_chunks, bounds_extensions)
{
  const size_t most = HTTP_CHUNK_LINE_MAX - 4; /* 1 ; CR LF */
  check_padded("1;", most, "\r\na\r\n0\r\n\r\n", CHUNKS_DONE, "a");
  check_padded("1;", most + 1, "\r\na\r\n0\r\n\r\n", CHUNKS_BAD, NULL);
  check_padded("1\r\na\r\n0;", most, "\r\n\r\n", CHUNKS_DONE, "a");
  check_padded("1\r\na\r\n0;", most + 1, "\r\n\r\n", CHUNKS_BAD, NULL);
}

Test(http_chunks, bounds_trailers)
{
  const size_t most = HTTP_TRAILERS_MAX - 9; /* a:b CR LF, CR LF, CR LF */
  check_padded("0\r\na:b\r\n", most, "\r\n\r\n", CHUNKS_DONE, "");
  check_padded("0\r\na:b\r\n", most + 1, "\r\n\r\n", CHUNKS_BAD, NULL);
}
