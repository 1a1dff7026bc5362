/*
 * trade.h - what goes to a venue and what comes back: swaps, quotes, transactions, landings. Money
 * is in base units (lamports and the like), always integers; times are Unix milliseconds, see
 * venue.h. Structs carry their size and grow only at the end.
 */
#ifndef OX_TRADE_H
#define OX_TRADE_H

#include <stddef.h>
#include <stdint.h>

enum {
  OX_NAME_MAX = 32,      /* with the NUL */
  OX_TX_HASH_MAX = 96,   /* with the NUL */
  OX_TX_BYTES_MAX = 512, /* a built transaction */
  OX_LEGS_MAX = 4        /* of a split */
};

/* What a call to a venue came to. Only OX_VENUE_OK fills the output. */
enum ox_venue_result {
  OX_VENUE_OK,
  OX_VENUE_TIMEOUT,      /* no answer by the deadline: after a submit the outcome is unknown */
  OX_VENUE_UNAVAILABLE,  /* not reached, halted, 5xx: after a submit the outcome is unknown */
  OX_VENUE_NO_LIQUIDITY, /* the venue cannot fill this amount, or does not list the pair */
  OX_VENUE_RATE_LIMITED, /* asked too often; nothing was sent */
  OX_VENUE_REJECTED,     /* a final no: these bytes will never land */
  /* The host's words, never a venue's: */
  OX_VENUE_BREAKER_OPEN, /* it failed too often and is let be */
  OX_VENUE_STALE,        /* the quote had expired when it came */
  /* And of a venue that splits a swap over others: */
  OX_VENUE_NO_SPLIT, /* one of them alone is as good */
};

/* ox_venue_result_name() is the word events and logs use: "TIMEOUT". */
static inline const char *ox_venue_result_name(enum ox_venue_result result)
{
  static const char *const names[] = {"OK",           "TIMEOUT",      "UNAVAILABLE",
                                      "NO_LIQUIDITY", "RATE_LIMITED", "REJECTED",
                                      "BREAKER_OPEN", "STALE",        "NO_SPLIT"};
  return (size_t)result < sizeof names / sizeof *names ? names[result] : "UNKNOWN";
}

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

/* What one venue does of a swap that is split. */
struct ox_leg {
  char venue[OX_NAME_MAX];
  uint64_t in_amount;
  uint64_t out_amount;
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
  /* Since 1.1: */
  int64_t as_of_ms; /* the venue's clock when it answered; 0: it does not say */
  uint32_t n_legs;  /* of a split over other venues, which together fill the amounts; else 0 */
  struct ox_leg legs[OX_LEGS_MAX];
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
  uint32_t n_legs; /* of a split that landed; else 0. Since 1.1 */
  struct ox_leg legs[OX_LEGS_MAX];
};

#endif
