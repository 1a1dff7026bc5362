/*
 * queue.h - the queue in Redis: which orders wait, which are delayed, who runs which until when,
 * and how many may start. Hints only: PostgreSQL decides (see journal.h), a lost or doubled hint
 * costs time, never an order.
 *
 * DESIGN. Keys share one hash tag, PREFIX:{0}:…
 *   waiting  ZSET  score 0, member = ULID: lexicographic order is the order of accept
 *   delayed  ZSET  score = due, Unix ms by Redis' clock
 *   behind   ZSET  as waiting: behind another of their group, only counted (see journal/turn.c)
 *   active   ZSET  score = end of the lease; leases HASH ULID → token
 *   starts   ZSET  the limiter's sliding log: score = start time, member = token of the start
 *   clock          the latest time seen: TIME made never to go back
 *   epoch          run_id the limiter's log is good for; missing or another: claim is CLOSED
 *   paused "VERSION:1" or "VERSION:0", as PostgreSQL has it; counts
 * Each operation is one Lua script (lua/), O(log n) for each order. The limiter counts a start in
 * any window of rate_window_ms + slack_ms; the hand-over must be done within slack_ms of the claim
 * or be given back with queue_put_back(), so no window of rate_window_ms sees more than rate_limit.
 * A Redis that is full (maxmemory, policy noeviction) refuses queue_enqueue() alone: it drains.
 *
 * Loop thread only. Every call answers ST_AWAY at once when Redis is away, ST_FULL when it owes too
 * many answers (no callback then); otherwise its callback runs exactly once, with ST_AWAY when the
 * answer was lost, ST_BROKEN when Redis refused. A queue_done_fn may be NULL.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/ulid.h"
#include "io/redis.h"

struct queue;

struct queue_options {
  const char *prefix;
  int64_t rate_limit; /* starts in a window; 0: off */
  int64_t rate_window_ms;
  int64_t slack_ms;
  int64_t lease_ms;
};

/* Who holds a lease: the process's session and a counter, "SESSION:N". */
enum { QUEUE_TOKEN_MAX = 48 };

/* Orders in one script; a call about more is several, and its callback comes after the last. With
 * an error some of them may be done all the same. */
enum { QUEUE_BATCH_MAX = 500 };
enum { QUEUE_BEHIND = -1 }; /* for delay_ms, when enqueued: it waits until it comes without */
struct queue_item {
  struct ulid id;
  char token[QUEUE_TOKEN_MAX];
  int64_t delay_ms; /* enqueue, put back: from now; 0: waiting at once */
};

enum queue_gate {
  QUEUE_OPEN,
  QUEUE_PAUSED,
  QUEUE_LIMITED, /* wait_ms until the next start is allowed */
  QUEUE_CLOSED,  /* no epoch: queue_open_epoch() first */
};

struct queue_claimed {
  const struct queue_item *items; /* borrowed for the callback */
  size_t n;
  enum queue_gate gate; /* what keeps back more than these */
  int64_t wait_ms;      /* till there may be more; 0: there are; -1: unknown, a wake will tell */
  int64_t now_ms;       /* the queue's time */
};

struct queue_counts {
  int64_t waiting, active, delayed, completed, failed; /* waiting: those behind another, too */
  int64_t used_in_window;
  int64_t oldest_waiting_ms; /* age of the oldest waiting, from its ULID; 0: none */
  bool paused;
};

typedef void (*queue_done_fn)(void *arg, enum status status);
typedef void (*queue_claimed_fn)(void *arg, enum status status,
                                 const struct queue_claimed *claimed);
typedef void (*queue_counts_fn)(void *arg, enum status status, const struct queue_counts *counts);
typedef void (*queue_ids_fn)(void *arg, enum status status, const struct ulid *ids, size_t n);

/* redis is borrowed. queue_destroy(): when no call is under way, or the connection has closed. */
struct queue *queue_create(struct redis_conn *redis, const struct queue_options *options);
void queue_destroy(struct queue *q);

