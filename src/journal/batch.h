/*
 * batch.h - many orders under one idempotency key: the key, all of the orders and the answer to
 * them become durable in one transaction, or nothing of it does. Loop thread only.
 *
 * DESIGN. The caller writes the answer before anything is sent: the ids are made here, and which
 * names are taken it has looked up. The transaction holds that against the facts, and takes nothing
 * back: a key or a name that is taken after all rolls the whole of it back, and the caller looks
 * again. Batches have a connection of their own, one transaction after the other, so nobody else's
 * order waits behind a thousand.
 */
#ifndef JOURNAL_BATCH_H
#define JOURNAL_BATCH_H

#include "journal/journal.h"

struct journal_batch;

enum { JOURNAL_BATCHES_MAX = 16 }; /* begun and not ended, in a process */

/* journal_batch_begin() takes key for a batch that is being put together. All are copied. ST_BUSY:
 * a request with this key is under way. ST_FULL, ST_AWAY: as journal_accept(). */
enum status journal_batch_begin(struct journal *j, const char *tenant, const char *key,
                                const unsigned char key_hash[JOURNAL_HASH_LEN],
                                struct journal_batch **out) MUST_CHECK;

/* journal_batch_add() copies order, which has no idempotency_key, and gives its id. */
struct ulid journal_batch_add(struct journal_batch *b, const struct journal_accept *order);
/* journal_batch_remove() takes the order with this id out again. */
void journal_batch_remove(struct journal_batch *b, const struct ulid *id);

/* ST_OK: all of it is durable. ST_CONFLICT: the key or a name is taken, nothing was done; the batch
 * is the caller's again. ST_BUSY: a request with the key or a name is under way elsewhere. ST_AWAY:
 * PostgreSQL is away or did not answer in time; it may or may not be there. */
typedef void (*journal_batch_fn)(void *arg, enum status status);

/* journal_batch_send() takes the batch; response (copied) is what a replay is answered. done is
 * called once, from the loop. */
void journal_batch_send(struct journal_batch *b, const char *response, journal_batch_fn done,
                        void *arg);

/* journal_batch_drop() ends a batch that is the caller's. NULL is legal; so is a batch that has
 * outlived its journal. */
void journal_batch_drop(struct journal_batch *b);

#endif
