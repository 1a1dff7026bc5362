/* merge_test.c - whatever comes in, in whatever order: out comes since+1..n, each once. */
#include "event/merge.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/event/messages.h"

static void add(struct merge *m, int32_t seq, bool terminal)
{
  struct ws_message *text = ws_message_create("{}", 2);
  merge_add(m, seq, terminal, text);
  ws_message_unref(text);
}

/* Takes what can be taken; each must be the one after *last. Returns how many. */
static size_t drain(struct merge *m, int32_t *last)
{
  size_t n = 0;
  for (struct merge_event e; merge_next(m, &e); n++) {
    cr_assert_eq(e.seq, *last + 1, "got %d after %d", e.seq, *last);
    *last = e.seq;
    ws_message_unref(e.text);
  }
  return n;
}

/* A read that brings from..to and ends well. */
static void read_back(struct merge *m, int32_t from, int32_t to, int32_t terminal, int32_t *last)
{
  merge_read_begun(m);
  for (int32_t seq = from; seq <= to; seq++) {
    add(m, seq, seq == terminal);
    drain(m, last);
  }
  merge_read_ended(m, true);
}

Test(merge, a_new_watch_needs_one_read)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  cr_assert(merge_needs_read(&m));
  merge_read_begun(&m);
  cr_assert_not(merge_needs_read(&m), "one is in flight");
  merge_read_ended(&m, true);
  cr_assert_not(merge_needs_read(&m));
  cr_assert_eq(drain(&m, &last), 0);
  merge_deinit(&m);
}

Test(merge, a_failed_read_is_needed_again)
{
  struct merge m;
  merge_init(&m, 3);
  merge_read_begun(&m);
  merge_read_ended(&m, false);
  cr_assert(merge_needs_read(&m));
  merge_deinit(&m);
}

Test(merge, live_events_in_order_pass_at_once)
{
  struct merge m;
  int32_t last = 2;
  merge_init(&m, 2);
  add(&m, 3, false);
  cr_assert_eq(drain(&m, &last), 1);
  add(&m, 4, false);
  add(&m, 5, true);
  cr_assert_eq(drain(&m, &last), 2);
  cr_assert(m.done);
  cr_assert_not(merge_needs_read(&m));
  merge_deinit(&m);
  cr_assert_eq(messages_alive, 0);
}

Test(merge, what_was_delivered_or_is_there_is_not_wanted)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  add(&m, 1, false);
  cr_assert_not(merge_wants(&m, 1), "it is the next");
  drain(&m, &last);
  cr_assert_not(merge_wants(&m, 1), "delivered");
  cr_assert_not(merge_wants(&m, 0));
  cr_assert_not(merge_wants(&m, -5));
  add(&m, 4, false);
  cr_assert_not(merge_wants(&m, 4), "held");
  cr_assert(merge_wants(&m, 2));
  cr_assert(merge_wants(&m, 3));
  cr_assert(merge_wants(&m, 5));
  add(&m, 4, false);
  cr_assert_eq(m.n_held, 1);
  merge_deinit(&m);
  cr_assert_eq(messages_alive, 0);
}

Test(merge, a_hole_needs_a_read_and_the_rest_follows_it)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  read_back(&m, 1, 2, 0, &last);
  add(&m, 5, false);
  add(&m, 4, false);
  cr_assert_eq(drain(&m, &last), 0);
  cr_assert(merge_needs_read(&m));
  read_back(&m, 3, 3, 0, &last);
  cr_assert_eq(last, 5);
  cr_assert_not(merge_needs_read(&m));
  merge_deinit(&m);
}

Test(merge, a_late_live_event_closes_the_hole_itself)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  read_back(&m, 1, 1, 0, &last);
  add(&m, 3, true);
  cr_assert(merge_needs_read(&m));
  add(&m, 2, false);
  cr_assert_not(merge_needs_read(&m));
  cr_assert_eq(drain(&m, &last), 2);
  cr_assert(m.done);
  merge_deinit(&m);
}

