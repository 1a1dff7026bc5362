/* scenario_test.c - changes to the market: what they do, what is refused, and that the same changes
 * make the same scenario. */
#include "executors/scenario.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct scenario *s;
static char said[2048]; /* "/price REQUIRED;" for each error */
static char error[256];

static void add(struct ox_errors *errors, const char *pointer, const char *code, const char *detail)
{
  (void)errors;
  cr_assert(detail && strlen(detail) > 8);
  size_t len = strlen(said);
  snprintf(said + len, sizeof said - len, "%s %s;", pointer, code);
}

static void setup(void)
{
  s = scenario_load("executors", 24, error, sizeof error);
  cr_assert(s, "%s", error);
}

static void teardown(void)
{
  scenario_drop(s);
}

TestSuite(scenario, .init = setup, .fini = teardown);

static bool apply(struct scenario *to, enum scenario_kind kind, const char *text)
{
  struct ox_errors errors = {.size = sizeof errors, .add = add};
  struct scenario_mark mark = {.version = to->version + 1, .at_ms = 1000};
  json_t *body = json_loads(text, 0, NULL);
  said[0] = '\0';
  bool ok = scenario_apply(to, kind, body, &mark, &errors);
  json_decref(body);
  return ok;
}

static void accepts(enum scenario_kind kind, const char *text)
{
  cr_assert(apply(s, kind, text), "%s: %s", text, said);
  cr_assert_str_eq(said, "");
}

/* Tried on a copy, as whoever makes a change does. */
static void refuses(enum scenario_kind kind, const char *text, const char *expected)
{
  struct scenario *copy = scenario_copy(s);
  cr_assert(!apply(copy, kind, text), "%s", text);
  cr_assert_str_eq(said, expected, "%s: %s", text, said);
  scenario_drop(copy);
}

static const struct pool *pool_of(const char *venue, const char *in, const char *out)
{
  bool x_to_y;
  const struct pool *pool = pools_find(s->pools, venue, in, out, &x_to_y);
  cr_assert(pool, "%s %s-%s", venue, in, out);
  return pool;
}

static enum fault_kind strike(enum fault_point point, const char *venue)
{
  struct fault_call call = {point, venue, "k", 1, 7, 1000};
  return faults_strike(s->faults, &call);
}

/* ── faults ──────────────────────────────────────────────────────────────────────────────────── */

Test(scenario, faults_replace_each_other)
{
  cr_assert(strike(FAULT_AT_QUOTE, "raydium") == FAULT_NONE && !faults_any(s->faults));
  accepts(SCENARIO_FAULTS, "{\"faults\":[{\"venue\":\"raydium\",\"kind\":\"halted\"}]}");
  cr_assert(strike(FAULT_AT_QUOTE, "raydium") == FAULT_HALTED && faults_any(s->faults));
  accepts(SCENARIO_FAULTS, "{\"faults\":[{\"venue\":\"raydium+meteora\",\"kind\":\"halted\"}]}");
  cr_assert(strike(FAULT_AT_QUOTE, "raydium") == FAULT_NONE);
  accepts(SCENARIO_FAULTS, "{\"faults\":[]}");
  cr_assert(!faults_any(s->faults) && s->version == 3);
}

Test(scenario, counters_of_faults_go_on_while_other_things_change)
{
  accepts(SCENARIO_FAULTS, "{\"faults\":[{\"venue\":\"raydium\",\"kind\":\"halted\",\"nth\":2}]}");
  cr_assert(strike(FAULT_AT_QUOTE, "raydium") == FAULT_NONE);
  struct scenario *copy = scenario_copy(s);
  cr_assert(
      apply(copy, SCENARIO_PRICE, "{\"tokenIn\":\"SOL\",\"tokenOut\":\"USDC\",\"price\":\"1\"}"));
  scenario_drop(s);
  s = copy;
  cr_assert(strike(FAULT_AT_QUOTE, "raydium") == FAULT_HALTED, "the second call of all");
}

