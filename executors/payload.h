/*
 * payload.h - what a swap order asks for: tokenIn, tokenOut, amount, slippage or slippageBps; one
 * of type limit also limitPrice, a sniper launchToken, and both may have an expiresAt. Checked when
 * it is accepted, read again when it is run. Pure.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <ox/order.h>
#include <stdbool.h>
#include <stdint.h>

#include "tokens.h"

struct payload {
  const struct token *token_in;
  const struct token *token_out; /* NULL: a sniper's, which is not known yet */
  const char *symbol_out;        /* borrowed from the order */
  uint64_t amount;               /* base units of token_in */
  uint32_t slippage_bps;         /* 1 to 5000; 100 when the order says nothing */
  uint64_t limit_out;            /* limit: the least output that is not below limitPrice; else 0 */
  const char *launch_token;      /* sniper; borrowed from the order */
  int64_t expires_at_ms;         /* Unix time; 0: never */
};

/* payload_read() reads the fields of order. False when any is wrong: each wrong one is added to
 * errors (may be NULL), and *out is not complete. */
bool payload_read(const struct ox_order *order, const struct tokens *tokens,
                  struct ox_errors *errors, struct payload *out);

#endif
