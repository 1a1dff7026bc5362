/*
 * hub.c - watches, what feeds them, and the check that nothing was missed. Loop thread only.
 *
 * The hub owns a struct watched for each order somebody watches, and that owns its watches.
 * Callbacks may end watches while they are walked, so nothing is freed then: a watch is marked
 * over, and settle() takes it out when the walk is done. A reader's callback finds its order again
 * through arg, so an order with a read in flight stays until the read is back, watched or not.
 */
#include "event/hub.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/list.h"
#include "base/log.h"
#include "event/id_map.h"
#include "event/merge.h"
#include "metrics/metrics.h"
#include "order/line.h"

enum {
  CHECK_CHUNK = 1000, /* orders in one reader_heads() */
  TICK_MS = 1000,
  FIRST_TICK_MS = 100, /* what happened until all others had heard that we listen */
  IDLE_TICKS = 10,     /* without a watch, before the channel is left */
  LOST_AFTER_MS = 30000,
};

struct hub {
  struct reader *reader;
  struct redis_conn *subscriber;
  char *channel;
  void (*on_listening)(void *arg);
  void *listening_arg;
  int64_t said_ms; /* monotonic: when it was told last */
  struct ulid own; /* the source of this process' own messages, once there was one */
  uv_timer_t timer;
  struct id_map map;  /* of watched.entry */
  struct list orders; /* of watched.node: the next to be checked is in front */
  struct list retry;  /* of watched.retry: a read failed */
  size_t n_watches;
  size_t holds;
  int64_t now_ms;    /* monotonic, of the last tick */
  size_t reads;      /* reader callbacks still to come */
  size_t check_left; /* orders of the check under way */
  bool checking;     /* a chunk is in flight */
  bool check_again;  /* asked for while one was under way */
  bool subscribed;
  bool closing, timer_closed;
  int idle_ticks;
};

struct watched {
  struct id_map_node entry;
  struct list_node node, retry;
  struct hub *hub;
  struct list watches;      /* of hub_watch.node */
  int64_t failing_since_ms; /* monotonic; 0: the last read worked */
  bool reading;
  bool walking; /* callbacks run: nothing may be freed */
};

struct hub_watch {
  struct list_node node;
  struct watched *order;
  struct merge merge;
  const struct hub_sink *sink;
  void *arg;
  bool over;
};

static void settle(struct watched *o);

/* ── orders and watches ─────────────────────────────────────────────────────────────────────── */

static struct watched *order_find(const struct hub *h, const struct ulid *id)
{
  struct id_map_node *n = id_map_find(&h->map, id);
  return n ? container_of(n, struct watched, entry) : NULL;
}

static struct watched *order_add(struct hub *h, const struct ulid *id)
{
  struct watched *o = mem_alloc(sizeof *o);
  o->hub = h;
  o->entry.id = *id;
  list_init(&o->watches);
  id_map_insert(&h->map, &o->entry);
  list_append(&h->orders, &o->node);
  return o;
}

static void order_free(struct watched *o)
{
  struct hub *h = o->hub;
  if (list_linked(&o->retry)) list_remove(&h->retry, &o->retry);
  list_remove(&h->orders, &o->node);
  id_map_remove(&h->map, &o->entry);
  free(o);
}

static void watch_free(struct hub_watch *w)
{
  list_remove(&w->order->watches, &w->node);
  merge_deinit(&w->merge);
  free(w);
}

/* A watch ends once; its memory may stay until the walk is done. */
static void end(struct hub_watch *w)
{
  if (w->over) return;
  w->over = true;
  w->order->hub->n_watches--;
}

/* ── delivering ─────────────────────────────────────────────────────────────────────────────── */

static void deliver(struct hub_watch *w)
{
  struct merge_event e;
  while (!w->over && merge_next(&w->merge, &e)) {
    if (e.terminal) end(w);
    w->sink->on_event(w->arg, e.seq, e.terminal, e.text);
    ws_message_unref(e.text);
  }
}

