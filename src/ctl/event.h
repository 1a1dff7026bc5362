/* event.h - one state of an order, as a stream brings it. Pure; any thread. */
#ifndef CTL_EVENT_H
#define CTL_EVENT_H

#include "ctl/member.h"

struct event {
  const char *order_id, *status, *phase; /* these point into object */
  int64_t seq, attempt, at_ms;
  const char *text; /* as it came; borrowed */
  size_t len;
  struct json_object object;
};

/* event_parse() borrows text. false: it is no event. On success event_deinit() it. */
bool event_parse(const char *text, size_t len, struct event *out) MUST_CHECK;
void event_deinit(struct event *e);

bool phase_ended(const char *phase);
bool phase_succeeded(const char *phase);

#endif