Test(merge, a_lost_last_event_is_found_by_its_head)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  read_back(&m, 1, 4, 0, &last);
  merge_head(&m, 4);
  cr_assert_not(merge_needs_read(&m));
  merge_head(&m, 5);
  cr_assert(merge_needs_read(&m));
  read_back(&m, 5, 5, 5, &last);
  cr_assert(m.done);
  merge_deinit(&m);
}

Test(merge, nothing_moves_it_after_the_terminal_event)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  add(&m, 1, true);
  add(&m, 3, false); /* never legal; must not leak either */
  drain(&m, &last);
  cr_assert_eq(messages_alive, 0, "what was held is let go");
  add(&m, 2, false);
  merge_head(&m, 9);
  cr_assert_eq(drain(&m, &last), 0);
  cr_assert_not(merge_needs_read(&m));
  cr_assert_not(merge_wants(&m, 2));
  merge_deinit(&m);
  cr_assert_eq(messages_alive, 0);
}

Test(merge, it_holds_a_bounded_number_and_reads_the_rest_again)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  read_back(&m, 1, 1, 0, &last);
  for (int32_t seq = 200; seq >= 3; seq--) add(&m, seq, false);
  cr_assert_eq(m.n_held, MERGE_HELD_MAX);
  cr_assert_eq(messages_alive, MERGE_HELD_MAX);
  cr_assert_eq(m.held[0].seq, 3, "the oldest are the ones kept");
  add(&m, 2, false);
  cr_assert_eq(drain(&m, &last), 1 + MERGE_HELD_MAX);
  cr_assert(merge_needs_read(&m), "head remembers what was let go");
  read_back(&m, last + 1, 200, 200, &last);
  cr_assert_eq(last, 200);
  cr_assert(m.done);
  merge_deinit(&m);
  cr_assert_eq(messages_alive, 0);
}

Test(merge, the_newest_is_let_go_when_there_is_no_room)
{
  struct merge m;
  merge_init(&m, 0);
  for (int32_t seq = 2; seq < 2 + MERGE_HELD_MAX; seq++) add(&m, seq, false);
  add(&m, 900, false);
  cr_assert_eq(m.n_held, MERGE_HELD_MAX);
  cr_assert_eq(m.held[MERGE_HELD_MAX - 1].seq, 1 + MERGE_HELD_MAX);
  cr_assert_eq(m.head, 900);
  merge_deinit(&m);
  cr_assert_eq(messages_alive, 0);
}

Test(merge, a_head_learned_during_a_read_needs_another)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  merge_read_begun(&m); /* its snapshot ends at 2 */
  add(&m, 4, false);
  add(&m, 1, false);
  add(&m, 2, false);
  drain(&m, &last);
  merge_read_ended(&m, true);
  cr_assert_eq(last, 2);
  cr_assert(merge_needs_read(&m));
  read_back(&m, 3, 4, 0, &last);
  cr_assert_eq(last, 4);
  merge_deinit(&m);
}

Test(merge, an_event_that_history_does_not_have_is_forgotten)
{
  struct merge m;
  int32_t last = 0;
  merge_init(&m, 0);
  read_back(&m, 1, 2, 0, &last);
  add(&m, 90, true); /* forged, or from before a restore */
  cr_assert(merge_needs_read(&m));
  read_back(&m, 3, 3, 0, &last);
  cr_assert_not(merge_needs_read(&m), "else it would read for ever");
  cr_assert_eq(messages_alive, 0);
  add(&m, 4, true);
  cr_assert_eq(drain(&m, &last), 1);
  cr_assert(m.done);
  merge_deinit(&m);
}

Test(merge, the_largest_since_is_no_overflow)
{
  struct merge m;
  merge_init(&m, INT32_MAX);
  cr_assert_not(merge_wants(&m, INT32_MAX));
  cr_assert_not(merge_wants(&m, INT32_MIN));
  merge_deinit(&m);
}

