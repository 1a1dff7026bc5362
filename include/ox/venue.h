/*
 * venue.h - a market place: quote, build, submit, look up.
 *
 * Threads: every function may be called from many threads at once, and may block until the
 * deadline it is given, never longer. Money is in base units (lamports and the like), always
 * integers. Times are Unix milliseconds. Deadlines are by the host's clock (ox_config.now_ms); what
 * a venue says (expiry, landing, watermark) is by the venue's own, and only compared with each
 * other: the two clocks may be far apart.
 */
#ifndef OX_VENUE_H
#define OX_VENUE_H

#include <stddef.h>
#include <stdint.h>

#include "trade.h"

/* How the venue treats bytes that arrive twice, and so what the host may do after a lost answer. */
enum ox_submit_class {
  OX_SUBMIT_DEDUP_BY_KEY, /* the same txHash lands once: resend freely */
  OX_SUBMIT_QUERY_BY_KEY, /* send once, then only look up */
  OX_SUBMIT_NONE,         /* neither: an unknown outcome waits for a person */
};

/* What a venue is given at open. get() returns a configuration value by its key, or NULL. */
struct ox_config {
  uint32_t size;
  const char *dir; /* where the plugins and their data files lie */
  const char *(*get)(const struct ox_config *config, const char *key);
  int64_t (*now_ms)(void);
  void (*log)(const char *level, const char *message);

  /* reset_venue() closes the breaker of the venue called name, in this process; NULL: of all. From
   * any thread until the plugin is closed. Since 1.1 */
  void (*reset_venue)(const struct ox_config *config, const char *name);
};

/*
 * name, "raydium", is what events and ledgers show. open() returns OX_VENUE_OK and gives *self,
 * which is handed to every other function; on failure it writes one sentence to error (error_len
 * bytes with the NUL). quote() and lookup() may be retried by the host; build() does no I/O, and
 * another nonce or attempt gives other bytes; submit() is called only after the host has made the
 * intent durable, perhaps in another process than the one that built it: the bytes say it all.
 * close() is called once, when no other call runs. quote_waits(), NULL for yes, says whether
 * quote() may take time: a venue that answers from memory says 0, and is asked on the worker's own
 * thread. submit_batch(), NULL for none, since 1.4, submits n transactions (2 to OX_BATCH_MAX)
 * whose intents became durable together, in one call where each would cost one; they may be of
 * several venues that have the same submit_batch(). Each one's result is what its submit() would
 * have answered; 0: it does not take them together, none was sent, and each is submitted by itself.
 */
enum { OX_BATCH_MAX = 128 };

struct ox_batch_item {
  void *self; /* of its venue */
  const struct ox_tx *tx;
  enum ox_venue_result result;
};

struct ox_venue {
  uint32_t size;
  const char *name;
  enum ox_submit_class submit_class;
  enum ox_venue_result (*open)(const struct ox_config *config, void **self, char *error,
                               size_t error_len);
  enum ox_venue_result (*quote)(void *self, const struct ox_swap *swap, int64_t deadline_ms,
                                struct ox_quote *quote);
  enum ox_venue_result (*build)(void *self, const struct ox_swap *swap, uint64_t nonce,
                                struct ox_tx *tx);
  enum ox_venue_result (*submit)(void *self, const struct ox_tx *tx, int64_t deadline_ms);
  enum ox_venue_result (*lookup)(void *self, const char *tx_hash, int64_t deadline_ms,
                                 struct ox_landing *landing);
  void (*close)(void *self);
  int (*quote_waits)(void *self);
  int (*submit_batch)(struct ox_batch_item *items, size_t n, int64_t deadline_ms);
};

#endif