/* One message for all that watch; none is made when nobody needs it. */
static void offer(struct watched *o, const struct event_line *e)
{
  struct ws_message *text = NULL;
  list_each(n, &o->watches)
  {
    struct hub_watch *w = container_of(n, struct hub_watch, node);
    if (w->over || !merge_wants(&w->merge, e->seq)) continue;
    if (!text) text = ws_message_create(e->json, e->json_len);
    merge_add(&w->merge, e->seq, e->terminal, text);
    deliver(w);
  }
  if (text) ws_message_unref(text);
}

static void walk_begin(struct watched *o)
{
  assert(!o->walking);
  o->walking = true;
}

static void walk_end(struct watched *o)
{
  o->walking = false;
  settle(o);
}

/* ── history ────────────────────────────────────────────────────────────────────────────────── */

static bool needs_read(const struct hub_watch *w)
{
  return !w->over && merge_needs_read(&w->merge);
}

/* read_since() is the seq from which one read serves every watch that needs one; -1: none does. */
static int32_t read_since(const struct watched *o)
{
  int32_t since = -1;
  list_each(n, &o->watches)
  {
    const struct hub_watch *w = container_of(n, struct hub_watch, node);
    if (needs_read(w) && (since < 0 || w->merge.last < since)) since = w->merge.last;
  }
  return since;
}

static void read_failed(struct watched *o)
{
  if (!o->failing_since_ms) o->failing_since_ms = o->hub->now_ms;
  if (!list_linked(&o->retry)) list_append(&o->hub->retry, &o->retry);
}

static void hub_free_when_done(struct hub *h)
{
  if (!h->closing || !h->timer_closed || h->reads > 0 || h->map.len > 0) return;
  id_map_deinit(&h->map);
  free(h->channel);
  free(h);
}

static void take_history(struct watched *o, const struct reader_event *events, size_t n)
{
  o->failing_since_ms = 0;
  for (size_t i = 0; i < n; i++) {
    const struct event_line e = {.order_id = o->entry.id,
                                 .seq = events[i].seq,
                                 .terminal = events[i].terminal,
                                 .json = events[i].json,
                                 .json_len = events[i].json_len};
    offer(o, &e);
  }
}

static void on_history(void *arg, enum status status, const struct reader_event *events, size_t n)
{
  struct watched *o = arg;
  struct hub *h = o->hub;
  h->reads--;
  FAILPOINT("history_read");
  o->reading = false;
  if (h->closing) {
    settle(o);
    return;
  }
  walk_begin(o);
  if (status == ST_OK)
    take_history(o, events, n);
  else
    read_failed(o);
  list_each(node, &o->watches)
  {
    struct hub_watch *w = container_of(node, struct hub_watch, node);
    if (w->merge.reading) merge_read_ended(&w->merge, status == ST_OK);
  }
  walk_end(o);
}

static void read_history(struct watched *o)
{
  int32_t since = read_since(o);
  if (since < 0) return;
  enum status st = reader_events(o->hub->reader, &o->entry.id, since, on_history, o);
  if (st != ST_OK) {
    read_failed(o);
    return;
  }
  o->reading = true;
  o->hub->reads++;
  list_each(n, &o->watches)
  {
    struct hub_watch *w = container_of(n, struct hub_watch, node);
    if (needs_read(w)) merge_read_begun(&w->merge);
  }
}

/* settle() does what is due after anything happened to an order: frees what is over, asks for the
 * history that is missing. Failed reads wait for the next tick. */
static void settle(struct watched *o)
{
  struct hub *h = o->hub;
  list_each(n, &o->watches)
  {
    struct hub_watch *w = container_of(n, struct hub_watch, node);
    if (w->over) watch_free(w);
  }
  if (o->reading) return;
  if (list_empty(&o->watches))
    order_free(o);
  else if (!h->closing && !list_linked(&o->retry))
    read_history(o);
  hub_free_when_done(h);
}

static void lose(struct watched *o)
{
  walk_begin(o);
  list_each(n, &o->watches)
  {
    struct hub_watch *w = container_of(n, struct hub_watch, node);
    if (!needs_read(w)) continue;
    end(w);
    w->sink->on_lost(w->arg, w->merge.last);
  }
  o->failing_since_ms = 0;
  walk_end(o);
}