Test(scenario, refuses_bad_faults)
{
  refuses(SCENARIO_FAULTS, "{}", "/faults REQUIRED;");
  refuses(SCENARIO_FAULTS, "{\"faults\":[],\"more\":1}", "/more UNKNOWN_FIELD;");
  refuses(SCENARIO_FAULTS, "{\"faults\":null}", "/faults WRONG_TYPE;");
  refuses(SCENARIO_FAULTS, "{\"faults\":[{\"venue\":\"raydium\",\"kind\":\"x\"}],\"more\":1}",
          "/more UNKNOWN_FIELD;/faults/0/kind UNKNOWN_KIND;");
}

/* ── prices ──────────────────────────────────────────────────────────────────────────────────── */

Test(scenario, a_price_moves_the_pools_of_both_venues)
{
  accepts(SCENARIO_PRICE, "{\"tokenIn\":\"SOL\",\"tokenOut\":\"USDC\",\"price\":\"300.5\"}");
  cr_assert(pool_of("raydium", "SOL", "USDC")->raydium.y == 60100000000000);
  cr_assert(pool_of("raydium", "SOL", "USDC")->raydium.x == 200000000000000);
  cr_assert(pool_of("meteora", "SOL", "USDC")->meteora.active == -1203); /* 0.3005 in base units */
  cr_assert(pool_of("raydium", "SOL", "USDT")->raydium.y == 30000000000000, "others stay");
  accepts(SCENARIO_PRICE, "{\"tokenIn\":\"USDC\",\"tokenOut\":\"SOL\",\"price\":\"0.01\"}");
  cr_assert(pool_of("raydium", "SOL", "USDC")->raydium.y == 20000000000000);
}

Test(scenario, refuses_bad_prices)
{
#define PRICE(in, out, price) "{\"tokenIn\":" in ",\"tokenOut\":" out ",\"price\":" price "}"
  refuses(SCENARIO_PRICE, "{}", "/tokenIn REQUIRED;/tokenOut REQUIRED;/price REQUIRED;");
  refuses(SCENARIO_PRICE, PRICE("1", "\"X\"", "\"-1\""),
          "/tokenIn WRONG_TYPE;/tokenOut UNKNOWN_TOKEN;/price PRICE_OUT_OF_RANGE;");
  refuses(SCENARIO_PRICE, PRICE("\"SOL\"", "\"SOL\"", "\"1\""), "/tokenOut SAME_TOKEN;");
  refuses(SCENARIO_PRICE, PRICE("\"SOL\"", "\"USDC\"", "\"0\""), "/price PRICE_OUT_OF_RANGE;");
  refuses(SCENARIO_PRICE, PRICE("\"SOL\"", "\"USDC\"", "\"1e9\""), "/price PRICE_OUT_OF_RANGE;");
  refuses(SCENARIO_PRICE, PRICE("\"SOL\"", "\"USDC\"", "\"1.0000000000001\""),
          "/price TOO_MANY_DECIMALS;");
  refuses(SCENARIO_PRICE, PRICE("\"SOL\"", "\"USDC\"", "\"a\""), "/price NOT_A_NUMBER;");
  refuses(SCENARIO_PRICE, PRICE("\"SOL\"", "\"USDC\"", "true"), "/price NOT_A_NUMBER;");
  refuses(SCENARIO_PRICE, PRICE("\"SOL\"", "\"USDC\"", "\"0.000000000001\""),
          "/price PRICE_OUT_OF_RANGE;");
  refuses(SCENARIO_PRICE,
          "{\"tokenIn\":\"SOL\",\"tokenOut\":\"USDC\",\"price\":\"1\",\"amount\":1}",
          "/amount UNKNOWN_FIELD;");
}

/* ── pools ───────────────────────────────────────────────────────────────────────────────────── */

#define NEW_POOL(venue, more)                                                                      \
  "{\"venue\":\"" venue "\",\"name\":\"N\",\"kind\":\"constantProduct\",\"x\":\"NEW\","            \
  "\"y\":\"USDC\",\"reserveX\":1000,\"reserveY\":2000,\"feePpm\":3000" more "}"
#define NEW_TOKEN ",\"tokens\":[{\"symbol\":\"NEW\",\"decimals\":4}]"

