/* crash_open.c - does not survive being opened. */
#define OPEN_PLUGIN crash
#include <ox/executor.h>

static enum ox_venue_result crash(const struct ox_config *config, char *error, size_t error_len)
{
  (void)error, (void)error_len;
  *(volatile char *)(uintptr_t)config->size = 'x'; /* in a page that nobody has */
  return OX_VENUE_OK;
}

#include "frame.h"
