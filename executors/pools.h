/*
 * pools.h - the pools of the simulated venues, from pools.json. Loaded when a plugin opens,
 * constant afterwards: look up from any thread.
 */
#ifndef POOLS_H
#define POOLS_H

#include <ox/venue.h>
#include <stdbool.h>
#include <stddef.h>

#include "meteora.h"
#include "raydium.h"
#include "tokens.h"

enum { POOLS_MAX = 1024 };

enum pool_kind { POOL_CONSTANT_PRODUCT, POOL_BINS };

struct pool {
  char venue[OX_NAME_MAX];
  char name[OX_NAME_MAX];
  char x[TOKEN_SYMBOL_MAX], y[TOKEN_SYMBOL_MAX];
  enum pool_kind kind;
  struct raydium_pool raydium; /* POOL_CONSTANT_PRODUCT */
  struct meteora_pool meteora; /* POOL_BINS */
};

struct pools;

/* pools_load() reads dir/pools.json. Every token has to be in tokens, and every bin pool must stay
 * sound when its active bin moves by up to bin_shift. NULL: error got one sentence. */
struct pools *pools_load(const char *dir, const struct tokens *tokens, int32_t bin_shift,
                         char *error, size_t error_len);
void pools_destroy(struct pools *pools);

/* pools_find() gives the venue's pool of the two tokens, or NULL; *x_to_y: token_in is its x. */
const struct pool *pools_find(const struct pools *pools, const char *venue, const char *token_in,
                              const char *token_out, bool *x_to_y);

#endif
