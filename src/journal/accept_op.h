/*
 * accept_op.h - accepts inside the journal: what journal.c and batch.c call of accept.c.
 */
#ifndef JOURNAL_ACCEPT_OP_H
#define JOURNAL_ACCEPT_OP_H

#include "journal/internal.h"

size_t accept_take(struct lane *lane, size_t max); /* from the waiting lists into the lane */
void accept_send(struct lane *lane, struct pg_batch *batch);
/* accept_insert() inserts those whose name and key are free. on_inserted gets lane, and a row for
 * each. */
void accept_insert(struct lane *lane, struct pg_batch *batch, struct accept_op *const *ops,
                   size_t n, pg_result_fn on_inserted);
void accept_committed(struct lane *lane);
void accept_requeue(struct lane *lane);
void accept_refuse(struct lane *lane, enum status why); /* whoever still waits for an answer */
void accept_expire(struct journal *j, int64_t now_ms);
void accept_forget(struct lane *lane);
void accept_found(struct lane *lane, const struct ulid *id, int64_t created_at_ms);
void accept_resolved(struct lane *lane); /* all that was found is known */

struct accept_op *accept_op_create(const struct journal_accept *a); /* with an id */
/* accept_announce() tells Redis, and whoever watches, of a new order. */
void accept_announce(struct journal *j, const struct accept_op *op);
bool accept_key_busy(const struct journal *j, const char *tenant, const char *key);

#endif
