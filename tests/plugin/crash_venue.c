/* crash_venue.c - its venue does not survive being opened. */
#define OPEN_VENUE crash
#include <ox/executor.h>
#include <stdlib.h>

static enum ox_venue_result crash(const struct ox_config *config, void **self, char *error,
                                  size_t error_len)
{
  (void)config, (void)self, (void)error, (void)error_len;
  abort();
}

#include "frame.h"
