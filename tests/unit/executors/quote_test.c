/* quote_test.c - GET /api/quote against a desk that follows a script. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <ox/executor.h>
#include <stdio.h>
#include <string.h>

static const struct ox_plugin *plugin;
static const struct ox_endpoint *endpoint;

/* ── the desk, and what it is told ──────────────────────────────────────────────────────────────
 */

static struct ox_quote offers[8];
static size_t n_offers;
static struct ox_swap asked;
static char draw_key[128];
static int times_asked;

static struct {
  struct ox_answer base;
  struct ox_errors errors;
  char wrong[1024]; /* "/pointer CODE, …" */
  int status;
  char code[64], detail[512], json[8192];
} told;

static size_t quote(const struct ox_desk *desk, const struct ox_swap *swap, struct ox_quote *quotes,
                    size_t max)
{
  (void)desk;
  size_t n = n_offers < max ? n_offers : max;
  times_asked++;
  asked = *swap;
  snprintf(draw_key, sizeof draw_key, "%s", swap->draw_key);
  memcpy(quotes, offers, n * sizeof *quotes);
  return n;
}

static const struct ox_desk desk = {.size = sizeof desk, .quote = quote};

static void add(struct ox_errors *errors, const char *pointer, const char *code, const char *detail)
{
  (void)errors;
  size_t len = strlen(told.wrong);
  cr_assert(strlen(detail) > 5);
  snprintf(told.wrong + len, sizeof told.wrong - len, "%s%s %s", len ? ", " : "", pointer, code);
}

static void send(struct ox_answer *answer, int status, const char *json)
{
  (void)answer;
  told.status = status;
  snprintf(told.json, sizeof told.json, "%s", json);
}

static void problem(struct ox_answer *answer, int status, const char *code, const char *detail)
{
  (void)answer;
  told.status = status;
  snprintf(told.code, sizeof told.code, "%s", code);
  snprintf(told.detail, sizeof told.detail, "%s", detail);
}

static const char *dir_get(const struct ox_config *config, const char *key)
{
  (void)config, (void)key;
  return NULL;
}

static struct ox_quote offer(const char *venue, enum ox_venue_result result, uint64_t out)
{
  struct ox_quote q = {.size = sizeof q, .result = result, .in_amount = 1500000000};
  snprintf(q.venue, sizeof q.venue, "%s", venue);
  snprintf(q.pool, sizeof q.pool, "%s", "SOL/USDC");
  q.out_amount = out;
  return q;
}

static void setup(void)
{
  char error[256];
  static const struct ox_config config = {
      .size = sizeof config, .dir = "executors", .get = dir_get};
  plugin = ox_plugin();
  cr_assert(plugin->open(&config, error, sizeof error) == OX_VENUE_OK, "%s", error);
  endpoint = plugin->endpoints[0];
  offers[0] = offer("raydium", OX_VENUE_OK, 220000000);
  offers[1] = offer("meteora", OX_VENUE_OK, 226953171);
  n_offers = 2;
  memset(&told, 0, sizeof told);
  told.errors = (struct ox_errors){sizeof told.errors, add};
  told.base = (struct ox_answer){sizeof told.base, &told.errors, send, problem};
}

static void teardown(void)
{
  plugin->close();
}

TestSuite(quote, .init = setup, .fini = teardown);

/* Pairs of name and value, up to NULL. */
static void ask(const char *const *pairs)
{
  struct ox_field query[16];
  size_t n = 0;
  for (; pairs[2 * n]; n++)
    query[n] = (struct ox_field){pairs[2 * n], pairs[2 * n + 1], strlen(pairs[2 * n + 1]),
                                 OX_FIELD_STRING};
  const struct ox_request request = {
      .size = sizeof request, .method = "GET", .path = "/api/quote", .query = query, .n_query = n};
  endpoint->handle(&request, &desk, &told.base);
}

#define ASK(...) ask((const char *const[]){__VA_ARGS__, NULL})
#define PAIR     "tokenIn", "SOL", "tokenOut", "USDC"

static const char *text_at(const json_t *root, const char *object, const char *name)
{
  return json_string_value(json_object_get(json_object_get(root, object), name));
}

Test(quote, is_an_endpoint_for_readers)
{
  cr_assert_str_eq(endpoint->method, "GET");
  cr_assert_str_eq(endpoint->path, "/api/quote");
  cr_assert_str_eq(endpoint->scope, "orders:read");
  cr_assert_eq(endpoint->max_body, 0);
  cr_assert_null(plugin->endpoints[1]);
}

