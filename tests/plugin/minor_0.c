/* minor_0.c - of the first minor: its struct ends where endpoints have come since. */
#include <ox/executor.h>

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_plugin plugin = {
      .size = offsetof(struct ox_plugin, endpoints),
      .abi_major = OX_ABI_MAJOR,
      .name = "minor_0",
      .endpoints = (void *)1, /* not to be looked at */
  };
  return &plugin;
}
