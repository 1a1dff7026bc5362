/*
 * limit_test.c - the limit order against a host that follows a script: when it fires, what it waits
 * for, and what it never takes. What sniper does in the same way is only tried here.
 */
#include "scripted_host.h"

static const struct ox_plugin *plugin;
static const struct ox_executor *limit;

static const char *margin; /* LIMIT_MARGIN_BPS */

static const char *get(const struct ox_config *config, const char *key)
{
  (void)config;
  return strcmp(key, "LIMIT_MARGIN_BPS") == 0 ? margin : NULL;
}

static void open_plugin(void)
{
  static const struct ox_config config = {.size = sizeof config, .dir = "executors", .get = get};
  char error[256] = "";
  plugin = ox_plugin();
  cr_assert(plugin->open(&config, error, sizeof error) == OX_VENUE_OK, "%s", error);
  limit = plugin->executors[1];
  cr_assert_str_eq(limit->type, "limit");
}

static void setup(void)
{
  margin = NULL;
  open_plugin();
  set(0, "tokenIn", OX_FIELD_STRING, "SOL");
  set(1, "tokenOut", OX_FIELD_STRING, "USDC");
  set(2, "amount", OX_FIELD_NUMBER, "1.5");
  set(3, "limitPrice", OX_FIELD_NUMBER, "151.302114"); /* the best quote comes to exactly that */
  order = (struct ox_order){.size = sizeof order,
                            .attempt = 1,
                            .order_id = "ord_1",
                            .type = "limit",
                            .status = "pending",
                            .fields = fields,
                            .n_fields = 4};
  script_begin();
  s.quotes[1].out_amount = 226953171;
  s.now_ms = 1769855400000; /* 2026-01-31T10:30:00Z */
}

static void teardown(void)
{
  plugin->close();
}

static enum ox_outcome run(void)
{
  return limit->execute(&order, &s.table);
}

static enum ox_outcome run_again(void)
{
  script_again();
  return run();
}

static void price(const char *text)
{
  set(3, "limitPrice", OX_FIELD_STRING, text);
}

static void expires(const char *text)
{
  set(4, "expiresAt", OX_FIELD_STRING, text);
  order.n_fields = 5;
}

TestSuite(limit, .init = setup, .fini = teardown);

/* ── firing ─────────────────────────────────────────────────────────────────────────────────── */

Test(limit, fires_at_once_at_its_very_price)
{
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "quote routing keep building submit submitted await confirmed");
}

Test(limit, a_unit_below_its_price_it_waits)
{
  price("151.302114001"); /* 226953171.0015 units */
  cr_assert(run() == OX_PARK);
  cr_assert_str_eq(s.did, "quote watching park");
  s.quotes[0].out_amount = 226953172;
  cr_assert(run_again() == OX_DONE);
}

Test(limit, the_net_quote_counts_and_the_best_of_them)
{
  price("150");
  s.quotes[0].out_amount = 225000000;
  s.quotes[1].result = OX_VENUE_TIMEOUT;
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.venue, "raydium");
}

Test(limit, takes_nothing_below_its_price_whatever_the_slippage)
{
  price("151.3"); /* 226950000 units; 1 % below the quote is less */
  cr_assert(run() == OX_DONE);
  cr_assert(s.submitted.min_out_amount == 226950000, "%lu", s.submitted.min_out_amount);
}

Test(limit, takes_the_slippage_floor_where_that_is_higher)
{
  price("1");
  cr_assert(run() == OX_DONE);
  cr_assert(s.submitted.min_out_amount == 224683639);
}

/* ── waiting ────────────────────────────────────────────────────────────────────────────────── */

Test(limit, waits_for_the_mid_price_less_the_margin)
{
  price("200");
  cr_assert(run() == OX_PARK);
  cr_assert_str_eq(s.topic, "price:SOL-USDC");
  cr_assert(s.park.side == OX_AT_LEAST && s.park.until_ms == 0);
  cr_assert(s.park.level == INT64_C(194000000000000), "%ld", s.park.level);
}

