/*
 * accept_op.h - accepts inside the journal: what journal.c and batch.c call of accept.c.
 */
#ifndef JOURNAL_ACCEPT_OP_H
#define JOURNAL_ACCEPT_OP_H

#include "journal/internal.h"

struct accept_op {
  struct list_node node;
  struct ulid id;
  const char *tenant, *own, *key, *group, *type, *status, *payload; /* inside the allocation */
  unsigned char hash[JOURNAL_HASH_LEN], key_hash[JOURNAL_HASH_LEN];
  enum ox_phase phase;
  bool by_hand;
  int64_t begun_ns, deadline_ms; /* monotonic */
  struct journal_accepted accepted;
  char first_status[ORDER_STATUS_MAX + 1]; /* replayed: what accepted.status points to */
  enum status result;
  bool settled;             /* result is known */
  journal_accepted_fn done; /* NULL: answered already */
  void *arg;
};

size_t accept_take(struct transaction *t, size_t max); /* from the waiting lists */
void accept_send(struct transaction *t, struct pg_batch *batch);
/* accept_insert() inserts those whose name and key are free. on_inserted gets t, and a row for
 * each. */
void accept_insert(struct transaction *t, struct pg_batch *batch, struct accept_op *const *ops,
                   size_t n, pg_result_fn on_inserted);
void accept_committed(struct transaction *t);
void accept_requeue(struct transaction *t);
void accept_refuse(struct transaction *t, enum status why); /* whoever still waits for an answer */
void accept_expire(struct journal *j, int64_t now_ms);
void accept_forget(struct transaction *t);
void accept_found(struct transaction *t, const struct ulid *id, int64_t created_at_ms);
void accept_resolved(struct transaction *t); /* all that was found is known */

struct accept_op *accept_op_create(const struct journal_accept *a); /* with an id */
/* accept_announce() tells Redis, and whoever watches, of a new order. */
void accept_announce(struct journal *j, const struct accept_op *op);
bool accept_key_busy(const struct journal *j, const char *tenant, const char *key);

#endif
