/* starts_test.c - never more than the limit in any window, and all of it used. */
#include "workers/starts.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { LIMIT = 7, WINDOW_MS = 100 };

Test(starts, as_many_as_the_limit_then_one_for_each_that_leaves)
{
  struct starts *s = starts_create(LIMIT, WINDOW_MS);
  cr_assert_eq(starts_allowed(s, 1000, 100), LIMIT);
  cr_assert_eq(starts_allowed(s, 1000, 3), 3);
  cr_assert_eq(starts_wait_ms(s, 1000), 0);
  for (int i = 0; i < LIMIT; i++) starts_note(s, 1000 + i);
  cr_assert_eq(starts_allowed(s, 1050, 100), 0);
  cr_assert_eq(starts_wait_ms(s, 1050), 51);
  cr_assert_eq(starts_allowed(s, 1100, 100), 0, "1000 may have been 1000.9");
  cr_assert_eq(starts_allowed(s, 1101, 100), 1);
  cr_assert_eq(starts_allowed(s, 1103, 100), 3);
  cr_assert_eq(starts_allowed(s, 1103, 2), 2);
  cr_assert_eq(starts_wait_ms(s, 1103), 0);
  cr_assert_eq(starts_allowed(s, 5000, 100), LIMIT);
  starts_destroy(s);
}

/* Asked at any times, with idle gaps and in bursts. */
Test(starts, never_more_in_any_window)
{
  enum { N = 20000 };
  static int64_t at_ms[N];
  struct starts *s = starts_create(LIMIT, WINDOW_MS);
  size_t n = 0;
  int64_t now_ms = 1000;
  srand(7);
  while (n < N) {
    now_ms += rand() % 10 ? rand() % 15 : rand() % (3 * WINDOW_MS);
    size_t wanted = (size_t)rand() % (2 * LIMIT), allowed = starts_allowed(s, now_ms, wanted);
    cr_assert_leq(allowed, wanted);
    cr_assert(allowed > 0 || wanted == 0 || starts_wait_ms(s, now_ms) > 0);
    for (size_t i = 0; i < allowed && n < N; i++) starts_note(s, at_ms[n++] = now_ms);
  }
  for (size_t i = LIMIT; i < N; i++) cr_assert_gt(at_ms[i] - at_ms[i - LIMIT], WINDOW_MS);
  starts_destroy(s);
}
