/* payload_test.c - what a swap order may ask for, and how it is told what is wrong. */
#include "executors/payload.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct tokens *tokens;
static char said[2048]; /* "/amount REQUIRED;" for each error */
static struct ox_field fields[8];
static struct ox_order order;

static void add(struct ox_errors *errors, const char *pointer, const char *code, const char *detail)
{
  (void)errors;
  cr_assert(detail && strlen(detail) > 10);
  size_t len = strlen(said);
  snprintf(said + len, sizeof said - len, "%s %s;", pointer, code);
}

static struct ox_errors errors = {.size = sizeof errors, .add = add};

static void setup(void)
{
  char error[256];
  tokens = tokens_load("executors", error, sizeof error);
  cr_assert(tokens, "%s", error);
  order = (struct ox_order){.size = sizeof order, .type = "market", .fields = fields};
  said[0] = '\0';
}

static void teardown(void)
{
  tokens_destroy(tokens);
}

static void set(const char *name, enum ox_field_kind kind, const char *text)
{
  for (size_t i = 0; i < order.n_fields; i++)
    if (strcmp(fields[i].name, name) == 0) fields[i] = fields[--order.n_fields];
  if (text) fields[order.n_fields++] = (struct ox_field){name, text, strlen(text), kind};
}

static void good(void)
{
  set("tokenIn", OX_FIELD_STRING, "SOL");
  set("tokenOut", OX_FIELD_STRING, "USDC");
  set("amount", OX_FIELD_NUMBER, "1.5");
}

static void expect(const char *errors_said)
{
  struct payload payload;
  said[0] = '\0';
  bool ok = payload_read(&order, tokens, &errors, &payload);
  cr_assert_str_eq(said, errors_said);
  cr_assert(ok == (*errors_said == '\0'));
  cr_assert(payload_read(&order, tokens, NULL, &payload) == ok);
}

static struct payload read_good(void)
{
  struct payload payload;
  cr_assert(payload_read(&order, tokens, &errors, &payload), "%s", said);
  return payload;
}

TestSuite(payload, .init = setup, .fini = teardown);

Test(payload, reads_a_good_order)
{
  good();
  struct payload payload = read_good();
  cr_assert_str_eq(payload.token_in->symbol, "SOL");
  cr_assert_str_eq(payload.token_out->symbol, "USDC");
  cr_assert(payload.amount == 1500000000 && payload.slippage_bps == 100);
}

Test(payload, an_amount_may_be_a_string)
{
  good();
  set("amount", OX_FIELD_STRING, "0.000000001");
  cr_assert(read_good().amount == 1);
}

Test(payload, slippage_is_whole_basis_points)
{
  static const struct {
    const char *text;
    uint32_t bps;
  } cases[] = {{"0.01", 100}, {"0.5", 5000}, {"0.0001", 1}, {"5e-3", 50}, {"0.0123", 123}};
  good();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set("slippage", OX_FIELD_NUMBER, cases[i].text);
    cr_assert(read_good().slippage_bps == cases[i].bps, "%s", cases[i].text);
  }
  set("slippage", OX_FIELD_NULL, NULL);
  set("slippageBps", OX_FIELD_NUMBER, "5000");
  cr_assert(read_good().slippage_bps == 5000);
}

Test(payload, an_empty_order_misses_three)
{
  expect("/tokenIn REQUIRED;/tokenOut REQUIRED;/amount REQUIRED;");
}

Test(payload, wrong_types)
{
  set("tokenIn", OX_FIELD_NUMBER, "1");
  set("tokenOut", OX_FIELD_NULL, "null");
  set("amount", OX_FIELD_BOOL, "true");
  set("slippage", OX_FIELD_STRING, "0.01");
  expect("/tokenIn WRONG_TYPE;/tokenOut WRONG_TYPE;/amount WRONG_TYPE;/slippage WRONG_TYPE;");
  set("amount", OX_FIELD_JSON, "[1]");
  set("slippage", OX_FIELD_NULL, "null");
  expect("/tokenIn WRONG_TYPE;/tokenOut WRONG_TYPE;/amount WRONG_TYPE;/slippage WRONG_TYPE;");
}

