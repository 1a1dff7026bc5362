/* hub_test.c - the hub against a reader and a subscriber that do what each test says. */
#include "event/hub.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/event/checked.h"
#include "tests/unit/event/messages.h"

/* ── a reader that keeps what it is asked until the test answers ────────────────────────────── */

enum { ASKED_MAX = 4096 };

struct asked {
  struct ulid id;
  int32_t since;
  reader_events_fn done;
  void *arg;
};

static struct asked asked[ASKED_MAX];
static size_t n_asked;
static enum status reader_status = ST_OK;

static struct ulid heads_ids[1000];
static size_t n_heads, heads_calls;
static reader_heads_fn heads_done;
static void *heads_arg;

static int subscribed, subscribe_calls;

enum status reader_events(struct reader *r, const struct ulid *id, int32_t since,
                          reader_events_fn done, void *arg)
{
  (void)r;
  if (reader_status != ST_OK) return reader_status;
  cr_assert_lt(n_asked, ASKED_MAX);
  asked[n_asked++] = (struct asked){*id, since, done, arg};
  return ST_OK;
}

enum status reader_heads(struct reader *r, const struct ulid *ids, size_t n, reader_heads_fn done,
                         void *arg)
{
  (void)r;
  if (reader_status != ST_OK) return reader_status;
  cr_assert_null(heads_done, "one chunk at a time");
  cr_assert_leq(n, 1000);
  memcpy(heads_ids, ids, n * sizeof *ids);
  n_heads = n;
  heads_calls++;
  heads_done = done;
  heads_arg = arg;
  return ST_OK;
}

void redis_subscribe(struct redis_conn *conn, const char *channel)
{
  (void)conn;
  cr_assert_str_eq(channel, "events");
  subscribed++;
  subscribe_calls++;
}

void redis_unsubscribe(struct redis_conn *conn, const char *channel)
{
  (void)conn;
  cr_assert_str_eq(channel, "events");
  subscribed--;
}

/* Answers the i-th question with from..to; the event numbered terminal is the last. */
static void answer(size_t i, int32_t from, int32_t to, int32_t terminal)
{
  static const char json[] = "{\"seq\":1}";
  struct reader_event events[400];
  size_t n = 0;
  for (int32_t seq = from; seq <= to; seq++)
    events[n++] = (struct reader_event){seq, seq == terminal, json, sizeof json - 1};
  struct asked a = asked[i];
  memmove(&asked[i], &asked[i + 1], (--n_asked - i) * sizeof a);
  a.done(a.arg, ST_OK, events, n);
}

static void answer_away(size_t i)
{
  struct asked a = asked[i];
  memmove(&asked[i], &asked[i + 1], (--n_asked - i) * sizeof a);
  a.done(a.arg, ST_AWAY, NULL, 0);
}

static void answer_heads(enum status status, int32_t ver)
{
  static struct reader_head heads[1000];
  for (size_t i = 0; i < n_heads; i++) heads[i] = (struct reader_head){heads_ids[i], ver};
  reader_heads_fn done = heads_done;
  heads_done = NULL;
  done(heads_arg, status, status == ST_OK ? heads : NULL, status == ST_OK ? n_heads : 0);
}

/* ── a client ───────────────────────────────────────────────────────────────────────────────── */

struct client {
  struct hub_watch *watch;
  int32_t last;
  size_t n;
  bool ended, lost, gone;
  int32_t leave_at;    /* unwatches itself when it gets this one; 0: stays */
  struct client *also; /* another watch it drops then */
};

static void unwatch(struct client *c)
{
  c->gone = true;
  hub_unwatch(c->watch);
}

static void on_event(void *arg, int32_t seq, bool terminal, struct ws_message *text)
{
  struct client *c = arg;
  cr_assert_not(c->ended || c->lost, "called after the end");
  cr_assert_eq(seq, c->last + 1);
  cr_assert_gt(text->refs, 0);
  c->last = seq;
  c->n++;
  if (seq == c->leave_at) {
    hub_unwatch(c->watch);
    if (c->also) unwatch(c->also);
    c->ended = true;
  }
  if (terminal) c->ended = true;
}

static void on_lost(void *arg, int32_t last)
{
  struct client *c = arg;
  cr_assert_not(c->ended || c->lost);
  cr_assert_eq(last, c->last);
  c->lost = true;
}

static const struct hub_sink sink = {on_event, on_lost};
static uv_loop_t loop;
static struct hub *hub;
static struct client *clients[ASKED_MAX];
static size_t n_clients;

