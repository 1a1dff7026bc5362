/* merge.c - see merge.h. The hub owns each merge; loop thread only. */
#include "event/merge.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

void merge_init(struct merge *m, int32_t since)
{
  *m = (struct merge){.last = since, .head = since};
}

static void drop_held(struct merge *m)
{
  for (size_t i = 0; i < m->n_held; i++) ws_message_unref(m->held[i].text);
  free(m->held); /* most watches hold nothing, most of the time */
  m->held = NULL;
  m->n_held = 0;
}

void merge_deinit(struct merge *m)
{
  if (m->next.text) ws_message_unref(m->next.text);
  m->next.text = NULL;
  drop_held(m);
}

/* The place of seq among the held: the first that is not before it. Most come in order, so from
 * the end. */
static size_t place(const struct merge *m, int32_t seq)
{
  size_t i = m->n_held;
  while (i > 0 && m->held[i - 1].seq >= seq) i--;
  return i;
}

/* last never reaches INT32_MAX by events, but a client may ask since that one. */
static bool is_next(const struct merge *m, int32_t seq)
{
  return (int64_t)seq == (int64_t)m->last + 1;
}

bool merge_wants(const struct merge *m, int32_t seq)
{
  if (m->done || seq <= m->last) return false;
  if (is_next(m, seq)) return !m->next.text;
  size_t i = place(m, seq);
  return i == m->n_held || m->held[i].seq != seq;
}

void merge_head(struct merge *m, int32_t seq)
{
  if (!m->done && seq > m->head) m->head = seq;
}

static void hold(struct merge *m, const struct merge_event *e)
{
  size_t i = place(m, e->seq);
  if (!m->held) m->held = mem_alloc(MERGE_HELD_MAX * sizeof *m->held);
  if (m->n_held == MERGE_HELD_MAX) {
    const struct merge_event *newest = i == MERGE_HELD_MAX ? e : &m->held[--m->n_held];
    ws_message_unref(newest->text);
    if (newest == e) return;
  }
  memmove(&m->held[i + 1], &m->held[i], (m->n_held - i) * sizeof *m->held);
  m->held[i] = *e;
  m->n_held++;
}

void merge_add(struct merge *m, int32_t seq, bool terminal, struct ws_message *text)
{
  if (!merge_wants(m, seq)) return;
  merge_head(m, seq);
  const struct merge_event e = {seq, terminal, text};
  text->refs++;
  if (is_next(m, seq))
    m->next = e;
  else
    hold(m, &e);
}

/* After last went up: the first of the held may be the next now. */
static void advance(struct merge *m)
{
  m->next.text = NULL;
  if (m->n_held == 0 || !is_next(m, m->held[0].seq)) return;
  m->next = m->held[0];
  m->n_held--;
  memmove(&m->held[0], &m->held[1], m->n_held * sizeof *m->held);
  if (m->n_held == 0) drop_held(m);
}

bool merge_next(struct merge *m, struct merge_event *out)
{
  if (m->done || !m->next.text) return false;
  *out = m->next;
  m->last = out->seq;
  m->done = out->terminal;
  advance(m);
  if (m->done) merge_deinit(m);
  return true;
}

bool merge_needs_read(const struct merge *m)
{
  if (m->done || m->reading) return false;
  return !m->read_once || (m->head > m->last && !m->next.text);
}

void merge_read_begun(struct merge *m)
{
  assert(!m->reading);
  m->reading = true;
  m->head_at_read = m->head;
}

void merge_read_ended(struct merge *m, bool ok)
{
  assert(m->reading);
  m->reading = false;
  if (!ok || m->done) return;
  m->read_once = true;
  if (m->head > m->last && m->head == m->head_at_read && !m->next.text) {
    drop_held(m);
    m->head = m->last;
  }
}
