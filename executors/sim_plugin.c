/*
 * sim_plugin.c - sim.so: the simulated venues, the ledger they share, and how they are governed.
 */
#include "sim.h"
#include "sim_api.h"

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_venue *const venues[] = {&sim_raydium, &sim_meteora, &sim_both, NULL};
  static const struct ox_plugin plugin = {
      .size = sizeof plugin,
      .abi_major = OX_ABI_MAJOR,
      .abi_minor = OX_ABI_MINOR,
      .name = "sim",
      .venues = venues,
      .open = sim_open,
      .close = sim_close,
      .endpoints = sim_endpoints,
  };
  return &plugin;
}