Test(payload, tokens_have_to_be_known_and_two)
{
  good();
  set("tokenIn", OX_FIELD_STRING, "sol");
  set("tokenOut", OX_FIELD_STRING, "");
  expect("/tokenIn UNKNOWN_TOKEN;/tokenOut UNKNOWN_TOKEN;");
  set("tokenIn", OX_FIELD_STRING, "USDC");
  set("tokenOut", OX_FIELD_STRING, "USDC");
  expect("/tokenOut SAME_TOKEN;");
}

Test(payload, amounts)
{
  static const char *const cases[][2] = {
      {"0", "/amount AMOUNT_NOT_POSITIVE;"},
      {"0.000", "/amount AMOUNT_NOT_POSITIVE;"},
      {"-1", "/amount AMOUNT_NOT_POSITIVE;"},
      {"-0.0", "/amount AMOUNT_NOT_POSITIVE;"},
      {"0.0000000001", "/amount TOO_MANY_DECIMALS;"},
      {"9223372036.854775808", "/amount AMOUNT_TOO_LARGE;"},
      {"1e300", "/amount AMOUNT_TOO_LARGE;"},
      {"9223372036.854775807", ""},
      {"1.500000000000", ""},
  };
  good();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set("amount", OX_FIELD_NUMBER, cases[i][0]);
    expect(cases[i][1]);
    set("amount", OX_FIELD_STRING, cases[i][0]);
    expect(cases[i][1]);
  }
}

Test(payload, strings_that_are_no_amount)
{
  static const char *const cases[] = {"", " ", "abc", "1,5", "0x1", "1.5 SOL", "NaN", "+1"};
  good();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set("amount", OX_FIELD_STRING, cases[i]);
    expect("/amount NOT_A_NUMBER;");
  }
}

Test(payload, decimals_are_the_token_s)
{
  good();
  set("tokenIn", OX_FIELD_STRING, "BONK");
  set("amount", OX_FIELD_NUMBER, "1.00001");
  expect("");
  set("amount", OX_FIELD_NUMBER, "1.000001");
  expect("/amount TOO_MANY_DECIMALS;");
}

Test(payload, of_an_unknown_token_only_what_is_sure_is_said)
{
  good();
  set("tokenIn", OX_FIELD_STRING, "NONE");
  set("amount", OX_FIELD_NUMBER, "0.0000000000001");
  expect("/tokenIn UNKNOWN_TOKEN;");
  set("amount", OX_FIELD_NUMBER, "1e300");
  expect("/tokenIn UNKNOWN_TOKEN;");
  set("amount", OX_FIELD_NUMBER, "0.0");
  expect("/tokenIn UNKNOWN_TOKEN;/amount AMOUNT_NOT_POSITIVE;");
  set("amount", OX_FIELD_STRING, "x");
  expect("/tokenIn UNKNOWN_TOKEN;/amount NOT_A_NUMBER;");
}

Test(payload, slippage_out_of_range)
{
  static const char *const cases[][2] = {
      {"0", "/slippage SLIPPAGE_OUT_OF_RANGE;"},      {"-0.01", "/slippage SLIPPAGE_OUT_OF_RANGE;"},
      {"0.5001", "/slippage SLIPPAGE_OUT_OF_RANGE;"}, {"1", "/slippage SLIPPAGE_OUT_OF_RANGE;"},
      {"1e300", "/slippage SLIPPAGE_OUT_OF_RANGE;"},  {"0.00001", "/slippage TOO_MANY_DECIMALS;"},
      {"0.01234", "/slippage TOO_MANY_DECIMALS;"},
  };
  good();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set("slippage", OX_FIELD_NUMBER, cases[i][0]);
    expect(cases[i][1]);
  }
}

