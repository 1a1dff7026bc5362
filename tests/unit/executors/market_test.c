/*
 * market_test.c - the market executor against a host that follows a script: quotes, landings, a
 * lost order at each call, and runs that find what an earlier one left.
 */
#include <jansson.h>

#include "scripted_host.h"

static const struct ox_plugin *plugin;
static const struct ox_executor *market;

/* ── set-up ─────────────────────────────────────────────────────────────────────────────────────
 */

static const char *leg_cost;

static const char *get(const struct ox_config *config, const char *key)
{
  (void)config;
  return strcmp(key, "ROUTER_LEG_COST_BPS") == 0 ? leg_cost : NULL;
}

static void setup(void)
{
  static const struct ox_config config = {.size = sizeof config, .dir = "executors", .get = get};
  char error[256] = "";
  plugin = ox_plugin();
  cr_assert(plugin->open(&config, error, sizeof error) == OX_VENUE_OK, "%s", error);
  market = plugin->executors[0];
  set(0, "tokenIn", OX_FIELD_STRING, "SOL");
  set(1, "tokenOut", OX_FIELD_STRING, "USDC");
  set(2, "amount", OX_FIELD_NUMBER, "1.5");
  order = (struct ox_order){.size = sizeof order,
                            .attempt = 1,
                            .order_id = "ord_1",
                            .type = "market",
                            .status = "routing",
                            .fields = fields,
                            .n_fields = 3};
  script_begin();
}

static void teardown(void)
{
  plugin->close();
}

static enum ox_outcome run(void)
{
  return market->execute(&order, &s.table);
}

static enum ox_outcome run_again(void)
{
  order.attempt++;
  order.status = "routing";
  script_again();
  return run();
}

static void fails(enum ox_outcome outcome, const char *code, const char *did)
{
  cr_assert(run() == outcome);
  cr_assert_str_eq(s.code, code);
  cr_assert(strlen(s.message) > 10);
  cr_assert_str_eq(s.did, did);
}

TestSuite(market, .init = setup, .fini = teardown);

/* ── the straight way ───────────────────────────────────────────────────────────────────────────
 */

Test(market, goes_from_quotes_to_confirmed)
{
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "quote keep building submit submitted await confirmed");
  cr_assert_str_eq(s.venue, "meteora");
  cr_assert_str_eq(s.data[1], "{\"txHash\":\"hash\",\"dex\":\"meteora\"}");
  cr_assert_str_eq(
      s.data[2],
      "{\"dex\":\"meteora\",\"executedPrice\":\"151.302114\",\"inAmount\":\"1500000000\","
      "\"outAmount\":\"226953171\",\"minOutAmount\":\"224683639\",\"txHash\":\"hash\"}");
}

Test(market, a_split_is_sent_as_one_and_confirmed_with_its_legs)
{
  struct ox_quote *both = &s.quotes[s.n_quotes++];
  *both = quote_of("raydium+meteora", 230000000);
  both->n_legs = 2;
  both->legs[0] = (struct ox_leg){"raydium", 500000000, 77000000};
  both->legs[1] = (struct ox_leg){"meteora", 1000000000, 153000000};
  s.split = true;
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "quote keep building submit submitted await confirmed");
  cr_assert_str_eq(s.venue, "raydium+meteora");
  cr_assert(s.submitted.min_out_amount == 227700000);
  cr_assert(strstr(s.data[0], "\"route\":{\"dex\":\"raydium+meteora\",\"legs\":[{\"venue\":"
                              "\"raydium\",\"inAmount\":\"500000000\""));
  cr_assert(strstr(s.data[2], "\"legs\":[{\"venue\":\"raydium\",\"inAmount\":\"500000000\","
                              "\"outAmount\":\"76000000\"},{\"venue\":\"meteora\",\"inAmount\":"
                              "\"1000000000\",\"outAmount\":\"150953171\"}],\"txHash\""));
}

static const char *opens_with(const char *cost)
{
  static const struct ox_config config = {.size = sizeof config, .dir = "executors", .get = get};
  static char error[256];
  error[0] = '\0';
  leg_cost = cost;
  if (plugin->open(&config, error, sizeof error) == OX_VENUE_OK) plugin->close();
  leg_cost = NULL;
  return error;
}

Test(market, opens_only_with_a_cost_of_a_leg_it_can_read)
{
  static const char *const wrong[] = {"x", "-1", "10001", "1.5", " 1", "99999999999999999999"};
  plugin->close();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    cr_assert(strstr(opens_with(wrong[i]), "ROUTER_LEG_COST_BPS"), "%s", wrong[i]);
  cr_assert_str_eq(opens_with("0"), "");
  cr_assert_str_eq(opens_with("10000"), "");
  cr_assert_str_eq(opens_with(""), "");
  setup();
}

