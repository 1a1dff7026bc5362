/*
 * sim_fault.c - whether a fault strikes a call of a venue, and what is done about it at once. Any
 * thread.
 */
#include <signal.h>
#include <stdio.h>

#include "sim_venue.h"

enum ox_venue_result sim_refusal(enum fault_kind fault)
{
  switch (fault) {
  case FAULT_HALTED:
    return OX_VENUE_UNAVAILABLE;
  case FAULT_RATE_LIMITED:
    return OX_VENUE_RATE_LIMITED;
  case FAULT_NO_LIQUIDITY:
    return OX_VENUE_NO_LIQUIDITY;
  default:
    return OX_VENUE_OK;
  }
}

/* As the kernel would when memory runs out: no handler runs, nothing is flushed or told. */
static void crash(const struct sim_venue *venue)
{
  char line[96];
  snprintf(line, sizeof line, "sim: a fault of %s ends this process", venue->name);
  venue->sim->config->log("warn", line);
  raise(SIGKILL);
}

bool sim_faulty(const struct sim *sim)
{
  struct scenario *scenario = board_scenario(sim->board);
  bool faults = faults_any(scenario->faults);
  scenario_drop(scenario);
  return faults;
}

enum fault_kind sim_strike(const struct sim_venue *venue, enum fault_point point, const char *key,
                           uint32_t attempt)
{
  struct scenario *scenario = board_scenario(venue->sim->board);
  enum fault_kind fault = FAULT_NONE;
  if (faults_any(scenario->faults)) {
    struct fault_call call = {.point = point,
                              .venue = venue->name,
                              .key = key,
                              .attempt = attempt,
                              .seed = venue->sim->seed,
                              .now_ms = ledger_now_ms(venue->sim->ledger)};
    fault = faults_strike(scenario->faults, &call);
  }
  scenario_drop(scenario);
  if (fault == FAULT_CRASH) crash(venue);
  return fault;
}
