/*
 * breaker_test.c - every edge by hand, then every sequence of events of some length against a model
 * that keeps the whole history and works the state out anew.
 */
#include "workers/breaker.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct breaker_options options = {.failures = 3, .window_ms = 1000, .open_ms = 200};
static struct breaker b;

static void setup(void)
{
  breaker_init(&b, &options);
}

TestSuite(breaker, .init = setup);

static void fail_times(int n, enum breaker_call call, int64_t now)
{
  for (int i = 0; i < n; i++) breaker_report(&b, call, true, now);
}

Test(breaker, is_closed_at_first_and_lets_everything_through)
{
  cr_assert_eq(b.state, BREAKER_CLOSED);
  cr_assert(breaker_allows(&b, BREAKER_QUOTE, 0));
  cr_assert(breaker_allows(&b, BREAKER_SUBMIT, 0));
  cr_assert_eq(breaker_probe_ms(&b, 0), 0);
  cr_assert_eq(breaker_failures(&b), 0);
}

Test(breaker, opens_with_the_last_failure_and_not_before)
{
  fail_times(2, BREAKER_QUOTE, 10);
  cr_assert_eq(b.state, BREAKER_CLOSED);
  cr_assert_eq(breaker_failures(&b), 2);
  breaker_report(&b, BREAKER_QUOTE, true, 10);
  cr_assert_eq(b.state, BREAKER_OPEN);
  cr_assert_not(breaker_allows(&b, BREAKER_QUOTE, 10));
  cr_assert_not(breaker_allows(&b, BREAKER_SUBMIT, 10));
  cr_assert_eq(breaker_probe_ms(&b, 10), 200);
  cr_assert_eq(breaker_probe_ms(&b, 209), 1);
}

Test(breaker, one_success_ends_a_run)
{
  for (int i = 0; i < 10; i++) {
    fail_times(2, BREAKER_QUOTE, i);
    breaker_report(&b, BREAKER_QUOTE, false, i);
  }
  cr_assert_eq(b.state, BREAKER_CLOSED);
  cr_assert_eq(breaker_failures(&b), 0);
}

Test(breaker, failures_further_apart_than_the_window_do_not_open)
{
  for (int i = 0; i < 10; i++) {
    breaker_report(&b, BREAKER_QUOTE, true, i * 501);
    cr_assert_eq(b.state, BREAKER_CLOSED, "%d", i);
  }
  breaker_report(&b, BREAKER_QUOTE, true, 9 * 501 + 499);
  cr_assert_eq(b.state, BREAKER_OPEN, "the window slides: three failures within 1000 ms");
}

Test(breaker, the_window_counts_its_last_millisecond)
{
  breaker_report(&b, BREAKER_QUOTE, true, 0);
  breaker_report(&b, BREAKER_QUOTE, true, 500);
  breaker_report(&b, BREAKER_QUOTE, true, 1000);
  cr_assert_eq(b.state, BREAKER_OPEN);
}

Test(breaker, one_failure_may_be_enough)
{
  const struct breaker_options touchy = {.failures = 1, .window_ms = 1, .open_ms = 1};
  breaker_init(&b, &touchy);
  breaker_report(&b, BREAKER_SUBMIT, true, 0);
  cr_assert_eq(b.state, BREAKER_OPEN);
}

Test(breaker, as_many_failures_as_can_be_asked_for)
{
  const struct breaker_options patient = {
      .failures = BREAKER_FAILURES_MAX, .window_ms = 1000, .open_ms = 1};
  breaker_init(&b, &patient);
  fail_times(BREAKER_FAILURES_MAX - 1, BREAKER_QUOTE, 0);
  cr_assert_eq(b.state, BREAKER_CLOSED);
  fail_times(1, BREAKER_QUOTE, 0);
  cr_assert_eq(b.state, BREAKER_OPEN);
}

static void half_open(void)
{
  fail_times(3, BREAKER_QUOTE, 0);
  cr_assert(breaker_allows(&b, BREAKER_QUOTE, 200));
  cr_assert_eq(b.state, BREAKER_HALF_OPEN);
}