Test(payload, slippage_bps_out_of_range)
{
  good();
  set("slippageBps", OX_FIELD_NUMBER, "0");
  expect("/slippageBps SLIPPAGE_OUT_OF_RANGE;");
  set("slippageBps", OX_FIELD_NUMBER, "5001");
  expect("/slippageBps SLIPPAGE_OUT_OF_RANGE;");
  set("slippageBps", OX_FIELD_NUMBER, "1.5");
  expect("/slippageBps NOT_AN_INTEGER;");
  set("slippageBps", OX_FIELD_STRING, "100");
  expect("/slippageBps WRONG_TYPE;");
}

Test(payload, not_both_slippages)
{
  good();
  set("slippage", OX_FIELD_NUMBER, "0.01");
  set("slippageBps", OX_FIELD_NUMBER, "100");
  expect("/slippageBps CONFLICTING_FIELDS;");
}

Test(payload, unknown_fields_with_their_pointers)
{
  good();
  set("limitPrice", OX_FIELD_NUMBER, "1");
  set("a/b~c", OX_FIELD_JSON, "{}");
  set("", OX_FIELD_NULL, "null");
  expect("/limitPrice UNKNOWN_FIELD;/a~1b~0c UNKNOWN_FIELD;/ UNKNOWN_FIELD;");
}

Test(payload, a_long_name_is_cut_between_characters)
{
  char name[400];
  good();
  for (size_t shift = 0; shift < 4; shift++) {
    memset(name, 'n', shift);
    for (size_t i = shift; i + 4 < sizeof name; i += 4) memcpy(name + i, "💶", 5);
    set("x", OX_FIELD_NULL, NULL);
    fields[3] = (struct ox_field){name, "1", 1, OX_FIELD_NUMBER};
    order.n_fields = 4;
    said[0] = '\0';
    struct payload payload;
    cr_assert(!payload_read(&order, tokens, &errors, &payload));
    char *end = strchr(said, ' ');
    cr_assert(end && end - said < 128);
    cr_assert((size_t)(end - said - 1) % 4 == shift, "%ld bytes", (long)(end - said));
  }
}

Test(payload, everything_wrong_is_said_at_once)
{
  set("tokenOut", OX_FIELD_STRING, "NONE");
  set("amount", OX_FIELD_NUMBER, "-1");
  set("slippage", OX_FIELD_NUMBER, "2");
  set("price", OX_FIELD_NUMBER, "2");
  expect("/tokenIn REQUIRED;/tokenOut UNKNOWN_TOKEN;/amount AMOUNT_NOT_POSITIVE;"
         "/slippage SLIPPAGE_OUT_OF_RANGE;/price UNKNOWN_FIELD;");
}

/* ── limit ──────────────────────────────────────────────────────────────────────────────────── */

static void good_limit(void)
{
  good();
  order.type = "limit";
  set("limitPrice", OX_FIELD_NUMBER, "151.25");
}

Test(payload, a_limit_is_the_least_output_at_its_price)
{
  good_limit();
  cr_assert(read_good().limit_out == 226875000);
  set("limitPrice", OX_FIELD_STRING, "151.2500001"); /* 226875000.15 */
  cr_assert(read_good().limit_out == 226875001);
  set("limitPrice", OX_FIELD_NUMBER, "1e-30");
  cr_assert(read_good().limit_out == 1);
}

Test(payload, a_limit_has_to_be_a_price)
{
  static const struct {
    const char *text, *code;
  } wrong[] = {
      {"0", "LIMIT_NOT_POSITIVE"},  {"0.000", "LIMIT_NOT_POSITIVE"},
      {"-1", "LIMIT_NOT_POSITIVE"}, {"1.", "NOT_A_NUMBER"},
      {"", "NOT_A_NUMBER"},         {"1000000000000000001", "TOO_MANY_DECIMALS"},
      {"1e30", "LIMIT_TOO_LARGE"},
  };
  good_limit();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char said_of[64];
    set("limitPrice", OX_FIELD_STRING, wrong[i].text);
    snprintf(said_of, sizeof said_of, "/limitPrice %s;", wrong[i].code);
    expect(said_of);
  }
  set("limitPrice", OX_FIELD_BOOL, "true");
  expect("/limitPrice WRONG_TYPE;");
  set("limitPrice", OX_FIELD_NUMBER, NULL);
  expect("/limitPrice REQUIRED;");
}

