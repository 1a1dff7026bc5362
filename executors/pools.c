/*
 * pools.c - the pools of the simulated venues. Constant once they are shared.
 */
#include "pools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datafile.h"
#include "form.h"

struct pools {
  size_t n, room;
  struct pool *items;
};

bool pool_swap(const struct pool *pool, bool x_to_y, uint64_t in_amount, struct fill *fill)
{
  if (pool->kind == POOL_BINS) return meteora_swap(&pool->meteora, x_to_y, in_amount, fill);
  return raydium_swap(&pool->raydium, x_to_y, in_amount, fill);
}

/* ── one pool ────────────────────────────────────────────────────────────────────────────────── */

static void read_raydium(struct form *form, struct raydium_pool *pool)
{
  pool->x = (uint64_t)form_int(form, "reserveX", 1, POOL_RESERVE_MAX);
  pool->y = (uint64_t)form_int(form, "reserveY", 1, POOL_RESERVE_MAX);
  pool->fee_ppm = (uint32_t)form_int(form, "feePpm", 0, 999999);
}

static void read_meteora(struct form *form, int32_t bin_shift, struct meteora_pool *pool)
{
  pool->active = (int32_t)form_int(form, "activeBin", -POOL_BIN_MAX, POOL_BIN_MAX);
  pool->bin_step = (uint32_t)form_int(form, "binStep", 1, METEORA_BIN_STEP_MAX);
  pool->bins = (uint32_t)form_int(form, "bins", 1, METEORA_BINS_MAX);
  pool->bin_x = (uint64_t)form_int(form, "binX", 1, POOL_RESERVE_MAX);
  pool->bin_y = (uint64_t)form_int(form, "binY", 1, POOL_RESERVE_MAX);
  pool->fee_ppb = (uint32_t)form_int(form, "feePpb", 0, 999999999);
  if (!form->wrong && !meteora_pool_sound(pool, bin_shift))
    form_complain(form, "activeBin", "UNSOUND_POOL",
                  "gives prices beyond 2^32, or bins that together hold 2^62 or more");
}

static void read_token(struct form *form, const char *member, const struct tokens *tokens,
                       char *out)
{
  const char *symbol = form_text(form, member, TOKEN_SYMBOL_MAX - 1);
  if (!symbol) return;
  if (!tokens_find(tokens, symbol))
    form_complain(form, member, "UNKNOWN_TOKEN", "is not the symbol of a token known here");
  snprintf(out, TOKEN_SYMBOL_MAX, "%s", symbol);
}

static void read_name(struct form *form, const char *member, char *out)
{
  const char *name = form_text(form, member, OX_NAME_MAX - 1);
  if (name) snprintf(out, OX_NAME_MAX, "%s", name);
}

/* The members of its kind, and what they may be called. */
static void read_kind(struct form *form, int32_t bin_shift, struct pool *pool)
{
  static const char *const product[] = {"venue",    "name",     "kind",   "x", "y",
                                        "reserveX", "reserveY", "feePpm", NULL};
  static const char *const bins[] = {"venue",   "name", "kind", "x",    "y",      "activeBin",
                                     "binStep", "bins", "binX", "binY", "feePpb", NULL};
  const char *kind = form_text(form, "kind", OX_NAME_MAX);
  if (!kind) return;
  if (strcmp(kind, "constantProduct") == 0) {
    pool->kind = POOL_CONSTANT_PRODUCT;
    read_raydium(form, &pool->raydium);
    form_only(form, product);
  } else if (strcmp(kind, "bins") == 0) {
    pool->kind = POOL_BINS;
    read_meteora(form, bin_shift, &pool->meteora);
    form_only(form, bins);
  } else {
    form_complain(form, "kind", "UNKNOWN_KIND", "must be constantProduct or bins");
  }
}

static bool read_pool(struct form *form, const struct tokens *tokens, int32_t bin_shift,
                      struct pool *pool)
{
  *pool = (struct pool){0};
  read_name(form, "venue", pool->venue);
  read_name(form, "name", pool->name);
  read_token(form, "x", tokens, pool->x);
  read_token(form, "y", tokens, pool->y);
  if (pool->x[0] && strcmp(pool->x, pool->y) == 0)
    form_complain(form, "y", "SAME_TOKEN", "must be another token than x");
  read_kind(form, bin_shift, pool);
  return !form->wrong;
}

/* ── all of them ─────────────────────────────────────────────────────────────────────────────── */

static bool has_room(struct pools *pools)
{
  if (pools->n < pools->room) return true;
  size_t room = pools->room ? 2 * pools->room : 64;
  struct pool *items = realloc(pools->items, room * sizeof *items);
  if (!items) return false;
  pools->items = items;
  pools->room = room;
  return true;
}

bool pools_add(struct pools *pools, const json_t *item, const struct tokens *tokens,
               int32_t bin_shift, struct ox_errors *errors)
{
  struct form form = form_of(item, errors, "");
  struct pool pool;
  bool x_to_y;
  if (!read_pool(&form, tokens, bin_shift, &pool)) return false;
  if (pools_find(pools, pool.venue, pool.x, pool.y, &x_to_y))
    form_complain(&form, NULL, "POOL_EXISTS", "the venue has a pool of these two tokens already");
  else if (pools->n == POOLS_MAX || !has_room(pools))
    form_complain(&form, NULL, "TOO_MANY_POOLS", "there is no room for another pool");
  else
    pools->items[pools->n++] = pool;
  return !form.wrong;
}

struct pools *pools_load(const char *dir, const struct tokens *tokens, int32_t bin_shift,
                         char *error, size_t error_len)
{
  json_t *array = datafile_load(dir, "pools.json", "pools", POOLS_MAX, error, error_len);
  if (!array) return NULL;
  struct pools *pools = calloc(1, sizeof *pools);
  if (!pools) snprintf(error, error_len, "out of memory");
  for (size_t i = 0; pools && i < json_array_size(array); i++) {
    struct datafile_error said;
    if (pools_add(pools, json_array_get(array, i), tokens, bin_shift, datafile_error_init(&said)))
      continue;
    snprintf(error, error_len, "pools.json: pool %zu: %s", i, said.text);
    pools_destroy(pools);
    pools = NULL;
  }
  json_decref(array);
  return pools;
}

struct pools *pools_copy(const struct pools *pools)
{
  struct pools *copy = calloc(1, sizeof *copy);
  struct pool *items = malloc(pools->room * sizeof *items);
  if (!copy || !items) {
    free(copy);
    free(items);
    return NULL;
  }
  *copy = (struct pools){pools->n, pools->room, items};
  memcpy(items, pools->items, pools->n * sizeof *items);
  return copy;
}

void pools_destroy(struct pools *pools)
{
  if (!pools) return;
  free(pools->items);
  free(pools);
}

size_t pools_count(const struct pools *pools)
{
  return pools->n;
}

struct pool *pools_at(struct pools *pools, size_t i)
{
  return &pools->items[i];
}

/* Names that differ nearly always do so in their first letter. */
static bool same(const char *a, const char *b)
{
  return *a == *b && strcmp(a, b) == 0;
}

const struct pool *pools_find(const struct pools *pools, const char *venue, const char *token_in,
                              const char *token_out, bool *x_to_y)
{
  for (size_t i = 0; i < pools->n; i++) {
    const struct pool *pool = &pools->items[i];
    if (!same(pool->venue, venue)) continue;
    *x_to_y = same(pool->x, token_in);
    const char *other = *x_to_y ? pool->y : pool->x;
    if ((*x_to_y || same(pool->y, token_in)) && same(other, token_out)) return pool;
  }
  return NULL;
}
