/*
 * line.h - how events travel through Redis: one message for each commit, first the process that
 * made it, then one line for each event,
 *   SOURCE LF
 *   ULID SP SEQ SP T SP JSON LF      (T is 1 for a terminal event, else 0)
 * so that a subscriber finds what it needs without parsing JSON. Pure.
 */
#ifndef ORDER_LINE_H
#define ORDER_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "order/order.h"

struct event_line {
  struct ulid order_id;
  int32_t seq;
  bool terminal;
  const char *json; /* borrowed */
  size_t json_len;
};

/* event_line_join() puts len bytes of valid JSON on one line: a line break in it is white space
 * only, so a blank says the same. */
void event_line_join(char *json, size_t len);

/* event_lines_begin() begins a message. event_lines_source() reads whose it is, and moves *text to
 * the first event; false: malformed. */
void event_lines_begin(const struct ulid *source, struct buf *out);
bool event_lines_source(const char **text, const char *end, struct ulid *out);

void event_line_write(const struct order_event *e, struct buf *out);

/* event_line_next() reads the line at *text, moves *text past it and returns true; false at the end
 * or at a malformed line (*text is then NULL). */
bool event_line_next(const char **text, const char *end, struct event_line *out);

#endif
