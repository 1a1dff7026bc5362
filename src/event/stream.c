/*
 * stream.c - the tail, the segments, the listeners; see stream.h. Loop thread only.
 *
 * A read in flight finds the stream, or its listener, through arg; so the stream outlives its
 * reads, and a listener that leaves meanwhile is freed when its read is back.
 */
#include "event/stream.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "event/segment.h"

enum {
  PAGE = 500,
  GAP_MS = 20, /* between reads of the tail: what is committed meanwhile leaves together */
  TICK_MS = 1000,
  IDLE_TICKS = 10,
  KEPT_BYTES_MAX = 4 << 20, /* of segments */
  PAGES_MAX = 4,            /* listeners that read for themselves at the same time */
  BEGIN_MS = 5000,          /* a listener that cannot begin for so long is told so */
};

struct stream {
  struct reader *reader;
  struct hub *hub;
  uv_timer_t tick, gap;
  struct list listeners; /* of stream_listener.node */
  struct list behind;    /* of stream_listener.behind: they wait to read a page */
  struct list segments;
  size_t kept_bytes;
  struct tail_position from, end; /* what the segments cover */
  bool running, known, closing;   /* known: from and end are set */
  bool reading, again;
  uint64_t round; /* of reading the tail */
  size_t reads;   /* callbacks still to come */
  size_t pages;   /* of them: listeners' own */
  int timers_open;
  int idle_ticks;
  int64_t now_ms, beat_ms; /* monotonic */
  struct buf scratch;
};

struct stream_listener {
  struct list_node node, behind;
  struct stream *stream;
  struct tail_position at;
  uint64_t joins_with; /* the round that tells where it begins; 0: it has begun */
  int64_t since_ms;    /* monotonic */
  bool from_now, blocked, reading, left;
  bool all; /* but for the tenant nothing is filtered */
  char *tenant, *types, *statuses;
  struct ulid *orders;
  size_t n_orders;
  const struct stream_sink *sink;
  void *arg;
};

/* ── segments ───────────────────────────────────────────────────────────────────────────────── */

static struct segment *segment_at(struct list_node *node)
{
  return container_of(node, struct segment, node);
}

static void drop_oldest(struct stream *s)
{
  struct segment *g = segment_at(list_pop(&s->segments));
  s->from = g->to;
  s->kept_bytes -= segment_bytes(g);
  segment_destroy(g);
}

/* Gives where it ends. */
static struct tail_position keep(struct stream *s, struct segment *g)
{
  struct tail_position to = g->to;
  list_append(&s->segments, &g->node);
  s->kept_bytes += segment_bytes(g);
  while (s->kept_bytes > KEPT_BYTES_MAX && s->segments.len > 1) drop_oldest(s);
  return to;
}

/* The first that reaches beyond a position that is covered; NULL: nothing happened since. From the
 * newest backwards, for that is where most listeners are. */
static struct segment *segment_behind(struct stream *s, const struct tail_position *at)
{
  struct segment *found = NULL;
  for (struct list_node *n = s->segments.head.prev; n != &s->segments.head; n = n->prev) {
    if (tail_compare(at, &segment_at(n)->to) >= 0) break;
    found = segment_at(n);
  }
  return found;
}

/* ── filters ────────────────────────────────────────────────────────────────────────────────── */

static bool has_word(const char *list, const char *word)
{
  size_t len = strlen(word);
  for (const char *at = list; *at; at += strspn(at, ",")) {
    size_t n = strcspn(at, ",");
    if (n == len && memcmp(at, word, len) == 0) return true;
    at += n;
  }
  return false;
}

static bool has_order(const struct stream_listener *l, const struct ulid *id)
{
  for (size_t i = 0; i < l->n_orders; i++)
    if (ulid_compare(&l->orders[i], id) == 0) return true;
  return false;
}

static bool passes(const struct stream_listener *l, const struct frame *f)
{
  return strcmp(l->tenant, f->tenant) == 0 && (!l->types || has_word(l->types, f->type)) &&
         (!l->statuses || has_word(l->statuses, f->status)) &&
         (!l->orders || has_order(l, &f->order));
}

