/*
 * submit_test.c - orders whose intents became durable together, on a worker thread each; the test
 * is the loop that answers their reports, and the venue.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "workers/host.h"

enum { N = 5, DEADLINE_MS = 1000, PATIENCE_MS = 10000, BOOK_MAX = 4 * N };

/* What the venue was asked, and what it says: by the first byte of a hash. */
static struct {
  pthread_mutex_t lock;
  char batches[BOOK_MAX], singles[BOOK_MAX];
  enum ox_venue_result says[N];
  bool declines;
} venue_book = {.lock = PTHREAD_MUTEX_INITIALIZER};

static enum ox_venue_result on_build(void *self, const struct ox_swap *swap, uint64_t nonce,
                                     struct ox_tx *tx)
{
  (void)self, (void)nonce;
  snprintf(tx->tx_hash, sizeof tx->tx_hash, "%s", swap->order_id);
  return OX_VENUE_OK;
}

static enum ox_venue_result note(char *book, const struct ox_tx *tx)
{
  size_t len = strlen(book);
  snprintf(book + len, BOOK_MAX - len, "%s", tx->tx_hash);
  return venue_book.says[tx->tx_hash[0] - '0'];
}

static enum ox_venue_result on_submit(void *self, const struct ox_tx *tx, int64_t deadline_ms)
{
  (void)self, (void)deadline_ms;
  pthread_mutex_lock(&venue_book.lock);
  enum ox_venue_result result = note(venue_book.singles, tx);
  pthread_mutex_unlock(&venue_book.lock);
  return result;
}

static int on_submit_batch(struct ox_batch_item *items, size_t n, int64_t deadline_ms)
{
  (void)deadline_ms;
  if (venue_book.declines) return 0;
  pthread_mutex_lock(&venue_book.lock);
  for (size_t i = 0; i < n; i++) items[i].result = note(venue_book.batches, items[i].tx);
  size_t len = strlen(venue_book.batches);
  snprintf(venue_book.batches + len, BOOK_MAX - len, ".");
  pthread_mutex_unlock(&venue_book.lock);
  return 1;
}

static enum ox_venue_result on_lookup(void *self, const char *tx_hash, int64_t deadline_ms,
                                      struct ox_landing *landing)
{
  (void)self, (void)tx_hash, (void)deadline_ms;
  landing->state = OX_LANDING_ABSENT;
  return OX_VENUE_OK;
}

static const struct ox_venue table = {.size = sizeof table,
                                      .name = "east",
                                      .submit_class = OX_SUBMIT_DEDUP_BY_KEY,
                                      .build = on_build,
                                      .submit = on_submit,
                                      .lookup = on_lookup,
                                      .submit_batch = on_submit_batch};
static const struct registry_venue registered = {&table, NULL, 0};

size_t registry_venues(const struct registry *r)
{
  (void)r;
  return 1;
}

const struct registry_venue *registry_venue_at(const struct registry *r, size_t i)
{
  (void)r, (void)i;
  return &registered;
}

const struct registry_venue *registry_venue(const struct registry *r, const char *name)
{
  (void)r, (void)name;
  return &registered;
}

/* ── the jobs ────────────────────────────────────────────────────────────────────────────────── */

static struct session_guard guard;
static struct job_env env;
static struct job jobs[N];
static pthread_t threads[N];
static enum ox_status_code codes[N];

static void *submit(void *arg)
{
  struct job *job = arg;
  struct ox_receipt receipt = {.size = sizeof receipt};
  const struct ox_swap swap = {.size = sizeof swap, .order_id = job->order_id, .in_amount = 7};
  codes[job - jobs] = host_submit(job, "east", &swap, &receipt);
  return NULL;
}

static void setup(void)
{
  const struct venues_options options = {
      .breaker = {.failures = 100, .window_ms = 10000, .open_ms = 10},
      .deadline_ms = DEADLINE_MS,
      .callers = 1};
  atomic_store(&guard.incarnation, 1);
  atomic_store(&guard.valid_until_ns, INT64_MAX);
  env = (struct job_env){
      .venues = venues_create(&options), .guard = &guard, .reports = mailbox_create(N, NULL, NULL)};
  for (int i = 0; i < N; i++) {
    struct job *job = &jobs[i];
    job->env = &env;
    job->incarnation = 1;
    job->inbox = mailbox_create(64, NULL, NULL);
    list_init(&job->chain);
    list_init(&job->batch);
    snprintf(job->order_id, sizeof job->order_id, "%d", i);
  }
}