static struct ulid id_of(uint32_t n)
{
  struct ulid id = {.bytes = {1}};
  id.bytes[14] = (uint8_t)(n >> 8);
  id.bytes[15] = (uint8_t)n;
  return id;
}

static void watch(struct client *c, uint32_t order, int32_t since)
{
  struct ulid id = id_of(order);
  c->last = since;
  c->watch = hub_watch(hub, &id, since, &sink, c);
  cr_assert_lt(n_clients, ASKED_MAX);
  clients[n_clients++] = c;
}

enum { US = 70000, ANOTHER = 70001 }; /* processes, as sources of messages */

static void message(void (*take)(struct hub *h, const char *text, size_t len), uint32_t source,
                    uint32_t order, int32_t seq, bool terminal)
{
  struct ulid id = id_of(order), source_id = id_of(source);
  char ulid[ULID_LEN + 1], from[ULID_LEN + 1], text[160];
  source_id.bytes[0] = 2;
  ulid_format(&id, ulid);
  ulid_format(&source_id, from);
  int len =
      snprintf(text, sizeof text, "%s\n%s %d %d {\"seq\":%d}\n", from, ulid, seq, terminal, seq);
  take(hub, text, (size_t)len);
}

static void live(uint32_t order, int32_t seq, bool terminal)
{
  message(hub_on_message, ANOTHER, order, seq, terminal);
}

static void setup(void)
{
  uv_loop_init(&loop);
  hub = hub_create(&loop, NULL, NULL, "events");
}

static void teardown(void)
{
  hub_destroy(hub);
  for (size_t i = 0; i < n_clients; i++) /* some leave before their reads are back, some after */
    if (i % 2 && !clients[i]->ended && !clients[i]->lost && !clients[i]->gone) unwatch(clients[i]);
  while (n_asked > 0) answer_away(0);
  for (size_t i = 0; i < n_clients; i++)
    if (!clients[i]->ended && !clients[i]->lost && !clients[i]->gone) unwatch(clients[i]);
  if (heads_done) answer_heads(ST_AWAY, 0);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&loop), 0);
  cr_assert_eq(messages_alive, 0, "%zu messages leaked", messages_alive);
  cr_assert_eq(subscribed, 0);
}

/* ── following ──────────────────────────────────────────────────────────────────────────────── */

CHECKED(hub, history_first_then_live_to_the_end)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  cr_assert_eq(n_asked, 1);
  cr_assert_eq(asked[0].since, 0);
  answer(0, 1, 3, 0);
  cr_assert_eq(c.last, 3);
  live(1, 4, false);
  live(1, 5, true);
  cr_assert(c.ended);
  cr_assert_eq(c.n, 5);
  cr_assert_eq(hub_watches(hub), 0);
  cr_assert_eq(n_asked, 0, "no read more than one");
}

CHECKED(hub, since_is_where_the_history_begins)
{
  static struct client c = {0};
  watch(&c, 1, 4);
  cr_assert_eq(asked[0].since, 4);
  answer(0, 5, 6, 6);
  cr_assert(c.ended);
  cr_assert_eq(c.n, 2);
}

CHECKED(hub, live_events_during_the_read_are_neither_lost_nor_doubled)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  live(1, 3, false);
  live(1, 2, false);
  live(1, 4, true);
  cr_assert_eq(c.n, 0);
  answer(0, 1, 3, 0);
  cr_assert_eq(c.n, 4);
  cr_assert(c.ended);
}

CHECKED(hub, a_hole_reads_again_from_where_the_watch_is)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 1, 0);
  live(1, 4, false);
  cr_assert_eq(n_asked, 1);
  cr_assert_eq(asked[0].since, 1);
  live(1, 5, false);
  cr_assert_eq(n_asked, 1, "one read in flight for each order");
  answer(0, 2, 5, 0);
  cr_assert_eq(c.last, 5);
  cr_assert_eq(n_asked, 0);
}

CHECKED(hub, one_read_and_one_message_serve_all_watches_of_an_order)
{
  static struct client c[3] = {0};
  watch(&c[0], 1, 0);
  watch(&c[1], 1, 0);
  watch(&c[2], 1, 2);
  cr_assert_eq(n_asked, 1);
  answer(0, 1, 3, 0);
  cr_assert_eq(c[0].last, 3);
  cr_assert_eq(n_asked, 1, "two came while it was on its way: they need one of their own");
  cr_assert_eq(asked[0].since, 3);
  answer(0, 4, 3, 0);
  messages_made = 0;
  live(1, 4, false);
  cr_assert_eq(messages_made, 1);
  for (int i = 0; i < 3; i++) cr_assert_eq(c[i].last, 4);
}

