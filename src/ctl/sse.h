/* sse.h - Server-Sent Events from the bytes of a stream. Not shared between threads. */
#ifndef CTL_SSE_H
#define CTL_SSE_H

#include <stdbool.h>

#include "base/buf.h"

struct sse {
  struct buf line, data;
  char id[64];    /* of the newest event that was given */
  char next[64];  /* of the one that is being read */
  char event[32]; /* its kind */
};

void sse_init(struct sse *s);
void sse_deinit(struct sse *s);
void sse_restart(struct sse *s); /* the stream was cut: what is half read is dropped */

/* sse_feed() calls on_event for each event that is whole; data is NUL-terminated. false: one is too
 * long. */
bool sse_feed(struct sse *s, const char *bytes, size_t len,
              void (*on_event)(void *arg, const char *event, const char *data, size_t len),
              void *arg);

#endif
