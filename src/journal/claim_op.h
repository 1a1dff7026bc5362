/*
 * claim_op.h - a claim inside the journal, and what journal.c calls of it.
 */
#ifndef JOURNAL_CLAIM_OP_H
#define JOURNAL_CLAIM_OP_H

#include "journal/internal.h"

struct claim_op {
  struct list_node node;
  struct ulid id, session;
  int64_t handover_by_ms;
  struct journal_order *after;     /* NULL, too, when he is gone */
  struct journal_claimed *claimed; /* NULL: refused */
  enum status status;              /* once it has committed */
  enum journal_refusal refusal;
  int64_t retry_ms;
  bool entered; /* the claim state's event was written */
  bool intent_open;
  journal_claimed_fn done;
  void *arg;
};

size_t claim_take(struct transaction *t, size_t max);
size_t claim_held(const struct transaction *t); /* they wait for the end of another transaction */
void claim_send(struct transaction *t, struct pg_batch *batch);
void claim_committed(struct transaction *t);
void claim_requeue(struct transaction *t);
void claim_refuse(struct transaction *t);
void claim_away(struct claim_op *op);

#endif