static void read_orders(struct stream_listener *l, const char *list)
{
  if (!list) return;
  l->orders = mem_alloc((strlen(list) / ULID_ORDER_LEN + 1) * sizeof *l->orders);
  for (const char *at = list; *at; at += strspn(at, ",")) {
    size_t n = strcspn(at, ",");
    if (ulid_parse_order(at, n, &l->orders[l->n_orders])) l->n_orders++;
    at += n;
  }
}

/* ── listeners ──────────────────────────────────────────────────────────────────────────────── */

static void listener_free(struct stream_listener *l)
{
  free(l->tenant);
  free(l->types);
  free(l->statuses);
  free(l->orders);
  free(l);
}

/* Its memory stays until its read is back. */
static void listener_end(struct stream_listener *l)
{
  struct stream *s = l->stream;
  list_remove(&s->listeners, &l->node);
  if (list_linked(&l->behind)) list_remove(&s->behind, &l->behind);
  l->left = true;
  if (!l->reading) listener_free(l);
}

/* False: it takes no more, or is gone. */
static bool put(struct stream_listener *l, const char *text, size_t len)
{
  enum stream_more more = l->sink->write(l->arg, text, len);
  if (more == STREAM_WAIT) l->blocked = true;
  if (more == STREAM_GONE) listener_end(l);
  return more == STREAM_GO_ON;
}

/* Gathers from frame i on, and gives where it stopped. What passes as a whole is not copied. */
static size_t gather(const struct stream_listener *l, const struct segment *g, size_t i,
                     const char **text, size_t *len)
{
  size_t first = i, start = segment_start(g, i);
  struct buf *out = &l->stream->scratch;
  if (l->all && g->tenant && strcmp(l->tenant, g->tenant) == 0) {
    while (i < g->n && (i == first || g->frames[i].end - start <= STREAM_WRITE_MAX)) i++;
    *text = g->text.data + start;
    *len = segment_start(g, i) - start;
    return i;
  }
  buf_clear(out);
  for (; i < g->n && out->len < STREAM_WRITE_MAX; i++) {
    if (!passes(l, &g->frames[i])) continue;
    buf_append(out, g->text.data + segment_start(g, i), g->frames[i].end - segment_start(g, i));
  }
  assert(!out->overflow);
  *text = out->data;
  *len = out->len;
  return i;
}

/* Gives a listener what it has not had of g. False: it takes no more, or is gone. */
static bool give(struct stream_listener *l, const struct segment *g)
{
  size_t i = 0;
  while (i < g->n && tail_compare(&g->frames[i].at, &l->at) <= 0) i++;
  while (i < g->n) {
    const char *text;
    size_t len;
    i = gather(l, g, i, &text, &len);
    l->at = g->frames[i - 1].at;
    if (len > 0 && !put(l, text, len)) return false;
  }
  l->at = g->to;
  return true;
}

static void read_page(struct stream_listener *l);

static void advance(struct stream_listener *l)
{
  struct stream *s = l->stream;
  while (!l->joins_with && !l->blocked && tail_compare(&l->at, &s->end) < 0) {
    if (tail_compare(&l->at, &s->from) < 0) {
      read_page(l);
      return;
    }
    const struct segment *g = segment_behind(s, &l->at);
    if (!g)
      l->at = s->end;
    else if (!give(l, g))
      return;
  }
}

/* ── listeners that are behind ──────────────────────────────────────────────────────────────── */

static void free_when_done(struct stream *s)
{
  if (!s->closing || s->reads > 0 || s->timers_open > 0) return;
  buf_deinit(&s->scratch);
  free(s);
}

static void read_next_page(struct stream *s)
{
  for (size_t left = s->behind.len; left > 0 && s->pages < PAGES_MAX && !s->closing; left--)
    advance(container_of(list_pop(&s->behind), struct stream_listener, behind));
}

/* One that takes no more reads it again when it does. */
static void take_page(struct stream_listener *l, const struct tail_page *page)
{
  if (l->blocked) return;
  struct segment *g = segment_create(&l->at, page);
  if (give(l, g)) advance(l);
  segment_destroy(g);
}

