/* throttle_test.c - by a clock of its own: the window, the way back, the bound. */
#include "auth/throttle.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(throttle, so_many_at_once_and_they_come_back_evenly)
{
  struct throttle *t = throttle_create(16, 4, 1000);
  struct throttle_state s;
  for (int i = 0; i < 4; i++) {
    cr_assert(throttle_take(t, "a", 5000, &s));
    cr_assert_eq(s.limit, 4);
    cr_assert_eq(s.remaining, 3 - i);
    cr_assert_eq(s.reset_ms, 250 * (i + 1));
    cr_assert_eq(s.retry_ms, 0);
  }
  cr_assert_not(throttle_take(t, "a", 5000, &s));
  cr_assert_eq(s.remaining, 0);
  cr_assert_eq(s.retry_ms, 250);
  cr_assert_not(throttle_take(t, "a", 5249, &s));
  cr_assert_eq(s.retry_ms, 1);
  cr_assert(throttle_take(t, "a", 5250, &s));
  cr_assert_not(throttle_take(t, "a", 5250, NULL));
  cr_assert(throttle_take(t, "b", 5250, NULL), "each key has its own");
  for (int i = 0; i < 4; i++) cr_assert(throttle_take(t, "a", 9000, NULL));
  cr_assert_not(throttle_take(t, "a", 9000, NULL), "nothing is saved up beyond the limit");
  throttle_destroy(t);
}

Test(throttle, refusals_cost_nothing)
{
  struct throttle *t = throttle_create(16, 1, 100);
  cr_assert(throttle_take(t, "a", 0, NULL));
  for (int ms = 0; ms < 100; ms++) cr_assert_not(throttle_take(t, "a", ms, NULL));
  cr_assert(throttle_take(t, "a", 100, NULL));
  throttle_destroy(t);
}

Test(throttle, looking_counts_nothing)
{
  struct throttle *t = throttle_create(16, 1, 1000);
  struct throttle_state s;
  for (int i = 0; i < 3; i++) cr_assert(throttle_look(t, "a", 0, &s));
  cr_assert(throttle_take(t, "a", 0, NULL));
  cr_assert_not(throttle_look(t, "a", 400, &s));
  cr_assert_eq(s.retry_ms, 600);
  cr_assert(throttle_look(t, "a", 1000, &s));
  throttle_destroy(t);
}

Test(throttle, in_no_window_more_than_twice_the_limit_and_in_the_long_run_the_limit)
{
  struct throttle *t = throttle_create(4, 100, 1000);
  int taken = 0;
  for (int64_t ms = 0; ms < 10000; ms++) taken += throttle_take(t, "a", ms, NULL);
  cr_assert_leq(taken, 1100);
  cr_assert_geq(taken, 1090);
  throttle_destroy(t);
}

Test(throttle, a_full_table_forgets_who_was_longest_not_seen)
{
  struct throttle *t = throttle_create(100, 1, 1000000);
  char key[32];
  for (int i = 0; i < 100; i++) {
    snprintf(key, sizeof key, "key-%d", i);
    cr_assert(throttle_take(t, key, 0, NULL));
  }
  cr_assert_not(throttle_take(t, "key-0", 1, NULL)); /* seen now, so key-1 is the oldest */
  cr_assert(throttle_take(t, "new", 1, NULL));
  cr_assert_not(throttle_take(t, "key-0", 2, NULL));
  cr_assert_not(throttle_take(t, "new", 2, NULL));
  cr_assert(throttle_take(t, "key-1", 2, NULL), "was forgotten");
  for (int i = 0; i < 100000; i++) {
    snprintf(key, sizeof key, "flood-%d", i);
    cr_assert(throttle_take(t, key, 3, NULL));
  }
  throttle_destroy(t);
}

Test(throttle, long_keys_count_by_their_beginning)
{
  char key[THROTTLE_KEY_MAX + 32];
  struct throttle *t = throttle_create(4, 1, 1000);
  for (size_t i = 0; i < sizeof key - 1; i++) key[i] = 'k';
  key[sizeof key - 1] = '\0';
  cr_assert(throttle_take(t, key, 0, NULL));
  key[sizeof key - 2] = 'x';
  cr_assert_not(throttle_take(t, key, 0, NULL));
  throttle_destroy(t);
}
