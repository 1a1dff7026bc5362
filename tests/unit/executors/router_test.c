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

/* Two legs, of half of the input each. */
static struct ox_quote split(uint64_t out_amount)
{
  struct ox_quote both = quote("raydium+meteora", out_amount);
  both.n_legs = 2;
  both.legs[0] = (struct ox_leg){"raydium", 750000000, out_amount / 2};
  both.legs[1] = (struct ox_leg){"meteora", 750000000, out_amount - out_amount / 2};
  return both;
}

static struct router_choice choose_at(const struct ox_quote *quotes, size_t n, uint32_t cost_bps)
{
  struct router_choice choice;
  router_choose(quotes, n, cost_bps, &choice);
  return choice;
}

static struct router_choice choose(const struct ox_quote *quotes, size_t n)
{
  return choose_at(quotes, n, 1);
}

Test(router, takes_the_larger_output)
{
  struct ox_quote quotes[] = {quote("raydium", 220000000), quote("meteora", 226953171)};
  struct router_choice choice = choose(quotes, 2);
  cr_assert(choice.best == &quotes[1] && choice.second == &quotes[0]);
  cr_assert(choice.gain_bps == 316 && !choice.code);
  cr_assert_str_eq(choice.reason, "meteora gives 3.1605 % more than raydium after fees");
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

Test(router, a_split_that_gains_more_than_its_leg_costs)
{
  struct ox_quote quotes[] = {quote("meteora", 1000000), quote("raydium", 990000), split(1000101)};
  struct router_choice choice = choose(quotes, 3);
  cr_assert(choice.best == &quotes[2] && choice.second == &quotes[0] && !choice.declined);
  cr_assert(choice.gain == 101 && choice.gain_bps == 1);
  cr_assert_str_eq(choice.reason, "raydium+meteora gives 0.0101 % more than meteora alone after "
                                  "fees; another leg costs 0.0100 %");
}

Test(router, a_split_that_gains_no_more_than_its_leg_costs)
{
  struct ox_quote quotes[] = {split(1000100), quote("meteora", 1000000), quote("raydium", 990000)};
  struct router_choice choice = choose(quotes, 3);
  cr_assert(choice.best == &quotes[1] && choice.second == &quotes[2]);
  cr_assert(choice.declined == &quotes[0] && choice.gain_bps == 101);
  cr_assert_str_eq(
      choice.reason,
      "meteora gives 1.0101 % more than raydium after fees; raydium+meteora would give "
      "0.0100 % more, and another leg costs 0.0100 %");
}

Test(router, what_a_leg_costs_is_configured)
{
  struct ox_quote quotes[] = {quote("meteora", 1000000), quote("raydium", 990000), split(1000001)};
  cr_assert(choose_at(quotes, 3, 0).best == &quotes[2]);
  quotes[2] = split(1000000);
  cr_assert(choose_at(quotes, 3, 0).best == &quotes[0], "no gain, no split");
  quotes[2] = split(1999999);
  cr_assert(choose_at(quotes, 3, 10000).best == &quotes[0]);
  quotes[2] = split(2000001);
  cr_assert(choose_at(quotes, 3, 10000).best == &quotes[2]);
}

Test(router, a_third_leg_costs_as_much_as_the_second)
{
  struct ox_quote quotes[] = {quote("meteora", 1000000), quote("raydium", 1), split(1000200)};
  quotes[2].n_legs = 3;
  quotes[2].legs[2] = quotes[2].legs[1];
  cr_assert(choose(quotes, 3).best == &quotes[0]);
  quotes[2].out_amount++;
  cr_assert(choose(quotes, 3).best == &quotes[2]);
}

Test(router, no_split_while_one_of_its_venues_does_not_answer)
{
  static const enum ox_venue_result silent[] = {OX_VENUE_TIMEOUT,      OX_VENUE_UNAVAILABLE,
                                                OX_VENUE_RATE_LIMITED, OX_VENUE_REJECTED,
                                                OX_VENUE_BREAKER_OPEN, OX_VENUE_STALE};
  for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
    struct ox_quote quotes[] = {failed("raydium", silent[i]), quote("meteora", 1000), split(2000)};
    cr_assert(choose(quotes, 3).best == &quotes[1], "%s", ox_venue_result_name(silent[i]));
  }
  struct ox_quote alone[] = {quote("meteora", 1000), split(2000)};
  cr_assert(choose(alone, 2).best == &alone[0], "nobody asked the other one");
}

Test(router, a_split_fills_what_neither_can_alone)
{
  struct ox_quote quotes[] = {failed("raydium", OX_VENUE_NO_LIQUIDITY),
                              failed("meteora", OX_VENUE_NO_LIQUIDITY), split(2000)};
  struct router_choice choice = choose_at(quotes, 3, 10000);
  cr_assert(choice.best == &quotes[2] && !choice.second);
  cr_assert_str_eq(choice.reason, "raydium+meteora alone of 3 has a usable quote");
}

