/*
 * hub.h - who watches which order, and how each sees an exact prefix of its history.
 *
 * DESIGN. Watch = subscribe, buffer, read history > since, merge, drop what was sent. Live events
 * come from this process' own commits and from the subscriber, and are only pokes that carry the
 * event: a hole in seq, or the periodic check (one "= ANY" over the watched orders each second, in
 * chunks, at once after a reconnect) that finds the history ahead, reads PostgreSQL again. The
 * merge itself is event/merge.h, pure.
 *
 * Loop thread only. Callbacks may call hub_unwatch() on their own watch.
 */
#ifndef EVENT_HUB_H
#define EVENT_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"
#include "base/ulid.h"
#include "io/redis.h"
#include "net/ws.h"
#include "store/reader.h"

struct hub;
struct hub_watch;

/* on_event() gets each event with seq > since exactly once, in order; text is the event's JSON, to
 * be shared (take a reference to keep it). terminal: the last one, the watch is over and freed when
 * on_event returns. on_lost(): history could not be read for 30 s; the watch is over and freed. */
struct hub_sink {
  void (*on_event)(void *arg, int32_t seq, bool terminal, struct ws_message *text);
  void (*on_lost)(void *arg, int32_t last_seq);
};

/* The hub listens to event_channel while there is a watch, and for 10 s after the last one. */
struct hub *hub_create(uv_loop_t *loop, struct reader *reader, struct redis_conn *subscriber,
                       const char *event_channel);

/* hub_destroy() is not called from inside a callback. No callback comes after it; watches are still
 * unwatched by whoever has them. The memory goes with the last of them, when the loop has let go of
 * the timer and the reads are back. Reader and subscriber are still there. */
void hub_destroy(struct hub *h);

/* hub_watch() starts watching an order that is known to exist; since is at most its newest seq. No
 * callback comes from inside the call. */
struct hub_watch *hub_watch(struct hub *h, const struct ulid *order, int32_t since,
                            const struct hub_sink *sink, void *arg);
void hub_unwatch(struct hub_watch *w);
int32_t hub_watch_last_seq(const struct hub_watch *w);

/* hub_on_listening() names who is told that there is somebody to listen: when the first comes, once
 * a second from then on, and when the channel is back. */
void hub_on_listening(struct hub *h, void (*fn)(void *arg), void *arg);

/* hub_hold() keeps the hub on the channel without a watch, until hub_release(). */
void hub_hold(struct hub *h);
void hub_release(struct hub *h);

/* A message with events (see order/line.h) of this process itself: it comes before Redis has it,
 * and is not taken once more when it comes from there. */
void hub_on_own_message(struct hub *h, const char *text, size_t len);
/* What the subscriber's connection tells: a message on the event channel, and that it is back after
 * having been away. */
void hub_on_message(struct hub *h, const char *text, size_t len);
void hub_on_resubscribed(struct hub *h);

size_t hub_watches(const struct hub *h);

/* hub_tick() is what the hub's own timer calls each second; tests call it with their own clock. */
void hub_tick(struct hub *h, int64_t now_mono_ms);

#endif