Test(limit, the_margin_is_configured)
{
  teardown();
  margin = "50";
  open_plugin();
  price("200");
  cr_assert(run() == OX_PARK);
  cr_assert(s.park.level == INT64_C(199000000000000), "%ld", s.park.level);
}

Test(limit, a_margin_that_is_none_stops_the_start)
{
  static const char *const wrong[] = {"5001", "x", "1.5", "-1"};
  static const struct ox_config config = {.size = sizeof config, .dir = "executors", .get = get};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char error[256] = "";
    margin = wrong[i];
    cr_assert(plugin->open(&config, error, sizeof error) != OX_VENUE_OK);
    cr_assert(strstr(error, "LIMIT_MARGIN_BPS"), "it says: %s", error);
  }
}

Test(limit, looking_again_for_nothing_writes_no_event)
{
  price("200");
  cr_assert(run() == OX_PARK);
  cr_assert(run_again() == OX_PARK);
  cr_assert_str_eq(s.did, "quote park");
  s.quotes[0].out_amount = 300000000;
  cr_assert(run_again() == OX_DONE);
  cr_assert_str_eq(s.did, "quote routing keep building submit submitted await confirmed");
}

Test(limit, a_price_beyond_what_topics_have_is_looked_at_often_rather_than_never)
{
  set(1, "tokenOut", OX_FIELD_STRING, "BONK");
  price("50000000");
  cr_assert(run() == OX_PARK);
  cr_assert_str_eq(s.topic, "price:SOL-BONK");
  cr_assert(s.park.level == (int64_t)((unsigned __int128)INT64_MAX * 9700 / 10000));
}

Test(limit, a_pair_that_nobody_lists_is_waited_for)
{
  s.quotes[0].result = s.quotes[1].result = OX_VENUE_NO_LIQUIDITY;
  cr_assert(run() == OX_PARK);
  cr_assert(s.park.until_ms == 0);
}

Test(limit, venues_that_are_away_are_asked_again_soon)
{
  s.quotes[0].result = OX_VENUE_NO_LIQUIDITY;
  s.quotes[1].result = OX_VENUE_UNAVAILABLE;
  cr_assert(run() == OX_PARK);
  cr_assert(s.park.until_ms == s.now_ms + 10000);
  expires("2026-01-31T10:30:05Z");
  cr_assert(run_again() == OX_PARK);
  cr_assert(s.park.until_ms == s.now_ms + 5000);
}

/* ── expiry ─────────────────────────────────────────────────────────────────────────────────── */

Test(limit, waits_till_its_expiry_at_the_most)
{
  price("200");
  expires("2026-01-31T10:31:00.001Z");
  cr_assert(run() == OX_PARK);
  cr_assert(s.park.until_ms == s.now_ms + 60001);
}

Test(limit, expires_at_that_moment_whatever_the_price)
{
  expires("2026-01-31T10:30:00.001Z");
  price("200");
  cr_assert(run() == OX_PARK);
  s.now_ms++;
  price("1");
  cr_assert(run_again() == OX_DONE);
  cr_assert_str_eq(s.did, "expired");
  cr_assert_str_eq(order.status, "expired");
}

Test(limit, a_failed_attempt_may_find_that_it_has_expired)
{
  expires("2026-01-31T10:30:01Z");
  s.landing = OX_LANDING_REVERTED;
  cr_assert(run() == OX_RETRY);
  s.now_ms += 1000;
  cr_assert(run_again() == OX_DONE);
  cr_assert_str_eq(s.did, "expired");
}

Test(limit, an_open_transaction_is_awaited_even_when_it_has_expired)
{
  expires("2026-01-31T10:29:00Z");
  s.open = 1;
  order.status = "submitted";
  cr_assert(run() == OX_DONE);
  cr_assert_str_eq(s.did, "await confirmed");
}

/* ── attempts that come to nothing ──────────────────────────────────────────────────────────── */

Test(limit, a_failed_attempt_routes_again)
{
  s.landing = OX_LANDING_REVERTED;
  cr_assert(run() == OX_RETRY);
  cr_assert_str_eq(s.code, "SLIPPAGE_EXCEEDED");
  s.landing = OX_LANDING_LANDED;
  order.attempt = 2;
  cr_assert(run_again() == OX_DONE);
  cr_assert_str_eq(s.did, "routing quote building submit submitted await confirmed");
}

