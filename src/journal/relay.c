/* relay.c - see relay.h. What gathers is kept in arrays that grow to the size of a batch and stay.
 */
#include "journal/relay.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "order/line.h"

enum { PUBLISH_MAX = 4 << 20 };

struct items {
  struct queue_item *items;
  size_t n, cap;
};

struct relay {
  struct queue *queue;
  struct items enqueued, succeeded, failed, put_back;
  struct buf events;
  bool let_go;
};

struct relay *relay_create(struct queue *queue)
{
  struct relay *r = mem_alloc(sizeof *r);
  r->queue = queue;
  buf_init(&r->events, PUBLISH_MAX);
  return r;
}

void relay_destroy(struct relay *r)
{
  if (!r) return;
  free(r->enqueued.items);
  free(r->succeeded.items);
  free(r->failed.items);
  free(r->put_back.items);
  buf_deinit(&r->events);
  free(r);
}

static void add(struct items *to, const struct ulid *id, const char *token, int64_t delay_ms)
{
  if (to->n == to->cap) {
    to->cap = to->cap ? to->cap * 2 : 64;
    to->items = mem_resize(to->items, to->cap * sizeof *to->items);
  }
  struct queue_item *item = &to->items[to->n++];
  item->id = *id;
  item->delay_ms = delay_ms;
  snprintf(item->token, sizeof item->token, "%s", token);
}

void relay_event(struct relay *r, const struct order_event *e)
{
  event_line_write(e, &r->events);
}

void relay_enqueue(struct relay *r, const struct ulid *id)
{
  add(&r->enqueued, id, "", 0);
}

void relay_finish(struct relay *r, const struct ulid *id, const char *token, bool succeeded)
{
  add(succeeded ? &r->succeeded : &r->failed, id, token, 0);
}

void relay_put_back(struct relay *r, const struct ulid *id, const char *token, int64_t delay_ms)
{
  add(&r->put_back, id, token, delay_ms);
}

static void on_done(void *arg, enum status status)
{
  struct relay *r = arg;
  if (status != ST_OK) r->let_go = true;
}

static void settle(struct relay *r, struct items *items, enum status status)
{
  if (status != ST_OK) r->let_go = true;
  items->n = 0;
}

/* Events that did not fit or did not go out are read from PostgreSQL by whoever misses them. */
static void publish(struct relay *r)
{
  if (r->events.len == 0) return;
  if (r->events.overflow || queue_publish(r->queue, r->events.data, r->events.len) != ST_OK)
    LOG_DEBUG("events not published", LOG_INT("bytes", (int64_t)r->events.len));
  buf_clear(&r->events);
}

void relay_flush(struct relay *r)
{
  struct queue *q = r->queue;
  publish(r);
  if (r->enqueued.n)
    settle(r, &r->enqueued, queue_enqueue(q, r->enqueued.items, r->enqueued.n, on_done, r));
  if (r->succeeded.n)
    settle(r, &r->succeeded, queue_finish(q, r->succeeded.items, r->succeeded.n, true, on_done, r));
  if (r->failed.n)
    settle(r, &r->failed, queue_finish(q, r->failed.items, r->failed.n, false, on_done, r));
  if (r->put_back.n)
    settle(r, &r->put_back, queue_put_back(q, r->put_back.items, r->put_back.n, false, on_done, r));
}

bool relay_let_go(struct relay *r)
{
  bool let_go = r->let_go;
  r->let_go = false;
  return let_go;
}
