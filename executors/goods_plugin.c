/* goods_plugin.c - goods.so: what is sold and brought, and what others keep the books of. */
#include "goods.h"

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_executor *const executors[] = {&delivery_executor, &record_executor, NULL};
  static const struct ox_plugin plugin = {
      .size = sizeof plugin,
      .abi_major = OX_ABI_MAJOR,
      .abi_minor = OX_ABI_MINOR,
      .name = "goods",
      .executors = executors,
      .open = delivery_open,
  };
  return &plugin;
}
