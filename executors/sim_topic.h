/*
 * sim_topic.h - tells the orders that wait what has changed in the simulated market: prices and
 * listings, as topics (ox/topic.h). Once every process knows of the change. Threads of the desk.
 */
#ifndef SIM_TOPIC_H
#define SIM_TOPIC_H

#include <ox/endpoint.h>
#include <stdbool.h>

#include "scenario.h"

/* sim_topic_price(): one whole token_in is worth price, a decimal that scenario_apply() took.
 * False, here and below: not all of it is published. */
bool sim_topic_price(const struct ox_desk *desk, const char *token_in, const char *token_out,
                     const struct ox_field *price);

/* sim_topic_pool(): pool, which is of the scenario, trades. */
bool sim_topic_pool(const struct ox_desk *desk, const struct scenario *scenario,
                    const struct pool *pool);

#endif
