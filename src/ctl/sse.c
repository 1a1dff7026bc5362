/* sse.c - see sse.h. https://html.spec.whatwg.org/multipage/server-sent-events.html */
#include "ctl/sse.h"

#include <stdio.h>
#include <string.h>

enum { EVENT_MAX = 4 << 20 };

typedef void (*sse_handler)(void *arg, const char *event, const char *data, size_t len);

void sse_init(struct sse *s)
{
  *s = (struct sse){0};
  buf_init(&s->line, EVENT_MAX);
  buf_init(&s->data, EVENT_MAX);
}

void sse_deinit(struct sse *s)
{
  buf_deinit(&s->line);
  buf_deinit(&s->data);
}

void sse_restart(struct sse *s)
{
  buf_clear(&s->line);
  buf_clear(&s->data);
  s->event[0] = '\0';
}

static void dispatch(struct sse *s, sse_handler on_event, void *arg)
{
  memcpy(s->id, s->next, sizeof s->id);
  if (s->data.len > 0) {
    s->data.data[--s->data.len] = '\0'; /* the last line's end */
    on_event(arg, s->event, s->data.data, s->data.len);
  }
  buf_clear(&s->data);
  s->event[0] = '\0';
}

static void take_field(struct sse *s, const char *name, const char *value)
{
  if (strcmp(name, "data") == 0) {
    buf_append_str(&s->data, value);
    buf_append_char(&s->data, '\n');
  } else if (strcmp(name, "event") == 0) {
    snprintf(s->event, sizeof s->event, "%s", value);
  } else if (strcmp(name, "id") == 0) {
    snprintf(s->next, sizeof s->next, "%s", value);
  }
}

static void take_line(struct sse *s, sse_handler on_event, void *arg)
{
  char *line = s->line.data ? s->line.data : (char[]){'\0'};
  size_t len = s->line.len;
  if (len > 0 && line[len - 1] == '\r') line[--len] = '\0';
  char *colon = strchr(line, ':');
  if (len == 0) {
    dispatch(s, on_event, arg);
  } else if (colon != line) { /* else it is a comment */
    char *value = colon ? colon + 1 : line + len;
    if (colon) *colon = '\0';
    take_field(s, line, value + (*value == ' '));
  }
  buf_clear(&s->line);
}

bool sse_feed(struct sse *s, const char *bytes, size_t len, sse_handler on_event, void *arg)
{
  while (len > 0) {
    const char *end = memchr(bytes, '\n', len);
    size_t n = end ? (size_t)(end - bytes) : len;
    buf_append(&s->line, bytes, n);
    if (s->line.overflow) return false;
    if (!end) return true;
    take_line(s, on_event, arg);
    if (s->data.overflow) return false;
    bytes += n + 1;
    len -= n + 1;
  }
  return true;
}