CHECKED(hub, a_watch_that_starts_further_back_reads_its_own_part)
{
  static struct client ahead = {0}, behind = {0};
  watch(&ahead, 1, 3);
  watch(&behind, 1, 0);
  answer(0, 4, 4, 0);
  cr_assert_eq(ahead.last, 4);
  cr_assert_eq(behind.last, 0);
  cr_assert_eq(n_asked, 1);
  cr_assert_eq(asked[0].since, 0);
  answer(0, 1, 4, 0);
  cr_assert_eq(behind.last, 4);
  cr_assert_eq(ahead.n, 1);
}

CHECKED(hub, events_of_orders_nobody_watches_cost_nothing)
{
  live(9, 1, false);
  cr_assert_eq(messages_made, 0);
  cr_assert_eq(n_asked, 0);
}

CHECKED(hub, a_live_event_everybody_has_makes_no_message)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 2, 0);
  messages_made = 0;
  live(1, 2, false);
  cr_assert_eq(messages_made, 0);
  cr_assert_eq(c.n, 2);
}

CHECKED(hub, a_malformed_message_gives_what_was_before_it)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  struct ulid id = id_of(1);
  char ulid[ULID_LEN + 1], text[128];
  ulid_format(&id, ulid);
  int len = snprintf(text, sizeof text, "%s\n%s 1 0 {}\nnonsense\n%s 2 0 {}\n", ulid, ulid, ulid);
  log_set_level(LOG_LEVEL_ERROR);
  hub_on_message(hub, text, (size_t)len);
  cr_assert_eq(c.last, 1);
}

CHECKED(hub, a_message_of_nobody_gives_nothing)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  struct ulid id = id_of(1);
  char ulid[ULID_LEN + 1], text[128];
  ulid_format(&id, ulid);
  int len = snprintf(text, sizeof text, "%s 1 0 {}\n", ulid);
  log_set_level(LOG_LEVEL_ERROR);
  hub_on_message(hub, text, (size_t)len);
  hub_on_message(hub, "", 0);
  cr_assert_eq(c.n, 0);
}

/* ── what this process has done itself ──────────────────────────────────────────────────────── */

CHECKED(hub, own_events_come_without_redis)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 2, 0);
  message(hub_on_own_message, US, 1, 3, false);
  cr_assert_eq(c.last, 3);
  message(hub_on_own_message, US, 1, 4, true);
  cr_assert(c.ended);
  cr_assert_eq(n_asked, 0, "nothing had to be read");
}

CHECKED(hub, own_events_are_not_taken_once_more_when_redis_has_them)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 1, 0);
  message(hub_on_own_message, US, 1, 2, false);
  message(hub_on_message, US, 1, 3, false); /* it would be new, but is ours: not looked at */
  cr_assert_eq(c.last, 2);
  message(hub_on_message, ANOTHER, 1, 3, false);
  cr_assert_eq(c.last, 3);
}

CHECKED(hub, own_events_while_nobody_watches_are_not_looked_at)
{
  static struct client c = {0};
  message(hub_on_own_message, US, 1, 1, false);
  hub_on_own_message(hub, "nonsense", 8);
  watch(&c, 1, 0);
  answer(0, 1, 1, 0);
  message(hub_on_message, US, 1, 2, false); /* whose it is was not known yet */
  cr_assert_eq(c.last, 2);
}

/* ── leaving ────────────────────────────────────────────────────────────────────────────────── */

CHECKED(hub, unwatch_with_a_read_in_flight)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  unwatch(&c);
  cr_assert_eq(hub_watches(hub), 0);
  answer(0, 1, 5, 5);
  cr_assert_eq(c.n, 0);
}

CHECKED(hub, a_new_watch_takes_over_an_order_with_a_read_in_flight)
{
  static struct client gone = {0}, c = {0};
  watch(&gone, 1, 0);
  unwatch(&gone);
  watch(&c, 1, 0);
  answer(0, 1, 2, 0);
  cr_assert_eq(c.last, 2, "what came is good for it too");
  cr_assert_eq(n_asked, 1, "but it may be older than the watch");
  answer(0, 3, 3, 3);
  cr_assert(c.ended);
}

