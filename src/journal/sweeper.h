/*
 * sweeper.h - puts back what Redis does not know: walks the orders that have not ended, page by
 * page, and enqueues those that nobody owns, and those that this process owns without knowing it,
 * because the answer to its claim was lost. Enqueueing is idempotent, so in good times it changes
 * nothing.
 *
 * It rolls slowly all the time, and runs through at full speed after whatever can have lost hints:
 * the start, a Redis that came back, a relay that let go, a process that died. Once an hour it also
 * deletes idempotency keys whose time is over. Loop thread only.
 */
#ifndef JOURNAL_SWEEPER_H
#define JOURNAL_SWEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "journal/relay.h"
#include "queue/queue.h"

struct sweeper;

struct sweeper_options {
  const char *database_url;
  int64_t lease_ms;
  /* The session by which this process owns orders, NULL: none; whether the process knows that it
   * has this one. Both NULL where nothing is run. */
  const struct ulid *(*session)(void *arg);
  bool (*has)(void *arg, const struct ulid *id);
  void *arg;
  int64_t interval_ms;      /* between pages when rolling; default 500 */
  int64_t keys_interval_ms; /* between times idempotency keys are tidied; default an hour */
};

struct sweeper *sweeper_create(uv_loop_t *loop, const struct sweeper_options *options,
                               struct queue *queue, struct relay *relay);
void sweeper_destroy(struct sweeper *s, void (*done)(void *arg), void *arg);

/* sweeper_run() makes it go through everything once, now. */
void sweeper_run(struct sweeper *s);

/* sweeper_workers() is how many worker processes live, anywhere; half a second old at the most. */
int64_t sweeper_workers(const struct sweeper *s);

#endif