static void on_page(void *arg, enum status status, const struct tail_page *page)
{
  struct stream_listener *l = arg;
  struct stream *s = l->stream;
  s->reads--;
  s->pages--;
  l->reading = false;
  if (status == ST_OK) read_next_page(s); /* whoever waits comes before this one's next */
  if (l->left)
    listener_free(l);
  else if (status == ST_OK)
    take_page(l, page);
  else
    list_append(&s->behind, &l->behind); /* the next tick tries again */
  free_when_done(s);
}

static void read_page(struct stream_listener *l)
{
  struct stream *s = l->stream;
  if (l->reading || list_linked(&l->behind)) return;
  if (s->pages < PAGES_MAX && tail_read(s->reader, &l->at, PAGE, on_page, l) == ST_OK) {
    l->reading = true;
    s->reads++;
    s->pages++;
  } else {
    list_append(&s->behind, &l->behind);
  }
}

/* ── the tail ───────────────────────────────────────────────────────────────────────────────── */

static void read_tail(struct stream *s);

static void advance_all(struct stream *s)
{
  list_each(node, &s->listeners) advance(container_of(node, struct stream_listener, node));
}

/* No transaction that is over has the position of one that is still to come. */
static void join(struct stream_listener *l, const struct tail_position *end)
{
  static const char reset[] = "event: reset\ndata: {}\n\n";
  bool strange = !l->from_now && l->at.xid >= end->xid;
  l->joins_with = 0;
  if (l->from_now || strange) l->at = l->stream->end;
  if (!l->sink->on_begin(l->arg, &l->at))
    listener_end(l);
  else if (strange)
    (void)put(l, reset, sizeof reset - 1);
}

static void refuse(struct stream_listener *l)
{
  (void)l->sink->on_begin(l->arg, NULL);
  listener_end(l);
}

/* Those that have not begun after ms. */
static void refuse_waiting(struct stream *s, int64_t ms)
{
  list_each(node, &s->listeners)
  {
    struct stream_listener *l = container_of(node, struct stream_listener, node);
    if (l->joins_with && s->now_ms - l->since_ms >= ms) refuse(l);
  }
}

static void take_tail(struct stream *s, const struct tail_page *page)
{
  if (!s->known) s->from = s->end = page->end;
  s->known = true;
  struct tail_position to = page->next;
  if (page->n > 0) to = keep(s, segment_create(&s->end, page));
  if (tail_compare(&s->end, &to) < 0) s->end = to;
  list_each(node, &s->listeners)
  {
    struct stream_listener *l = container_of(node, struct stream_listener, node);
    if (l->joins_with && l->joins_with <= s->round) join(l, &page->end);
  }
  advance_all(s);
}

static void on_gap(uv_timer_t *timer)
{
  read_tail(timer->data);
}

static void on_tail(void *arg, enum status status, const struct tail_page *page)
{
  struct stream *s = arg;
  s->reads--;
  s->reading = false;
  if (s->closing) {
    free_when_done(s);
    return;
  }
  if (status != ST_OK) return; /* the next tick tries again */
  take_tail(s, page);
  if (tail_compare(&s->end, &page->end) < 0)
    read_tail(s);
  else if (s->again)
    uv_timer_start(&s->gap, on_gap, GAP_MS, 0);
}

static void read_tail(struct stream *s)
{
  if (s->reading) {
    s->again = true;
    return;
  }
  s->again = false;
  if (tail_read(s->reader, &s->end, s->known ? PAGE : 0, on_tail, s) != ST_OK) return;
  s->reading = true;
  s->reads++;
  s->round++;
}

void stream_poke(struct stream *s)
{
  if (!s->running || s->closing) return;
  if (s->reading)
    s->again = true;
  else if (!uv_is_active((uv_handle_t *)&s->gap))
    uv_timer_start(&s->gap, on_gap, GAP_MS, 0);
}

/* ── ticks ──────────────────────────────────────────────────────────────────────────────────── */

static void stop(struct stream *s)
{
  uv_timer_stop(&s->tick);
  uv_timer_stop(&s->gap);
  while (!list_empty(&s->segments)) drop_oldest(s);
  if (s->running) hub_release(s->hub);
  s->running = s->known = false;
}

