/* relay.c - see relay.h. What gathers is kept in arrays that grow to the size of a batch and stay.
 */
#include "journal/relay.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "order/line.h"
#include "queue/channel.h"

enum { PUBLISH_MAX = 4 << 20, CANCELLED_MAX = 64 << 10 };

struct items {
  struct queue_item *items;
  size_t n, cap;
};

struct relay {
  struct queue *queue;
  struct items enqueued, succeeded, failed, put_back, returned, parked;
  int64_t listened_until_ms; /* monotonic */
  struct ulid source;        /* this process, in the messages it publishes */
  struct buf events, told;   /* told: the message under way, while telling */
  struct buf cancelled;      /* of struct ulid: whatever Redis has of them is dropped */
  struct buf stopped; /* ids of cancelled orders that were running, each with a space behind it */
  bool let_go, telling;
  relay_events_fn on_events;
  void *events_arg;
  relay_parked_fn on_parked;
  void *parked_arg;
};

struct relay *relay_create(struct queue *queue)
{
  struct relay *r = mem_alloc(sizeof *r);
  r->queue = queue;
  r->source = ulid_make();
  buf_init(&r->events, PUBLISH_MAX);
  buf_init(&r->told, PUBLISH_MAX);
  buf_init(&r->cancelled, CANCELLED_MAX);
  buf_init(&r->stopped, CANCELLED_MAX);
  return r;
}

void relay_destroy(struct relay *r)
{
  if (!r) return;
  free(r->enqueued.items);
  free(r->succeeded.items);
  free(r->failed.items);
  free(r->put_back.items);
  free(r->returned.items);
  free(r->parked.items);
  buf_deinit(&r->events);
  buf_deinit(&r->told);
  buf_deinit(&r->cancelled);
  buf_deinit(&r->stopped);
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
  assert(strlen(token) < sizeof item->token);
  memcpy(item->token, token, strlen(token) + 1);
}

void relay_event(struct relay *r, const struct order_event *e)
{
  if (r->listened_until_ms == 0) return;
  if (clock_mono_ms() >= r->listened_until_ms) {
    r->listened_until_ms = 0;
    return;
  }
  if (r->events.len == 0) event_lines_begin(&r->source, &r->events);
  event_line_write(e, &r->events);
}

void relay_listened(struct relay *r, int64_t until_ms)
{
  r->listened_until_ms = until_ms;
}

void relay_on_events(struct relay *r, relay_events_fn fn, void *arg)
{
  r->on_events = fn;
  r->events_arg = arg;
}

void relay_enqueue(struct relay *r, const struct ulid *id)
{
  add(&r->enqueued, id, "", 0);
}

void relay_behind(struct relay *r, const struct ulid *id)
{
  add(&r->enqueued, id, "", QUEUE_BEHIND);
}

void relay_turn(struct relay *r, const struct ulid *id, int64_t delay_ms)
{
  add(&r->enqueued, id, "", delay_ms);
}

void relay_finish(struct relay *r, const struct ulid *id, const char *token, bool succeeded)
{
  add(succeeded ? &r->succeeded : &r->failed, id, token, 0);
}

void relay_put_back(struct relay *r, const struct ulid *id, const char *token, int64_t delay_ms)
{
  add(&r->put_back, id, token, delay_ms);
}

void relay_return(struct relay *r, const struct ulid *id, const char *token)
{
  add(&r->returned, id, token, 0);
}

void relay_cancel(struct relay *r, const struct ulid *id, bool running)
{
  char text[ULID_LEN + 1];
  buf_append(&r->cancelled, id, sizeof *id);
  if (!running) return;
  ulid_format(id, text);
  buf_appendf(&r->stopped, "%s ", text);
}

void relay_park(struct relay *r, const struct ulid *id, const char *token, int64_t delay_ms)
{
  add(&r->parked, id, token, delay_ms);
}

void relay_on_parked(struct relay *r, relay_parked_fn fn, void *arg)
{
  r->on_parked = fn;
  r->parked_arg = arg;
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

/* Orders whose park is under way to Redis. */
struct parked {
  struct relay *relay;
  size_t n;
  struct ulid ids[];
};

static void on_parked(void *arg, enum status status)
{
  struct parked *p = arg;
  on_done(p->relay, status);
  if (p->relay->on_parked) p->relay->on_parked(p->relay->parked_arg, p->ids, p->n);
  free(p);
}

static void park(struct relay *r)
{
  size_t n = r->parked.n;
  if (n == 0) return;
  struct parked *p = mem_alloc(sizeof *p + n * sizeof *p->ids);
  p->relay = r;
  p->n = n;
  for (size_t i = 0; i < n; i++) p->ids[i] = r->parked.items[i].id;
  r->parked.n = 0;
  enum status status = queue_put_back(r->queue, r->parked.items, n, false, on_parked, p);
  if (status != ST_OK) on_parked(p, status);
}

/* Events that did not fit or did not go out are read from PostgreSQL by whoever misses them. */
static void tell(struct relay *r, const struct buf *message)
{
  if (!message->overflow && r->on_events) r->on_events(r->events_arg, message->data, message->len);
  if (message->overflow || queue_publish(r->queue, message->data, message->len) != ST_OK)
    LOG_DEBUG("events not published", LOG_INT("bytes", (int64_t)message->len));
}

/* Whoever is told may make others happen, which are told afterwards. */
static void publish(struct relay *r)
{
  if (r->telling) return;
  r->telling = true;
  while (r->events.len > 0) {
    struct buf message = r->events;
    r->events = r->told;
    r->told = message;
    tell(r, &message);
    buf_clear(&r->told);
  }
  r->telling = false;
}

/* Who does not hear of it learns it with its next claim or step. */
static void drop_cancelled(struct relay *r)
{
  const struct ulid *ids = (const struct ulid *)r->cancelled.data;
  size_t n = r->cancelled.len / sizeof *ids;
  if (n == 0) return;
  if (queue_drop(r->queue, ids, n, NULL, NULL) != ST_OK)
    LOG_DEBUG("cancelled orders not dropped", LOG_INT("orders", (int64_t)n));
  buf_clear(&r->cancelled);
  if (r->stopped.len == 0) return;
  if (r->stopped.overflow || queue_tell_stopped(r->queue, r->stopped.data, r->stopped.len) != ST_OK)
    LOG_DEBUG("cancels not told", LOG_INT("bytes", (int64_t)r->stopped.len));
  buf_clear(&r->stopped);
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
  if (r->returned.n)
    settle(r, &r->returned, queue_put_back(q, r->returned.items, r->returned.n, true, on_done, r));
  drop_cancelled(r);
  park(r);
}

enum status relay_pause(struct relay *r, bool paused, int64_t version, queue_done_fn done,
                        void *arg)
{
  return queue_pause(r->queue, paused, version, done, arg);
}

void relay_lose(struct relay *r)
{
  r->let_go = true;
}

bool relay_let_go(struct relay *r)
{
  bool let_go = r->let_go;
  r->let_go = false;
  return let_go;
}
