/*
 * sniper_test.c - the sniper order against a host that follows a script: it waits for the first
 * listing and then swaps. What it has in common with limit is tried in limit_test.c.
 */
#include "scripted_host.h"

static const struct ox_plugin *plugin;
static const struct ox_executor *sniper;

static const char *get(const struct ox_config *config, const char *key)
{
  (void)config, (void)key;
  return NULL;
}

static void setup(void)
{
  static const struct ox_config config = {.size = sizeof config, .dir = "executors", .get = get};
  char error[256] = "";
  plugin = ox_plugin();
  cr_assert(plugin->open(&config, error, sizeof error) == OX_VENUE_OK, "%s", error);
  sniper = plugin->executors[2];
  cr_assert_str_eq(sniper->type, "sniper");
  set(0, "tokenIn", OX_FIELD_STRING, "SOL");
  set(1, "tokenOut", OX_FIELD_STRING, "NEW");
  set(2, "amount", OX_FIELD_NUMBER, "1.5");
  set(3, "launchToken", OX_FIELD_STRING, "NEW");
  order = (struct ox_order){.size = sizeof order,
                            .attempt = 1,
                            .order_id = "ord_1",
                            .type = "sniper",
                            .status = "pending",
                            .fields = fields,
                            .n_fields = 4};
  script_begin();
  s.now_ms = 1769855400000;
}

static void teardown(void)
{
  plugin->close();
}

static enum ox_outcome run(void)
{
  return sniper->execute(&order, &s.table);
}

static void nobody_lists_it(void)
{
  s.quotes[0].result = s.quotes[1].result = OX_VENUE_NO_LIQUIDITY;
}

TestSuite(sniper, .init = setup, .fini = teardown);

Test(sniper, waits_for_the_listing)
{
  nobody_lists_it();
  cr_assert(run() == OX_PARK);
  cr_assert_str_eq(s.did, "quote watching park");
  cr_assert_str_eq(s.topic, "listed:NEW");
  cr_assert(s.park.side == OX_AT_LEAST && s.park.level == 1 && s.park.until_ms == 0);
}

Test(sniper, fires_when_one_venue_lists_it)
{
  nobody_lists_it();
  cr_assert(run() == OX_PARK);
  s.quotes[1].result = OX_VENUE_OK;
  script_again();
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "quote routing keep building submit submitted await confirmed");
  cr_assert_str_eq(s.submitted.token_out, "NEW");
  cr_assert(s.submitted.min_out_amount == 224683639);
}

Test(sniper, what_is_listed_already_is_taken_at_once)
{
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "quote routing keep building submit submitted await confirmed");
}

Test(sniper, a_price_of_a_token_with_unknown_decimals_is_not_told)
{
  cr_assert(run() == OX_DONE);
  cr_assert(!strstr(s.data[2], "executedPrice") && strstr(s.data[2], "\"outAmount\":"));
  set(1, "tokenOut", OX_FIELD_STRING, "BONK");
  set(3, "launchToken", OX_FIELD_STRING, "BONK");
  order.status = "pending";
  cr_assert(run() == OX_DONE);
  cr_assert(strstr(s.data[2], "executedPrice"));
}

Test(sniper, may_wait_for_the_token_it_sells)
{
  set(0, "tokenIn", OX_FIELD_STRING, "JUP");
  set(1, "tokenOut", OX_FIELD_STRING, "SOL");
  set(3, "launchToken", OX_FIELD_STRING, "JUP");
  nobody_lists_it();
  cr_assert(run() == OX_PARK);
  cr_assert_str_eq(s.topic, "listed:JUP");
}

Test(sniper, a_venue_that_is_away_is_asked_again_soon)
{
  nobody_lists_it();
  s.quotes[0].result = OX_VENUE_TIMEOUT;
  cr_assert(run() == OX_PARK);
  cr_assert(s.park.until_ms == s.now_ms + 10000);
}

Test(sniper, expires)
{
  set(4, "expiresAt", OX_FIELD_STRING, "2026-01-31T10:30:00Z");
  order.n_fields = 5;
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "expired");
}
