/*
 * pools.h - the pools of the simulated venues: those of pools.json, and copies of them with others
 * added. Constant once they are shared: look up from any thread.
 */
#ifndef POOLS_H
#define POOLS_H

#include <jansson.h>
#include <ox/order.h>
#include <ox/venue.h>
#include <stdbool.h>
#include <stddef.h>

#include "meteora.h"
#include "raydium.h"
#include "tokens.h"

enum { POOLS_MAX = 1024, POOL_BIN_MAX = 100000 };
#define POOL_RESERVE_MAX ((int64_t)1 << 62)

enum pool_kind { POOL_CONSTANT_PRODUCT, POOL_BINS };

struct pool {
  char venue[OX_NAME_MAX];
  char name[OX_NAME_MAX];
  char x[TOKEN_SYMBOL_MAX], y[TOKEN_SYMBOL_MAX];
  enum pool_kind kind;
  struct raydium_pool raydium; /* POOL_CONSTANT_PRODUCT */
  struct meteora_pool meteora; /* POOL_BINS */
};

/* pool_swap() is what in_amount (below 2^63) of x, or else of y, fetches. False: nothing, or more
 * than the pool holds. */
bool pool_swap(const struct pool *pool, bool x_to_y, uint64_t in_amount, struct fill *fill);

struct pools;

/* pools_load() reads dir/pools.json. Every token has to be in tokens, and every bin pool must stay
 * sound when its active bin moves by up to bin_shift. NULL: error got one sentence. */
struct pools *pools_load(const char *dir, const struct tokens *tokens, int32_t bin_shift,
                         char *error, size_t error_len);
struct pools *pools_copy(const struct pools *pools); /* NULL: no memory */
void pools_destroy(struct pools *pools);

/* pools_add() adds a pool in the form of pools.json, which is checked in the same way. False: what
 * is wrong with it was added to errors (may be NULL). */
bool pools_add(struct pools *pools, const json_t *item, const struct tokens *tokens,
               int32_t bin_shift, struct ox_errors *errors);

/* All of them, to be changed while nobody else sees them. */
size_t pools_count(const struct pools *pools);
struct pool *pools_at(struct pools *pools, size_t i);

/* pools_find() gives the venue's pool of the two tokens, or NULL; *x_to_y: token_in is its x. */
const struct pool *pools_find(const struct pools *pools, const char *venue, const char *token_in,
                              const char *token_out, bool *x_to_y);

#endif