Test(quote, shows_every_quote_the_route_and_why)
{
  ASK(PAIR, "amount", "1.5", "slippage", "0.01");
  cr_assert_eq(told.status, 200);
  cr_assert_eq(asked.in_amount, 1500000000);
  cr_assert_eq(asked.slippage_bps, 100);
  cr_assert_eq(asked.min_out_amount, 0);
  json_t *root = json_loads(told.json, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(root, "%s", told.json);
  cr_assert_eq(json_array_size(json_object_get(root, "quotes")), 2);
  cr_assert_str_eq(text_at(root, "route", "dex"), "meteora");
  cr_assert_str_eq(text_at(root, "route", "outAmount"), "226953171");
  cr_assert_str_eq(text_at(root, "route", "minOutAmount"), "224683639");
  cr_assert_not_null(json_string_value(json_object_get(root, "reason")));
  json_decref(root);
}

Test(quote, slippage_has_a_default_and_two_forms)
{
  ASK(PAIR, "amount", "1");
  cr_assert_eq(asked.slippage_bps, 100);
  ASK(PAIR, "amount", "1", "slippageBps", "250");
  cr_assert_eq(asked.slippage_bps, 250);
  ASK(PAIR, "amount", "1", "slippage", "0.5");
  cr_assert_eq(asked.slippage_bps, 5000);
  cr_assert_eq(times_asked, 3);
}

Test(quote, the_same_question_draws_the_same_and_no_order_does)
{
  ASK(PAIR, "amount", "1.5");
  char first[sizeof draw_key];
  memcpy(first, draw_key, sizeof first);
  cr_assert_str_eq(first, "SOL USDC 1500000000");
  ASK(PAIR, "amount", "1.50", "slippageBps", "7");
  cr_assert_str_eq(draw_key, first);
  ASK(PAIR, "amount", "1.6");
  cr_assert_str_neq(draw_key, first);
  cr_assert_eq(asked.attempt, 1);
  cr_assert_not_null(strchr(first, ' '), "an order's own id has no space in it");
}

Test(quote, what_is_wrong_is_said_as_to_an_order)
{
  const struct {
    const char *const *pairs;
    const char *wrong;
  } cases[] = {
#define CASE(expected, ...) {(const char *const[]){__VA_ARGS__, NULL}, expected}
      CASE("/tokenIn REQUIRED, /tokenOut REQUIRED, /amount REQUIRED", NULL),
      CASE("/tokenIn UNKNOWN_TOKEN, /amount AMOUNT_NOT_POSITIVE", "tokenIn", "XYZ", "tokenOut",
           "USDC", "amount", "-1"),
      CASE("/tokenOut SAME_TOKEN", "tokenIn", "SOL", "tokenOut", "SOL", "amount", "1"),
      CASE("/amount NOT_A_NUMBER", PAIR, "amount", "much"),
      CASE("/amount NOT_A_NUMBER", PAIR, "amount", ""),
      CASE("/amount TOO_MANY_DECIMALS", PAIR, "amount", "0.0000000001"),
      CASE("/slippage WRONG_TYPE", PAIR, "amount", "1", "slippage", "little"),
      CASE("/slippage WRONG_TYPE", PAIR, "amount", "1", "slippage", ""),
      CASE("/slippage SLIPPAGE_OUT_OF_RANGE", PAIR, "amount", "1", "slippage", "0.6"),
      CASE("/slippageBps NOT_AN_INTEGER", PAIR, "amount", "1", "slippageBps", "1.5"),
      CASE("/slippageBps CONFLICTING_FIELDS", PAIR, "amount", "1", "slippage", "0.1", "slippageBps",
           "1"),
      CASE("/wish UNKNOWN_FIELD", PAIR, "amount", "1", "wish", "2"),
      CASE("/tokenIn UNKNOWN_TOKEN", "tokenIn", "1e5", "tokenOut", "USDC", "amount", "1"),
#undef CASE
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    told.wrong[0] = '\0';
    ask(cases[i].pairs);
    cr_assert_str_eq(told.wrong, cases[i].wrong);
  }
  cr_assert_eq(times_asked, 0, "no venue is asked");
}

Test(quote, without_liquidity_asking_again_is_no_use)
{
  offers[0] = offer("raydium", OX_VENUE_NO_LIQUIDITY, 0);
  offers[1] = offer("meteora", OX_VENUE_NO_LIQUIDITY, 0);
  ASK(PAIR, "amount", "1.5");
  cr_assert_eq(told.status, 422);
  cr_assert_str_eq(told.code, "NO_LIQUIDITY");
}

Test(quote, without_venues_it_is)
{
  offers[0] = offer("raydium", OX_VENUE_BREAKER_OPEN, 0);
  offers[1] = offer("meteora", OX_VENUE_TIMEOUT, 0);
  ASK(PAIR, "amount", "1.5");
  cr_assert_eq(told.status, 503);
  cr_assert_str_eq(told.code, "NO_ROUTE");
  cr_assert_not_null(strstr(told.detail, ": raydium BREAKER_OPEN, meteora TIMEOUT"), "%s",
                     told.detail);
  n_offers = 0;
  ASK(PAIR, "amount", "1.5");
  cr_assert_eq(told.status, 503);
}

Test(quote, many_venues_with_long_names_do_no_harm)
{
  n_offers = 8;
  for (size_t i = 0; i < 8; i++) {
    offers[i] = offer("a-venue-with-a-name-of-31-chars", OX_VENUE_UNAVAILABLE, 0);
    memset(offers[i].pool, 'p', OX_NAME_MAX - 1);
  }
  ASK(PAIR, "amount", "1.5");
  cr_assert_eq(told.status, 503);
  for (size_t i = 0; i < 8; i++) {
    offers[i].result = OX_VENUE_OK;
    offers[i].out_amount = offers[i].fee_amount = UINT64_MAX - i;
    offers[i].min_out_amount = UINT64_MAX;
    offers[i].price_impact_bps = UINT32_MAX;
  }
  ASK(PAIR, "amount", "1.5");
  cr_assert_eq(told.status, 200);
  json_t *root = json_loads(told.json, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_eq(json_array_size(json_object_get(root, "quotes")), 8);
  json_decref(root);
}
