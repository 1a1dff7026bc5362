/*
 * redis_poll.h - hiredis' asynchronous connection on a libuv loop. Not hiredis' own adapter: that
 * one never notices a refused connection, and makes the loop wait for the socket before every
 * write. Here what was appended in a turn is written at the end of the turn. Loop thread only.
 */
#ifndef IO_REDIS_POLL_H
#define IO_REDIS_POLL_H

#include <hiredis/async.h>
#include <stdbool.h>
#include <uv.h>

/* Embedded in what owns the connection, which lives until on_closed. */
struct redis_poll {
  redisAsyncContext *ac; /* NULL as soon as hiredis has let go of it */
  uv_poll_t poll;
  uv_timer_t flush;
  int events;
  bool flushing;
  int open; /* handles */
  char reason[128];
  void (*on_closed)(struct redis_poll *p);
};

/* redis_poll_attach() drives ac until hiredis frees it: because it broke, or redisAsyncFree().
 * Then, later in the loop, on_closed is called; reason holds what hiredis said. */
void redis_poll_attach(struct redis_poll *p, uv_loop_t *loop, redisAsyncContext *ac,
                       void (*on_closed)(struct redis_poll *p));

#endif
