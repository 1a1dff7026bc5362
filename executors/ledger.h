/*
 * ledger.h - the record of the simulated venues: which transactions they accepted, when each lands,
 * and what it moves. It stands for a chain: keyed by txHash only, and nothing in it ever changes.
 *
 * DESIGN. The record is the table sim.ledger, over a connection of the venues' own, served by one
 * thread. What callers hand in while a transaction is under way leaves as the next one. A row is
 * decided when it is accepted, with the expiry checked in the very statement that inserts it; a
 * lookup is a matter of the clock. Rows being immutable, each process keeps the ones it has seen.
 *
 * That a hash is absent, and will be for ever once it has expired, is said under a lock that no
 * insert is under way of: an accepted row is never missed because its commit took long.
 *
 * Any thread may call; calls block up to wait_ms.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <ox/venue.h>
#include <stdbool.h>
#include <stdint.h>

#include "tokens.h"
#include "tx.h"

enum { LEDGER_HASH_MAX = 48 };

struct ledger_row {
  char tx_hash[LEDGER_HASH_MAX];
  char order_id[TX_ID_MAX];
  char venue[OX_NAME_MAX];
  char token_in[TOKEN_SYMBOL_MAX], token_out[TOKEN_SYMBOL_MAX];
  uint32_t attempt;
  uint64_t in_amount, out_amount, min_out_amount; /* below 2^63 */
  int64_t delay_ms;      /* from its acceptance to its landing; -n: it lands n after its expiry */
  int64_t expires_at_ms; /* by the ledger's clock */
  bool landed;           /* when it lands tokens move; else it reverts */
  uint64_t leg_in, leg_out; /* of a split: what its first venue got and gave; else 0 */
  uint64_t network_fee;     /* in lamports; paid in either case */
};

struct ledger;

/* ledger_create() starts the thread, which connects, and creates the schema sim where there is
 * none, as soon as PostgreSQL is there. config must outlive the ledger. NULL: no memory, no thread.
 */
struct ledger *ledger_create(const struct ox_config *config, const char *database_url);
void ledger_destroy(struct ledger *ledger); /* no other call may be running */

/*
 * ledger_submit() makes row durable. OX_VENUE_OK: it is there, or an earlier one with its hash is.
 * OX_VENUE_REJECTED: it has expired, and is not and never will be there. OX_VENUE_RATE_LIMITED: too
 * many wait; not sent. OX_VENUE_TIMEOUT, OX_VENUE_UNAVAILABLE: unknown.
 */
enum ox_venue_result ledger_submit(struct ledger *ledger, const struct ledger_row *row,
                                   int64_t wait_ms);

/* ledger_submit_batch() does that for n rows, at most OX_BATCH_MAX, each with its own result. */
void ledger_submit_batch(struct ledger *ledger, const struct ledger_row *rows, size_t n,
                         int64_t wait_ms, enum ox_venue_result *results);

/* ledger_lookup() says what is known of a hash, as ox_venue.lookup does (but for the names of the
 * venues that had a split's legs), or, as it was lag_ms ago.
 */
enum ox_venue_result ledger_lookup(struct ledger *ledger, const char *tx_hash, int64_t wait_ms,
                                   int64_t lag_ms, struct ox_landing *landing);

/* ledger_now_ms() is the ledger's clock: PostgreSQL's, as last heard of; before that this host's.
 */
int64_t ledger_now_ms(struct ledger *ledger);

#endif
