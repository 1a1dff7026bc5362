/*
 * market.c - the market order: quotes from every venue, the best one taken, landed or tried again.
 *
 *   pending ──▶ routing ──▶ building ──▶ submitted ──▶ confirmed
 *                  ▲───────────┴────────────┘              a failed attempt routes again
 *   any but the last ──▶ failed         before submitted ──▶ cancelled
 *
 * Runs on worker threads.
 */
#include "market.h"

#include "swap.h"

static const char *const from_pending[] = {"routing", "failed", "cancelled", NULL};
static const char *const from_routing[] = {"routing", "building", "failed", "cancelled", NULL};
static const char *const from_building[] = {"submitted", "routing", "failed", "cancelled", NULL};
static const char *const from_submitted[] = {"confirmed", "routing", "failed", NULL};

static const struct ox_state states[] = {
    {"pending", OX_QUEUED, OX_STATE_INITIAL, from_pending},
    {"routing", OX_ACTIVE, OX_STATE_ON_CLAIM, from_routing},
    {"building", OX_ACTIVE, 0, from_building},
    {"submitted", OX_ACTIVE, 0, from_submitted},
    {"confirmed", OX_SUCCEEDED, 0, NULL},
    {"failed", OX_FAILED, OX_STATE_ON_FAIL, NULL},
    {"cancelled", OX_CANCELLED, OX_STATE_ON_CANCEL, NULL},
};

static enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  struct swap swap;
  enum ox_outcome outcome;
  if (!swap_begin(&swap, order, host, &outcome)) return outcome;
  swap_quote(&swap);
  return swap_fill(&swap);
}

const struct ox_executor market_executor = {
    .size = sizeof market_executor,
    .type = "market",
    .states = states,
    .n_states = sizeof states / sizeof *states,
    .validate = swap_validate,
    .execute = execute,
};
