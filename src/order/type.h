/*
 * type.h - the state table of one order type: which states there are and which moves are legal.
 * Pure: no I/O, no threads. The core enforces it; executors only ask.
 */
#ifndef ORDER_TYPE_H
#define ORDER_TYPE_H

#include <ox/executor.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct order_type {
  const char *name;
  const struct ox_state *states;
  size_t n_states;
  const struct ox_executor *executor;
};

/* What the executor says of it, see executor.h. order_type_executed() is false of a type whose
 * orders nobody runs. */
bool order_type_executed(const struct order_type *t);
const char *order_type_known_by(const struct order_type *t); /* NULL: by nothing */
const char *order_type_own_id(const struct order_type *t);   /* NULL: clientOrderId */
const char *order_type_group_by(const struct order_type *t); /* NULL: by nothing */

/* order_type_check() says whether the table is sound: up to 64 states, each name there once; one
 * initial state in phase queued, one on-fail state in phase failed, at most one on-claim (active)
 * and one on-cancel (cancelled); every next a known state; terminal phases without next, others
 * with one; no state unreachable from the initial one. error gets a sentence. */
enum status order_type_check(const struct order_type *t, char *error, size_t error_len) MUST_CHECK;

const struct ox_state *order_type_state(const struct order_type *t, const char *name);
const struct ox_state *order_type_flagged(const struct order_type *t, unsigned flag);

/* order_type_may_move() is the table, and nothing else. */
bool order_type_may_move(const struct order_type *t, const char *from, const char *to);

bool order_phase_terminal(enum ox_phase phase);
const char *order_phase_name(enum ox_phase phase);
bool order_phase_parse(const char *name, enum ox_phase *out);

#endif
