/*
 * pools.c - the pools of the simulated venues. Loaded once, constant afterwards.
 */
#include "pools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datafile.h"

struct pools {
  size_t n;
  struct pool items[];
};

static const int64_t reserve_max = (int64_t)1 << 62;

static bool read_raydium(const json_t *item, struct raydium_pool *pool)
{
  int64_t x, y, fee;
  if (!datafile_int(item, "reserveX", 1, reserve_max, &x) ||
      !datafile_int(item, "reserveY", 1, reserve_max, &y) ||
      !datafile_int(item, "feePpm", 0, 999999, &fee))
    return false;
  *pool = (struct raydium_pool){(uint64_t)x, (uint64_t)y, (uint32_t)fee};
  return true;
}

static bool read_meteora(const json_t *item, int32_t bin_shift, struct meteora_pool *pool)
{
  int64_t active, step, bins, x, y, fee;
  if (!datafile_int(item, "activeBin", -100000, 100000, &active) ||
      !datafile_int(item, "binStep", 1, METEORA_BIN_STEP_MAX, &step) ||
      !datafile_int(item, "bins", 1, METEORA_BINS_MAX, &bins) ||
      !datafile_int(item, "binX", 1, reserve_max, &x) ||
      !datafile_int(item, "binY", 1, reserve_max, &y) ||
      !datafile_int(item, "feePpb", 0, 999999999, &fee))
    return false;
  *pool = (struct meteora_pool){(int32_t)active, (uint32_t)step, (uint32_t)bins,
                                (uint64_t)x,     (uint64_t)y,    (uint32_t)fee};
  return meteora_pool_sound(pool, bin_shift);
}

static bool read_pool(const json_t *item, const struct tokens *tokens, int32_t bin_shift,
                      struct pool *pool)
{
  char kind[OX_NAME_MAX];
  if (!datafile_text(item, "venue", pool->venue, sizeof pool->venue) ||
      !datafile_text(item, "name", pool->name, sizeof pool->name) ||
      !datafile_text(item, "kind", kind, sizeof kind) ||
      !datafile_text(item, "x", pool->x, sizeof pool->x) ||
      !datafile_text(item, "y", pool->y, sizeof pool->y))
    return false;
  if (!tokens_find(tokens, pool->x) || !tokens_find(tokens, pool->y) ||
      strcmp(pool->x, pool->y) == 0)
    return false;
  pool->kind = strcmp(kind, "bins") == 0 ? POOL_BINS : POOL_CONSTANT_PRODUCT;
  if (pool->kind == POOL_BINS) return read_meteora(item, bin_shift, &pool->meteora);
  return strcmp(kind, "constantProduct") == 0 && read_raydium(item, &pool->raydium);
}

struct pools *pools_load(const char *dir, const struct tokens *tokens, int32_t bin_shift,
                         char *error, size_t error_len)
{
  json_t *array = datafile_load(dir, "pools.json", "pools", POOLS_MAX, error, error_len);
  if (!array) return NULL;
  size_t n = json_array_size(array);
  struct pools *pools = calloc(1, sizeof *pools + n * sizeof *pools->items);
  if (!pools) snprintf(error, error_len, "out of memory");
  for (size_t i = 0; pools && i < n; i++) {
    struct pool *pool = &pools->items[i];
    bool x_to_y;
    if (read_pool(json_array_get(array, i), tokens, bin_shift, pool) &&
        !pools_find(pools, pool->venue, pool->x, pool->y, &x_to_y)) {
      pools->n++;
      continue;
    }
    snprintf(error, error_len, "pools.json: pool %zu (%s) is unsound or there twice", i,
             pool->name);
    pools_destroy(pools);
    pools = NULL;
  }
  json_decref(array);
  return pools;
}

void pools_destroy(struct pools *pools)
{
  free(pools);
}

const struct pool *pools_find(const struct pools *pools, const char *venue, const char *token_in,
                              const char *token_out, bool *x_to_y)
{
  for (size_t i = 0; i < pools->n; i++) {
    const struct pool *pool = &pools->items[i];
    if (strcmp(pool->venue, venue) != 0) continue;
    *x_to_y = strcmp(pool->x, token_in) == 0;
    const char *other = *x_to_y ? pool->y : pool->x;
    if ((*x_to_y || strcmp(pool->y, token_in) == 0) && strcmp(other, token_out) == 0) return pool;
  }
  return NULL;
}
