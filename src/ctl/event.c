/* event.c - see event.h. */
#include "ctl/event.h"

#include <string.h>

#include "base/clock.h"

bool event_parse(const char *text, size_t len, struct event *out)
{
  struct event e = {.text = text, .len = len};
  if (!member_parse(text, len, &e.object)) return false;
  const char *at = member_or(&e.object, "timestamp", "");
  e.order_id = member_text(&e.object, "orderId");
  e.status = member_text(&e.object, "status");
  e.phase = member_text(&e.object, "phase");
  e.seq = member_int(&e.object, "seq", 0);
  e.attempt = member_int(&e.object, "attempt", 0);
  bool good = e.order_id && e.status && e.phase && e.seq > 0 && !member(&e.object, "type") &&
              clock_rfc3339_parse(at, &e.at_ms);
  if (good)
    *out = e;
  else
    json_object_deinit(&e.object);
  return good;
}

void event_deinit(struct event *e)
{
  json_object_deinit(&e->object);
}

bool phase_succeeded(const char *phase)
{
  return strcmp(phase, "succeeded") == 0;
}

bool phase_ended(const char *phase)
{
  return phase_succeeded(phase) || strcmp(phase, "failed") == 0 || strcmp(phase, "cancelled") == 0;
}
