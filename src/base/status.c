/*
 * status.c - the names of the operating errors, for logs. Pure; any thread.
 */
#include "base/status.h"

const char *status_name(enum status status)
{
  switch (status) {
  case ST_OK: return "ok";
  case ST_INVALID: return "invalid";
  case ST_FULL: return "full";
  case ST_AWAY: return "away";
  case ST_STALE: return "stale";
  case ST_NOT_FOUND: return "not found";
  case ST_CONFLICT: return "conflict";
  case ST_BUSY: return "busy";
  case ST_REPLAYED: return "replayed";
  case ST_BROKEN: return "broken";
  }
  return "unknown";
}
