/*
 * buf.h - a growing byte buffer with a maximum. Appending past it sets overflow, once and for
 * good, and appends nothing: check it when done instead of after each call.
 * Not shared between threads.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
  char *data; /* NUL-terminated as soon as anything was appended */
  size_t len;
  size_t cap;
  size_t max;
  bool overflow;
};

void buf_init(struct buf *b, size_t max); /* allocates nothing yet */
void buf_deinit(struct buf *b);
void buf_clear(struct buf *b); /* len 0, overflow false, memory kept */

void buf_append(struct buf *b, const void *data, size_t len);
void buf_append_str(struct buf *b, const char *text);
void buf_append_char(struct buf *b, char c);
void buf_appendf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_append_int(struct buf *b, long long value);

/* buf_int_text() writes what buf_append_int() appends, without a NUL, and gives its length. */
enum { BUF_INT_MAX = 20 }; /* -9223372036854775808 */
size_t buf_int_text(char out[BUF_INT_MAX], long long value);

/* buf_reserve() gives room for len bytes at the end, or NULL past the maximum; buf_commit() says
 * how many of them were written. */
char *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);

/* buf_consume() drops the first len bytes. */
void buf_consume(struct buf *b, size_t len);

/* buf_take() gives the bytes (NUL-terminated, never NULL; free them) and empties the buffer. */
char *buf_take(struct buf *b, size_t *len);

#endif
