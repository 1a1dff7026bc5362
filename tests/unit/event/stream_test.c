/* stream_test.c - the tail, its listeners, and those who fall behind; PostgreSQL is a list here. */
#include "event/stream.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

enum { EVENTS_MAX = 4000, ASKS_MAX = 16, TEXT_MAX = 64 << 20 };

/* ── what is committed: event i is the only one of transaction 100 + i ──────────────────────────
 */

static size_t committed;
static bool away;
static char *big; /* data of each event */

static struct ask {
  struct tail_position after;
  size_t limit;
  tail_fn done;
  void *arg;
} asks[ASKS_MAX];
static size_t n_asks;

int tail_compare(const struct tail_position *a, const struct tail_position *b)
{
  if (a->xid != b->xid) return a->xid < b->xid ? -1 : 1;
  return (a->n > b->n) - (a->n < b->n);
}

enum status tail_read(struct reader *r, const struct tail_position *after, size_t limit,
                      tail_fn done, void *arg)
{
  (void)r;
  if (away) return ST_AWAY;
  cr_assert_lt(n_asks, ASKS_MAX);
  asks[n_asks++] = (struct ask){*after, limit, done, arg};
  return ST_OK;
}

static struct tail_event event_at(size_t i)
{
  static struct ulid id;
  id.bytes[14] = (uint8_t)(i >> 8);
  id.bytes[15] = (uint8_t)i;
  return (struct tail_event){
      .at = {100 + i, 1},
      .type = i % 2 ? "limit" : "market",
      .tenant = "me",
      .event = {.order_id = id, .seq = i % 5 ? 2 : 1, .attempt = 1, .status = "s", .data = big}};
}

/* Answers the oldest question. */
static void answer(enum status status)
{
  static struct tail_event events[TAIL_PAGE_MAX];
  cr_assert_gt(n_asks, 0);
  struct ask a = asks[0];
  memmove(asks, asks + 1, --n_asks * sizeof *asks);
  struct tail_page page = {.events = events, .end = {100 + committed, 0}};
  for (size_t i = 0; i < committed && page.n < a.limit; i++) {
    struct tail_event e = event_at(i);
    if (tail_compare(&e.at, &a.after) > 0) events[page.n++] = e;
  }
  page.next = page.n == a.limit && a.limit > 0 ? events[page.n - 1].at : page.end;
  a.done(a.arg, status, status == ST_OK ? &page : NULL);
}

static int holds;

void hub_hold(struct hub *h)
{
  (void)h;
  holds++;
}

void hub_release(struct hub *h)
{
  (void)h;
  holds--;
}

/* ── listeners ──────────────────────────────────────────────────────────────────────────────── */

struct heard {
  char *text;
  size_t len;
  enum stream_more more;
  int begun, refused;
  struct tail_position at; /* where it begins */
};

static uv_loop_t loop;
static struct stream *stream;
static int64_t now_ms;
static const struct stream_filter all = {.tenant = "me"};

static enum stream_more on_text(void *arg, const char *text, size_t len)
{
  struct heard *h = arg;
  h->text = mem_resize(h->text, h->len + len + 1);
  memcpy(h->text + h->len, text, len);
  h->len += len;
  h->text[h->len] = '\0';
  return h->more;
}

static bool on_begin(void *arg, const struct tail_position *at)
{
  struct heard *h = arg;
  cr_assert_eq(h->len, 0, "nothing comes before it begins");
  h->begun += at != NULL;
  h->refused += !at;
  if (at) h->at = *at;
  return at && h->more != STREAM_GONE;
}

static const struct stream_sink sink = {on_begin, on_text};

static struct stream_listener *listen_after(struct heard *h, const struct tail_position *after,
                                            const struct stream_filter *filter)
{
  *h = (struct heard){.text = mem_strdup("")};
  return stream_listen(stream, after, filter, &sink, h);
}

/* Everything heard so far is events first to last, each once and in order, and nothing else. */
static void assert_heard(const struct heard *h, size_t first, size_t last)
{
  const char *at = h->text;
  for (size_t i = first; i <= last; i++) {
    char start[64];
    snprintf(start, sizeof start, "id: %zu-1\nevent: order.%s\ndata: {", 100 + i,
             i % 5 ? "statusChanged" : "created");
    cr_assert_eq(strncmp(at, start, strlen(start)), 0, "event %zu: %.60s", i, at);
    at = strstr(at, "\n\n") + 2;
  }
  cr_assert_eq(*at, '\0', "%.60s", at);
}

static void tick(int64_t ms)
{
  now_ms += ms;
  stream_tick(stream, now_ms);
}

static void setup(void)
{
  uv_loop_init(&loop);
  stream = stream_create(&loop, NULL, NULL);
  now_ms = clock_mono_ms();
}

