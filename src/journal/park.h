/*
 * park.h - topics and those who wait for them: records what is published, and wakes the parked
 * orders that it concerns.
 *
 * DESIGN. A park is a row, begun by the step that releases the order (see step.h); a topic is a row
 * with its newest level. Publishing commits the level, then wakes in pages, by compare-and-set on
 * the order's fence, in the order of accept. Whoever parks looks at the level once more after its
 * row is committed and its hint is with Redis. So either the waker sees the park or the parker sees
 * the level: no wake is lost. What a process that dies leaves undone is in the rows: topics that
 * owe wakes are worked off by anybody, and a slow roll over all parks looks at each of them again
 * and sweeps away those that are not in force any more.
 *
 * Nothing of a parked order is kept in memory. A connection of its own, with one statement under
 * way at a time. Loop thread, but for parks_publish().
 */
#ifndef JOURNAL_PARK_H
#define JOURNAL_PARK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "io/pg.h"
#include "journal/relay.h"

struct parks;

struct parks_options {
  const char *database_url;
  int64_t interval_ms; /* between pages of the roll, and looks at what topics owe; default 500 */
};

/* relay is told whom to enqueue, and tells what was parked. */
struct parks *parks_create(uv_loop_t *loop, const struct parks_options *options,
                           struct relay *relay);
/* parks_close(): what waits to be published, or comes from now on, is answered ST_AWAY. After done
 * parks_destroy(), once no thread can be publishing any more. */
void parks_close(struct parks *p, void (*done)(void *arg), void *arg);
void parks_destroy(struct parks *p);
bool parks_idle(const struct parks *p); /* nothing is left that only this process knows */

/* parks_topic_valid(): 1 to OX_TOPIC_MAX - 1 printable ASCII characters without blanks. */
bool parks_topic_valid(const char *topic);

/* parks_publish() makes level the newest of a valid topic, and waits till that is durable; the
 * wakes follow. ST_AWAY: not within deadline_ms, and perhaps never; ST_FULL: too many are waiting.
 * Any thread but the loop's. */
enum { PARKS_PUBLISH_MS = 2000 }; /* a deadline that does */
enum status parks_publish(struct parks *p, const char *topic, int64_t level,
                          int64_t deadline_ms) MUST_CHECK;

/* The statements, for the test that looks at their plans. */
extern const struct pg_statement parks_statements[];
extern const size_t n_parks_statements;

#endif
