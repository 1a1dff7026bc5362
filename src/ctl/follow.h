/*
 * follow.h - the states of one order until it has ended, by WebSocket; cut connections are made
 * anew from the last seq that came. Loop thread only.
 */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include "ctl/event.h"
#include "ctl/session.h"

struct follow;

enum follow_end {
  FOLLOW_ENDED, /* the last event was a last one; or there was none, and answer says how it ended */
  FOLLOW_REFUSED, /* answer says why */
  FOLLOW_AWAY,    /* the server was not to be reached for too long; answer is the last try's */
};

struct follow_handler {
  void (*on_open)(void *arg);                             /* there is a connection; may be NULL */
  void (*on_event)(void *arg, const struct event *event); /* as it came, whatever its seq is */
  void (*on_cut)(void *arg);                              /* it connects anew; may be NULL */
  /* The follow is no more. answer is borrowed; NULL with FOLLOW_ENDED behind a last event. */
  void (*on_end)(void *arg, enum follow_end end, const struct http_answer *answer);
};

/* follow_start() copies order_id. Nothing is called from inside. */
struct follow *follow_start(struct session *session, const char *order_id, int64_t since,
                            const struct follow_handler *handler, void *arg);
void follow_stop(struct follow *f); /* without a call; not from inside one of them */

#endif
