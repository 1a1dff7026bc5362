/*
 * tx.h - a simulated transaction: what is to be swapped, as bytes that say it all, and their hash.
 * Any process can send them, long after the one that built them is gone. Pure.
 */
#ifndef TX_H
#define TX_H

#include <ox/venue.h>
#include <stdbool.h>
#include <stdint.h>

#include "tokens.h"

enum { TX_ID_MAX = 96 }; /* an order's id, or a draw key, with the NUL */

struct tx {
  char venue[OX_NAME_MAX];
  char order_id[TX_ID_MAX];
  char draw_key[TX_ID_MAX];
  char token_in[TOKEN_SYMBOL_MAX], token_out[TOKEN_SYMBOL_MAX];
  uint32_t attempt;
  uint64_t nonce;
  uint64_t in_amount;
  uint64_t quoted_out; /* what the landing price is drawn around */
  uint64_t min_out_amount;
  int64_t expires_at_ms;
  uint64_t leg_in, leg_quoted_out; /* of a split: what its first venue gets and gives; else 0 */
};

/* tx_encode() fills out with the bytes, the hash (base58 of their SHA-256) and the expiry. False: a
 * string is too long. */
bool tx_encode(const struct tx *tx, struct ox_tx *out);

/* tx_decode() reads what tx_encode() made; false for anything else, also when the hash differs. */
bool tx_decode(const struct ox_tx *in, struct tx *tx);

#endif
