/* pools_test.c - the pools' file: the one that is shipped, and what is wrong with bad ones. */
#include "executors/pools.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[96], error[512];
static struct tokens *tokens;

static void setup(void)
{
  snprintf(dir, sizeof dir, "/tmp/pools_test.XXXXXX");
  cr_assert(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/pools.json", dir);
  tokens = tokens_load("executors", error, sizeof error);
  cr_assert(tokens, "%s", error);
}

static void teardown(void)
{
  tokens_destroy(tokens);
  unlink(path);
  rmdir(dir);
}

static struct pools *load(const char *pools)
{
  FILE *file = fopen(path, "w");
  cr_assert(file && fprintf(file, "{\"pools\":[%s]}", pools) > 0 && fclose(file) == 0);
  return pools_load(dir, tokens, 24, error, sizeof error);
}

#define CP                                                                                         \
  "{\"venue\":\"raydium\",\"name\":\"P\",\"kind\":\"constantProduct\",\"x\":\"SOL\",\"y\":"        \
  "\"USDC\","                                                                                      \
  "\"reserveX\":7,\"reserveY\":8,\"feePpm\":3000}"
#define BINS                                                                                       \
  "{\"venue\":\"meteora\",\"name\":\"B\",\"kind\":\"bins\",\"x\":\"SOL\",\"y\":\"USDC\","          \
  "\"activeBin\":-1898,\"binStep\":10,\"bins\":100,\"binX\":5,\"binY\":6,\"feePpb\":2000000}"

/* Loads the pool with one piece of its text replaced by another. */
static void refuses(const char *pool, const char *piece, const char *other)
{
  char text[1024];
  const char *at = strstr(pool, piece);
  cr_assert(at, "%s", piece);
  snprintf(text, sizeof text, "%.*s%s%s", (int)(at - pool), pool, other, at + strlen(piece));
  cr_assert_null(load(text), "%s", text);
  cr_assert(strstr(error, "pool 0") || strstr(error, "objects"), "it says: %s", error);
}

TestSuite(pools, .init = setup, .fini = teardown);

Test(pools, finds_a_pair_both_ways_round)
{
  struct pools *pools = load(CP "," BINS);
  cr_assert(pools, "%s", error);
  bool x_to_y = false;
  const struct pool *pool = pools_find(pools, "raydium", "SOL", "USDC", &x_to_y);
  cr_assert(pool && x_to_y && pool->kind == POOL_CONSTANT_PRODUCT);
  cr_assert(pool->raydium.x == 7 && pool->raydium.y == 8 && pool->raydium.fee_ppm == 3000);
  cr_assert(pools_find(pools, "raydium", "USDC", "SOL", &x_to_y) == pool && !x_to_y);
  pool = pools_find(pools, "meteora", "USDC", "SOL", &x_to_y);
  cr_assert(pool && !x_to_y && pool->kind == POOL_BINS && pool->meteora.active == -1898);
  cr_assert_null(pools_find(pools, "raydium", "SOL", "SOL", &x_to_y));
  cr_assert_null(pools_find(pools, "raydium", "SOL", "JUP", &x_to_y));
  cr_assert_null(pools_find(pools, "orca", "SOL", "USDC", &x_to_y));
  pools_destroy(pools);
}

Test(pools, what_is_shipped_has_every_pair_at_both_venues_and_is_deep)
{
  static const char *const symbols[] = {"SOL", "USDC", "USDT", "BONK", "RAY", "JUP"};
  static const char *const venues[] = {"raydium", "meteora"};
  struct pools *pools = pools_load("executors", tokens, 24, error, sizeof error);
  cr_assert(pools, "%s", error);
  for (int i = 0; i < 6 * 6 * 2; i++) {
    const char *in = symbols[i / 12], *out = symbols[i / 2 % 6];
    bool x_to_y;
    if (in == out) continue;
    const struct pool *pool = pools_find(pools, venues[i % 2], in, out, &x_to_y);
    cr_assert(pool, "%s %s to %s", venues[i % 2], in, out);
    if (strcmp(pool->x, "SOL") != 0) continue;
    const uint64_t deep = 100000 * UINT64_C(1000000000);
    if (pool->kind == POOL_CONSTANT_PRODUCT)
      cr_assert(pool->raydium.x >= deep && pool->raydium.fee_ppm == 3000);
    else
      cr_assert((uint64_t)pool->meteora.bin_x * pool->meteora.bins >= deep &&
                pool->meteora.fee_ppb == 2000000 && pool->meteora.bin_step == 10);
  }
  pools_destroy(pools);
}

/* The two venues' pools of a pair agree on its price, but for half a bin: the draws rely on it. */
Test(pools, the_venues_agree_before_anything_is_drawn)
{
  static const char *const symbols[] = {"SOL", "RAY", "JUP", "BONK", "USDC", "USDT"};
  struct pools *pools = pools_load("executors", tokens, 24, error, sizeof error);
  cr_assert(pools, "%s", error);
  for (int i = 0; i < 6; i++) {
    for (int k = i + 1; k < 6; k++) {
      bool x_to_y;
      const struct pool *r = pools_find(pools, "raydium", symbols[i], symbols[k], &x_to_y);
      const struct pool *m = pools_find(pools, "meteora", symbols[i], symbols[k], &x_to_y);
      cr_assert_str_eq(r->x, m->x);
      double raydium = (double)r->raydium.y / (double)r->raydium.x;
      double meteora = (double)meteora_price(10, m->meteora.active) / 18446744073709551616.0;
      cr_assert(raydium / meteora > 0.9994 && raydium / meteora < 1.0006, "%s-%s: %f %f",
                symbols[i], symbols[k], raydium, meteora);
    }
  }
  pools_destroy(pools);
}

Test(pools, refuses_bad_pools)
{
  refuses(CP, "raydium", "");
  refuses(CP, "\"name\":\"P\"", "\"name\":7");
  refuses(CP, "\"P\"", "\"a name that is longer than a quote has room for\"");
  refuses(CP, "constantProduct", "stable");
  refuses(CP, "SOL", "NONE");
  refuses(CP, "USDC", "NONE");
  refuses(CP, "USDC", "SOL");
  refuses(CP, "\"reserveX\":7", "\"reserveX\":0");
  refuses(CP, "\"reserveY\":8", "\"reserveY\":4611686018427387905");
  refuses(CP, "\"reserveY\":8", "\"reserveY\":8.0");
  refuses(CP, "3000", "1000000");
  refuses(CP, "3000", "-1");
  refuses(CP, "\"kind\":\"constantProduct\",", "");
}

Test(pools, refuses_bad_bins)
{
  refuses(BINS, "-1898", "-100001");
  refuses(BINS, "-1898", "-22100");
  refuses(BINS, "\"binStep\":10", "\"binStep\":0");
  refuses(BINS, "\"bins\":100", "\"bins\":513");
  refuses(BINS, "\"binX\":5", "\"binX\":0");
  refuses(BINS, "\"binY\":6", "\"binY\":4611686018427387904");
  refuses(BINS, "2000000", "1000000000");
  refuses(BINS, "\"feePpb\"", "\"fee\"");
}

Test(pools, refuses_a_pair_twice)
{
  cr_assert_null(load(CP "," CP));
  cr_assert(strstr(error, "pool 1: ") && strstr(error, "already"), "it says: %s", error);
}

static char said[512];

static void add(struct ox_errors *errors, const char *pointer, const char *code, const char *detail)
{
  (void)errors;
  cr_assert(strlen(detail) > 8);
  size_t len = strlen(said);
  snprintf(said + len, sizeof said - len, "%s %s;", pointer, code);
}

static void adds(struct pools *pools, const char *json, const char *expected)
{
  struct ox_errors errors = {.size = sizeof errors, .add = add};
  json_t *item = json_loads(json, 0, NULL);
  said[0] = '\0';
  cr_assert(pools_add(pools, item, tokens, 24, &errors) == (*expected == '\0'));
  cr_assert_str_eq(said, expected, "%s", said);
  cr_assert(!pools_add(pools, item, tokens, 24, NULL), "a second time it is there already");
  json_decref(item);
}

Test(pools, says_all_that_is_wrong)
{
  struct pools *pools = load(BINS);
  adds(pools, "{}", "/venue REQUIRED;/name REQUIRED;/x REQUIRED;/y REQUIRED;/kind REQUIRED;");
  adds(pools,
       "{\"venue\":\"raydium\",\"name\":7,\"kind\":\"constantProduct\",\"x\":\"SOL\","
       "\"y\":\"SOL\",\"reserveX\":0,\"reserveY\":\"5\",\"feePpm\":1000000,\"feePpb\":1}",
       "/name WRONG_TYPE;/y SAME_TOKEN;/reserveX OUT_OF_RANGE;/reserveY WRONG_TYPE;"
       "/feePpm OUT_OF_RANGE;/feePpb UNKNOWN_FIELD;");
  adds(pools, BINS, " POOL_EXISTS;");
  adds(pools, "{\"venue\":\"v\",\"name\":\"n\",\"x\":\"NEW\",\"y\":\"SOL\",\"kind\":\"k\"}",
       "/x UNKNOWN_TOKEN;/kind UNKNOWN_KIND;");
  pools_destroy(pools);
}

Test(pools, a_copy_is_changed_alone)
{
  bool x_to_y;
  struct pools *pools = load(BINS);
  struct pools *copy = pools_copy(pools);
  adds(copy, CP, "");
  pools_at(copy, 0)->meteora.active = 5;
  cr_assert(pools_count(copy) == 2 && pools_count(pools) == 1);
  cr_assert(pools_find(pools, "meteora", "SOL", "USDC", &x_to_y)->meteora.active == -1898);
  cr_assert_null(pools_find(pools, "raydium", "SOL", "USDC", &x_to_y));
  pools_destroy(pools);
  cr_assert(pools_find(copy, "raydium", "USDC", "SOL", &x_to_y)->raydium.x == 7);
  pools_destroy(copy);
}

Test(pools, refuses_an_empty_file)
{
  cr_assert_null(load(""));
}

Test(pools, destroys_nothing)
{
  pools_destroy(NULL);
}