Test(breaker, after_its_time_one_quote_probes_and_no_other)
{
  fail_times(3, BREAKER_QUOTE, 0);
  cr_assert_not(breaker_allows(&b, BREAKER_QUOTE, 199));
  cr_assert_not(breaker_allows(&b, BREAKER_SUBMIT, 200), "a submit is no probe");
  cr_assert_eq(b.state, BREAKER_OPEN);
  cr_assert(breaker_allows(&b, BREAKER_QUOTE, 200));
  cr_assert_not(breaker_allows(&b, BREAKER_QUOTE, 200));
  cr_assert_not(breaker_allows(&b, BREAKER_SUBMIT, 200));
  cr_assert_eq(breaker_probe_ms(&b, 200), 200);
}

Test(breaker, a_good_probe_closes)
{
  half_open();
  breaker_report(&b, BREAKER_QUOTE, false, 210);
  cr_assert_eq(b.state, BREAKER_CLOSED);
  cr_assert(breaker_allows(&b, BREAKER_SUBMIT, 210));
  fail_times(2, BREAKER_QUOTE, 211);
  cr_assert_eq(b.state, BREAKER_CLOSED, "the run begins anew");
}

Test(breaker, a_bad_probe_opens_for_the_whole_time_again)
{
  half_open();
  breaker_report(&b, BREAKER_QUOTE, true, 250);
  cr_assert_eq(b.state, BREAKER_OPEN);
  cr_assert_not(breaker_allows(&b, BREAKER_QUOTE, 449));
  cr_assert(breaker_allows(&b, BREAKER_QUOTE, 450));
}

Test(breaker, a_probe_that_never_comes_back_is_followed_by_another)
{
  half_open();
  cr_assert_not(breaker_allows(&b, BREAKER_QUOTE, 399));
  cr_assert(breaker_allows(&b, BREAKER_QUOTE, 400));
  cr_assert_not(breaker_allows(&b, BREAKER_QUOTE, 401));
}

Test(breaker, what_comes_late_does_not_close_what_is_open)
{
  fail_times(3, BREAKER_QUOTE, 0);
  breaker_report(&b, BREAKER_QUOTE, false, 1);
  breaker_report(&b, BREAKER_SUBMIT, false, 1);
  cr_assert_eq(b.state, BREAKER_OPEN);
  cr_assert(breaker_allows(&b, BREAKER_QUOTE, 200));
  breaker_report(&b, BREAKER_SUBMIT, false, 201);
  breaker_report(&b, BREAKER_SUBMIT, true, 201);
  cr_assert_eq(b.state, BREAKER_HALF_OPEN, "only quotes decide a probe");
}

Test(breaker, submits_open_it_however_good_the_quotes_are)
{
  for (int i = 0; i < 3; i++) {
    breaker_report(&b, BREAKER_QUOTE, false, i);
    breaker_report(&b, BREAKER_SUBMIT, true, i);
  }
  cr_assert_eq(b.state, BREAKER_OPEN);
  cr_assert(breaker_allows(&b, BREAKER_QUOTE, 300));
  breaker_report(&b, BREAKER_QUOTE, false, 301);
  cr_assert_eq(b.state, BREAKER_CLOSED);
  breaker_report(&b, BREAKER_SUBMIT, true, 302);
  cr_assert_eq(b.state, BREAKER_OPEN, "the run of bad submits was not over");
}

Test(breaker, reset_closes_and_forgets)
{
  half_open();
  breaker_reset(&b);
  cr_assert_eq(b.state, BREAKER_CLOSED);
  fail_times(2, BREAKER_QUOTE, 250);
  cr_assert_eq(b.state, BREAKER_CLOSED);
  fail_times(1, BREAKER_QUOTE, 250);
  breaker_reset(&b);
  cr_assert(breaker_allows(&b, BREAKER_SUBMIT, 250));
}

Test(breaker, states_have_words)
{
  cr_assert_str_eq(breaker_state_name(BREAKER_CLOSED), "closed");
  cr_assert_str_eq(breaker_state_name(BREAKER_OPEN), "open");
  cr_assert_str_eq(breaker_state_name(BREAKER_HALF_OPEN), "half-open");
}