static void teardown(void)
{
  stream_destroy(stream);
  while (n_asks > 0) answer(ST_AWAY);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&loop), 0);
  cr_assert_eq(holds, 0);
  free(big);
}

TestSuite(stream, .init = setup, .fini = teardown, .timeout = 30);

Test(stream, from_now_on)
{
  struct heard h;
  committed = 3;
  struct stream_listener *l = listen_after(&h, NULL, &all);
  cr_assert_eq(asks[0].limit, 0, "only where the end is");
  cr_assert_eq(h.begun, 0);
  answer(ST_OK);
  cr_assert_eq(h.begun, 1);
  committed = 5;
  tick(1000);
  answer(ST_OK);
  assert_heard(&h, 3, 4);
  stream_leave(l);
  free(h.text);
}

Test(stream, who_left_before_his_first_event_goes_on_from_where_he_began)
{
  struct heard h, again;
  committed = 3;
  struct stream_listener *l = listen_after(&h, NULL, &all);
  answer(ST_OK);
  stream_leave(l);
  committed = 5;
  l = listen_after(&again, &h.at, &all);
  while (n_asks > 0) answer(ST_OK);
  assert_heard(&again, 3, 4);
  cr_assert_eq(tail_compare(&again.at, &h.at), 0);
  stream_leave(l);
  free(h.text);
  free(again.text);
}

Test(stream, behind_an_event_that_is_long_past)
{
  struct heard h;
  committed = 1200;
  struct stream_listener *l = listen_after(&h, &(struct tail_position){100, 1}, &all);
  answer(ST_OK);
  while (n_asks > 0) answer(ST_OK);
  assert_heard(&h, 1, 1199);
  stream_leave(l);
  free(h.text);
}

Test(stream, a_position_of_another_database_is_reset)
{
  struct heard h;
  committed = 3;
  struct stream_listener *l = listen_after(&h, &(struct tail_position){103, 1}, &all);
  answer(ST_OK);
  cr_assert_str_eq(h.text, "event: reset\ndata: {}\n\n");
  h.text[h.len = 0] = '\0';
  committed = 4;
  tick(1000);
  answer(ST_OK);
  assert_heard(&h, 3, 3);
  stream_leave(l);
  free(h.text);
}

/* Who joins while a read is under way, joins with the next: that one's end may be older than he. */
Test(stream, joins_with_a_read_that_began_after_him)
{
  struct heard first, second;
  struct stream_listener *a = listen_after(&first, NULL, &all);
  struct stream_listener *b = listen_after(&second, &(struct tail_position){100, 1}, &all);
  answer(ST_OK); /* as of nothing: 100-1 would be of another database */
  cr_assert(first.begun == 1 && second.begun == 0);
  committed = 3;
  tick(1000);
  while (n_asks > 0) answer(ST_OK);
  assert_heard(&second, 1, 2);
  assert_heard(&first, 0, 2);
  stream_leave(a);
  stream_leave(b);
  free(first.text);
  free(second.text);
}

Test(stream, one_that_takes_no_more_goes_on_where_it_was)
{
  struct heard slow, brisk;
  struct stream_listener *a = listen_after(&slow, NULL, &all);
  struct stream_listener *b = listen_after(&brisk, NULL, &all);
  while (n_asks > 0) answer(ST_OK);
  tick(1000);
  while (n_asks > 0) answer(ST_OK);
  slow.more = STREAM_WAIT;
  for (committed = 10; committed <= 30; committed += 10) {
    tick(1000);
    while (n_asks > 0) answer(ST_OK);
  }
  assert_heard(&brisk, 0, 29);
  assert_heard(&slow, 0, 9);
  slow.more = STREAM_GO_ON;
  stream_ready(a);
  while (n_asks > 0) answer(ST_OK);
  assert_heard(&slow, 0, 29);
  stream_leave(a);
  stream_leave(b);
  free(slow.text);
  free(brisk.text);
}

/* What is kept has a bound: who is behind it reads for himself, some at a time. */
Test(stream, those_who_are_far_behind_read_for_themselves)
{
  enum { LISTENERS = 6, BIG = 12000 };
  struct heard heard[LISTENERS];
  struct stream_listener *slow[LISTENERS];
  big = mem_alloc(BIG + 1);
  snprintf(big, BIG, "{\"k\":\"%0*d\"}", BIG - 20, 7);
  for (int i = 0; i < LISTENERS; i++) slow[i] = listen_after(&heard[i], NULL, &all);
  while (n_asks > 0) answer(ST_OK);
  tick(1000);
  while (n_asks > 0) answer(ST_OK);
  for (int i = 0; i < LISTENERS; i++) heard[i].more = STREAM_WAIT;
  for (committed = 100; committed <= 500; committed += 100) {
    tick(1000);
    while (n_asks > 0) answer(ST_OK);
  }
  committed = 500;
  for (int i = 0; i < LISTENERS; i++) {
    heard[i].more = STREAM_GO_ON;
    stream_ready(slow[i]);
  }
  cr_assert_lt(n_asks, LISTENERS);
  while (n_asks > 0) answer(ST_OK);
  for (int i = 0; i < LISTENERS; i++) {
    assert_heard(&heard[i], 0, 499);
    stream_leave(slow[i]);
    free(heard[i].text);
  }
}