Test(market, asks_and_sends_what_the_order_says)
{
  order.client_order_id = "mine";
  order.attempt = 3;
  set(3, "slippageBps", OX_FIELD_NUMBER, "250");
  order.n_fields = 4;
  cr_assert(run() == OX_DONE);
  cr_assert(s.quoted.attempt == 3 && s.quoted.in_amount == 1500000000);
  cr_assert(s.quoted.slippage_bps == 250 && s.quoted.min_out_amount == 0);
  cr_assert_str_eq(s.quoted.order_id, "ord_1");
  cr_assert_str_eq(s.quoted.draw_key, "mine");
  cr_assert_str_eq(s.quoted.token_in, "SOL");
  cr_assert_str_eq(s.quoted.token_out, "USDC");
  cr_assert(s.submitted.min_out_amount == UINT64_C(226953171) * 9750 / 10000);
  cr_assert(s.submitted.in_amount == 1500000000);
}

Test(market, without_an_own_id_draws_by_the_order_s)
{
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.quoted.draw_key, "ord_1");
}

Test(market, records_every_quote_and_why)
{
  s.quotes[0].result = OX_VENUE_TIMEOUT;
  cr_assert(run() == OX_DONE);
  json_t *data = json_loads(s.data[0], JSON_REJECT_DUPLICATES, NULL);
  cr_assert(data);
  json_t *quotes = json_object_get(data, "quotes");
  cr_assert(json_array_size(quotes) == 2);
  cr_assert_str_eq(json_string_value(json_object_get(json_array_get(quotes, 0), "error")),
                   "TIMEOUT");
  json_t *route = json_object_get(data, "route");
  cr_assert_str_eq(json_string_value(json_object_get(route, "dex")), "meteora");
  cr_assert_str_eq(json_string_value(json_object_get(route, "minOutAmount")), "224683639");
  cr_assert(json_is_string(json_object_get(data, "reason")));
  json_decref(data);
}

Test(market, more_venues_than_it_takes_do_no_harm)
{
  for (int i = 0; i < 8; i++) s.quotes[i] = quote_of("v", 1000 + (uint64_t)i);
  s.n_quotes = 20;
  cr_assert(run() == OX_DONE);
}

/* ── the floor ──────────────────────────────────────────────────────────────────────────────────
 */

Test(market, a_retry_never_takes_less_than_the_first_floor)
{
  s.landing = OX_LANDING_REVERTED;
  fails(OX_RETRY, "SLIPPAGE_EXCEEDED", "quote keep building submit submitted await");
  s.quotes[1].out_amount = 224683638;
  cr_assert(run_again() == OX_RETRY);
  cr_assert_str_eq(s.code, "SLIPPAGE_EXCEEDED");
  cr_assert_str_eq(s.did, "quote");
}

Test(market, a_retry_with_a_better_quote_keeps_the_first_floor)
{
  s.landing = OX_LANDING_REVERTED;
  cr_assert(run() == OX_RETRY);
  s.landing = OX_LANDING_LANDED;
  s.quotes[0].out_amount = 300000000;
  cr_assert(run_again() == OX_DONE);
  cr_assert_str_eq(s.did, "quote building submit submitted await confirmed");
  cr_assert(s.submitted.min_out_amount == 224683639);
  cr_assert(strstr(s.data[0], "\"minOutAmount\":\"224683639\"},\"reason\""));
}

Test(market, a_retry_at_the_very_floor_goes_on)
{
  s.landing = OX_LANDING_REVERTED;
  cr_assert(run() == OX_RETRY);
  s.landing = OX_LANDING_LANDED;
  s.quotes[0].out_amount = s.quotes[1].out_amount = 224683639;
  cr_assert(run_again() == OX_DONE);
}

Test(market, a_blob_of_another_kind_is_none)
{
  static const char blob[16] = "something else!";
  order.state = blob;
  order.state_len = sizeof blob;
  cr_assert(run() == OX_DONE);
  cr_assert(s.submitted.min_out_amount == 224683639);
  order.state_len = 3;
  cr_assert(run() == OX_DONE);
}

/* ── what can go wrong ──────────────────────────────────────────────────────────────────────────
 */

Test(market, without_a_route_it_tries_again)
{
  s.quotes[0].result = s.quotes[1].result = OX_VENUE_NO_LIQUIDITY;
  fails(OX_RETRY, "NO_LIQUIDITY", "quote");
}

Test(market, without_venues_too)
{
  s.n_quotes = 0;
  fails(OX_RETRY, "NO_ROUTE", "quote");
}

Test(market, a_transaction_proven_dead_is_made_anew)
{
  s.await = OX_DEAD;
  fails(OX_RETRY, "TX_EXPIRED", "quote keep building submit submitted await");
}

Test(market, an_outcome_nobody_can_learn_is_for_a_person)
{
  s.await = OX_UNKNOWN;
  fails(OX_FAIL, "OUTCOME_UNKNOWN", "quote keep building submit submitted await");
}

Test(market, a_venue_that_refuses)
{
  s.submit = OX_REFUSED;
  fails(OX_RETRY, "VENUE_REJECTED", "quote keep building submit");
}

Test(market, a_venue_that_went_away)
{
  s.submit = OX_NO_VENUE;
  fails(OX_RETRY, "VENUE_UNAVAILABLE", "quote keep building submit");
}