CHECKED(hub, unwatch_from_its_own_callback)
{
  static struct client c = {.leave_at = 2}, other = {0};
  watch(&c, 1, 0);
  watch(&other, 1, 0);
  answer(0, 1, 4, 0);
  cr_assert_eq(c.last, 2);
  cr_assert_eq(other.last, 4);
  cr_assert_eq(hub_watches(hub), 1);
}

CHECKED(hub, unwatch_of_another_watch_from_a_callback)
{
  static struct client c = {.leave_at = 1}, same = {0}, far = {0};
  watch(&c, 1, 0);
  watch(&same, 1, 0);
  c.also = &same;
  answer(0, 1, 3, 0);
  cr_assert_eq(same.n, 0);
  cr_assert_eq(hub_watches(hub), 0);

  static struct client d = {.leave_at = 1};
  watch(&d, 2, 0);
  watch(&far, 3, 0);
  d.also = &far;
  live(2, 1, false);
  cr_assert_eq(hub_watches(hub), 0);
}

CHECKED(hub, unwatch_at_the_terminal_event)
{
  static struct client c = {.leave_at = 2};
  watch(&c, 1, 0);
  answer(0, 1, 2, 2);
  cr_assert(c.ended);
  cr_assert_eq(hub_watches(hub), 0);
}

/* ── PostgreSQL away ────────────────────────────────────────────────────────────────────────── */

CHECKED(hub, a_read_refused_is_tried_at_each_tick)
{
  static struct client c = {0};
  reader_status = ST_AWAY;
  watch(&c, 1, 0);
  cr_assert_eq(n_asked, 0);
  hub_tick(hub, clock_mono_ms() + 1000);
  cr_assert_eq(n_asked, 0);
  reader_status = ST_OK;
  hub_tick(hub, clock_mono_ms() + 2000);
  cr_assert_eq(n_asked, 1);
  answer(0, 1, 2, 0);
  cr_assert_eq(c.last, 2);
}

CHECKED(hub, a_read_whose_answer_was_lost_is_tried_again)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer_away(0);
  cr_assert_eq(n_asked, 0, "not at once: that would spin");
  live(1, 3, false);
  cr_assert_eq(n_asked, 0);
  hub_tick(hub, clock_mono_ms() + 1000);
  cr_assert_eq(n_asked, 1);
  answer(0, 1, 3, 0);
  cr_assert_eq(c.last, 3);
}

CHECKED(hub, after_30_s_without_history_the_watch_is_lost)
{
  static struct client c = {0}, follows = {0};
  watch(&follows, 1, 0);
  answer(0, 1, 2, 0);
  reader_status = ST_FULL;
  watch(&c, 1, 0);
  int64_t start = clock_mono_ms();
  hub_tick(hub, start + 29000);
  cr_assert_not(c.lost);
  hub_tick(hub, start + 30001);
  cr_assert(c.lost);
  cr_assert_not(follows.lost, "it misses nothing");
  live(1, 3, true);
  cr_assert(follows.ended);
  cr_assert_eq(hub_watches(hub), 0);
}

CHECKED(hub, a_read_that_works_in_between_starts_the_30_s_anew)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer_away(0);
  int64_t start = clock_mono_ms();
  hub_tick(hub, start + 20000);
  answer(0, 1, 1, 0);
  live(1, 3, false);
  answer_away(0);
  hub_tick(hub, start + 49000);
  cr_assert_not(c.lost);
  answer_away(0);
  hub_tick(hub, start + 50001);
  cr_assert(c.lost);
}

CHECKED(hub, no_watch_is_left_behind_after_a_failed_read)
{
  static struct client c = {0};
  reader_status = ST_AWAY;
  watch(&c, 1, 0);
  unwatch(&c);
  reader_status = ST_OK;
  hub_tick(hub, clock_mono_ms() + 1000);
  cr_assert_eq(n_asked, 0);
}

/* ── the check ──────────────────────────────────────────────────────────────────────────────── */

CHECKED(hub, a_lost_last_event_is_found_by_the_check)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 4, 0);
  hub_tick(hub, clock_mono_ms());
  cr_assert_eq(n_heads, 1);
  answer_heads(ST_OK, 5);
  cr_assert_eq(n_asked, 1);
  cr_assert_eq(asked[0].since, 4);
  answer(0, 5, 5, 5);
  cr_assert(c.ended);
}

CHECKED(hub, a_check_that_finds_nothing_reads_nothing)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 4, 0);
  hub_tick(hub, clock_mono_ms());
  answer_heads(ST_OK, 4);
  cr_assert_eq(n_asked, 0);
}