static void teardown(void)
{
  for (int i = 0; i < N; i++) {
    for (struct list_node *n; (n = list_pop(&jobs[i].chain)) != NULL;)
      journal_entry_free(container_of(n, struct journal_entry, node));
    free(jobs[i].intent);
    mailbox_destroy(jobs[i].inbox);
  }
  mailbox_destroy(env.reports);
  cr_assert(venues_stop(env.venues));
  venues_destroy(env.venues);
}

TestSuite(submit, .init = setup, .fini = teardown, .timeout = 60);

/* Starts everybody, and waits until all have reported their intents and what is to come of them. */
static void begin(void)
{
  for (int i = 0; i < N; i++) cr_assert_eq(pthread_create(&threads[i], NULL, submit, &jobs[i]), 0);
  for (int i = 0; i < N; i++) {
    struct report *r = mailbox_take(env.reports, clock_mono_ns() + (int64_t)PATIENCE_MS * 1000000);
    cr_assert_not_null(r);
    cr_assert(r->answer && r->job->batch_venue == &registered);
    cr_assert_not_null(container_of(list_first(&r->entries), struct journal_entry, node)->intent);
    journal_entry_free(container_of(list_pop(&r->entries), struct journal_entry, node));
    free(r);
  }
}

/* Answers the first of them, who is to send the others' along. */
static void answer(void)
{
  for (int i = 1; i < N; i++) list_append(&jobs[0].batch, &jobs[i].in_batch);
  host_answer(&jobs[0], ST_OK);
  for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
}

Test(submit, one_call_for_all_of_a_batch)
{
  begin();
  answer();
  for (int i = 0; i < N; i++) cr_expect_eq(codes[i], OX_OK, "order %d", i);
  cr_expect_str_eq(venue_book.batches, "01234.");
  cr_expect_str_empty(venue_book.singles);
}

Test(submit, each_is_told_what_the_venue_said_to_its_own)
{
  venue_book.says[2] = OX_VENUE_REJECTED;
  venue_book.says[3] = OX_VENUE_TIMEOUT;
  begin();
  answer();
  for (int i = 0; i < N; i++)
    cr_expect_eq(codes[i], i == 2 ? OX_REFUSED : OX_OK, "order %d: %d", i, codes[i]);
  cr_expect_null(jobs[2].intent, "closed: nothing moved");
  cr_expect_not_null(jobs[3].intent, "unknown: still open");
}

Test(submit, what_is_not_taken_together_goes_one_by_one_and_once)
{
  venue_book.declines = true;
  begin();
  answer();
  for (int i = 0; i < N; i++) {
    char hash = (char)('0' + i);
    cr_expect_eq(codes[i], OX_OK, "order %d", i);
    cr_expect_not_null(strchr(venue_book.singles, hash));
    cr_expect_eq(strchr(venue_book.singles, hash), strrchr(venue_book.singles, hash));
  }
  cr_expect_str_empty(venue_book.batches);
}

Test(submit, orders_that_were_lost_meanwhile_are_left_out)
{
  begin();
  job_cancel(&jobs[1]);
  job_cancel(&jobs[4]);
  answer();
  for (int i = 0; i < N; i++)
    cr_expect_eq(codes[i], i == 1 || i == 4 ? OX_LOST : OX_OK, "order %d", i);
  cr_expect_str_eq(venue_book.batches, "023.");
  cr_expect_str_empty(venue_book.singles);
}

Test(submit, a_lost_one_sends_the_others_all_the_same)
{
  begin();
  job_cancel(&jobs[0]);
  answer();
  for (int i = 0; i < N; i++) cr_expect_eq(codes[i], i == 0 ? OX_LOST : OX_OK, "order %d", i);
  cr_expect_str_eq(venue_book.batches, "1234.");
}

Test(submit, the_only_one_that_is_left_goes_alone)
{
  begin();
  for (int i = 0; i < N; i++)
    if (i != 3) job_cancel(&jobs[i]);
  answer();
  for (int i = 0; i < N; i++) cr_expect_eq(codes[i], i == 3 ? OX_OK : OX_LOST, "order %d", i);
  cr_expect_str_empty(venue_book.batches);
  cr_expect_str_eq(venue_book.singles, "3");
}

Test(submit, with_the_session_over_nothing_is_sent)
{
  begin();
  atomic_store(&guard.incarnation, 2);
  answer();
  for (int i = 0; i < N; i++) cr_expect_eq(codes[i], OX_LOST, "order %d", i);
  cr_expect_str_empty(venue_book.batches);
  cr_expect_str_empty(venue_book.singles);
}
