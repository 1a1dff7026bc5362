/*
 * venues.h - the venues, as this process calls them: each behind its breaker and within a deadline,
 * for orders and endpoints alike.
 *
 * DESIGN. A quote that may take time is asked for on one of the venue's own threads, so that all
 * venues are asked at once and whoever is late is left behind; a venue that hangs holds up no
 * threads but its own, and its breaker opens. What came to nothing is asked for once more if the
 * time is there and the budget has a retry left. Submits and lookups are made on the caller's
 * thread: a venue that breaks its word about the deadline there meets the deadline of the job.
 * Any thread.
 */
#ifndef WORKERS_VENUES_H
#define WORKERS_VENUES_H

#include <ox/venue.h>
#include <stdbool.h>
#include <stddef.h>

#include "plugin/registry.h"
#include "workers/breaker.h"

struct venues;

struct venues_options {
  const struct registry *registry;
  struct breaker_options breaker;
  int64_t deadline_ms; /* to quote, to acknowledge, to look up */
  int retry_percent;   /* of quotes; see budget.h */
  size_t callers;      /* how many quote at once, at the most */
};

struct venues *venues_create(const struct venues_options *options);

/* venues_stop() ends the threads. false: one did not come back in time, and still uses all this.
 * Nobody else calls a venue any more; venues_reset() may be called until venues_destroy(). */
bool venues_stop(struct venues *vs);
void venues_destroy(struct venues *vs);

/* venues_quote() asks every venue at once and waits, at the longest for the deadline; fills one
 * quote for each venue, at most max, and returns how many. venues_quote_waits() says whether it
 * will take time. */
size_t venues_quote(struct venues *vs, const struct ox_swap *swap, struct ox_quote *quotes,
                    size_t max);
bool venues_quote_waits(const struct venues *vs);

/* venues_may_submit() is false while the venue's breaker is not closed. */
bool venues_may_submit(struct venues *vs, const struct registry_venue *v);
enum ox_venue_result venues_submit(struct venues *vs, const struct registry_venue *v,
                                   const struct ox_tx *tx);

/* venues_together() is whether transactions of a and b may be sent in one batch; of a alone,
 * whether those of a may. venues_submit_batch() sends n, at most OX_BATCH_MAX; v[i] is the venue of
 * items[i]. False: they would not be taken together, and none was sent. */
bool venues_together(const struct registry_venue *a, const struct registry_venue *b);
bool venues_submit_batch(struct venues *vs, const struct registry_venue *const *v,
                         struct ox_batch_item *items, size_t n);

/* venues_lookup() asks no breaker, and tells it nothing. */
enum ox_venue_result venues_lookup(struct venues *vs, const struct registry_venue *v,
                                   const char *tx_hash, struct ox_landing *landing);

/* venues_reset() closes the breaker of the venue called name; NULL: of every one. */
void venues_reset(struct venues *vs, const char *name);

struct venues_health {
  const char *name;
  enum breaker_state state;
  size_t failures;  /* in a row */
  int64_t probe_ms; /* until it may be asked again; 0: now */
};
size_t venues_health(struct venues *vs, struct venues_health *out, size_t max);

#endif
