/* sim_topic.c - see sim_topic.h. */
#include "sim_topic.h"

#include "amount.h"
#include "price.h"

/* One side of a price. */
struct side {
  const char *symbol;
  struct amount amount;
};

static bool publish_way(const struct ox_desk *desk, const struct side *in, const struct side *out)
{
  char topic[OX_TOPIC_MAX];
  ox_topic_price(topic, in->symbol, out->symbol);
  return desk->publish(desk, topic, amount_level(in->amount, out->amount));
}

/* in and out are worth the same. */
static bool publish_price(const struct ox_desk *desk, const struct side *in, const struct side *out)
{
  return publish_way(desk, in, out) && publish_way(desk, out, in);
}

bool sim_topic_price(const struct ox_desk *desk, const char *token_in, const char *token_out,
                     const struct ox_field *price)
{
  static const uint64_t one = 1000000000000; /* of 10^-PRICE_DECIMALS */
  struct side in = {token_in, {one, PRICE_DECIMALS}}, out = {token_out, {0, PRICE_DECIMALS}};
  return price &&
         amount_parse(price->text, price->len, PRICE_DECIMALS, &out.amount.units) == AMOUNT_OK &&
         out.amount.units > 0 && publish_price(desk, &in, &out);
}

/* So much x and y that they are worth the same at the pool's mid price; of bins to within 2^-29. */
static void balance(const struct pool *pool, uint64_t *x, uint64_t *y)
{
  static const u128 much = (u128)1 << 62;
  *x = pool->raydium.x;
  *y = pool->raydium.y;
  if (pool->kind != POOL_BINS) return;
  u128 price = meteora_price(pool->meteora.bin_step, pool->meteora.active);
  bool below_one = price >> 64 == 0;
  *x = (uint64_t)(below_one ? much : (much << 64) / price);
  *y = (uint64_t)(below_one ? price >> 2 : much);
}

static bool publish_listing(const struct ox_desk *desk, const struct scenario *scenario,
                            const char *symbol)
{
  char topic[OX_TOPIC_MAX];
  ox_topic_listed(topic, symbol);
  return desk->publish(desk, topic, (int64_t)scenario_trading(scenario, symbol));
}

bool sim_topic_pool(const struct ox_desk *desk, const struct scenario *scenario,
                    const struct pool *pool)
{
  struct side x = {pool->x, {0, tokens_find(scenario->tokens, pool->x)->decimals}};
  struct side y = {pool->y, {0, tokens_find(scenario->tokens, pool->y)->decimals}};
  balance(pool, &x.amount.units, &y.amount.units);
  return publish_price(desk, &x, &y) && publish_listing(desk, scenario, pool->x) &&
         publish_listing(desk, scenario, pool->y);
}
