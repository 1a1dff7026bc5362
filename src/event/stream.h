/*
 * stream.h - the events of all orders, in the order of their commits, to any number of listeners.
 *
 * DESIGN. One tail for all: as long as anybody listens, what has been committed is read from
 * PostgreSQL in pages (store/tail.h), formatted once, and kept for a while as segments. Redis'
 * messages only say that it is time to read; without them the tail is read each second. A listener
 * is a position. While it is within the segments it is served from memory; one that is behind them
 * reads pages of its own, until it is not. So a slow listener misses nothing and costs no memory,
 * and neither do a thousand.
 *
 * What is sent is text/event-stream: "id: XID-N", "event: order.created" or
 * "event: order.statusChanged", "data: " and the event's JSON, a blank line.
 *
 * Loop thread only. Callbacks never run inside stream_listen() or stream_leave().
 */
#ifndef EVENT_STREAM_H
#define EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "event/hub.h"
#include "store/reader.h"
#include "store/tail.h"

struct stream;
struct stream_listener;

enum { STREAM_WRITE_MAX = 64 * 1024, STREAM_HEARTBEAT_MS = 30000 };

enum stream_more {
  STREAM_GO_ON,
  STREAM_WAIT, /* until stream_ready() */
  STREAM_GONE, /* the listener has ended, and is freed */
};

/* What a listener wants to hear of; a list is one of words with commas between, NULL: all. */
struct stream_filter {
  const char *tenant;
  const char *types, *statuses;
  const char *orders; /* ord_… */
};

/* stream_create(): the hub has the channel on which commits are told. */
struct stream *stream_create(uv_loop_t *loop, struct reader *reader, struct hub *hub);
/* stream_destroy() comes before the hub's and the reader's; no listener that has begun is left. */
void stream_destroy(struct stream *s);

/* on_begin() comes first, and tells that nothing that is committed from here on is missed, and the
 * position from which that holds: who is cut off before its first event asks again with that. at
 * NULL: PostgreSQL does not answer, and the listener has ended. It returns whether the listener is
 * still there. write() gets whole events, about STREAM_WRITE_MAX bytes at the most. */
struct stream_sink {
  bool (*on_begin)(void *arg, const struct tail_position *at);
  enum stream_more (*write)(void *arg, const char *text, size_t len);
};

/* stream_listen(): after NULL: what is committed from the beginning on; else what comes behind it,
 * and if there is no such position, first "event: reset", then from the beginning on. sink is
 * borrowed. */
struct stream_listener *stream_listen(struct stream *s, const struct tail_position *after,
                                      const struct stream_filter *filter,
                                      const struct stream_sink *sink, void *arg);
void stream_leave(struct stream_listener *l);
void stream_ready(struct stream_listener *l);

/* stream_poke(): something was committed. */
void stream_poke(struct stream *s);

/* stream_position_parse() reads "XID-N", as an id says it. */
bool stream_position_parse(const char *text, struct tail_position *out);

/* stream_tick() is what its timer calls each second; tests call it with their own clock. */
void stream_tick(struct stream *s, int64_t now_mono_ms);

size_t stream_listeners(const struct stream *s);

#endif