static void heartbeat(struct stream *s)
{
  struct buf text;
  struct json_writer w;
  buf_init(&text, 256);
  buf_append_str(&text, "event: heartbeat\ndata: ");
  json_writer_init(&w, &text);
  json_begin(&w, NULL);
  json_time(&w, "timestamp", clock_unix_ms());
  json_end(&w);
  buf_append_str(&text, "\n\n");
  list_each(node, &s->listeners)
  {
    struct stream_listener *l = container_of(node, struct stream_listener, node);
    if (!l->blocked && !l->joins_with) (void)put(l, text.data, text.len);
  }
  buf_deinit(&text);
  s->beat_ms = s->now_ms;
}

void stream_tick(struct stream *s, int64_t now_mono_ms)
{
  s->now_ms = now_mono_ms;
  if (list_empty(&s->listeners)) {
    if (++s->idle_ticks >= IDLE_TICKS && !s->reading) stop(s);
    return;
  }
  s->idle_ticks = 0;
  refuse_waiting(s, BEGIN_MS);
  if (s->now_ms - s->beat_ms >= STREAM_HEARTBEAT_MS) heartbeat(s);
  read_tail(s);
  read_next_page(s);
}

static void on_tick(uv_timer_t *timer)
{
  stream_tick(timer->data, clock_mono_ms());
}

static void start(struct stream *s)
{
  s->running = true;
  s->now_ms = s->beat_ms = clock_mono_ms();
  hub_hold(s->hub);
  uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
}

/* ── what others call ───────────────────────────────────────────────────────────────────────── */

struct stream *stream_create(uv_loop_t *loop, struct reader *reader, struct hub *hub)
{
  struct stream *s = mem_alloc(sizeof *s);
  s->reader = reader;
  s->hub = hub;
  list_init(&s->listeners);
  list_init(&s->behind);
  list_init(&s->segments);
  buf_init(&s->scratch, SEGMENT_MAX);
  uv_timer_init(loop, &s->tick);
  uv_timer_init(loop, &s->gap);
  s->tick.data = s->gap.data = s;
  s->timers_open = 2;
  return s;
}

static void on_timer_closed(uv_handle_t *handle)
{
  struct stream *s = handle->data;
  s->timers_open--;
  free_when_done(s);
}

void stream_destroy(struct stream *s)
{
  if (!s) return;
  refuse_waiting(s, 0);
  assert(list_empty(&s->listeners));
  s->closing = true;
  stop(s);
  uv_close((uv_handle_t *)&s->tick, on_timer_closed);
  uv_close((uv_handle_t *)&s->gap, on_timer_closed);
}

struct stream_listener *stream_listen(struct stream *s, const struct tail_position *after,
                                      const struct stream_filter *filter,
                                      const struct stream_sink *sink, void *arg)
{
  struct stream_listener *l = mem_alloc(sizeof *l);
  l->stream = s;
  l->from_now = !after;
  if (after) l->at = *after;
  l->tenant = mem_strdup(filter->tenant);
  l->types = filter->types ? mem_strdup(filter->types) : NULL;
  l->statuses = filter->statuses ? mem_strdup(filter->statuses) : NULL;
  read_orders(l, filter->orders);
  l->all = !l->types && !l->statuses && !l->orders;
  l->sink = sink;
  l->arg = arg;
  s->idle_ticks = 0;
  if (!s->running) start(s);
  l->since_ms = s->now_ms;
  list_append(&s->listeners, &l->node);
  read_tail(s);
  l->joins_with = s->reading && !s->again ? s->round : s->round + 1;
  return l;
}

void stream_leave(struct stream_listener *l)
{
  listener_end(l);
}

void stream_ready(struct stream_listener *l)
{
  l->blocked = false;
  advance(l);
}

bool stream_position_parse(const char *text, struct tail_position *out)
{
  char *end;
  if (*text < '0' || *text > '9' || strlen(text) > 32) return false;
  uint64_t xid = strtoull(text, &end, 10);
  if (*end++ != '-' || *end < '0' || *end > '9') return false;
  unsigned long n = strtoul(end, &end, 10);
  if (*end || n > INT32_MAX || xid > INT64_MAX) return false;
  *out = (struct tail_position){xid, (uint32_t)n};
  return true;
}

size_t stream_listeners(const struct stream *s)
{
  return s->listeners.len;
}
