/*
 * ws_queue.c - a ring that doubles. Loop thread only. It holds a reference to each message in it;
 * how many may be in it is the caller's to bound.
 */
#include "net/ws_queue.h"

#include <string.h>

#include "base/alloc.h"

enum { FIRST_CAP = 8 };

/* Doubles the ring; what had wrapped around to the start goes behind the rest. */
static void grow(struct ws_queue *q)
{
  size_t cap = q->cap ? 2 * q->cap : FIRST_CAP;
  q->slots = mem_resize(q->slots, cap * sizeof *q->slots);
  if (q->first > 0) memcpy(q->slots + q->cap, q->slots, q->first * sizeof *q->slots);
  q->cap = cap;
}

void ws_queue_push(struct ws_queue *q, struct ws_message *m)
{
  if (q->len == q->cap) grow(q);
  q->slots[(q->first + q->len++) % q->cap] = m;
  m->refs++;
}

struct ws_message *ws_queue_pop(struct ws_queue *q)
{
  if (q->len == 0) return NULL;
  struct ws_message *m = q->slots[q->first];
  q->first = (q->first + 1) % q->cap;
  if (--q->len == 0 && q->cap > FIRST_CAP) ws_queue_clear(q);
  return m;
}

void ws_queue_clear(struct ws_queue *q)
{
  for (; q->len > 0; q->len--) {
    ws_message_unref(q->slots[q->first]);
    q->first = (q->first + 1) % q->cap;
  }
  free(q->slots);
  *q = (struct ws_queue){0};
}
