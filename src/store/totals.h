/*
 * totals.h - how many orders there are in each state, and how long they took; of all clients.
 *
 * DESIGN. An end is final, so the orders that ended are sums in PostgreSQL, which whoever asks
 * carries on by the events that came since, a page in each transaction; the others are counted.
 * What that costs depends on how many have not ended, and how many have since somebody last asked;
 * never on all there are. It has a connection of its own, and is done once for all who ask
 * meanwhile. The answer is then good for ten times as long as it took: a tenth of one core at the
 * most. Loop thread only.
 */
#ifndef STORE_TOTALS_H
#define STORE_TOTALS_H

#include "io/pg.h"

struct totals;

struct totals_sums {
  const struct totals_count {
    const char *status;
    int64_t n;
  } * counts; /* one for each status there is */
  size_t n_counts;
  int64_t n_orders;
  double average_s; /* from accept to end, of those that succeeded; 0: there are none */
};

/* sums is borrowed; NULL unless ST_OK. ST_AWAY: PostgreSQL did not count them in time. */
typedef void (*totals_fn)(void *arg, enum status status, const struct totals_sums *sums);

struct totals *totals_create(uv_loop_t *loop, const char *url);
/* totals_destroy() answers who waits with ST_AWAY. */
void totals_destroy(struct totals *t, void (*done)(void *arg), void *arg);

/* totals_read() calls done later, or at once, from inside the call, when the sums are known.
 * ST_AWAY, ST_FULL (too many wait): no callback. */
enum status totals_read(struct totals *t, totals_fn done, void *arg) MUST_CHECK;

#endif
