/* line.c - events as lines of a Redis message. Pure; any thread. */
#include "order/line.h"

#include <string.h>

#include "base/ulid.h"
#include "order/type.h"

static void blank(char *text, size_t len, char which)
{
  for (char *at = text; (at = memchr(at, which, (size_t)(text + len - at))) != NULL;) *at = ' ';
}

void event_line_join(char *json, size_t len)
{
  blank(json, len, '\n');
  blank(json, len, '\r');
}

void event_lines_begin(const struct ulid *source, struct buf *out)
{
  char id[ULID_LEN + 1];
  ulid_format(source, id);
  id[ULID_LEN] = '\n';
  buf_append(out, id, sizeof id);
}

bool event_lines_source(const char **text, const char *end, struct ulid *out)
{
  const char *at = *text;
  if (end - at <= ULID_LEN || at[ULID_LEN] != '\n' || !ulid_parse(at, ULID_LEN, out)) return false;
  *text = at + ULID_LEN + 1;
  return true;
}

void event_line_write(const struct order_event *e, struct buf *out)
{
  char id[ULID_LEN + 1];
  ulid_format(&e->order_id, id);
  buf_append(out, id, ULID_LEN);
  buf_append_char(out, ' ');
  buf_append_int(out, e->seq);
  buf_append_str(out, order_phase_terminal(e->phase) ? " 1 " : " 0 ");
  size_t start = out->len;
  order_event_write(e, out);
  if (!out->overflow) event_line_join(out->data + start, out->len - start);
  buf_append_char(out, '\n');
}

/* read_seq() reads "SEQ " and returns what follows, or NULL. */
static const char *read_seq(const char *at, const char *end, int32_t *out)
{
  int64_t seq = 0;
  const char *start = at;
  for (; at < end && *at >= '0' && *at <= '9'; at++) {
    seq = seq * 10 + (*at - '0');
    if (seq > INT32_MAX) return NULL;
  }
  if (at == start || at == end || *at != ' ' || seq == 0) return NULL;
  *out = (int32_t)seq;
  return at + 1;
}

static bool read_line(const char *at, const char *end, struct event_line *out)
{
  struct event_line line;
  if (end - at <= ULID_LEN || at[ULID_LEN] != ' ') return false;
  if (!ulid_parse(at, ULID_LEN, &line.order_id)) return false;
  at = read_seq(at + ULID_LEN + 1, end, &line.seq);
  if (!at || end - at < 3 || (at[0] != '0' && at[0] != '1') || at[1] != ' ') return false;
  line.terminal = at[0] == '1';
  line.json = at + 2;
  line.json_len = (size_t)(end - line.json);
  *out = line;
  return true;
}

bool event_line_next(const char **text, const char *end, struct event_line *out)
{
  if (!*text || *text >= end) return false;
  const char *eol = memchr(*text, '\n', (size_t)(end - *text));
  if (!eol || !read_line(*text, eol, out)) {
    *text = NULL;
    return false;
  }
  *text = eol + 1;
  return true;
}
