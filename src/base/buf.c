/*
 * buf.c - a growing byte buffer with a maximum. It belongs to one thread. Memory doubles, so that
 * appending costs O(1) each on average, and one byte beyond the content is kept for the NUL.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { BUF_FIRST_CAP = 256 };

void buf_init(struct buf *b, size_t max)
{
  assert(max < SIZE_MAX / 4);
  *b = (struct buf){.max = max};
}

void buf_deinit(struct buf *b)
{
  free(b->data);
  *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
  b->len = 0;
  b->overflow = false;
  if (b->data) b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t len)
{
  if (b->overflow || len > b->max - b->len) return NULL;
  size_t needed = b->len + len + 1;
  if (needed <= b->cap) return b->data + b->len;

  size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;
  while (cap < needed) cap *= 2;
  if (cap > b->max + 1) cap = b->max + 1;
  b->data = mem_resize(b->data, cap);
  b->cap = cap;
  b->data[b->len] = '\0';
  return b->data + b->len;
}

void buf_commit(struct buf *b, size_t len)
{
  assert(b->len + len < b->cap);
  b->len += len;
  b->data[b->len] = '\0';
}

/* There is room for len bytes and the NUL: nearly always, so this comes first. */
static bool fits(const struct buf *b, size_t len)
{
  return len < b->cap - b->len && !b->overflow;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
  char *room = fits(b, len) ? b->data + b->len : buf_reserve(b, len);
  if (!room) {
    b->overflow = true;
    return;
  }
  if (len) memcpy(room, data, len);
  buf_commit(b, len);
}

void buf_append_str(struct buf *b, const char *text)
{
  buf_append(b, text, strlen(text));
}

void buf_append_char(struct buf *b, char c)
{
  if (!fits(b, 1)) {
    buf_append(b, &c, 1);
    return;
  }
  b->data[b->len++] = c;
  b->data[b->len] = '\0';
}

void buf_appendf(struct buf *b, const char *format, ...)
{
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  size_t room = b->cap > b->len ? b->cap - b->len : 0;
  int len = vsnprintf(room ? b->data + b->len : NULL, room, format, args);
  va_end(args);
  assert(len >= 0);

  char *at = buf_reserve(b, (size_t)len);
  if (!at) {
    b->overflow = true;
    if (room) b->data[b->len] = '\0';
  } else {
    if ((size_t)len >= room) vsnprintf(at, (size_t)len + 1, format, again);
    buf_commit(b, (size_t)len);
  }
  va_end(again);
}

size_t buf_int_text(char out[BUF_INT_MAX], long long value)
{
  char digits[BUF_INT_MAX], *end = digits + sizeof digits, *p = end;
  unsigned long long rest =
      value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
  do {
    *--p = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (value < 0) *--p = '-';
  memcpy(out, p, (size_t)(end - p));
  return (size_t)(end - p);
}

void buf_append_int(struct buf *b, long long value)
{
  char digits[BUF_INT_MAX];
  buf_append(b, digits, buf_int_text(digits, value));
}

void buf_consume(struct buf *b, size_t len)
{
  assert(len <= b->len);
  if (len == 0) return;
  b->len -= len;
  memmove(b->data, b->data + len, b->len + 1);
}

char *buf_take(struct buf *b, size_t *len)
{
  char *data = b->data ? b->data : mem_alloc(1);
  if (len) *len = b->len;
  *b = (struct buf){.max = b->max};
  return data;
}