Test(stream, filters)
{
  struct heard h;
  struct stream_filter markets = {.tenant = "me", .types = "sniper,market"},
                       others = {.tenant = "you"};
  struct heard none;
  struct stream_listener *l = listen_after(&h, NULL, &markets),
                         *foreign = listen_after(&none, NULL, &others);
  while (n_asks > 0) answer(ST_OK);
  tick(1000);
  while (n_asks > 0) answer(ST_OK);
  committed = 10;
  tick(1000);
  while (n_asks > 0) answer(ST_OK);
  int n = 0;
  for (const char *at = h.text; (at = strstr(at, "id: ")) != NULL; at++) n++;
  cr_assert_eq(n, 5);
  cr_assert_str_eq(none.text, "", "another client's orders are not his");
  stream_leave(l);
  stream_leave(foreign);
  free(h.text);
  free(none.text);
}

Test(stream, tries_again_when_postgres_is_away)
{
  struct heard h;
  away = true;
  struct stream_listener *l = listen_after(&h, NULL, &all);
  cr_assert_eq(n_asks, 0);
  away = false;
  tick(1000);
  answer(ST_AWAY);
  tick(1000);
  answer(ST_OK);
  committed = 2;
  tick(1000);
  answer(ST_OK);
  assert_heard(&h, 0, 1);
  stream_leave(l);
  free(h.text);
}

Test(stream, refuses_who_cannot_begin)
{
  static struct heard last; /* it is told when the test is over */
  struct heard h;
  away = true;
  (void)listen_after(&h, NULL, &all);
  for (int i = 0; i < 4; i++) tick(1000);
  cr_assert_eq(h.refused, 0);
  tick(2000);
  cr_assert(h.refused == 1 && h.begun == 0 && stream_listeners(stream) == 0);
  (void)listen_after(&last, NULL, &all); /* refused when the stream is destroyed */
  free(h.text);
}

Test(stream, a_heartbeat_each_half_minute)
{
  struct heard h;
  struct stream_listener *l = listen_after(&h, NULL, &all);
  answer(ST_OK);
  for (int i = 0; i < 29; i++) {
    tick(1000);
    answer(ST_OK);
  }
  cr_assert_str_eq(h.text, "");
  tick(2000);
  cr_assert_eq(strncmp(h.text, "event: heartbeat\ndata: {\"timestamp\":\"", 37), 0, "%s", h.text);
  stream_leave(l);
  free(h.text);
}

/* The listener's memory is needed until its read is back. */
Test(stream, leaves_while_its_page_is_read)
{
  struct heard h, gone;
  committed = 5;
  struct stream_listener *l = listen_after(&h, &(struct tail_position){100, 1}, &all);
  answer(ST_OK);
  cr_assert_eq(n_asks, 1);
  stream_leave(l);
  answer(ST_OK);
  cr_assert_str_eq(h.text, "");
  l = listen_after(&gone, NULL, &all);
  while (n_asks > 0) answer(ST_OK);
  gone.more = STREAM_GONE;
  committed = 6;
  tick(1000);
  while (n_asks > 0) answer(ST_OK);
  cr_assert_eq(stream_listeners(stream), 0);
  free(h.text);
  free(gone.text);
}

Test(stream, ends_some_time_after_its_last_listener)
{
  struct heard h;
  stream_leave(listen_after(&h, NULL, &all));
  answer(ST_OK);
  cr_assert_eq(holds, 1);
  for (int i = 0; i < 10; i++) tick(1000);
  cr_assert_eq(holds, 0);
  stream_poke(stream);
  cr_assert_eq(n_asks, 0);
  free(h.text);
}

Test(stream, positions)
{
  struct tail_position p;
  cr_assert(stream_position_parse("12-3", &p) && p.xid == 12 && p.n == 3);
  cr_assert(stream_position_parse("0-0", &p));
  static const char *const wrong[] = {"",      "12",   "12-",           "-3",
                                      "12-3x", "x",    " 1-1",          "1--1",
                                      "1-+1",  "1 -1", "1-99999999999", "99999999999999999999-1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    cr_assert_not(stream_position_parse(wrong[i], &p), "%s", wrong[i]);
}
