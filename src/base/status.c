/*
 * status.c - the names of the operating errors, for logs. Pure; any thread.
 */
#include "base/status.h"

#include <stddef.h>

const char *status_name(enum status status)
{
  static const char *const names[] = {
      [ST_OK] = "ok",
      [ST_INVALID] = "invalid",
      [ST_FULL] = "full",
      [ST_AWAY] = "away",
      [ST_STALE] = "stale",
      [ST_NOT_FOUND] = "not found",
      [ST_CONFLICT] = "conflict",
      [ST_BUSY] = "busy",
      [ST_REPLAYED] = "replayed",
      [ST_BROKEN] = "broken",
  };
  return (size_t)status < sizeof names / sizeof names[0] ? names[status] : "unknown";
}
