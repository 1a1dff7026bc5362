/* sim_topic_test.c - what the simulated market publishes, in both directions and rounded down. */
#include "executors/sim_topic.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char said[1024]; /* "topic=level " for each publish */
static int fails_at, calls;

static int publish(const struct ox_desk *desk, const char *topic, int64_t level)
{
  (void)desk;
  size_t len = strlen(said);
  snprintf(said + len, sizeof said - len, "%s=%ld ", topic, level);
  return ++calls != fails_at;
}

static const struct ox_desk desk = {.size = sizeof desk, .publish = publish};

static struct scenario *scenario;

static void setup(void)
{
  char error[256];
  scenario = scenario_load("executors", 24, error, sizeof error);
  cr_assert(scenario, "%s", error);
  said[0] = '\0';
  fails_at = calls = 0;
}

static void teardown(void)
{
  scenario_drop(scenario);
}

TestSuite(sim_topic, .init = setup, .fini = teardown);

static bool price(const char *text)
{
  const struct ox_field field = {"price", text, strlen(text), OX_FIELD_STRING};
  return sim_topic_price(&desk, "SOL", "USDC", &field);
}

Test(sim_topic, a_price_goes_out_both_ways)
{
  cr_assert(price("151.25"));
  cr_assert_str_eq(said, "price:SOL-USDC=151250000000000 price:USDC-SOL=6611570247 ");
}

Test(sim_topic, extremes_are_bounded)
{
  cr_assert(price("0.000000000001"));
  cr_assert(strstr(said, "price:SOL-USDC=1 price:USDC-SOL=9223372036854775807 "), "%s", said);
}

Test(sim_topic, what_is_no_price_is_not_published)
{
  cr_assert(!price("0") && !price("x") && !price(""));
  cr_assert(!sim_topic_price(&desk, "SOL", "USDC", NULL));
  cr_assert_str_eq(said, "");
}

Test(sim_topic, a_pool_tells_its_price_and_its_tokens)
{
  bool x_to_y;
  const struct pool *pool = pools_find(scenario->pools, "raydium", "SOL", "USDC", &x_to_y);
  cr_assert(sim_topic_pool(&desk, scenario, pool));
  cr_assert_str_eq(said, "price:SOL-USDC=150000000000000 price:USDC-SOL=6666666666 "
                         "listed:SOL=10 listed:USDC=10 ");
}

static int64_t level_of(const char *topic)
{
  const char *at = strstr(said, topic);
  long level = 0;
  cr_assert(at && sscanf(at + strlen(topic), "=%ld", &level) == 1, "%s: %s", topic, said);
  return level;
}

/* Their prices are powers of 1.001: near those of the other venue. */
Test(sim_topic, bins_tell_theirs_above_one_and_below)
{
  static const struct {
    const char *x, *y;
    double about;
  } pools[] = {{"SOL", "USDC", 150}, {"BONK", "USDC", 0.000025}, {"USDC", "USDT", 1}};
  for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
    bool x_to_y;
    char there[64], back[64];
    said[0] = '\0';
    const struct pool *pool =
        pools_find(scenario->pools, "meteora", pools[i].x, pools[i].y, &x_to_y);
    cr_assert(sim_topic_pool(&desk, scenario, pool));
    ox_topic_price(there, pools[i].x, pools[i].y);
    ox_topic_price(back, pools[i].y, pools[i].x);
    double level = (double)level_of(there) / 1e12, inverse = (double)level_of(back) / 1e12;
    cr_assert(level > pools[i].about * 0.999 && level < pools[i].about * 1.001, "%g", level);
    cr_assert(level * inverse > 0.999999 && level * inverse < 1.000001, "%g", level * inverse);
  }
}

Test(sim_topic, a_publish_that_fails_is_said)
{
  bool x_to_y;
  const struct pool *pool = pools_find(scenario->pools, "raydium", "SOL", "USDC", &x_to_y);
  for (fails_at = 1; fails_at <= 4; fails_at++) {
    calls = 0;
    cr_assert(!sim_topic_pool(&desk, scenario, pool));
  }
  fails_at = 2, calls = 0;
  cr_assert(!price("1"));
}
