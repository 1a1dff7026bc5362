/*
 * cancel.h - what clients do to orders: ending one before its side effect was submitted, or all
 * that wait; moving one by hand.
 *
 * Each is a compare-and-set on the order's row, as a claim and a step are: it raises the fence, so
 * that whoever runs the order can neither report nor send any more. Loop thread only.
 */
#ifndef JOURNAL_CANCEL_H
#define JOURNAL_CANCEL_H

#include "journal/journal.h"

enum cancel_result {
  CANCEL_DONE,      /* durable, with its event */
  CANCEL_ENDED,     /* it had ended before */
  CANCEL_SUBMITTED, /* its transaction may have been sent, or its state cannot be left that way */
  CANCEL_RUNNING,   /* a purge leaves it alone */
  CANCEL_UNKNOWN,   /* there is no such order */
  CANCEL_AWAY,      /* PostgreSQL did not say so in time; it may or may not be done */
};

typedef void (*journal_cancelled_fn)(void *arg, enum cancel_result result);

/* journal_cancel() moves an order of this type to its on-cancel state, which it must have. ST_AWAY,
 * ST_FULL: at once, no callback. */
enum status journal_cancel(struct journal *j, const struct ulid *id, const struct order_type *type,
                           journal_cancelled_fn done, void *arg) MUST_CHECK;

/* journal_move() moves an order by hand to a state of its type, and takes it over from whoever runs
 * it: from then on it is moved by hand alone. CANCEL_SUBMITTED: there is no such move from the
 * state it is in. Else as journal_cancel(). */
enum status journal_move(struct journal *j, const struct ulid *id, const struct order_type *type,
                         const struct ox_state *target, journal_cancelled_fn done,
                         void *arg) MUST_CHECK;

/* ST_OK: n orders were cancelled, all that waited when it was called. ST_AWAY: n were, and others
 * may wait; it can be called again. */
typedef void (*journal_purged_fn)(void *arg, enum status status, int64_t n);

/* journal_purge() cancels every order that waits, for its turn, a retry or a condition, in pages.
 * What runs is not touched. ST_BUSY: a purge is under way. */
enum status journal_purge(struct journal *j, journal_purged_fn done, void *arg) MUST_CHECK;

#endif
