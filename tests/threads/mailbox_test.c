/*
 * mailbox_test.c - many posters and takers on one small mailbox, for TSan: nothing is lost, nothing
 * comes twice, every poster's items come in order, and closing wakes whoever waits.
 */
#include "base/mailbox.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { POSTERS = 4, TAKERS = 4, EACH = 20000, CAPACITY = 16 };

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                    \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

/* number is written before the post and overwritten after the take: TSan watches. */
struct item {
  int poster, number;
};

static struct item items[POSTERS][EACH];
static atomic_int n_taken;

struct poster {
  struct mailbox *mailbox;
  int index;
};

static void *run_poster(void *arg)
{
  const struct poster *p = arg;
  for (int i = 0; i < EACH; i++) {
    struct item *item = &items[p->index][i];
    *item = (struct item){p->index, i + 1};
    bool waits = p->index % 2 == 0;
    if (waits) CHECK(mailbox_post_wait(p->mailbox, item));
    while (!waits && !mailbox_post(p->mailbox, item)) sched_yield();
  }
  return NULL;
}

/* An item taken twice has the number 0, one out of order is not above the last one. */
static void check_item(struct item *item, int last[POSTERS])
{
  CHECK(item->number > last[item->poster]);
  last[item->poster] = item->number;
  item->number = 0;
  atomic_fetch_add(&n_taken, 1);
}

static void *run_taker(void *arg)
{
  int last[POSTERS] = {0};
  for (struct item *item; (item = mailbox_take(arg, INT64_MAX)) != NULL;) check_item(item, last);
  return NULL;
}

/* Takes with deadlines and in batches. */
static void *run_batch_taker(void *arg)
{
  int last[POSTERS] = {0};
  while (atomic_load(&n_taken) < POSTERS * EACH) {
    void *batch[5];
    struct item *item = mailbox_take(arg, clock_mono_ns() + 1000000);
    if (item) check_item(item, last);
    size_t n = mailbox_drain(arg, batch, 5);
    for (size_t i = 0; i < n; i++) check_item(batch[i], last);
  }
  return NULL;
}

static void test_nothing_lost_or_doubled(void)
{
  struct mailbox *m = mailbox_create(CAPACITY, NULL, NULL);
  struct poster posters[POSTERS];
  pthread_t posting[POSTERS], taking[TAKERS];
  for (int i = 0; i < TAKERS; i++)
    CHECK(pthread_create(&taking[i], NULL, i % 2 ? run_batch_taker : run_taker, m) == 0);
  for (int i = 0; i < POSTERS; i++) {
    posters[i] = (struct poster){m, i};
    CHECK(pthread_create(&posting[i], NULL, run_poster, &posters[i]) == 0);
  }
  for (int i = 0; i < POSTERS; i++) pthread_join(posting[i], NULL);
  mailbox_close(m);
  for (int i = 0; i < TAKERS; i++) pthread_join(taking[i], NULL);
  CHECK(atomic_load(&n_taken) == POSTERS * EACH);
  CHECK(mailbox_len(m) == 0);
  mailbox_destroy(m);
}

/* A loop that sleeps until it is woken, and drains until nothing is left: it must get everything,
 * so no wake may be missing. */
static void on_wake(void *arg)
{
  sem_post(arg);
}

static void test_no_wake_is_missing(void)
{
  sem_t woken;
  CHECK(sem_init(&woken, 0, 0) == 0);
  struct mailbox *m = mailbox_create(CAPACITY, on_wake, &woken);
  struct poster posters[POSTERS];
  pthread_t posting[POSTERS];
  for (int i = 0; i < POSTERS; i++) {
    posters[i] = (struct poster){m, i};
    CHECK(pthread_create(&posting[i], NULL, run_poster, &posters[i]) == 0);
  }
  int last[POSTERS] = {0}, got = 0;
  while (got < POSTERS * EACH) {
    void *batch[5];
    while (sem_wait(&woken) != 0) continue;
    for (size_t n; (n = mailbox_drain(m, batch, 5)) > 0; got += (int)n)
      for (size_t i = 0; i < n; i++) check_item(batch[i], last);
  }
  for (int i = 0; i < POSTERS; i++) pthread_join(posting[i], NULL);
  mailbox_destroy(m);
  sem_destroy(&woken);
}

static void *take_none(void *arg)
{
  CHECK(mailbox_take(arg, INT64_MAX) == NULL);
  return NULL;
}

static void *post_in_vain(void *arg)
{
  CHECK(!mailbox_post_wait(arg, arg));
  return NULL;
}

static void test_close_wakes_waiters(void *(*wait)(void *arg), bool full)
{
  struct mailbox *m = mailbox_create(1, NULL, NULL);
  pthread_t waiting[TAKERS];
  if (full) CHECK(mailbox_post(m, m));
  for (int i = 0; i < TAKERS; i++) CHECK(pthread_create(&waiting[i], NULL, wait, m) == 0);
  mailbox_close(m);
  for (int i = 0; i < TAKERS; i++) pthread_join(waiting[i], NULL);
  if (full) CHECK(mailbox_take(m, 0) == m);
  mailbox_destroy(m);
}

/* One taker's time is up at about the moment of a post, another one waits for ever: whichever of
 * them was called, what is left in the mailbox is not slept over. */
struct brief {
  struct mailbox *mailbox;
  int64_t until_ns;
};

static void *take_briefly(void *arg)
{
  const struct brief *b = arg;
  return mailbox_take(b->mailbox, b->until_ns);
}

static void *take_one(void *arg)
{
  return mailbox_take(arg, INT64_MAX);
}

static void test_time_up_at_a_post(int64_t late_ns)
{
  struct brief b = {mailbox_create(2, NULL, NULL), clock_mono_ns() + 200000};
  pthread_t brief, patient;
  void *got, *other;
  CHECK(pthread_create(&patient, NULL, take_one, b.mailbox) == 0);
  CHECK(pthread_create(&brief, NULL, take_briefly, &b) == 0);
  while (clock_mono_ns() < b.until_ns + late_ns) continue;
  CHECK(mailbox_post(b.mailbox, &b));
  pthread_join(brief, &got);
  if (got) CHECK(got == &b && mailbox_post(b.mailbox, &b));
  pthread_join(patient, &other);
  CHECK(other == &b && mailbox_len(b.mailbox) == 0);
  mailbox_destroy(b.mailbox);
}

int main(void)
{
  test_nothing_lost_or_doubled();
  test_no_wake_is_missing();
  for (int i = 0; i < 200; i++) {
    test_close_wakes_waiters(take_none, false);
    test_close_wakes_waiters(post_in_vain, true);
  }
  for (int i = 0; i < 4000; i++) test_time_up_at_a_post(i % 100 * 1000);
  puts("mailbox: ok");
  return 0;
}