/* ── against a model ────────────────────────────────────────────────────────────────────────── */

enum event {
  QUOTE_OK,
  QUOTE_FAILS,
  SUBMIT_OK,
  SUBMIT_FAILS,
  ASK_QUOTE,
  ASK_SUBMIT,
  SOME_TIME,
  OPEN_TIME,
  EVENTS
};
enum { LENGTH = 7 };

static const struct breaker_options small = {.failures = 2, .window_ms = 150, .open_ms = 100};
enum { SOME_MS = 60 };

struct history {
  enum event events[LENGTH];
  int64_t at[LENGTH];
  size_t n;
};

/* Whether the failure at i is the second in a row of its kind, and near enough to the first. */
static bool second_failure(const struct history *h, size_t i)
{
  enum event ok = h->events[i] == QUOTE_FAILS ? QUOTE_OK : SUBMIT_OK;
  for (size_t k = i; k-- > 0;) {
    if (h->events[k] == ok) return false;
    if (h->events[k] == h->events[i]) return h->at[i] - h->at[k] <= small.window_ms;
  }
  return false;
}

/* Works the state after all of the history out, and whether the last event, an ask, is allowed. */
static enum breaker_state model(const struct history *h, bool *allowed)
{
  enum breaker_state state = BREAKER_CLOSED;
  int64_t since = 0;
  for (size_t i = 0; i < h->n; i++) {
    enum event e = h->events[i];
    bool due = h->at[i] >= since + small.open_ms;
    *allowed = state == BREAKER_CLOSED || (e == ASK_QUOTE && due);
    if (state == BREAKER_CLOSED) {
      if ((e != QUOTE_FAILS && e != SUBMIT_FAILS) || !second_failure(h, i)) continue;
      state = BREAKER_OPEN;
    } else if (e == ASK_QUOTE && due) {
      state = BREAKER_HALF_OPEN;
    } else if (state == BREAKER_HALF_OPEN && e == QUOTE_OK) {
      state = BREAKER_CLOSED;
    } else if (state == BREAKER_HALF_OPEN && e == QUOTE_FAILS) {
      state = BREAKER_OPEN;
    } else {
      continue;
    }
    since = h->at[i];
  }
  return state;
}

/* Tells the breaker; true when it answers an ask with yes. */
static bool tell(struct breaker *one, enum event e, int64_t now)
{
  switch (e) {
  case QUOTE_OK:
  case QUOTE_FAILS:
    breaker_report(one, BREAKER_QUOTE, e == QUOTE_FAILS, now);
    break;
  case SUBMIT_OK:
  case SUBMIT_FAILS:
    breaker_report(one, BREAKER_SUBMIT, e == SUBMIT_FAILS, now);
    break;
  case ASK_QUOTE:
    return breaker_allows(one, BREAKER_QUOTE, now);
  case ASK_SUBMIT:
    return breaker_allows(one, BREAKER_SUBMIT, now);
  default:
    break;
  }
  return false;
}

static void walk(const struct breaker *before, struct history *h, int64_t now, size_t *seen)
{
  if (h->n == LENGTH) return;
  for (int e = 0; e < EVENTS; e++) {
    struct breaker after = *before;
    int64_t at = now + (e == SOME_TIME ? SOME_MS : e == OPEN_TIME ? small.open_ms : 0);
    h->events[h->n] = (enum event)e;
    h->at[h->n++] = at;
    bool allowed = tell(&after, (enum event)e, at), expected = false;
    enum breaker_state state = model(h, &expected);
    cr_assert_eq(after.state, state, "state after %zu events", h->n);
    if (e == ASK_QUOTE || e == ASK_SUBMIT) cr_assert_eq(allowed, expected);
    (*seen)++;
    walk(&after, h, at, seen);
    h->n--;
  }
}

Test(breaker, every_sequence_is_as_the_model_has_it)
{
  struct history h = {.n = 0};
  size_t seen = 0, all = 0, power = 1;
  breaker_init(&b, &small);
  walk(&b, &h, 0, &seen);
  for (int i = 0; i < LENGTH; i++) all += power *= EVENTS;
  cr_assert_eq(seen, all);
}
