/*
 * merge.h - one watch's way from many sources to one order: live events, history and heads come
 * as they like, doubled, late, with holes; out comes exactly since+1, since+2, … up to the
 * terminal one.
 *
 * DESIGN. Two numbers say everything. last: delivered. head: the newest seq known to exist. The
 * event last + 1 has a place of its own; those beyond it are held, sorted, at most MERGE_HELD_MAX;
 * when there is no room the newest is let go, since head remembers that it exists. Whenever head >
 * last and the next one is not there, there is a hole, and only the history can fill it. So a
 * hole, an overflow and a check that finds the history ahead are one case. A read that began after
 * head was learned and does not bring it proves that head was never a fact: it is forgotten,
 * rather than asked for again for ever.
 *
 * Pure: no I/O, no clock, no callbacks. Holds references to messages, nothing else.
 */
#ifndef EVENT_MERGE_H
#define EVENT_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ws.h"

enum { MERGE_HELD_MAX = 32 };

struct merge_event {
  int32_t seq;
  bool terminal;
  struct ws_message *text;
};

struct merge {
  int32_t last;
  int32_t head;
  int32_t head_at_read; /* head when the read in flight began */
  bool read_once;       /* one read came back: what is unknown is only what is still to come */
  bool reading;
  bool done;               /* the terminal event was delivered */
  struct merge_event next; /* last + 1; text NULL: not there */
  size_t n_held;
  struct merge_event *held; /* ascending seq, all > last + 1; allocated with the first */
};

void merge_init(struct merge *m, int32_t since);
void merge_deinit(struct merge *m);

/* merge_wants() is false for what merge_add() would drop: delivered or held already. */
bool merge_wants(const struct merge *m, int32_t seq);

/* merge_add() takes a reference of its own to text. From live events and history alike; follow it
 * with merge_next() until that is false. */
void merge_add(struct merge *m, int32_t seq, bool terminal, struct ws_message *text);

/* merge_head() says that the history reaches to seq. */
void merge_head(struct merge *m, int32_t seq);

/* merge_next() gives the next event in order, with its reference, which is the caller's to drop. */
bool merge_next(struct merge *m, struct merge_event *out);

/* merge_needs_read() is true when only the history since last can help. Tell when such a read was
 * asked for, and when it ended: ok if all its events were added and delivered. */
bool merge_needs_read(const struct merge *m);
void merge_read_begun(struct merge *m);
void merge_read_ended(struct merge *m, bool ok);

#endif
