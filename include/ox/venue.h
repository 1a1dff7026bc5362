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

enum {
  OX_NAME_MAX = 32,     /* with the NUL */
  OX_TX_HASH_MAX = 96,  /* with the NUL */
  OX_TX_BYTES_MAX = 512 /* a built transaction */
};

/* What a call to a venue came to. Only OX_VENUE_OK fills the output. */
enum ox_venue_result {
  OX_VENUE_OK,
  OX_VENUE_TIMEOUT,      /* no answer by the deadline: after a submit the outcome is unknown */
  OX_VENUE_UNAVAILABLE,  /* not reached, halted, 5xx: after a submit the outcome is unknown */
  OX_VENUE_NO_LIQUIDITY, /* the venue cannot fill this amount, or does not list the pair */
  OX_VENUE_RATE_LIMITED, /* asked too often; nothing was sent */
  OX_VENUE_REJECTED,     /* a final no: these bytes will never land */
};

/* ox_venue_result_name() is the word events and logs use: "TIMEOUT". */
static inline const char *ox_venue_result_name(enum ox_venue_result result)
{
  static const char *const names[] = {"OK",           "TIMEOUT",      "UNAVAILABLE",
                                      "NO_LIQUIDITY", "RATE_LIMITED", "REJECTED"};
  return (size_t)result < sizeof names / sizeof *names ? names[result] : "UNKNOWN";
}

/* How the venue treats bytes that arrive twice, and so what the host may do after a lost answer. */
enum ox_submit_class {
  OX_SUBMIT_DEDUP_BY_KEY, /* the same txHash lands once: resend freely */
  OX_SUBMIT_QUERY_BY_KEY, /* send once, then only look up */
  OX_SUBMIT_NONE,         /* neither: an unknown outcome waits for a person */
};

/* What is to be swapped. draw_key, attempt: what a simulated venue's randomness may depend on. */
struct ox_swap {
  uint32_t size;
  uint32_t attempt;
  const char *order_id;
  const char *draw_key; /* clientOrderId if there is one, else orderId */
  const char *token_in;
  const char *token_out;
  uint64_t in_amount;
  uint64_t min_out_amount; /* 0 when quoting: nothing is fixed yet */
  uint32_t slippage_bps;
};

struct ox_quote {
  uint32_t size;
  enum ox_venue_result result; /* set by the host; the fields below only with OX_VENUE_OK */
  char venue[OX_NAME_MAX];
  char pool[OX_NAME_MAX];
  uint64_t in_amount;
  uint64_t out_amount; /* net of fees */
  uint64_t fee_amount; /* in the input token */
  uint64_t min_out_amount;
  uint32_t price_impact_bps;
  int64_t expires_at_ms;
};

/*
 * Exact bytes, ready to send. The hash is the idempotency key: the same bytes have the same hash
 * and can land at most once. After expires_at_ms the venue refuses them for ever.
 */
struct ox_tx {
  uint32_t size;
  uint32_t n_bytes;
  char tx_hash[OX_TX_HASH_MAX];
  int64_t expires_at_ms;
  unsigned char bytes[OX_TX_BYTES_MAX];
};

enum ox_landing_state {
  OX_LANDING_ABSENT,   /* the venue had not seen it as of as_of_ms */
  OX_LANDING_PENDING,  /* accepted, not final yet */
  OX_LANDING_LANDED,   /* tokens moved */
  OX_LANDING_REVERTED, /* final, and nothing moved (out below min_out_amount) */
};

/*
 * What the venue knows of a txHash. as_of_ms is the venue's watermark: the moment up to which the
 * answer is complete. Only ABSENT with as_of_ms > the transaction's expiry proves it dead.
 */
struct ox_landing {
  uint32_t size;
  enum ox_landing_state state;
  uint64_t in_amount;
  uint64_t out_amount;
  int64_t landed_at_ms;
  int64_t as_of_ms;
};

/* What a venue is given at open. get() returns a configuration value by its key, or NULL. */
struct ox_config {
  uint32_t size;
  const char *dir; /* where the plugins and their data files lie */
  const char *(*get)(const struct ox_config *config, const char *key);
  int64_t (*now_ms)(void);
  void (*log)(const char *level, const char *message);
};

/*
 * name, "raydium", is what events and ledgers show. open() returns OX_VENUE_OK and gives *self,
 * which is handed to every other function; on failure it writes one sentence to error (error_len
 * bytes with the NUL). quote() and lookup() may be retried by the host; build() does no I/O, and
 * another nonce or attempt gives other bytes; submit() is called only after the host has made the
 * intent durable, perhaps in another process than the one that built it: the bytes say it all.
 * close() is called once, when no other call runs. quote_waits(), NULL for yes, says whether
 * quote() may take time: a venue that answers from memory says 0, and is asked on the worker's own
 * thread.
 */
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
};

#endif