Test(payload, all_that_is_wrong_with_a_limit_is_said)
{
  good_limit();
  set("tokenOut", OX_FIELD_STRING, "NOPE");
  set("limitPrice", OX_FIELD_NUMBER, "0");
  set("expiresAt", OX_FIELD_STRING, "tomorrow");
  set("launchToken", OX_FIELD_STRING, "SOL");
  expect("/tokenOut UNKNOWN_TOKEN;/limitPrice LIMIT_NOT_POSITIVE;/expiresAt NOT_A_TIME;"
         "/launchToken UNKNOWN_FIELD;");
}

Test(payload, only_what_waits_expires_and_has_a_limit)
{
  good();
  set("limitPrice", OX_FIELD_NUMBER, "1");
  set("expiresAt", OX_FIELD_STRING, "2026-01-31T10:30:00Z");
  set("launchToken", OX_FIELD_STRING, "SOL");
  expect("/limitPrice UNKNOWN_FIELD;/expiresAt UNKNOWN_FIELD;/launchToken UNKNOWN_FIELD;");
  cr_assert(order.n_fields == 6);
}

Test(payload, an_expiry_lies_ahead_when_it_is_accepted)
{
  struct payload payload;
  good_limit();
  order.created_at_ms = 1769855400000;
  set("expiresAt", OX_FIELD_STRING, "2026-01-31T10:30:00.001Z");
  cr_assert(read_good().expires_at_ms == 1769855400001);
  set("expiresAt", OX_FIELD_NUMBER, "1769855400001");
  expect("/expiresAt NOT_A_TIME;");
  set("expiresAt", OX_FIELD_STRING, "2026-01-31T10:30:00Z");
  said[0] = '\0';
  cr_assert(!payload_read(&order, tokens, &errors, &payload));
  cr_assert_str_eq(said, "/expiresAt EXPIRED;");
  cr_assert(payload_read(&order, tokens, NULL, &payload), "later it is read as it was accepted");
}

/* ── sniper ─────────────────────────────────────────────────────────────────────────────────── */

static void good_sniper(void)
{
  good();
  order.type = "sniper";
  set("tokenOut", OX_FIELD_STRING, "NEW");
  set("launchToken", OX_FIELD_STRING, "NEW");
}

Test(payload, a_sniper_may_buy_what_is_not_known_yet)
{
  good_sniper();
  struct payload payload = read_good();
  cr_assert(!payload.token_out);
  cr_assert_str_eq(payload.symbol_out, "NEW");
  cr_assert_str_eq(payload.launch_token, "NEW");
}

Test(payload, but_not_sell_it_and_nothing_else_unknown)
{
  good_sniper();
  set("tokenIn", OX_FIELD_STRING, "NEW");
  set("tokenOut", OX_FIELD_STRING, "SOL");
  expect("/tokenIn UNKNOWN_TOKEN;");
  good_sniper();
  set("tokenOut", OX_FIELD_STRING, "OTHER");
  expect("/tokenOut UNKNOWN_TOKEN;/launchToken NOT_OF_THE_PAIR;");
  order.type = "market";
  set("tokenOut", OX_FIELD_STRING, "NEW");
  expect("/tokenOut UNKNOWN_TOKEN;/launchToken UNKNOWN_FIELD;");
}

Test(payload, a_launch_token_is_a_symbol)
{
  good_sniper();
  set("launchToken", OX_FIELD_STRING, NULL);
  set("tokenOut", OX_FIELD_STRING, "USDC");
  expect("/launchToken REQUIRED;");
  static const char *const wrong[] = {"", "sixteen-letters!", "with blank", "\xc3\xa4"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    set("launchToken", OX_FIELD_STRING, wrong[i]);
    expect("/launchToken WRONG_TYPE;");
  }
  set("launchToken", OX_FIELD_NUMBER, "1");
  expect("/launchToken WRONG_TYPE;");
  set("launchToken", OX_FIELD_STRING, "RAY");
  expect("/launchToken NOT_OF_THE_PAIR;");
}
