/* nothing.c - its entry point gives no plugin. */
#include <ox/executor.h>

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  return NULL;
}