CHECKED(hub, many_orders_are_checked_in_chunks_one_after_the_other)
{
  static struct client c[2500];
  for (uint32_t i = 0; i < 2500; i++) {
    watch(&c[i], i, 0);
    answer(0, 1, 1, 0);
  }
  hub_tick(hub, clock_mono_ms());
  cr_assert_eq(n_heads, 1000);
  answer_heads(ST_OK, 2);
  cr_assert_eq(n_heads, 1000);
  answer_heads(ST_OK, 2);
  cr_assert_eq(n_heads, 500);
  answer_heads(ST_OK, 2);
  cr_assert_null(heads_done);
  cr_assert_eq(n_asked, 2500, "each was asked for once");
}

CHECKED(hub, a_slow_check_is_not_overtaken_but_followed_by_another)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 1, 0);
  hub_tick(hub, clock_mono_ms());
  hub_tick(hub, clock_mono_ms());
  hub_on_resubscribed(hub);
  cr_assert_eq(heads_calls, 1);
  answer_heads(ST_OK, 1);
  cr_assert_eq(heads_calls, 2);
  answer_heads(ST_OK, 1);
  cr_assert_eq(heads_calls, 2);
}

CHECKED(hub, a_check_that_fails_is_left_to_the_next_tick)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 1, 0);
  hub_tick(hub, clock_mono_ms());
  answer_heads(ST_AWAY, 0);
  cr_assert_null(heads_done);
  reader_status = ST_AWAY;
  hub_tick(hub, clock_mono_ms());
  reader_status = ST_OK;
  hub_tick(hub, clock_mono_ms());
  cr_assert_eq(heads_calls, 2);
}

CHECKED(hub, a_resubscribe_checks_at_once)
{
  hub_on_resubscribed(hub);
  cr_assert_eq(heads_calls, 0, "nobody watches");
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 1, 0);
  hub_on_resubscribed(hub);
  cr_assert_eq(heads_calls, 1);
}

CHECKED(hub, heads_of_an_order_that_ended_meanwhile)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 1, 0);
  hub_tick(hub, clock_mono_ms());
  unwatch(&c);
  answer_heads(ST_OK, 9);
  cr_assert_eq(n_asked, 0);
}

/* ── the channel ────────────────────────────────────────────────────────────────────────────── */

CHECKED(hub, the_channel_is_left_10_s_after_the_last_watch)
{
  static struct client c = {0};
  cr_assert_eq(subscribed, 0);
  watch(&c, 1, 0);
  cr_assert_eq(subscribed, 1);
  unwatch(&c);
  for (int i = 0; i < 9; i++) hub_tick(hub, clock_mono_ms());
  cr_assert_eq(subscribed, 1);
  watch(&c, 2, 0);
  unwatch(&c);
  for (int i = 0; i < 9; i++) hub_tick(hub, clock_mono_ms());
  cr_assert_eq(subscribed, 1, "counted anew");
  hub_tick(hub, clock_mono_ms());
  cr_assert_eq(subscribed, 0);
  watch(&c, 3, 0);
  cr_assert_eq(subscribed, 1);
  cr_assert_eq(subscribe_calls, 2);
}

static void run_until_checked(size_t times)
{
  int64_t deadline = clock_mono_ms() + 5000;
  while (heads_calls < times && clock_mono_ms() < deadline) uv_run(&loop, UV_RUN_ONCE);
  cr_assert_eq(heads_calls, times);
}

CHECKED(hub, the_timer_checks_soon_after_subscribing)
{
  static struct client c = {0};
  watch(&c, 1, 0);
  answer(0, 1, 1, 0);
  run_until_checked(1);
}

static void note_late(uv_timer_t *timer)
{
  *(bool *)timer->data = true;
}

