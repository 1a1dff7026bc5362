/*
 * http_chunks.h - the chunked transfer coding (RFC 9112, 7.1), decoded in place and strictly: CRLF
 * and nothing else ends a line, extensions and trailers are bounded and dropped. Pure.
 */
#ifndef NET_HTTP_CHUNKS_H
#define NET_HTTP_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

enum { HTTP_CHUNK_LINE_MAX = 256, HTTP_TRAILERS_MAX = 8192 };

enum http_chunks_result { CHUNKS_MORE, CHUNKS_DONE, CHUNKS_BAD };

struct http_chunks {
  uint8_t state;
  uint8_t digits;   /* of this chunk's size */
  uint32_t framing; /* bytes of this size line, or of all trailers */
  uint64_t left;    /* of this chunk's data */
};

void http_chunks_init(struct http_chunks *c);

/* http_chunks_decode() takes bytes from in (len of them), and moves the data among them to out,
 * which may be the same memory, at or before in. *taken: bytes used of in. *made: bytes written.
 * Any split of the input gives the same result. */
enum http_chunks_result http_chunks_decode(struct http_chunks *c, const char *in, size_t len,
                                           char *out, size_t *taken, size_t *made);

#endif
