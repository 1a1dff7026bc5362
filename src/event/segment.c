/* segment.c - see segment.h. */
#include "event/segment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "order/line.h"

static void write_frame(const struct tail_event *e, struct buf *out)
{
  buf_appendf(out, "id: %" PRIu64 "-%" PRIu32 "\nevent: %s\ndata: ", e->at.xid, e->at.n,
              e->event.seq == 1 ? "order.created" : "order.statusChanged");
  size_t start = out->len;
  order_event_write(&e->event, out);
  if (!out->overflow) event_line_join(out->data + start, out->len - start);
  buf_append_str(out, "\n\n");
}

static void take_frames(struct segment *g, const struct tail_page *page)
{
  for (; g->n < page->n; g->n++) {
    const struct tail_event *e = &page->events[g->n];
    size_t end = g->text.len;
    write_frame(e, &g->text);
    if (g->text.overflow) {
      g->text.len = end;
      g->text.overflow = false;
      g->to = g->n > 0 ? g->frames[g->n - 1].at : e->at;
      if (g->n == 0) LOG_ERROR("an event is too large for a stream", LOG_ORDER(&e->event.order_id));
      return;
    }
    g->frames[g->n] = (struct frame){.at = e->at, .end = g->text.len, .order = e->event.order_id};
  }
}

static size_t name_add(struct segment *g, const char *name)
{
  size_t at = g->names.len;
  buf_append(&g->names, name ? name : "", (name ? strlen(name) : 0) + 1);
  return at;
}

/* names moves while it grows: offsets first, pointers when it is whole. */
static void take_names(struct segment *g, const struct tail_event *events)
{
  size_t(*at)[3] = mem_alloc((g->n + 1) * sizeof *at);
  for (size_t i = 0; i < g->n; i++) {
    at[i][0] = name_add(g, events[i].event.status);
    at[i][1] = name_add(g, events[i].type);
    at[i][2] = name_add(g, events[i].tenant);
  }
  for (size_t i = 0; i < g->n; i++) {
    g->frames[i].status = g->names.data + at[i][0];
    g->frames[i].type = g->names.data + at[i][1];
    g->frames[i].tenant = g->names.data + at[i][2];
  }
  free(at);
}

static const char *only_tenant(const struct segment *g)
{
  for (size_t i = 1; i < g->n; i++)
    if (strcmp(g->frames[i].tenant, g->frames[0].tenant) != 0) return NULL;
  return g->n ? g->frames[0].tenant : NULL;
}

struct segment *segment_create(const struct tail_position *from, const struct tail_page *page)
{
  struct segment *g = mem_alloc(sizeof *g + page->n * sizeof *g->frames);
  g->from = *from;
  g->to = page->next;
  buf_init(&g->text, SEGMENT_MAX);
  buf_init(&g->names, SEGMENT_MAX);
  take_frames(g, page);
  take_names(g, page->events);
  g->tenant = only_tenant(g);
  return g;
}

void segment_destroy(struct segment *g)
{
  buf_deinit(&g->text);
  buf_deinit(&g->names);
  free(g);
}

size_t segment_bytes(const struct segment *g)
{
  return g->text.len + g->names.len + g->n * sizeof *g->frames;
}

size_t segment_start(const struct segment *g, size_t i)
{
  return i ? g->frames[i - 1].end : 0;
}
