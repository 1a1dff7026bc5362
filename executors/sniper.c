/*
 * sniper.c - the sniper order: fires as soon as any venue has a pool for its pair, and waits for
 * launchToken to be listed till then. Runs on worker threads.
 */
#include "market.h"
#include "watch.h"

static bool ready(const struct swap *swap, struct ox_park *park, char topic[OX_TOPIC_MAX])
{
  if (swap->choice.best) return true;
  ox_topic_listed(topic, swap->payload.launch_token);
  park->side = OX_AT_LEAST;
  park->level = 1;
  return false;
}

static enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  return watch_run(order, host, ready);
}

const struct ox_executor sniper_executor = {
    .size = sizeof sniper_executor,
    .type = "sniper",
    .states = watch_states,
    .n_states = WATCH_STATES,
    .validate = swap_validate,
    .execute = execute,
};
