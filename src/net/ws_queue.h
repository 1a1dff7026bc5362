/*
 * ws_queue.h - the messages waiting in one session: a ring of references. Loop thread only.
 */
#ifndef NET_WS_QUEUE_H
#define NET_WS_QUEUE_H

#include "net/ws.h"

struct ws_queue {
  struct ws_message **slots; /* NULL until the first */
  size_t cap, first, len;
};

void ws_queue_push(struct ws_queue *q, struct ws_message *m); /* takes a reference of its own */
struct ws_message *ws_queue_pop(struct ws_queue *q);          /* gives it; NULL: empty */
void ws_queue_clear(struct ws_queue *q);                      /* gives back all memory */

#endif
