/*
 * sim_plugin.c - sim.so: the simulated venues and the ledger they share.
 */
#include "sim.h"

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_venue *const venues[] = {&sim_raydium, &sim_meteora, NULL};
  static const struct ox_plugin plugin = {
      .size = sizeof plugin,
      .abi_major = OX_ABI_MAJOR,
      .abi_minor = OX_ABI_MINOR,
      .name = "sim",
      .venues = venues,
      .open = sim_open,
      .close = sim_close,
  };
  return &plugin;
}