/* ── the check ──────────────────────────────────────────────────────────────────────────────── */

static void check_chunk(struct hub *h);

static void on_heads(void *arg, enum status status, const struct reader_head *heads, size_t n)
{
  struct hub *h = arg;
  h->reads--;
  h->checking = false;
  if (h->closing) {
    hub_free_when_done(h);
    return;
  }
  for (size_t i = 0; status == ST_OK && i < n; i++) {
    struct watched *o = order_find(h, &heads[i].id);
    if (!o) continue;
    list_each(node, &o->watches)
        merge_head(&container_of(node, struct hub_watch, node)->merge, heads[i].ver);
    settle(o);
  }
  check_chunk(h);
}

/* One chunk at a time: the next leaves when the last is back, so that the loop breathes between.
 * What is asked for goes to the end of the list. A chunk that fails is made good by the next
 * check. */
static void check_chunk(struct hub *h)
{
  if (h->check_left == 0 && h->check_again) {
    h->check_again = false;
    h->check_left = h->orders.len;
  }
  struct ulid ids[CHECK_CHUNK];
  size_t n = h->check_left;
  if (n > h->orders.len) n = h->orders.len;
  if (n > CHECK_CHUNK) n = CHECK_CHUNK;
  h->check_left -= n;
  if (n == 0) {
    h->check_left = 0;
    return;
  }
  for (size_t i = 0; i < n; i++) {
    struct list_node *node = list_pop(&h->orders);
    ids[i] = container_of(node, struct watched, node)->entry.id;
    list_append(&h->orders, node);
  }
  if (reader_heads(h->reader, ids, n, on_heads, h) != ST_OK) {
    h->check_left = 0;
    return;
  }
  h->checking = true;
  h->reads++;
}

static void check(struct hub *h)
{
  h->check_again = true;
  if (!h->checking) check_chunk(h);
}

/* ── ticks ──────────────────────────────────────────────────────────────────────────────────── */

static void retry_reads(struct hub *h)
{
  for (size_t left = h->retry.len; left > 0 && !list_empty(&h->retry); left--) {
    struct watched *o = container_of(list_pop(&h->retry), struct watched, retry);
    if (h->now_ms - o->failing_since_ms >= LOST_AFTER_MS)
      lose(o);
    else
      settle(o);
  }
}

static void say_listening(struct hub *h, int64_t now_ms)
{
  h->said_ms = now_ms;
  if (h->on_listening) h->on_listening(h->listening_arg);
}

static void leave_channel(struct hub *h)
{
  uv_timer_stop(&h->timer);
  h->subscribed = false;
  redis_unsubscribe(h->subscriber, h->channel);
}

void hub_tick(struct hub *h, int64_t now_mono_ms)
{
  h->now_ms = now_mono_ms;
  if (h->n_watches == 0 && h->holds == 0) {
    if (++h->idle_ticks >= IDLE_TICKS) leave_channel(h);
    return;
  }
  h->idle_ticks = 0;
  say_listening(h, now_mono_ms);
  retry_reads(h);
  check(h);
}

static void on_timer(uv_timer_t *timer)
{
  hub_tick(timer->data, clock_mono_ms());
}

/* Processes that started together do not stay in step. */
static uint64_t jittered_tick_ms(void)
{
  return TICK_MS - 100 + (uint64_t)clock_mono_ns() / 1000 % 200;
}

/* Before the first, or the first after a while, others did not tell us of anything. */
static void somebody_comes(struct hub *h)
{
  int64_t now = clock_mono_ms();
  h->idle_ticks = 0;
  if (h->n_watches + h->holds > 0) return;
  if (h->subscribed && now - h->said_ms < TICK_MS) return;
  if (!h->subscribed) redis_subscribe(h->subscriber, h->channel);
  h->subscribed = true;
  h->now_ms = now;
  uv_timer_start(&h->timer, on_timer, FIRST_TICK_MS, jittered_tick_ms());
  say_listening(h, now);
}

/* ── what others call ───────────────────────────────────────────────────────────────────────── */

