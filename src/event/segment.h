/*
 * segment.h - events that follow one another in the order of commits, as text/event-stream. Made
 * once, read by many. Loop thread.
 */
#ifndef EVENT_SEGMENT_H
#define EVENT_SEGMENT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/list.h"
#include "store/tail.h"

/* One event as it is sent, and what filters ask for. */
struct frame {
  struct tail_position at;
  size_t end; /* in text: behind it */
  struct ulid order;
  const char *status, *type, *tenant; /* in names */
};

/* Behind from, up to to. */
struct segment {
  struct list_node node; /* whoever keeps it */
  struct tail_position from, to;
  struct buf text, names;
  const char *tenant; /* of all of them; NULL: of several */
  size_t n;
  struct frame frames[];
};

/* segment_create() takes what of the page fits into SEGMENT_MAX bytes: to says how far it got. An
 * event that is larger than that alone is left out, and logged. */
enum { SEGMENT_MAX = 64 << 20 };
struct segment *segment_create(const struct tail_position *from, const struct tail_page *page);
void segment_destroy(struct segment *g);

size_t segment_bytes(const struct segment *g);
/* segment_start() is where frame i begins in text. */
size_t segment_start(const struct segment *g, size_t i);

#endif
