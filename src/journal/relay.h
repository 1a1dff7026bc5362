/*
 * relay.h - what Redis is told after a commit: enqueue, finish, put back, publish; one pipeline for
 * each batch. Hints: when Redis is away the relay lets go and says so, and the sweeper repairs.
 * Loop thread only.
 */
#ifndef JOURNAL_RELAY_H
#define JOURNAL_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ulid.h"
#include "order/order.h"
#include "queue/queue.h"

struct relay;

struct relay *relay_create(struct queue *queue);
void relay_destroy(struct relay *r);

/* relay_event() copies. While nobody listens events are not told at all: relay_listened() says that
 * somebody does, here or elsewhere, until a monotonic time, and is called again before it has come.
 */
void relay_event(struct relay *r, const struct order_event *e);
void relay_listened(struct relay *r, int64_t until_ms);
/* relay_on_events() names who hears of events from this process itself, before Redis does: a
 * message as it is published (see order/line.h), valid during the call. NULL: nobody. */
typedef void (*relay_events_fn)(void *arg, const char *text, size_t len);
void relay_on_events(struct relay *r, relay_events_fn fn, void *arg);
void relay_enqueue(struct relay *r, const struct ulid *id);
/* Of a group: it waits behind another; it is its turn, in delay_ms. */
void relay_behind(struct relay *r, const struct ulid *id);
void relay_turn(struct relay *r, const struct ulid *id, int64_t delay_ms);
/* token: of the lease that ends. */
void relay_finish(struct relay *r, const struct ulid *id, const char *token, bool succeeded);
void relay_put_back(struct relay *r, const struct ulid *id, const char *token, int64_t delay_ms);
/* relay_return() puts back an order that no worker was given: that was no start. */
void relay_return(struct relay *r, const struct ulid *id, const char *token);
/* running: a worker process is to be told that it has lost the order. */
void relay_cancel(struct relay *r, const struct ulid *id, bool running);
/* relay_park() puts back an order that waits for a topic. When Redis has it, or cannot be told, it
 * is given to whom relay_on_parked() has named: a wake from then on finds it. */
void relay_park(struct relay *r, const struct ulid *id, const char *token, int64_t delay_ms);
typedef void (*relay_parked_fn)(void *arg, const struct ulid *ids, size_t n);
void relay_on_parked(struct relay *r, relay_parked_fn fn, void *arg);
/* relay_pause() goes out at once; as queue_pause(). */
enum status relay_pause(struct relay *r, bool paused, int64_t version, queue_done_fn done,
                        void *arg) MUST_CHECK;
void relay_flush(struct relay *r); /* sends what has gathered; called after each batch */

/* relay_let_go() is true once after hints were lost, here or by whoever called relay_lose(): time
 * for a full sweep. */
bool relay_let_go(struct relay *r);
void relay_lose(struct relay *r);

#endif