Test(market, a_transaction_already_open_is_awaited)
{
  s.submit = OX_OPEN_INTENT;
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "quote keep building submit submitted await confirmed");
  cr_assert(strstr(s.data[1], "old-hash"));
}

Test(market, a_move_the_table_lacks_never_ends_an_order_that_may_have_traded)
{
  static const char *const states[] = {"building", "submitted", "confirmed"};
  for (int i = 0; i < 3; i++) {
    s.emit_says = OX_BAD_STATE;
    s.emit_says_at = states[i];
    s.did[0] = '\0';
    cr_assert(run() == OX_RETRY);
    cr_assert_str_eq(s.code, "ILLEGAL_TRANSITION");
  }
}

Test(market, lost_at_any_call_it_stops_at_once)
{
  int at = 1;
  for (; at < 20; at++) {
    teardown();
    setup();
    s.lost_at = at;
    enum ox_outcome outcome = run();
    if (s.calls < at) break;
    cr_assert(outcome == OX_RETRY);
    cr_assert_str_eq(s.code, "");
  }
  cr_assert(at == 8, "%d calls", at - 1);
}

Test(market, an_order_that_cannot_be_read_any_more_fails)
{
  set(0, "tokenIn", OX_FIELD_STRING, "GONE");
  fails(OX_FAIL, "INVALID_ORDER", "");
}

/* ── taking over ────────────────────────────────────────────────────────────────────────────────
 */

Test(market, an_open_transaction_is_awaited_and_nothing_else)
{
  s.open = 1;
  order.status = "submitted";
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "await confirmed");
  cr_assert(strstr(s.data[2], "\"txHash\":\"old-hash\"") &&
            strstr(s.data[2], "\"minOutAmount\":\"200000000\""));
}

Test(market, one_that_was_not_reported_is_reported_first)
{
  s.open = 1;
  order.status = "building";
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "submitted await confirmed");
}

Test(market, one_that_reverted_is_tried_again)
{
  s.open = 1;
  order.status = "submitted";
  s.landing = OX_LANDING_REVERTED;
  fails(OX_RETRY, "SLIPPAGE_EXCEEDED", "await");
}

Test(market, even_when_the_order_cannot_be_read_any_more)
{
  s.open = 1;
  order.status = "submitted";
  set(0, "tokenIn", OX_FIELD_STRING, "GONE");
  cr_assert(run() == OX_DONE);
  cr_assert(!strstr(s.data[2], "executedPrice") &&
            strstr(s.data[2], "\"outAmount\":\"226953171\""));
}

Test(market, the_floor_survives_a_take_over_before_the_submit)
{
  s.lost_at = 4; /* at the submit */
  cr_assert(run() == OX_RETRY);
  s.lost_at = 0;
  s.quotes[1].out_amount = 225000000;
  cr_assert(run_again() == OX_DONE);
  cr_assert(s.submitted.min_out_amount == 224683639);
}

/* ── the plugin ─────────────────────────────────────────────────────────────────────────────────
 */

static char said[256];

static void add(struct ox_errors *errors, const char *pointer, const char *code, const char *detail)
{
  (void)errors, (void)detail;
  size_t len = strlen(said);
  snprintf(said + len, sizeof said - len, "%s %s;", pointer, code);
}

Test(market, validates)
{
  struct ox_errors errors = {.size = sizeof errors, .add = add};
  market->validate(&order, &errors);
  cr_assert_str_eq(said, "");
  order.n_fields = 2;
  market->validate(&order, &errors);
  cr_assert_str_eq(said, "/amount REQUIRED;");
}

static bool may_move(const struct ox_state *from, const char *to)
{
  for (const char *const *next = from->next; next && *next; next++)
    if (strcmp(*next, to) == 0) return true;
  return false;
}

Test(market, the_table_has_these_moves_and_no_others)
{
  static const char *const legal =
      " pending>routing pending>failed pending>cancelled"
      " routing>routing routing>building routing>failed routing>cancelled"
      " building>submitted building>routing building>failed"
      " building>cancelled submitted>confirmed submitted>routing"
      " submitted>failed ";
  cr_assert(market->n_states == 7);
  for (size_t i = 0; i < market->n_states; i++) {
    for (size_t k = 0; k < market->n_states; k++) {
      const struct ox_state *from = &market->states[i];
      const char *to = market->states[k].name;
      char move[80];
      snprintf(move, sizeof move, " %s>%s ", from->name, to);
      cr_assert(may_move(from, to) == (strstr(legal, move) != NULL), "%s", move);
    }
  }
}

Test(market, opens_only_with_its_tokens)
{
  static const struct ox_config nowhere = {.size = sizeof nowhere, .dir = "/nowhere", .get = get};
  char error[256] = "";
  plugin->close();
  cr_assert(plugin->open(&nowhere, error, sizeof error) != OX_VENUE_OK);
  cr_assert(strstr(error, "/nowhere/tokens.json"), "it says: %s", error);
}