/* ── random interleavings ───────────────────────────────────────────────────────────────────── */

/* A world with one order: events are committed one by one; each commit's message is delivered,
 * doubled, delayed past later ones, or lost; reads take a snapshot and come back later. */
struct world {
  uint64_t rng;
  int32_t n; /* the terminal seq */
  int32_t committed;
  int32_t late[64]; /* messages on their way */
  size_t n_late;
  bool reading;
  int32_t read_since, read_to; /* of the read in flight; to: its snapshot, -1 not taken yet */
};

static uint32_t draw(struct world *w, uint32_t below)
{
  w->rng = w->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(w->rng >> 33) % below;
}

static void commit(struct world *w)
{
  if (w->committed == w->n) return;
  w->committed++;
  uint32_t fate = draw(w, 10);
  size_t copies = fate < 2 ? 0 : fate < 8 ? 1 : 2;
  while (copies-- > 0 && w->n_late < 64) w->late[w->n_late++] = w->committed;
}

static void arrive(struct world *w, struct merge *m)
{
  if (w->n_late == 0) return;
  size_t i = draw(w, 3) ? 0 : draw(w, (uint32_t)w->n_late);
  int32_t seq = w->late[i];
  memmove(&w->late[i], &w->late[i + 1], (--w->n_late - i) * sizeof w->late[0]);
  add(m, seq, seq == w->n);
}

static void begin_read(struct world *w, struct merge *m)
{
  if (w->reading || !merge_needs_read(m)) return;
  merge_read_begun(m);
  w->reading = true;
  w->read_since = m->last;
  w->read_to = -1;
}

static void end_read(struct world *w, struct merge *m, int32_t *last)
{
  if (!w->reading) return;
  if (w->read_to < 0) { /* the server takes its snapshot some time after it was asked */
    w->read_to = w->committed;
    return;
  }
  w->reading = false;
  bool ok = draw(w, 8) != 0;
  for (int32_t seq = w->read_since + 1; ok && seq <= w->read_to; seq++) {
    add(m, seq, seq == w->n);
    drain(m, last);
  }
  merge_read_ended(m, ok);
}

static void check_head(struct world *w, struct merge *m)
{
  if (draw(w, 4) == 0) merge_head(m, w->committed);
}

static void step(struct world *w, struct merge *m, int32_t *last)
{
  switch (draw(w, 6)) {
  case 0:
    commit(w);
    break;
  case 1:
    arrive(w, m);
    break;
  case 2:
    begin_read(w, m);
    break;
  case 3:
    end_read(w, m, last);
    break;
  case 4:
    check_head(w, m);
    break;
  default:
    commit(w), arrive(w, m);
    break;
  }
  drain(m, last);
  cr_assert_leq(m->n_held, MERGE_HELD_MAX);
  cr_assert_leq(*last, w->committed);
}

static void run_world(uint64_t seed)
{
  struct world w = {.rng = seed * 2 + 1};
  w.n = 1 + (int32_t)draw(&w, seed % 5 ? 12 : 300);
  w.committed = (int32_t)draw(&w, (uint32_t)w.n) + 1;
  int32_t since = (int32_t)draw(&w, (uint32_t)w.committed + 1);
  if (since == w.n) since--;
  int32_t last = since;
  struct merge m;
  merge_init(&m, since);
  for (int steps = 0; steps < 20000 && !m.done; steps++) step(&w, &m, &last);
  cr_assert(m.done, "seed %llu: stuck at %d of %d", (unsigned long long)seed, last, w.n);
  cr_assert_eq(last, w.n);
  merge_deinit(&m);
  cr_assert_eq(messages_alive, 0, "seed %llu: leaked", (unsigned long long)seed);
}

Test(merge, random_interleavings_deliver_exactly_once_in_order)
{
  for (uint64_t seed = 1; seed <= 3000; seed++) run_world(seed);
}
