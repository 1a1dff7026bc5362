/*
 * dispatcher.h - from hint to hand-over: claims as many orders as there are idle workers, makes
 * them this session's in PostgreSQL, runs them, and takes what the workers report to the journal.
 *
 * DESIGN. Redis proposes, PostgreSQL decides: what queue_claim() gives is confirmed by
 * journal_claim(); what is refused goes back. Nothing is claimed that no idle worker waits for. A
 * slot is free again when the order's last step is durable; after a short run its next order is
 * claimed meanwhile, as the heir of the one that leaves, see journal_claim(). Before its first
 * start a session is armed, so that whoever has to rebuild the limiter's log knows of it. Loop
 * thread only.
 */
#ifndef WORKERS_DISPATCHER_H
#define WORKERS_DISPATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "journal/journal.h"
#include "journal/session.h"
#include "plugin/registry.h"
#include "queue/queue.h"
#include "workers/intake.h"
#include "workers/options.h"

struct dispatcher;

struct dispatcher_parts {
  const struct workers_options *options; /* outlives the dispatcher */
  const struct registry *registry;
  struct venues *venues;
  struct queue *queue;
  struct journal *journal;
  struct parks *parks;
  void (*on_queue_lost)(void *arg); /* Redis has forgotten things: sweep */
  void (*on_fatal)(void *arg);      /* too many threads are lost: end the process */
  void *arg;
};

struct dispatcher *dispatcher_create(uv_loop_t *loop, const struct dispatcher_parts *parts);

/* What others tell it: there may be work (new orders, Redis back), the queue's connection is up. */
void dispatcher_wake(struct dispatcher *d);
void dispatcher_queue_up(struct dispatcher *d);
/* dispatcher_stop() stops running those of these orders that it runs: they were cancelled. ids are
 * ULIDs with spaces between. */
void dispatcher_stop(struct dispatcher *d, const char *ids, size_t len);

/* dispatcher_drain() claims no more. Jobs get half of timeout_ms to finish, then are cancelled;
 * done is called when none is left, or at the end of timeout_ms. */
void dispatcher_drain(struct dispatcher *d, int64_t timeout_ms, void (*done)(void *arg), void *arg);
/* dispatcher_hurry() cancels the jobs of a drain now and ends it after timeout_ms at the latest. */
void dispatcher_hurry(struct dispatcher *d, int64_t timeout_ms);
/* dispatcher_destroy() ends the session and frees everything; jobs that still run are left behind.
 */
void dispatcher_destroy(struct dispatcher *d, void (*done)(void *arg), void *arg);

/* type and stage: NULL when it is idle. */
struct dispatcher_slot {
  bool busy;
  struct ulid order;
  const char *type, *stage;
  int32_t attempt;
  int64_t age_ms;
  struct slot_tally tally;
};
bool dispatcher_alive(const struct dispatcher *d); /* its session holds */
bool dispatcher_empty(const struct dispatcher *d); /* no job, not even one that is stuck */
size_t dispatcher_slots(const struct dispatcher *d);
size_t dispatcher_busy(const struct dispatcher *d);
const struct ulid *dispatcher_process(const struct dispatcher *d); /* its name, for its life */
int64_t dispatcher_open_ms(const struct dispatcher *d);            /* since it was created */
struct dispatcher_slot dispatcher_slot(const struct dispatcher *d, size_t slot);

/* The session that owns its orders; NULL: it has none. dispatcher_has() is true for an order that
 * it runs, or has asked PostgreSQL for and not been answered. */
const struct ulid *dispatcher_session(const struct dispatcher *d);
bool dispatcher_has(const struct dispatcher *d, const struct ulid *id);

#endif
