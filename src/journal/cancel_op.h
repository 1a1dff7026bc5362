/*
 * cancel_op.h - a cancel or a move by hand on its way, and what is done with those in their
 * transactions; as the functions of the same names in internal.h.
 */
#ifndef JOURNAL_CANCEL_OP_H
#define JOURNAL_CANCEL_OP_H

#include "journal/cancel.h"
#include "journal/internal.h"

struct cancel_op {
  struct list_node node;
  struct ulid id;
  const struct order_type *type;
  const struct ox_state *target;
  bool waiting_only; /* not if it runs */
  bool by_hand;      /* from then on it is moved by hand alone */
  int tries;
  int64_t deadline_ms;
  bool there, settled; /* its row was read; result is known */
  enum cancel_result result;
  bool owned;   /* by a session that is to be told */
  bool grouped; /* others of its group may wait for its end */
  int32_t ver, attempt;
  int64_t at_ms;
  journal_cancelled_fn done; /* NULL: answered already */
  void *arg;
};

enum status cancel_add(struct journal *j, const struct cancel_op *wanted);
size_t cancel_take(struct transaction *t, size_t max);
void cancel_send(struct transaction *t, struct pg_batch *batch);
void cancel_committed(struct transaction *t); /* also when what was found is all that is known */
void cancel_requeue(struct transaction *t);
void cancel_refuse(struct transaction *t);
void cancel_expire(struct journal *j, int64_t now_ms);
void cancel_forget(struct transaction *t);
void cancel_found(struct transaction *t, const struct doubt_row *row);

#endif