Test(limit, and_waits_again_when_its_moment_has_gone)
{
  s.landing = OX_LANDING_REVERTED;
  cr_assert(run() == OX_RETRY);
  s.quotes[1].out_amount = 226953170;
  order.attempt = 2;
  cr_assert(run_again() == OX_PARK);
  cr_assert_str_eq(s.did, "routing quote watching park");
}

/* The first floor stays, also above the limit. */
Test(limit, a_later_attempt_never_takes_less_than_the_first_floor)
{
  price("140");
  s.landing = OX_LANDING_REVERTED;
  cr_assert(run() == OX_RETRY);
  cr_assert(s.submitted.min_out_amount == 224683639);
  s.quotes[0].out_amount = s.quotes[1].out_amount = 224683638; /* 149.789…, above 140 */
  cr_assert(run_again() == OX_PARK);
  cr_assert(s.park.level == INT64_C(149789092666666) * 9700 / 10000, "%ld", s.park.level);
  s.landing = OX_LANDING_LANDED;
  s.quotes[0].out_amount = 224683639;
  cr_assert(run_again() == OX_DONE);
  cr_assert(s.submitted.min_out_amount == 224683639);
}

/* ── losing it ──────────────────────────────────────────────────────────────────────────────── */

Test(limit, lost_at_any_call_it_stops_at_once)
{
  for (int waits = 0; waits < 2; waits++) {
    int at = 1;
    for (; at < 20; at++) {
      teardown();
      setup();
      if (waits) price("200");
      s.lost_at = at;
      enum ox_outcome outcome = run();
      if (s.calls < at) break;
      cr_assert(outcome == OX_RETRY);
      cr_assert_str_eq(s.code, "");
    }
    cr_assert(at == (waits ? 4 : 9), "%d calls", at - 1);
  }
}

Test(limit, an_order_that_cannot_be_read_any_more_fails)
{
  set(0, "tokenIn", OX_FIELD_STRING, "GONE");
  cr_assert(run() == OX_FAIL);
  cr_assert_str_eq(s.code, "INVALID_ORDER");
}

/* ── the table ──────────────────────────────────────────────────────────────────────────────── */

static bool may_move(const struct ox_state *from, const char *to)
{
  for (const char *const *next = from->next; next && *next; next++)
    if (strcmp(*next, to) == 0) return true;
  return false;
}

Test(limit, the_table_has_these_moves_and_no_others)
{
  static const char *const legal =
      " pending>watching pending>routing pending>expired pending>failed pending>cancelled"
      " watching>routing watching>expired watching>failed watching>cancelled"
      " routing>routing routing>building routing>watching routing>expired routing>failed"
      " routing>cancelled"
      " building>submitted building>routing building>expired building>failed building>cancelled"
      " submitted>confirmed submitted>routing submitted>expired submitted>failed ";
  cr_assert(limit->n_states == 9);
  for (size_t i = 0; i < limit->n_states; i++) {
    for (size_t k = 0; k < limit->n_states; k++) {
      const struct ox_state *from = &limit->states[i];
      const char *to = limit->states[k].name;
      char move[80];
      snprintf(move, sizeof move, " %s>%s ", from->name, to);
      cr_assert(may_move(from, to) == (strstr(legal, move) != NULL), "%s", move);
    }
  }
}

Test(limit, watching_is_queued_expired_is_cancelled_and_a_claim_enters_nothing)
{
  for (size_t i = 0; i < limit->n_states; i++) {
    const struct ox_state *state = &limit->states[i];
    cr_assert(!(state->flags & OX_STATE_ON_CLAIM));
    if (strcmp(state->name, "watching") == 0) cr_assert(state->phase == OX_QUEUED);
    if (strcmp(state->name, "expired") == 0)
      cr_assert(state->phase == OX_CANCELLED && !(state->flags & OX_STATE_ON_CANCEL));
  }
}
