/*
 * faults.h - what the simulated venues do wrong on purpose. A set of faults is replaced as a whole;
 * what each kind does to a call is in sim.c, and in the table of README.md.
 *
 * A fault strikes a call of its venue at the point its kind belongs to, unless one of its three
 * conditions, each of which may be missing, speaks against it:
 *   probability  drawn: for the order and its attempt, so that a run can be repeated; a look-up,
 *                which names no order, draws anew each time
 *   nth          only the nth such call, counted in each process from when the set was put there
 *   windowMs     only so long after the set was put there, by the ledger's clock
 *
 * A set is constant but for its counters, which are atomic: any thread.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <jansson.h>
#include <ox/order.h>
#include <stdbool.h>
#include <stdint.h>

#include "writer.h"

enum { FAULTS_MAX = 64, FAULTS_TEXT_MAX = 16384 /* as a body */ };

enum fault_kind {
  FAULT_NONE,
  FAULT_QUOTE_TIMEOUT,
  FAULT_STALE_QUOTE,
  FAULT_NO_LIQUIDITY,
  FAULT_RATE_LIMITED,
  FAULT_LOST_BEFORE_LANDING,
  FAULT_ACK_LOST_AFTER_LANDING,
  FAULT_LATE_LANDING,
  FAULT_EXPIRED,
  FAULT_LOOKUP_LAGGING,
  FAULT_HALTED,
  FAULT_CRASH,
  FAULT_KINDS
};

/* Where in a venue's work a fault can strike. */
enum fault_point {
  FAULT_AT_QUOTE,
  FAULT_AT_BUILD,
  FAULT_AT_SUBMIT, /* before anything has left */
  FAULT_AT_SENT,   /* the transaction is durable, its sender not told yet */
  FAULT_AT_LOOKUP,
  FAULT_POINTS
};

/* A call of a venue, for the draw. A look-up has a key of its own and attempt 0. */
struct fault_call {
  enum fault_point point;
  const char *venue; /* "raydium+meteora" is struck by the faults of either, too */
  const char *key;
  uint32_t attempt;
  uint64_t seed;
  int64_t now_ms;
};

struct faults;

/*
 * faults_read() reads a set, a JSON array:
 *   [{"venue":"raydium","kind":"halted","probability":0.1,"nth":null,"windowMs":null}]
 * a crash may also say at which "point": quote, submit, sent (the default) or lookup. venues is
 * NULL-terminated. NULL: something is wrong, all of which was added to errors (may be NULL).
 */
struct faults *faults_read(const json_t *array, const char *const *venues,
                           struct ox_errors *errors);
struct faults *faults_hold(struct faults *faults); /* to be dropped once more */
void faults_drop(struct faults *faults);

/* faults_begin() starts the windows. spent: the process was not there when the set was put in
 * place, and counts no calls: an nth fault is over. Before any other thread sees the set. */
void faults_begin(struct faults *faults, int64_t at_ms, bool spent);

bool faults_any(const struct faults *faults); /* it is not the empty set */

/* faults_strike() counts the call and gives the kind of the first fault that strikes it. */
enum fault_kind faults_strike(struct faults *faults, const struct fault_call *call);

/* faults_write() adds the set as the array "faults", with every member. */
void faults_write(const struct faults *faults, struct writer *w);

#endif
