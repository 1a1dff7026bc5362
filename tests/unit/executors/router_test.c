/* router_test.c - which venue, why, and the record of it. */
#include "executors/router.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct ox_quote quote(const char *venue, uint64_t out_amount)
{
  struct ox_quote quote = {.size = sizeof quote,
                           .in_amount = 1500000000,
                           .out_amount = out_amount,
                           .fee_amount = 4500000,
                           .min_out_amount = out_amount * 99 / 100,
                           .price_impact_bps = 3,
                           .expires_at_ms = 1769855400123};
  snprintf(quote.venue, sizeof quote.venue, "%s", venue);
  snprintf(quote.pool, sizeof quote.pool, "SOL-USDC");
  return quote;
}

static struct ox_quote failed(const char *venue, enum ox_venue_result result)
{
  struct ox_quote quote = {.size = sizeof quote, .result = result, .out_amount = 999999999};
  snprintf(quote.venue, sizeof quote.venue, "%s", venue);
  return quote;
}

static struct router_choice choose(const struct ox_quote *quotes, size_t n)
{
  struct router_choice choice;
  router_choose(quotes, n, &choice);
  return choice;
}

Test(router, takes_the_larger_output)
{
  struct ox_quote quotes[] = {quote("raydium", 220000000), quote("meteora", 226953171)};
  struct router_choice choice = choose(quotes, 2);
  cr_assert(choice.best == &quotes[1] && choice.second == &quotes[0]);
  cr_assert(choice.gain_bps == 316 && !choice.code);
  cr_assert_str_eq(choice.reason, "meteora gives 3.16 % more than raydium after fees");
}

Test(router, the_order_they_come_in_does_not_matter)
{
  struct ox_quote quotes[] = {quote("a", 5), quote("b", 9), quote("c", 7), quote("d", 1)};
  struct router_choice choice = choose(quotes, 4);
  cr_assert_str_eq(choice.best->venue, "b");
  cr_assert_str_eq(choice.second->venue, "c");
}

Test(router, of_equal_ones_the_first)
{
  struct ox_quote quotes[] = {quote("raydium", 7), quote("meteora", 7)};
  struct router_choice choice = choose(quotes, 2);
  cr_assert(choice.best == &quotes[0] && choice.second == &quotes[1] && choice.gain_bps == 0);
  cr_assert_str_eq(choice.reason,
                   "raydium and meteora give the same after fees; the first is taken");
}

Test(router, one_venue_down_leaves_the_other)
{
  struct ox_quote quotes[] = {failed("raydium", OX_VENUE_TIMEOUT), quote("meteora", 7)};
  struct router_choice choice = choose(quotes, 2);
  cr_assert(choice.best == &quotes[1] && !choice.second);
  cr_assert_str_eq(choice.reason, "meteora alone of 2 has a usable quote");
}

Test(router, no_route)
{
  struct ox_quote dry[] = {failed("a", OX_VENUE_NO_LIQUIDITY), failed("b", OX_VENUE_NO_LIQUIDITY)};
  cr_assert_str_eq(choose(dry, 2).code, "NO_LIQUIDITY");
  cr_assert_null(choose(dry, 2).best);
  struct ox_quote mixed[] = {failed("a", OX_VENUE_NO_LIQUIDITY), failed("b", OX_VENUE_TIMEOUT)};
  cr_assert_str_eq(choose(mixed, 2).code, "NO_ROUTE");
  cr_assert_str_eq(choose(NULL, 0).code, "NO_ROUTE");
  struct ox_quote empty = quote("a", 0);
  cr_assert_str_eq(choose(&empty, 1).code, "NO_ROUTE");
}

Test(router, a_gain_beyond_counting)
{
  struct ox_quote quotes[] = {quote("a", 1), quote("b", UINT64_MAX)};
  cr_assert(choose(quotes, 2).gain_bps == UINT32_MAX);
}

static char data[6144];

static json_t *written(const struct ox_quote *quotes, size_t n)
{
  struct writer w;
  struct router_choice choice = choose(quotes, n);
  writer_init(&w, data, sizeof data);
  writer_begin(&w, NULL);
  router_write(&choice, quotes, n, 224683639, &w);
  writer_end(&w);
  const char *text = writer_text(&w);
  cr_assert(text, "it does not fit");
  json_t *tree = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  cr_assert(tree, "%s", text);
  return tree;
}

Test(router, writes_the_record)
{
  struct ox_quote quotes[] = {quote("raydium", 220000000), quote("meteora", 226953171),
                              failed("orca", OX_VENUE_TIMEOUT)};
  json_decref(written(quotes, 3));
  cr_assert_str_eq(
      data,
      "{\"quotes\":["
      "{\"venue\":\"raydium\",\"pool\":\"SOL-USDC\",\"inAmount\":\"1500000000\","
      "\"outAmount\":\"220000000\",\"feeAmount\":\"4500000\",\"priceImpactBps\":3,"
      "\"minOutAmount\":\"217800000\",\"expiresAt\":\"2026-01-31T10:30:00.123Z\"},"
      "{\"venue\":\"meteora\",\"pool\":\"SOL-USDC\",\"inAmount\":\"1500000000\","
      "\"outAmount\":\"226953171\",\"feeAmount\":\"4500000\",\"priceImpactBps\":3,"
      "\"minOutAmount\":\"224683639\",\"expiresAt\":\"2026-01-31T10:30:00.123Z\"},"
      "{\"venue\":\"orca\",\"error\":\"TIMEOUT\"}],"
      "\"route\":{\"dex\":\"meteora\",\"inAmount\":\"1500000000\",\"outAmount\":\"226953171\","
      "\"minOutAmount\":\"224683639\"},"
      "\"reason\":\"meteora gives 3.16 % more than raydium after fees\","
      "\"counterfactual\":{\"dex\":\"raydium\",\"outAmount\":\"220000000\",\"gainBps\":316}}");
}

Test(router, without_a_second_there_is_no_counterfactual)
{
  struct ox_quote quotes[] = {quote("meteora", 7)};
  json_t *tree = written(quotes, 1);
  cr_assert(json_is_null(json_object_get(tree, "counterfactual")));
  json_decref(tree);
}

/* As long as anything in it can be: market.c relies on it that this fits. */
Test(router, the_longest_record_fits)
{
  struct ox_quote quotes[ROUTER_QUOTES_MAX];
  for (size_t i = 0; i < ROUTER_QUOTES_MAX; i++) {
    quotes[i] = quote("", UINT64_MAX - i);
    quotes[i].in_amount = quotes[i].fee_amount = quotes[i].min_out_amount = UINT64_MAX;
    quotes[i].price_impact_bps = UINT32_MAX;
    memset(quotes[i].venue, 'v', sizeof quotes[i].venue - 1);
    memset(quotes[i].pool, '\x01', sizeof quotes[i].pool - 1);
  }
  json_decref(written(quotes, ROUTER_QUOTES_MAX));
}
