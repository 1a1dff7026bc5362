/*
 * http_chunks.c - the chunked coding as a state machine over single bytes, but for the data, which
 * moves in blocks. Pure: no thread, no memory of its own.
 *
 * Not the parser library's: the packaged http-parser is built without its strict checks, and then
 * takes any two bytes for the CRLF after a chunk, which lets a request be smuggled past a proxy.
 */
#include "net/http_chunks.h"

#include <stdbool.h>
#include <string.h>

#include "net/http_query.h"

/*
 *  SIZE_FIRST ▶ SIZE ─▶ SIZE_LF ─▶ DATA ▶ DATA_CR ▶ DATA_LF ─▶ SIZE_FIRST …
 *                └▶ EXTENSION ─┘ │ size 0
 *                                └▶ TRAILER_FIRST ▶ TRAILER ▶ TRAILER_LF ─▶ TRAILER_FIRST …
 *                                         └▶ END_LF ▶ END
 */
enum state {
  SIZE_FIRST,
  SIZE,
  EXTENSION,
  SIZE_LF,
  DATA,
  DATA_CR,
  DATA_LF,
  TRAILER_FIRST,
  TRAILER,
  TRAILER_LF,
  END_LF,
  END,
  BAD,
};

enum { SIZE_DIGITS_MAX = 15 }; /* 60 bits */

void http_chunks_init(struct http_chunks *c)
{
  *c = (struct http_chunks){.state = SIZE_FIRST};
}

static bool is_text(char c)
{
  return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

static enum state next_of_size(struct http_chunks *c, char byte)
{
  int digit = http_query_hex(byte);
  if (digit >= 0) {
    if (++c->digits > SIZE_DIGITS_MAX) return BAD;
    c->left = c->left << 4 | (uint64_t)digit;
    return SIZE;
  }
  if (c->digits == 0) return BAD;
  if (byte == '\r') return SIZE_LF;
  return byte == ';' || byte == ' ' || byte == '\t' ? EXTENSION : BAD;
}

static enum state next_of_line_end(struct http_chunks *c, char byte)
{
  if (byte != '\n') return BAD;
  switch ((enum state)c->state) {
  case SIZE_LF:
    c->framing = 0;
    return c->left ? DATA : TRAILER_FIRST;
  case DATA_LF:
    c->digits = 0;
    c->framing = 0;
    return SIZE_FIRST;
  case TRAILER_LF:
    return TRAILER_FIRST;
  default:
    return END;
  }
}

static enum state next_of(struct http_chunks *c, char byte)
{
  switch ((enum state)c->state) {
  case SIZE_FIRST:
  case SIZE:
    return next_of_size(c, byte);
  case EXTENSION:
    if (byte == '\r') return SIZE_LF;
    return is_text(byte) ? EXTENSION : BAD;
  case DATA_CR:
    return byte == '\r' ? DATA_LF : BAD;
  case TRAILER_FIRST:
    if (byte == '\r') return END_LF;
    return is_text(byte) && byte != ' ' && byte != '\t' && byte != ':' ? TRAILER : BAD;
  case TRAILER:
    if (byte == '\r') return TRAILER_LF;
    return is_text(byte) ? TRAILER : BAD;
  default:
    return next_of_line_end(c, byte);
  }
}

static bool framing_too_long(const struct http_chunks *c)
{
  return c->framing > (c->state < DATA ? HTTP_CHUNK_LINE_MAX : HTTP_TRAILERS_MAX);
}

static size_t take_data(struct http_chunks *c, const char *in, size_t len, char *out)
{
  size_t n = len < c->left ? len : (size_t)c->left;
  if (out != in) memmove(out, in, n);
  c->left -= n;
  if (c->left == 0) c->state = DATA_CR;
  return n;
}

enum http_chunks_result http_chunks_decode(struct http_chunks *c, const char *in, size_t len,
                                           char *out, size_t *taken, size_t *made)
{
  size_t at = 0, written = 0;
  while (at < len && c->state < END) {
    if (c->state == DATA) {
      size_t n = take_data(c, in + at, len - at, out + written);
      at += n;
      written += n;
      continue;
    }
    c->framing++;
    c->state = framing_too_long(c) ? BAD : (uint8_t)next_of(c, in[at++]);
  }
  *taken = at;
  *made = written;
  if (c->state == BAD) return CHUNKS_BAD;
  return c->state == END ? CHUNKS_DONE : CHUNKS_MORE;
}
