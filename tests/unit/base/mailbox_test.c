/* The mailbox seen from one thread, and with one other; tests/threads/ has many. */
#include "base/mailbox.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include "base/clock.h"

static int items[1000];
static int wakes;

static void on_wake(void *arg)
{
  ++*(int *)arg;
}

Test(mailbox, first_in_first_out_around_the_ring)
{
  struct mailbox *m = mailbox_create(7, NULL, NULL);
  int in = 0, taken = 0;
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < round % 7 + 1; i++) cr_assert(mailbox_post(m, &items[in++]));
    cr_assert_eq(mailbox_len(m), (size_t)(in - taken));
    while (taken < in) cr_assert_eq(mailbox_take(m, INT64_MAX), &items[taken++]);
  }
  mailbox_destroy(m);
}

Test(mailbox, full)
{
  struct mailbox *m = mailbox_create(2, NULL, NULL);
  cr_assert(mailbox_post(m, &items[0]));
  cr_assert(mailbox_post(m, &items[1]));
  cr_assert_not(mailbox_post(m, &items[2]));
  cr_assert_eq(mailbox_take(m, 0), &items[0]);
  cr_assert(mailbox_post(m, &items[2]));
  cr_assert_eq(mailbox_len(m), 2);
  mailbox_destroy(m);
}

Test(mailbox, wakes_only_when_it_was_empty)
{
  struct mailbox *m = mailbox_create(4, on_wake, &wakes);
  void *out[4];
  mailbox_post(m, &items[0]);
  mailbox_post(m, &items[1]);
  cr_assert_eq(wakes, 1);
  cr_assert_eq(mailbox_drain(m, out, 1), 1);
  mailbox_post(m, &items[2]);
  cr_assert_eq(wakes, 1, "one was left");
  cr_assert_eq(mailbox_drain(m, out, 4), 2);
  cr_assert_eq(out[0], &items[1]);
  cr_assert_eq(out[1], &items[2]);
  cr_assert_eq(mailbox_drain(m, out, 4), 0);
  cr_assert(mailbox_post_wait(m, &items[3]));
  cr_assert_eq(wakes, 2);
  mailbox_close(m);
  cr_assert_not(mailbox_post(m, &items[4]));
  cr_assert_eq(wakes, 2);
  mailbox_destroy(m);
}

/* A wake that posts again would hang if the lock were held. */
struct again {
  struct mailbox *mailbox;
  bool done;
};

static void on_wake_post(void *arg)
{
  struct again *a = arg;
  if (a->done) return;
  a->done = true;
  cr_assert(mailbox_post(a->mailbox, &items[1]));
}

Test(mailbox, wake_is_called_outside_the_lock, .timeout = 10)
{
  struct again a = {0};
  a.mailbox = mailbox_create(4, on_wake_post, &a);
  cr_assert(mailbox_post(a.mailbox, &items[0]));
  cr_assert_eq(mailbox_len(a.mailbox), 2);
  mailbox_destroy(a.mailbox);
}

Test(mailbox, taking_with_a_deadline)
{
  struct mailbox *m = mailbox_create(4, NULL, NULL);
  cr_assert_null(mailbox_take(m, 0));
  cr_assert_null(mailbox_take(m, -5));
  cr_assert_null(mailbox_take(m, INT64_MIN));
  int64_t deadline = clock_mono_ns() + 20000000;
  cr_assert_null(mailbox_take(m, deadline));
  cr_assert_geq(clock_mono_ns(), deadline, "not early");
  mailbox_post(m, &items[0]);
  cr_assert_eq(mailbox_take(m, 0), &items[0], "there is something: the time does not matter");
  mailbox_destroy(m);
}

Test(mailbox, closed_gives_what_is_left_then_nothing)
{
  struct mailbox *m = mailbox_create(4, NULL, NULL);
  void *out[4];
  mailbox_post(m, &items[0]);
  mailbox_post(m, &items[1]);
  mailbox_post(m, &items[2]);
  mailbox_close(m);
  mailbox_close(m);
  cr_assert_not(mailbox_post(m, &items[3]));
  cr_assert_not(mailbox_post_wait(m, &items[3]));
  cr_assert_eq(mailbox_take(m, INT64_MAX), &items[0]);
  cr_assert_eq(mailbox_drain(m, out, 4), 2);
  cr_assert_null(mailbox_take(m, INT64_MAX));
  mailbox_destroy(m);
}

static void *take_one(void *arg)
{
  return mailbox_take(arg, INT64_MAX);
}

Test(mailbox, a_waiting_taker_gets_what_is_posted, .timeout = 10)
{
  struct mailbox *m = mailbox_create(1, NULL, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, take_one, m);
  cr_assert(mailbox_post(m, &items[5]));
  void *got = NULL;
  pthread_join(thread, &got);
  cr_assert_eq(got, &items[5]);
  mailbox_destroy(m);
}

static void *post_two(void *arg)
{
  bool both = mailbox_post_wait(arg, &items[1]) && mailbox_post_wait(arg, &items[2]);
  return both ? arg : NULL;
}

Test(mailbox, a_waiting_poster_gets_room, .timeout = 10)
{
  struct mailbox *m = mailbox_create(1, NULL, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, post_two, m);
  cr_assert_eq(mailbox_take(m, INT64_MAX), &items[1]);
  cr_assert_eq(mailbox_take(m, INT64_MAX), &items[2]);
  void *both = NULL;
  pthread_join(thread, &both);
  cr_assert_not_null(both);
  mailbox_destroy(m);
}

Test(mailbox, destroying_none)
{
  mailbox_destroy(NULL);
}
