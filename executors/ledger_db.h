/*
 * ledger_db.h - the ledger's table: one connection, two statements. Used by the ledger's thread
 * only; every call blocks, for a few seconds at most.
 */
#ifndef LEDGER_DB_H
#define LEDGER_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger.h"

enum { LEDGER_BATCH_MAX = OX_BATCH_MAX };

/* What is kept of a row: how it ends. */
struct ledger_entry {
  char tx_hash[LEDGER_HASH_MAX];
  uint64_t in_amount, out_amount, leg_in, leg_out;
  int64_t accepted_at_ms, lands_at_ms;
  bool landed;
};

struct ledger_db;

struct ledger_db *ledger_db_create(const char *url); /* does not connect; NULL: no memory */
void ledger_db_destroy(struct ledger_db *db);

/* After any of these failed the connection is closed, ledger_db_error() says why, and what had been
 * asked for has happened or not. */
bool ledger_db_connect(struct ledger_db *db, int64_t *now_ms); /* now_ms: PostgreSQL's clock */
bool ledger_db_connected(const struct ledger_db *db);
const char *ledger_db_error(const struct ledger_db *db);

/* ledger_db_insert() inserts the rows (up to LEDGER_BATCH_MAX) that have not expired, in one
 * transaction; accepted_ms[i] is when by the ledger's clock, 0 for the others. With some_known it
 * passes over those whose hash is there already; without, which is cheaper, one such fails it. */
bool ledger_db_insert(struct ledger_db *db, const struct ledger_row *const *rows, size_t n,
                      bool some_known, int64_t *accepted_ms);

/* ledger_db_read() reads up to LEDGER_BATCH_MAX hashes; entries[i].tx_hash is "" for one that is
 * absent. An absent one was not accepted before *as_of_ms, and no insert of it was under way then.
 */
bool ledger_db_read(struct ledger_db *db, const char *const *hashes, size_t n,
                    struct ledger_entry *entries, int64_t *as_of_ms);

#endif
