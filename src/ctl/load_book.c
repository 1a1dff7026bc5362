/* load_book.c - see load_book.h. */
#include "ctl/load_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A stream of all events shows others' orders, too; that many are remembered with ours. */
enum { ROOM_FIRST = 1024, ROOM_MAX = 1 << 22 };

const char *const load_wrong_names[LOAD_WRONGS] = {"notEnded", "missing", "disorder", "repeated",
                                                   "afterEnd"};
const char *const load_wrong_titles[LOAD_WRONGS] = {
    "not ended", "a seq left out", "a seq twice or late", "a state twice", "states after the end"};

struct load_order {
  struct ulid id;
  int64_t first_ms;                  /* time of seq 1 */
  int32_t since_ms[LOAD_STATES_MAX]; /* from then to each state, and 1: 0 is not seen */
  int32_t end_ms;                    /* the same to the last one */
  int32_t seq, attempt, events, taken_over;
  uint32_t states; /* of this attempt, as bits */
  uint32_t begins; /* the first one in which somebody runs it */
  unsigned char wrong;
  bool used, accepted, ended, succeeded, cancelled;
};

void load_book_init(struct load_book *b)
{
  *b = (struct load_book){.post = histogram_create(),
                          .service = histogram_create(),
                          .listener = histogram_create(),
                          .end = histogram_create(),
                          .room = ROOM_FIRST};
  b->orders = mem_alloc(b->room * sizeof *b->orders);
}

void load_book_deinit(struct load_book *b)
{
  histogram_destroy(b->post);
  histogram_destroy(b->service);
  histogram_destroy(b->listener);
  histogram_destroy(b->end);
  for (size_t i = 0; i < b->n_states; i++) histogram_destroy(b->states[i].since_accept);
  free(b->orders);
}

/* ── orders by id ───────────────────────────────────────────────────────────────────────────── */

/* The place of id, or the free one where it belongs. Its last bytes are random. */
static struct load_order *place(struct load_order *orders, size_t room, const struct ulid *id)
{
  size_t hash;
  memcpy(&hash, id->bytes + sizeof id->bytes - sizeof hash, sizeof hash);
  for (size_t i = hash;; i++) {
    struct load_order *o = &orders[i & (room - 1)];
    if (!o->used || ulid_compare(&o->id, id) == 0) return o;
  }
}

static void grow(struct load_book *b)
{
  size_t room = 2 * b->room;
  struct load_order *orders = mem_alloc(room * sizeof *orders);
  for (size_t i = 0; i < b->room; i++)
    if (b->orders[i].used) *place(orders, room, &b->orders[i].id) = b->orders[i];
  free(b->orders);
  b->orders = orders;
  b->room = room;
}

/* NULL: it is no id, or there is no room for strangers any more. */
static struct load_order *find(struct load_book *b, const char *order_id)
{
  struct ulid id;
  if (!ulid_parse_order(order_id, strlen(order_id), &id)) return NULL;
  struct load_order *o = place(b->orders, b->room, &id);
  if (o->used) return o;
  if (2 * b->n_orders >= b->room) {
    if (b->room >= ROOM_MAX) return NULL;
    grow(b);
    o = place(b->orders, b->room, &id);
  }
  *o = (struct load_order){.id = id, .used = true};
  b->n_orders++;
  return o;
}

static void count_end(struct load_book *b, const struct load_order *o)
{
  if (!o->accepted || !o->ended) return;
  b->counts.ended++;
  b->counts.succeeded += o->succeeded;
  b->counts.cancelled += o->cancelled;
  b->counts.failed += !o->succeeded && !o->cancelled;
}

bool load_book_accepted(struct load_book *b, const char *order_id)
{
  struct load_order *o = find(b, order_id);
  if (!o || o->accepted) return false;
  o->accepted = true;
  b->counts.accepted++;
  count_end(b, o);
  return true;
}

/* ── events ─────────────────────────────────────────────────────────────────────────────────── */

static size_t state_of(struct load_book *b, const char *name)
{
  size_t i = 0;
  while (i < b->n_states && strncmp(b->states[i].name, name, sizeof b->states[i].name - 1) != 0)
    i++;
  if (i < b->n_states || i == LOAD_STATES_MAX) return i < LOAD_STATES_MAX ? i : LOAD_STATES_MAX - 1;
  snprintf(b->states[i].name, sizeof b->states[i].name, "%s", name);
  b->states[i].since_accept = histogram_create();
  b->n_states++;
  return i;
}

static void wrong(struct load_order *o, enum load_wrong how)
{
  o->wrong |= (unsigned char)(1u << how);
}

static void check(struct load_order *o, const struct event *e, uint32_t state)
{
  if (e->seq <= o->seq)
    wrong(o, LOAD_DISORDER);
  else if (e->seq != o->seq + 1)
    wrong(o, LOAD_MISSING);
  if (o->ended) wrong(o, LOAD_AFTER_END);
  if (e->attempt != o->attempt) o->states = 0;
  if (!(o->states & state)) return;
  if (state != o->begins || e->seq <= o->seq) {
    wrong(o, LOAD_REPEATED);
    return;
  }
  o->taken_over++;
  o->states = 0;
}

void load_book_event(struct load_book *b, const struct event *e, bool live, int64_t now_ms)
{
  struct load_order *o = find(b, e->order_id);
  if (!o) return;
  size_t i = state_of(b, e->status);
  uint32_t state = UINT32_C(1) << i;
  o->events++;
  if (!o->begins && strcmp(e->phase, "active") == 0) o->begins = state;
  check(o, e, state);
  if (live && o->accepted) histogram_record(b->listener, (now_ms - e->at_ms) * 1000);
  if (o->first_ms == 0) o->first_ms = e->at_ms;
  int32_t since_ms = (int32_t)(e->at_ms - o->first_ms) + 1;
  if (e->seq > 1) o->since_ms[i] = since_ms; /* the first is the accept itself */
  if (e->seq > o->seq) o->seq = (int32_t)e->seq;
  o->attempt = (int32_t)e->attempt;
  o->states |= state;
  if (o->ended || !phase_ended(e->phase)) return;
  o->ended = true;
  o->end_ms = since_ms;
  o->succeeded = phase_succeeded(e->phase);
  o->cancelled = strcmp(e->phase, "cancelled") == 0;
  count_end(b, o);
}

/* ── the verdict ────────────────────────────────────────────────────────────────────────────── */

static void note(struct load_book *b, const struct load_order *o, size_t how)
{
  int64_t n = b->counts.wrong[how]++;
  if (n < LOAD_EXAMPLES_MAX) ulid_format_order(&o->id, b->examples[how][n]);
}

static void sum_up(struct load_book *b, const struct load_order *o)
{
  b->counts.events += o->events;
  b->counts.taken_over += o->taken_over;
  if (o->end_ms) histogram_record(b->end, (o->end_ms - 1) * INT64_C(1000));
  for (size_t i = 0; i < b->n_states; i++)
    if (o->since_ms[i])
      histogram_record(b->states[i].since_accept, (o->since_ms[i] - 1) * INT64_C(1000));
}

void load_book_close(struct load_book *b)
{
  for (size_t i = 0; i < b->room; i++) {
    struct load_order *o = &b->orders[i];
    if (!o->used || !o->accepted) continue;
    sum_up(b, o);
    if (!o->ended) wrong(o, LOAD_NOT_ENDED);
    for (size_t how = 0; how < LOAD_WRONGS; how++)
      if (o->wrong & 1u << how) note(b, o, how);
  }
}