struct hub *hub_create(uv_loop_t *loop, struct reader *reader, struct redis_conn *subscriber,
                       const char *event_channel)
{
  struct hub *h = mem_alloc(sizeof *h);
  h->reader = reader;
  h->subscriber = subscriber;
  h->channel = mem_strdup(event_channel);
  id_map_init(&h->map);
  list_init(&h->orders);
  list_init(&h->retry);
  uv_timer_init(loop, &h->timer);
  h->timer.data = h;
  return h;
}

void hub_on_listening(struct hub *h, void (*fn)(void *arg), void *arg)
{
  h->on_listening = fn;
  h->listening_arg = arg;
}

static void on_timer_closed(uv_handle_t *handle)
{
  struct hub *h = handle->data;
  h->timer_closed = true;
  hub_free_when_done(h);
}

void hub_destroy(struct hub *h)
{
  if (!h) return;
  h->closing = true;
  if (h->subscribed) leave_channel(h);
  uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}

struct hub_watch *hub_watch(struct hub *h, const struct ulid *order, int32_t since,
                            const struct hub_sink *sink, void *arg)
{
  somebody_comes(h);
  struct watched *o = order_find(h, order);
  if (!o) o = order_add(h, order);
  struct hub_watch *w = mem_alloc(sizeof *w);
  w->order = o;
  w->sink = sink;
  w->arg = arg;
  merge_init(&w->merge, since);
  list_append(&o->watches, &w->node);
  h->n_watches++;
  if (!o->walking) settle(o);
  return w;
}

void hub_hold(struct hub *h)
{
  somebody_comes(h);
  h->holds++;
}

void hub_release(struct hub *h)
{
  h->holds--;
}

void hub_unwatch(struct hub_watch *w)
{
  struct watched *o = w->order;
  end(w);
  if (!o->walking) settle(o);
}

int32_t hub_watch_last_seq(const struct hub_watch *w)
{
  return w->merge.last;
}

/* A message is a commit, so its first event says when that was: by PostgreSQL's clock. */
static void time_message(const char *text, size_t len)
{
  static const char key[] = "\"timestamp\":\"";
  char time[CLOCK_RFC3339_LEN + 1];
  int64_t at_ms;
  const char *at = memmem(text, len, key, sizeof key - 1);
  if (!at || text + len - at < (ptrdiff_t)(sizeof key - 1 + CLOCK_RFC3339_LEN)) return;
  snprintf(time, sizeof time, "%s", at + sizeof key - 1);
  if (clock_rfc3339_parse(time, &at_ms))
    metrics_observe(METRIC_EVENT_DELAY, (clock_unix_ms() - at_ms) * 1000);
}

static void take_message(struct hub *h, const char *text, const char *end_of_text)
{
  const char *start = text;
  struct event_line e;
  time_message(text, (size_t)(end_of_text - text));
  while (!h->closing && event_line_next(&text, end_of_text, &e)) {
    struct watched *o = order_find(h, &e.order_id);
    if (!o) continue;
    walk_begin(o);
    offer(o, &e);
    walk_end(o);
  }
  if (!text) LOG_WARN("malformed event message", LOG_INT("bytes", end_of_text - start));
}

void hub_on_own_message(struct hub *h, const char *text, size_t len)
{
  const char *end_of_text = text + len;
  if (h->subscribed && event_lines_source(&text, end_of_text, &h->own))
    take_message(h, text, end_of_text);
}

void hub_on_message(struct hub *h, const char *text, size_t len)
{
  const char *end_of_text = text + len;
  struct ulid source;
  if (!event_lines_source(&text, end_of_text, &source))
    LOG_WARN("malformed event message", LOG_INT("bytes", (int64_t)len));
  else if (ulid_compare(&source, &h->own) != 0)
    take_message(h, text, end_of_text);
}

void hub_on_resubscribed(struct hub *h)
{
  if (h->n_watches + h->holds == 0 || h->closing) return;
  say_listening(h, clock_mono_ms());
  check(h);
}

size_t hub_watches(const struct hub *h)
{
  return h->n_watches;
}