/* queue_disconnect() lets go of the connection: every call says ST_AWAY from now on. */
void queue_disconnect(struct queue *q);
bool queue_up(const struct queue *q);      /* Redis can be asked */
bool queue_refused(const struct queue *q); /* it answers but takes nothing: out of memory, say */

/* queue_enqueue() makes orders wait that are not known yet, waiting, delayed or active: idempotent.
 * One that is delayed and comes without a delay waits at once. The wake channel (channel.h) says
 * that there is work, or a next due sooner than before; so it does after put back, reap, resume. */
enum status queue_enqueue(struct queue *q, const struct queue_item *items, size_t n,
                          queue_done_fn done, void *arg) MUST_CHECK;

/* queue_claim() promotes what is due (1,000 at a time), then takes up to max leases, oldest first,
 * at most QUEUE_BATCH_MAX. session is the claiming process's, at most 27 bytes, and used by this
 * queue alone: tokens are unique within it. */
enum status queue_claim(struct queue *q, const char *session, size_t max, queue_claimed_fn done,
                        void *arg) MUST_CHECK;

/* queue_beat() renews the leases whose token is still ours; the others come back as lost. */
enum status queue_beat(struct queue *q, const struct queue_item *items, size_t n, queue_ids_fn lost,
                       void *arg) MUST_CHECK;

/* queue_finish() forgets orders that ended and counts them. An order whose lease is somebody else's
 * by now is left to him: PostgreSQL tells him. An empty token: it ended without a lease. */
enum status queue_finish(struct queue *q, const struct queue_item *items, size_t n, bool succeeded,
                         queue_done_fn done, void *arg) MUST_CHECK;

/* queue_put_back() gives up leases that are ours: the order waits again, or is delayed by
 * delay_ms. With refund the start is taken out of the limiter's log, ours or not: it was never
 * handed over. */
enum status queue_put_back(struct queue *q, const struct queue_item *items, size_t n, bool refund,
                           queue_done_fn done, void *arg) MUST_CHECK;

/* queue_drop() forgets orders whoever holds them: they are terminal in PostgreSQL. */
enum status queue_drop(struct queue *q, const struct ulid *ids, size_t n, queue_done_fn done,
                       void *arg) MUST_CHECK;

/* queue_tidy() forgets who is said to be behind, after a up to b, but for n ids; 1,000 a call */
enum status queue_tidy(struct queue *q, const struct ulid *a, const struct ulid *b,
                       const struct ulid *ids, size_t n, queue_done_fn done, void *arg) MUST_CHECK;

/* queue_reap() makes orders whose lease ran out wait again; at most max, and QUEUE_BATCH_MAX. */
enum status queue_reap(struct queue *q, size_t max, queue_ids_fn reaped, void *arg) MUST_CHECK;

/* queue_open_epoch() opens the limiter for this run_id after closed_ms, unless another process has
 * done so. Starts that Redis still knows go on counting. proof, which may be NULL, names the newest
 * starts of all who made any: where the log still has them all it is whole, since Redis loses the
 * end of what was written and never the middle, and the limiter opens at once. queue_hold() closes
 * it for closed_ms once more: the queue's time has leapt. */
enum status queue_open_epoch(struct queue *q, int64_t closed_ms, const char *proof,
                             queue_done_fn done, void *arg) MUST_CHECK;
enum status queue_hold(struct queue *q, int64_t closed_ms, queue_done_fn done,
                       void *arg) MUST_CHECK;

/* queue_pause() passes on what PostgreSQL says. Claims go by the newest version that the queue or
 * Redis knows; they are QUEUE_PAUSED until it was told any, and since queue_doubt_pause(). */
enum status queue_pause(struct queue *q, bool paused, int64_t version, queue_done_fn done,
                        void *arg) MUST_CHECK;
void queue_doubt_pause(struct queue *q);
enum status queue_counts(struct queue *q, queue_counts_fn done, void *arg) MUST_CHECK; /* O(1) */

#endif