CHECKED(hub, the_first_after_a_while_is_checked_as_soon)
{
  static struct client c[2] = {0};
  watch(&c[0], 1, 0);
  answer(0, 1, 1, 0);
  run_until_checked(1);
  answer_heads(ST_OK, 1);
  hub_tick(hub, clock_mono_ms() - 2000);
  answer_heads(ST_OK, 1);
  unwatch(&c[0]);
  bool late = false;
  uv_timer_t half_a_second; /* a tick is 900 ms or more after the last */
  uv_timer_init(&loop, &half_a_second);
  half_a_second.data = &late;
  watch(&c[1], 2, 0);
  uv_timer_start(&half_a_second, note_late, 500, 0);
  answer(0, 1, 1, 0);
  run_until_checked(3);
  cr_assert_not(late);
  cr_assert_eq(subscribe_calls, 1);
  uv_close((uv_handle_t *)&half_a_second, NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
}

static void count(void *arg)
{
  ++*(int *)arg;
}

CHECKED(hub, says_that_somebody_listens)
{
  static struct client c[2] = {0};
  int said = 0;
  hub_on_listening(hub, count, &said);
  hub_tick(hub, clock_mono_ms());
  hub_on_resubscribed(hub);
  cr_assert_eq(said, 0, "nobody does");
  watch(&c[0], 1, 0);
  cr_assert_eq(said, 1, "at once");
  watch(&c[1], 2, 0);
  cr_assert_eq(said, 1);
  hub_on_resubscribed(hub);
  cr_assert_eq(said, 2);
  unwatch(&c[0]);
  unwatch(&c[1]);
  hub_tick(hub, clock_mono_ms());
  cr_assert_eq(said, 2, "no longer");
  hub_hold(hub);
  cr_assert_eq(said, 2, "a moment ago");
  hub_tick(hub, clock_mono_ms() - 2000);
  cr_assert_eq(said, 3, "and again");
  hub_release(hub);
  hub_hold(hub);
  cr_assert_eq(said, 4, "the first after a while, though the channel was not left");
  hub_release(hub);
}

CHECKED(hub, destroy_with_everything_in_flight)
{
  static struct client c[50];
  for (uint32_t i = 0; i < 50; i++) watch(&c[i], i, 0);
  live(3, 2, false);
  hub_tick(hub, clock_mono_ms());
}

/* ── random ─────────────────────────────────────────────────────────────────────────────────── */

/* Forty clients on four orders; messages lost, doubled, reordered; reads late or failed. */
enum { ORDERS = 4, CLIENTS = 40, EVENTS = 60 };

static uint32_t draw(uint64_t *rng, uint32_t below)
{
  *rng = *rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*rng >> 33) % below;
}

static int32_t committed[ORDERS];

static void answer_some_read(uint64_t *rng)
{
  if (n_asked == 0) return;
  size_t i = draw(rng, (uint32_t)n_asked);
  if (draw(rng, 8) == 0) {
    answer_away(i);
    return;
  }
  answer(i, asked[i].since + 1, committed[asked[i].id.bytes[15]], EVENTS);
}

static void commit_and_publish(uint64_t *rng)
{
  uint32_t o = draw(rng, ORDERS);
  if (committed[o] == EVENTS) return;
  committed[o]++;
  if (draw(rng, 4) == 0) return; /* lost */
  int32_t late = (int32_t)draw(rng, 3);
  int32_t seq = committed[o] > late ? committed[o] - late : committed[o];
  live(o, seq, seq == EVENTS);
}

static void answer_check(void)
{
  if (!heads_done) return;
  static struct reader_head heads[1000];
  size_t n = n_heads;
  for (size_t i = 0; i < n; i++)
    heads[i] = (struct reader_head){heads_ids[i], committed[heads_ids[i].bytes[15]]};
  reader_heads_fn done = heads_done;
  heads_done = NULL;
  done(heads_arg, ST_OK, heads, n);
}

CHECKED(hub, random_worlds_end_with_every_client_at_the_end)
{
  for (uint64_t seed = 1; seed <= 200; seed++) {
    uint64_t rng = seed;
    n_clients = 0;
    static struct client c[CLIENTS];
    memset(c, 0, sizeof c);
    memset(committed, 0, sizeof committed);
    for (uint32_t o = 0; o < ORDERS; o++) committed[o] = 1;
    for (uint32_t i = 0; i < CLIENTS; i++) {
      uint32_t o = i % ORDERS;
      int32_t ver = committed[o] < EVENTS ? committed[o] : EVENTS - 1;
      watch(&c[i], o, (int32_t)draw(&rng, (uint32_t)ver + 1));
      for (int k = 0; k < 6; k++) commit_and_publish(&rng);
      if (draw(&rng, 2)) answer_some_read(&rng);
    }
    int steps = 0;
    for (; hub_watches(hub) > 0 && steps < 5000; steps++) {
      commit_and_publish(&rng);
      answer_some_read(&rng);
      if (steps % 10 == 0) hub_tick(hub, clock_mono_ms());
      answer_check();
    }
    for (uint32_t i = 0; i < CLIENTS; i++)
      cr_assert(c[i].ended && c[i].last == EVENTS, "seed %llu client %u at %d",
                (unsigned long long)seed, i, c[i].last);
    while (n_asked > 0) answer_some_read(&rng);
    answer_check();
  }
}
