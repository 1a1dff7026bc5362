/* old_struct.c - of the right major, but without the members at the end. */
#include <ox/executor.h>

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_plugin plugin = {
      .size = offsetof(struct ox_plugin, open),
      .abi_major = OX_ABI_MAJOR,
      .name = "old",
  };
  return &plugin;
}
