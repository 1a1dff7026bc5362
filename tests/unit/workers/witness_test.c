/* witness_test.c - what is a leap of the queue's time, and what only took its time. */
#include "workers/witness.h"

#include <criterion/criterion.h>

enum { MS = 1000000 };

static struct witness seen(int64_t queue_ms, int64_t sent_ms)
{
  struct witness w = {0};
  witness_note(&w, queue_ms, sent_ms * MS);
  return w;
}

Test(witness, who_has_seen_nothing_sees_no_leap)
{
  struct witness w = {0};
  cr_assert_eq(witness_leap_ms(&w, 1700000000000, 5 * (int64_t)MS), 0);
}

Test(witness, time_that_passes_is_none)
{
  struct witness w = seen(1000, 50);
  cr_assert_eq(witness_leap_ms(&w, 1000, 51 * MS), 0);
  cr_assert_eq(witness_leap_ms(&w, 1010, 60 * MS), 0);
  cr_assert_eq(witness_leap_ms(&w, 1000 + 3600000, (50 + 3600000) * (int64_t)MS), 0);
}

/* Redis stood still for ten seconds, with the question or with the answer. */
Test(witness, slowness_is_none)
{
  struct witness w = seen(1000, 50);
  cr_assert_eq(witness_leap_ms(&w, 11000, 10051 * (int64_t)MS), 0);
  cr_assert_eq(witness_leap_ms(&w, 1001, 10051 * (int64_t)MS), 0);
}

/* Set back, it stands still or runs on; starts look younger then. */
Test(witness, going_back_is_none)
{
  struct witness w = seen(1000000, 50);
  cr_assert_eq(witness_leap_ms(&w, 1000, 60 * MS), 0);
}

Test(witness, more_than_can_have_passed_is_a_leap)
{
  struct witness w = seen(1000, 50);
  cr_assert_eq(witness_leap_ms(&w, 1010 + WITNESS_TOLERANCE_MS, 60 * MS), 0);
  cr_assert_eq(witness_leap_ms(&w, 1011 + WITNESS_TOLERANCE_MS, 60 * MS), WITNESS_TOLERANCE_MS + 1);
  cr_assert_eq(witness_leap_ms(&w, 1010 + 3600000, 60 * MS), 3600000);
}

Test(witness, clocks_may_drift_by_a_thousandth)
{
  struct witness w = seen(0, 0);
  int64_t minute_ns = 60000 * (int64_t)MS;
  cr_assert_eq(witness_leap_ms(&w, 60000 + 60, minute_ns), 0);
  cr_assert_eq(witness_leap_ms(&w, 60000 + 70, minute_ns), 70);
}

Test(witness, the_newest_answer_counts)
{
  struct witness w = seen(1000, 50);
  witness_note(&w, 5000, 60 * MS);
  cr_assert_eq(witness_leap_ms(&w, 5001, 61 * MS), 0);
  cr_assert_eq(witness_leap_ms(&w, 5101, 61 * MS), 100);
}