Test(scenario, a_pool_is_listed_with_its_new_token)
{
  cr_assert(scenario_trading(s, "NEW") == 0);
  refuses(SCENARIO_POOL, NEW_POOL("raydium", ""), "/x UNKNOWN_TOKEN;");
  accepts(SCENARIO_POOL, NEW_POOL("raydium", NEW_TOKEN));
  cr_assert(pool_of("raydium", "USDC", "NEW")->raydium.y == 2000);
  cr_assert(scenario_trading(s, "NEW") == 1 && scenario_trading(s, "USDC") == 11);
  refuses(SCENARIO_POOL, NEW_POOL("raydium", ""), " POOL_EXISTS;");
  refuses(SCENARIO_POOL, NEW_POOL("meteora", NEW_TOKEN), "/tokens/0/symbol TOKEN_EXISTS;");
  accepts(SCENARIO_POOL, NEW_POOL("meteora", ""));
  cr_assert(scenario_trading(s, "NEW") == 2);
  accepts(SCENARIO_PRICE, "{\"tokenIn\":\"NEW\",\"tokenOut\":\"USDC\",\"price\":\"7\"}");
  cr_assert(pool_of("raydium", "USDC", "NEW")->raydium.y == 700000);
}

Test(scenario, refuses_bad_pools)
{
  refuses(SCENARIO_POOL, NEW_POOL("orca", NEW_TOKEN), "/venue UNKNOWN_VENUE;");
  refuses(SCENARIO_POOL, NEW_POOL("raydium", ",\"tokens\":{}"),
          "/tokens WRONG_TYPE;/x UNKNOWN_TOKEN;");
  refuses(SCENARIO_POOL, NEW_POOL("raydium", ",\"tokens\":[{\"symbol\":\"NEW\"},7]"),
          "/tokens/0/decimals REQUIRED;/tokens/1/symbol REQUIRED;/tokens/1/decimals REQUIRED;"
          "/x UNKNOWN_TOKEN;");
  refuses(SCENARIO_POOL, NEW_POOL("raydium", NEW_TOKEN ",\"bins\":3"), "/bins UNKNOWN_FIELD;");
}

/* ── names and lives ─────────────────────────────────────────────────────────────────────────── */

static void named(enum scenario_kind kind, const char *text, const char *expected)
{
  char name[SCENARIO_NAME_MAX];
  json_t *body = json_loads(text, 0, NULL);
  scenario_name(kind, body, name);
  cr_assert_str_eq(name, expected);
  json_decref(body);
}

Test(scenario, a_change_replaces_the_one_of_its_name)
{
  named(SCENARIO_FAULTS, "{\"faults\":[]}", "");
  named(SCENARIO_PRICE, "{\"tokenIn\":\"SOL\",\"tokenOut\":\"BONK\"}", "BONK/SOL");
  named(SCENARIO_PRICE, "{\"tokenIn\":\"BONK\",\"tokenOut\":\"SOL\"}", "BONK/SOL");
  named(SCENARIO_POOL, "{\"venue\":\"raydium\",\"x\":\"B\",\"y\":\"A\"}", "raydium A/B");
  for (int kind = 0; kind < SCENARIO_KINDS; kind++)
    cr_assert(scenario_kind_of(scenario_kind_name((enum scenario_kind)kind)) ==
              (enum scenario_kind)kind);
  cr_assert(scenario_kind_of("weather") == SCENARIO_KINDS);
  cr_assert(!apply(s, SCENARIO_KINDS, "{}"));
}

Test(scenario, lives_as_long_as_somebody_has_it)
{
  struct scenario *mine = scenario_hold(s), *copy = scenario_copy(s);
  scenario_drop(s);
  s = copy;
  cr_assert(scenario_trading(mine, "SOL") == 10);
  scenario_drop(mine);
  scenario_drop(NULL);
}

Test(scenario, says_which_file_is_missing)
{
  cr_assert_null(scenario_load("/nowhere", 24, error, sizeof error));
  cr_assert(strstr(error, "/nowhere/tokens.json"), "it says: %s", error);
}