Test(router, without_a_split_the_two_are_compared)
{
  struct ox_quote quotes[] = {quote("raydium", 7), quote("meteora", 9),
                              failed("raydium+meteora", OX_VENUE_NO_SPLIT)};
  cr_assert(choose(quotes, 3).best == &quotes[1] && !choose(quotes, 3).declined);
}

Test(router, a_gain_beyond_counting)
{
  struct ox_quote quotes[] = {quote("a", 1), quote("b", UINT64_MAX)};
  cr_assert(choose(quotes, 2).gain_bps == UINT32_MAX);
}

static char data[ROUTER_RECORD_MAX];

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
  cr_assert_str_eq(data,
                   "{\"quotes\":["
                   "{\"venue\":\"raydium\",\"pool\":\"SOL-USDC\",\"inAmount\":\"1500000000\","
                   "\"outAmount\":\"220000000\",\"feeAmount\":\"4500000\",\"priceImpactBps\":3,"
                   "\"minOutAmount\":\"217800000\",\"expiresAt\":\"2026-01-31T10:30:00.123Z\"},"
                   "{\"venue\":\"meteora\",\"pool\":\"SOL-USDC\",\"inAmount\":\"1500000000\","
                   "\"outAmount\":\"226953171\",\"feeAmount\":\"4500000\",\"priceImpactBps\":3,"
                   "\"minOutAmount\":\"224683639\",\"expiresAt\":\"2026-01-31T10:30:00.123Z\"},"
                   "{\"venue\":\"orca\",\"error\":\"TIMEOUT\"}],"
                   "\"route\":{\"dex\":\"meteora\",\"legs\":[{\"venue\":\"meteora\","
                   "\"inAmount\":\"1500000000\",\"outAmount\":\"226953171\"}],\"inAmount\":"
                   "\"1500000000\",\"outAmount\":\"226953171\","
                   "\"minOutAmount\":\"224683639\"},"
                   "\"reason\":\"meteora gives 3.1605 % more than raydium after fees\","
                   "\"counterfactual\":{\"dex\":\"raydium\",\"outAmount\":\"220000000\","
                   "\"gainAmount\":\"6953171\",\"gainBps\":316}}");
}

Test(router, writes_the_legs_of_a_split)
{
  struct ox_quote quotes[] = {quote("raydium", 900), quote("meteora", 1000), split(1101)};
  json_t *tree = written(quotes, 3);
  json_t *quoted = json_object_get(json_array_get(json_object_get(tree, "quotes"), 2), "legs");
  json_t *route = json_object_get(tree, "route"), *legs = json_object_get(route, "legs");
  cr_assert(json_array_size(legs) == 2 && json_equal(quoted, legs));
  cr_assert_null(json_object_get(json_array_get(json_object_get(tree, "quotes"), 0), "legs"));
  json_t *second = json_array_get(legs, 1);
  cr_assert_str_eq(json_string_value(json_object_get(second, "venue")), "meteora");
  cr_assert_str_eq(json_string_value(json_object_get(second, "inAmount")), "750000000");
  cr_assert_str_eq(json_string_value(json_object_get(second, "outAmount")), "551");
  json_t *other = json_object_get(tree, "counterfactual");
  cr_assert_str_eq(json_string_value(json_object_get(other, "dex")), "meteora");
  cr_assert_str_eq(json_string_value(json_object_get(other, "gainAmount")), "101");
  json_decref(tree);
}

Test(router, without_a_second_there_is_no_counterfactual)
{
  struct ox_quote quotes[] = {quote("meteora", 7)};
  json_t *tree = written(quotes, 1);
  cr_assert(json_is_null(json_object_get(tree, "counterfactual")));
  json_decref(tree);
}

/* As long as anything in it can be: swap.c relies on it that this fits. */
Test(router, the_longest_record_fits)
{
  struct ox_quote quotes[ROUTER_QUOTES_MAX];
  for (size_t i = 0; i < ROUTER_QUOTES_MAX; i++) {
    quotes[i] = quote("", UINT64_MAX - i);
    quotes[i].in_amount = quotes[i].fee_amount = quotes[i].min_out_amount = UINT64_MAX;
    quotes[i].price_impact_bps = UINT32_MAX;
    memset(quotes[i].venue, 'v', sizeof quotes[i].venue - 1);
    memset(quotes[i].pool, '\x01', sizeof quotes[i].pool - 1);
    quotes[i].n_legs = i > 1 ? OX_LEGS_MAX : 0;
    for (int k = 0; k < OX_LEGS_MAX; k++) {
      quotes[i].legs[k] = (struct ox_leg){.in_amount = UINT64_MAX, .out_amount = UINT64_MAX};
      memcpy(quotes[i].legs[k].venue, quotes[i].venue, OX_NAME_MAX);
    }
  }
  json_decref(written(quotes, ROUTER_QUOTES_MAX));
}
