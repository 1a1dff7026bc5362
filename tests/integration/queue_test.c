/*
 * queue_test.c - the queue on a real Redis: who waits, who runs what until when.
 */
#include "queue/channel.h"
#include "tests/integration/queue_kit.h"

static struct kit kit;
static struct kit *const k = &kit;
static struct kit_answer answer;
static struct kit_answer *const a = &answer;

static void setup(void)
{
  kit_init(k, &(struct queue_options){.lease_ms = 60000});
}

static void teardown(void)
{
  kit_free(a);
  kit_deinit(k);
}

TestSuite(queue, .init = setup, .fini = teardown, .timeout = 60);

/* A short lease: for tests in which it runs out. */
static void lease_of(int64_t ms)
{
  queue_destroy(k->q);
  k->options.lease_ms = ms;
  k->q = queue_create(k->redis, &k->options);
  kit_resume(k, k->q);
}

static bool same(const struct queue_item *x, const struct queue_item *y)
{
  return ulid_compare(&x->id, &y->id) == 0;
}

static void assert_order(const struct queue_item *got, const struct queue_item *expected, size_t n)
{
  for (size_t i = 0; i < n; i++) cr_assert(same(&got[i], &expected[i]), "order %zu", i);
}

/* ── enqueue ────────────────────────────────────────────────────────────────────────────────── */

Test(queue, enqueue_knows_what_waits_is_delayed_or_runs)
{
  struct queue_item *items = kit_items(3);
  items[2].delay_ms = 60000;
  kit_enqueue(k, items, 3);
  cr_assert_eq(kit_where(k), 201);
  items[2].delay_ms = 1;
  kit_enqueue(k, items, 3);
  cr_assert_eq(kit_where(k), 201, "a delayed order stays delayed");
  kit_claim(k, a, 1);
  items[0].delay_ms = items[1].delay_ms = 60000;
  kit_enqueue(k, items, 3);
  cr_assert_eq(kit_where(k), 111, "neither a running nor a waiting one is delayed");
  items[0].delay_ms = items[2].delay_ms = 0;
  kit_enqueue(k, items, 3);
  cr_assert_eq(kit_where(k), 210, "a delayed one that need not be any more waits, in its place");
  kit_enqueue(k, items, 3);
  cr_assert_eq(kit_where(k), 210);
  free(items);
}

Test(queue, enqueue_while_another_runs_and_none_is_delayed)
{
  struct queue_item *items = kit_items(3);
  kit_enqueue(k, items, 2);
  kit_claim(k, a, 1);
  kit_enqueue(k, items + 1, 2);
  cr_assert_eq(kit_where(k), 210);
  kit_enqueue(k, items, 1);
  cr_assert_eq(kit_where(k), 210, "what runs does not wait as well");
  kit_enqueue(k, items, 3);
  cr_assert_eq(kit_where(k), 210, "nor when it is named with others");
  free(items);
}

Test(queue, enqueue_of_the_same_order_twice_in_one_call)
{
  struct queue_item *items = kit_items(1);
  struct queue_item twice[] = {items[0], items[0]};
  twice[1].delay_ms = 60000;
  kit_enqueue(k, twice, 2);
  int64_t where = kit_where(k);
  cr_assert(where == 100 || where == 1, "in one place only");
  free(items);
}

Test(queue, claims_come_in_the_order_of_accept)
{
  enum { N = 100 };
  struct queue_item *items = kit_items(N), shuffled[N];
  for (size_t i = 0; i < N; i++) shuffled[i] = items[i * 37 % N];
  kit_enqueue(k, shuffled, N / 2);
  kit_enqueue(k, shuffled + N / 2, N / 2);
  kit_claim(k, a, N / 4);
  cr_assert_eq(a->n, N / 4);
  assert_order(a->items, items, N / 4);
  kit_claim(k, a, N);
  cr_assert_eq(a->n, N - N / 4);
  assert_order(a->items, items + N / 4, N - N / 4);
  free(items);
}

/* ── claim ──────────────────────────────────────────────────────────────────────────────────── */

Test(queue, claim_says_what_keeps_back_more)
{
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_OPEN && a->wait_ms == -1, "nothing there");
  struct queue_item *items = kit_items(4);
  items[3].delay_ms = 50000;
  kit_enqueue(k, items, 4);
  kit_claim(k, a, 2);
  cr_assert(a->n == 2 && a->gate == QUEUE_OPEN && a->wait_ms == 0, "more at once");
  kit_claim(k, a, 1);
  cr_assert(a->n == 1 && a->gate == QUEUE_OPEN);
  cr_assert(a->wait_ms > 40000 && a->wait_ms <= 50001, "the delayed one: %" PRId64, a->wait_ms);
  free(items);
}

Test(queue, claim_of_none_only_asks)
{
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 0);
  cr_assert(a->n == 0 && a->wait_ms == 0);
  cr_assert_eq(kit_where(k), 100);
  free(items);
}

Test(queue, tokens_are_the_session_and_a_number_and_never_the_same)
{
  struct queue_item *items = kit_items(3);
  kit_enqueue(k, items, 3);
  kit_claim(k, a, 2);
  char first[QUEUE_TOKEN_MAX];
  memcpy(first, a->items[0].token, sizeof first);
  cr_assert_eq(strncmp(first, "session:", 8), 0);
  cr_assert_str_neq(first, a->items[1].token);
  kit_done(k, queue_put_back(k->q, a->items, 2, false, kit_on_done, ok));
  kit_claim(k, a, 2);
  assert_order(a->items, items, 2);
  cr_assert_str_neq(first, a->items[0].token);
  free(items);
}

Test(queue, longest_session_fits_into_a_token)
{
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_call(k, a, queue_claim(k->q, "123456789012345678901234567", 1, kit_on_claimed, a));
  cr_assert_str_eq(a->items[0].token, "123456789012345678901234567:0");
  struct queue_item mine = a->items[0];
  kit_done(k, queue_finish(k->q, &mine, 1, true, kit_on_done, ok));
  cr_assert_eq(kit_counts(k).counts.completed, 1);
  free(items);
}

Test(queue, two_claimers_never_get_the_same)
{
  enum { N = 2000, CLAIMS = 80 };
  struct redis_conn *redis = kit_connect(k);
  struct queue *other = queue_create(redis, &k->options);
  kit_resume(k, other);
  struct queue_item *items = kit_items(N);
  kit_enqueue(k, items, N);

  static struct kit_answer answers[CLAIMS];
  for (size_t i = 0; i < CLAIMS; i++) {
    struct queue *q = i % 2 ? k->q : other;
    const char *session = i % 2 ? "one" : "two";
    cr_assert_eq(queue_claim(q, session, 1 + i % 60, kit_on_claimed, &answers[i]), ST_OK);
  }
  static bool seen[N];
  size_t n = 0;
  for (size_t i = 0; i < CLAIMS; i++) {
    kit_until(k, answers[i].calls == 1);
    for (size_t j = 0; j < answers[i].n; j++, n++) {
      size_t at = 0;
      while (at < N && !same(&items[at], &answers[i].items[j])) at++;
      cr_assert(at < N && !seen[at]);
      seen[at] = true;
    }
    kit_free(&answers[i]);
  }
  cr_assert_eq(n, N);
  kit_close(k, redis);
  queue_destroy(other);
  free(items);
}

/* ── leases ─────────────────────────────────────────────────────────────────────────────────── */

static void reap_until_one(void)
{
  kit_repeat(kit_call(k, a, queue_reap(k->q, 10, kit_on_ids, a)), a->n > 0);
}

Test(queue, lease_runs_out_and_the_order_waits_again)
{
  lease_of(120);
  struct queue_item *items = kit_items(2);
  kit_enqueue(k, items, 2);
  int64_t before = clock_mono_ns();
  kit_claim(k, a, 1);
  struct queue_item mine = a->items[0];
  reap_until_one();
  cr_assert_geq(clock_mono_ns() - before, 120 * 1000000, "never early");
  cr_assert_eq(a->n, 1);
  cr_assert_eq(ulid_compare(&a->ids[0], &mine.id), 0);

  kit_call(k, a, queue_beat(k->q, &mine, 1, kit_on_ids, a));
  cr_assert(a->n == 1 && ulid_compare(&a->ids[0], &mine.id) == 0, "the beat comes too late");
  kit_claim(k, a, 2);
  assert_order(a->items, items, 2);
  cr_assert_str_neq(a->items[0].token, mine.token);
  free(items);
}

Test(queue, reap_takes_at_most_max)
{
  lease_of(1);
  struct queue_item *items = kit_items(5);
  kit_enqueue(k, items, 5);
  kit_claim(k, a, 5);
  kit_pause(k, 5);
  kit_call(k, a, queue_reap(k->q, 2, kit_on_ids, a));
  cr_assert_eq(a->n, 2);
  kit_call(k, a, queue_reap(k->q, 100000, kit_on_ids, a));
  cr_assert_eq(a->n, 3);
  kit_call(k, a, queue_reap(k->q, 2, kit_on_ids, a));
  cr_assert(a->n == 0 && a->status == ST_OK);
  cr_assert_eq(kit_where(k), 500);
  free(items);
}

Test(queue, beats_hold_a_lease)
{
  enum { LEASE_MS = 150 };
  lease_of(LEASE_MS);
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 1);
  struct queue_item mine = a->items[0];
  int64_t start = clock_mono_ms(), beaten = start;
  while (clock_mono_ms() - start < 3 * LEASE_MS) {
    kit_call(k, a, queue_beat(k->q, &mine, 1, kit_on_ids, a));
    cr_assert(a->status == ST_OK && a->n == 0);
    int64_t gap = clock_mono_ms() - beaten;
    beaten = clock_mono_ms();
    kit_call(k, a, queue_reap(k->q, 10, kit_on_ids, a));
    cr_assert(a->n == 0 || gap >= LEASE_MS);
    kit_pause(k, 10);
  }
  free(items);
}

Test(queue, beat_of_a_lease_that_ran_out_but_was_not_taken_holds_it)
{
  lease_of(1);
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 1);
  struct queue_item mine = a->items[0];
  kit_pause(k, 5);
  lease_of(60000);
  kit_call(k, a, queue_beat(k->q, &mine, 1, kit_on_ids, a));
  cr_assert_eq(a->n, 0);
  kit_call(k, a, queue_reap(k->q, 10, kit_on_ids, a));
  cr_assert_eq(a->n, 0);
  free(items);
}

Test(queue, beat_tells_the_lost_from_the_held)
{
  struct queue_item *items = kit_items(3);
  kit_enqueue(k, items, 2);
  kit_claim(k, a, 2);
  struct queue_item beaten[] = {a->items[0], a->items[1], items[2]};
  beaten[1] = (struct queue_item){.id = items[1].id, .token = "another:7"};
  beaten[2].token[0] = 'x';
  kit_call(k, a, queue_beat(k->q, beaten, 3, kit_on_ids, a));
  cr_assert_eq(a->n, 2);
  cr_assert_eq(ulid_compare(&a->ids[0], &items[1].id), 0);
  cr_assert_eq(ulid_compare(&a->ids[1], &items[2].id), 0);
  free(items);
}

/* Claims one order twice over, with a reap between; gives the zombie's item and the holder's. */
static void make_zombie(struct queue_item *zombie, struct queue_item *holder)
{
  lease_of(1);
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 1);
  *zombie = a->items[0];
  reap_until_one();
  lease_of(60000);
  kit_call(k, a, queue_claim(k->q, "next", 1, kit_on_claimed, a));
  cr_assert_eq(a->n, 1);
  *holder = a->items[0];
  free(items);
}

Test(queue, a_zombie_moves_nothing)
{
  struct queue_item zombie, holder;
  make_zombie(&zombie, &holder);
  kit_done(k, queue_finish(k->q, &zombie, 1, true, kit_on_done, ok));
  kit_done(k, queue_put_back(k->q, &zombie, 1, false, kit_on_done, ok));
  zombie.delay_ms = 1000;
  kit_done(k, queue_put_back(k->q, &zombie, 1, true, kit_on_done, ok));
  kit_call(k, a, queue_beat(k->q, &zombie, 1, kit_on_ids, a));
  cr_assert_eq(a->n, 1);
  cr_assert_eq(kit_where(k), 10);
  cr_assert_eq(kit_counts(k).counts.completed, 0);
  kit_call(k, a, queue_beat(k->q, &holder, 1, kit_on_ids, a));
  cr_assert_eq(a->n, 0, "the holder still holds it");
}

/* ── the end of a lease ─────────────────────────────────────────────────────────────────────── */

Test(queue, finish_forgets_and_counts_once)
{
  struct queue_item *items = kit_items(3);
  kit_enqueue(k, items, 3);
  kit_claim(k, a, 3);
  struct queue_item mine[3];
  memcpy(mine, a->items, sizeof mine);
  kit_done(k, queue_finish(k->q, mine, 2, true, kit_on_done, ok));
  kit_done(k, queue_finish(k->q, mine + 2, 1, false, kit_on_done, ok));
  kit_done(k, queue_finish(k->q, mine, 3, true, kit_on_done, ok)); /* its answer was lost, say */
  struct queue_counts c = kit_counts(k).counts;
  cr_assert(c.completed == 2 && c.failed == 1);
  cr_assert_eq(kit_where(k), 0);
  free(items);
}

Test(queue, finish_without_a_lease)
{
  struct queue_item *items = kit_items(4);
  items[1].delay_ms = 60000;
  kit_enqueue(k, items, 3);
  kit_done(k, queue_finish(k->q, items, 2, false, kit_on_done, ok)); /* one waits, one is delayed */
  kit_done(k, queue_finish(k->q, items + 3, 1, false, kit_on_done, ok)); /* unknown */
  cr_assert_eq(kit_where(k), 100);
  cr_assert_eq(kit_counts(k).counts.failed, 3);

  kit_claim(k, a, 1);
  kit_done(k, queue_finish(k->q, items + 2, 1, false, kit_on_done, ok));
  cr_assert_eq(kit_where(k), 10, "whoever holds it is told by PostgreSQL");
  cr_assert_eq(kit_counts(k).counts.failed, 4);
  free(items);
}

Test(queue, finish_after_the_lease_ran_out_keeps_it_from_starting_again)
{
  lease_of(1);
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 1);
  struct queue_item mine = a->items[0];
  reap_until_one();
  kit_done(k, queue_finish(k->q, &mine, 1, true, kit_on_done, ok));
  cr_assert_eq(kit_where(k), 0);
  cr_assert_eq(kit_counts(k).counts.completed, 1);
  free(items);
}

Test(queue, put_back_waits_again_in_its_old_place)
{
  struct queue_item *items = kit_items(3);
  kit_enqueue(k, items, 3);
  kit_claim(k, a, 2);
  struct queue_item mine = a->items[0];
  kit_done(k, queue_put_back(k->q, &mine, 1, false, kit_on_done, ok));
  cr_assert_eq(kit_where(k), 210);
  kit_call(k, a, queue_beat(k->q, &mine, 1, kit_on_ids, a));
  cr_assert_eq(a->n, 1, "the lease is given up");
  kit_claim(k, a, 1);
  cr_assert(same(&a->items[0], &items[0]));
  free(items);
}

Test(queue, put_back_with_a_delay_is_never_early)
{
  enum { DELAY_MS = 100 };
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 1);
  struct queue_item mine = a->items[0];
  mine.delay_ms = DELAY_MS;
  int64_t before = clock_mono_ns();
  kit_done(k, queue_put_back(k->q, &mine, 1, false, kit_on_done, ok));
  cr_assert_eq(kit_where(k), 1);
  kit_claim(k, a, 1);
  cr_assert(a->n == 0 && a->wait_ms > 0 && a->wait_ms <= DELAY_MS + 1);
  kit_repeat(kit_claim(k, a, 1), a->n > 0);
  cr_assert_geq(clock_mono_ns() - before, DELAY_MS * 1000000);
  cr_assert(same(&a->items[0], &items[0]));
  free(items);
}

Test(queue, put_back_of_the_same_twice_in_one_call)
{
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 1);
  struct queue_item twice[] = {a->items[0], a->items[0]};
  twice[1].delay_ms = 60000;
  kit_done(k, queue_put_back(k->q, twice, 2, false, kit_on_done, ok));
  int64_t where = kit_where(k);
  cr_assert(where == 100 || where == 1, "in one place only");
  free(items);
}

Test(queue, drop_forgets_whoever_holds_it)
{
  struct queue_item *items = kit_items(4);
  items[3].delay_ms = 60000;
  kit_enqueue(k, items, 4);
  kit_claim(k, a, 1);
  struct queue_item mine = a->items[0];
  struct ulid ids[] = {items[0].id, items[1].id, items[3].id, ulid_make()};
  kit_done(k, queue_drop(k->q, ids, 4, kit_on_done, ok));
  cr_assert_eq(kit_where(k), 100);
  kit_call(k, a, queue_beat(k->q, &mine, 1, kit_on_ids, a));
  cr_assert_eq(a->n, 1);
  free(items);
}

Test(queue, lost_keys_are_repaired)
{
  lease_of(1);
  struct queue_item *items = kit_items(2);
  kit_enqueue(k, items, 2);
  kit_claim(k, a, 2);
  kit_command(k, "DEL", "leases", NULL);
  kit_pause(k, 5);
  kit_call(k, a, queue_reap(k->q, 10, kit_on_ids, a));
  cr_assert_eq(a->n, 2, "leases without holders run out");
  kit_wipe(k);
  kit_enqueue(k, items, 2);
  kit_claim(k, a, 2);
  assert_order(a->items, items, 2);
  free(items);
}

/* ── many ───────────────────────────────────────────────────────────────────────────────────── */

static int compare_ids(const void *one, const void *other)
{
  return ulid_compare(one, other);
}

/* In which order the parts of a call are answered depends on who loads the script first. */
Test(queue, a_call_about_many_is_answered_once)
{
  enum { N = 1234 };
  struct queue_item *items = kit_items(N);
  kit_enqueue(k, items, N);
  cr_assert_eq(kit_counts(k).counts.waiting, N);
  kit_call(k, a, queue_beat(k->q, items, N, kit_on_ids, a));
  cr_assert_eq(a->n, N);
  qsort(a->ids, N, sizeof *a->ids, compare_ids);
  for (size_t i = 0; i < N; i++) cr_assert_eq(ulid_compare(&a->ids[i], &items[i].id), 0);

  for (size_t at = 0; at < N; at += a->n) {
    kit_claim(k, a, N);
    cr_assert_eq(a->n, N - at < QUEUE_BATCH_MAX ? N - at : QUEUE_BATCH_MAX);
    assert_order(a->items, items + at, a->n);
    memcpy(items + at, a->items, a->n * sizeof *items);
  }
  kit_call(k, a, queue_beat(k->q, items, N, kit_on_ids, a));
  cr_assert_eq(a->n, 0);
  for (size_t i = 0; i < N; i++) items[i].delay_ms = i % 2 ? 60000 : 0;
  kit_done(k, queue_put_back(k->q, items, N, true, kit_on_done, ok));
  cr_assert_eq(kit_where(k), 100 * N / 2 + N / 2);
  kit_done(k, queue_finish(k->q, items, N - 600, true, kit_on_done, ok));
  cr_assert_eq(kit_counts(k).counts.completed, N - 600);
  struct ulid ids[600];
  for (size_t i = 0; i < 600; i++) ids[i] = items[N - 600 + i].id;
  kit_done(k, queue_drop(k->q, ids, 600, kit_on_done, ok));
  cr_assert_eq(kit_where(k), 0);
  free(items);
}

Test(queue, a_call_about_nothing_is_answered_too)
{
  kit_done(k, queue_enqueue(k->q, NULL, 0, kit_on_done, ok));
  kit_done(k, queue_finish(k->q, NULL, 0, true, kit_on_done, ok));
  kit_done(k, queue_put_back(k->q, NULL, 0, true, kit_on_done, ok));
  kit_done(k, queue_drop(k->q, NULL, 0, kit_on_done, ok));
  kit_call(k, a, queue_beat(k->q, NULL, 0, kit_on_ids, a));
  cr_assert(a->status == ST_OK && a->n == 0);
  kit_call(k, a, queue_reap(k->q, 0, kit_on_ids, a));
  cr_assert(a->status == ST_OK && a->n == 0);
}

Test(queue, more_than_a_thousand_due_are_promoted_bit_by_bit)
{
  enum { N = 2500 };
  struct queue_item *items = kit_items(N);
  for (size_t i = 0; i < N; i++) items[i].delay_ms = 1;
  kit_enqueue(k, items, N);
  kit_pause(k, 10);
  size_t given = 0;
  for (int i = 0; i < 10 && given < N; i++, given += a->n) kit_claim(k, a, QUEUE_BATCH_MAX);
  cr_assert_eq(given, N);
  cr_assert_eq(kit_counts(k).counts.active, N);
  free(items);
}

/* ── pause, counts, clock ───────────────────────────────────────────────────────────────────── */

/* Whoever knows the newer switch is right: the keys, or the process that claims. */
Test(queue, a_pause_outlives_the_keys_and_a_process_that_is_behind)
{
  struct queue_item *items = kit_items(1);
  struct queue *late = queue_create(k->redis, &k->options);
  kit_enqueue(k, items, 1);
  kit_done(k, queue_pause(k->q, true, 1000, kit_on_done, ok));
  kit_call(k, a, queue_claim(late, "late", 1, kit_on_claimed, a));
  cr_assert_eq(a->gate, QUEUE_PAUSED);
  kit_command(k, "DEL", "paused", NULL);
  kit_claim(k, a, 1);
  cr_assert_eq(a->gate, QUEUE_PAUSED, "it was told so");
  kit_call(k, a, queue_claim(late, "late", 1, kit_on_claimed, a));
  cr_assert_eq(a->gate, QUEUE_PAUSED, "it knows nothing");
  kit_done(k, queue_pause(late, false, 999, kit_on_done, ok));
  kit_claim(k, a, 1);
  cr_assert_eq(a->gate, QUEUE_PAUSED, "what it knows is newer");
  kit_done(k, queue_pause(k->q, true, 1000, kit_on_done, ok));
  kit_call(k, a, queue_claim(late, "late", 1, kit_on_claimed, a));
  cr_assert_eq(a->gate, QUEUE_PAUSED, "what the keys say is newer");
  queue_doubt_pause(late);
  kit_done(k, queue_pause(late, false, 999, kit_on_done, ok));
  cr_assert(kit_counts(k).counts.paused, "an older one is not taken");
  kit_done(k, queue_pause(late, false, 1001, kit_on_done, ok));
  kit_claim(k, a, 1);
  cr_assert_eq(a->n, 1, "resumed by another");
  queue_doubt_pause(late);
  kit_call(k, a, queue_claim(late, "late", 1, kit_on_claimed, a));
  cr_assert_eq(a->gate, QUEUE_PAUSED, "it may be behind, and the keys, too");
  queue_destroy(late);
  free(items);
}

Test(queue, paused_gives_nothing_until_resumed)
{
  struct queue_item *items = kit_items(2);
  kit_enqueue(k, items, 1);
  kit_done(k, queue_pause(k->q, true, kit_version(), kit_on_done, ok));
  kit_done(k, queue_pause(k->q, true, kit_version(), kit_on_done, ok));
  cr_assert(kit_counts(k).counts.paused);
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_PAUSED && a->wait_ms == -1);
  kit_enqueue(k, items + 1, 1);
  kit_done(k, queue_pause(k->q, false, kit_version(), kit_on_done, ok));
  cr_assert_not(kit_counts(k).counts.paused);
  kit_claim(k, a, 5);
  cr_assert(a->n == 2 && a->gate == QUEUE_OPEN);
  free(items);
}

Test(queue, counts)
{
  struct queue_counts c = kit_counts(k).counts;
  cr_assert(c.waiting == 0 && c.active == 0 && c.delayed == 0 && c.completed == 0);
  cr_assert(c.failed == 0 && c.used_in_window == 0 && c.oldest_waiting_ms == 0 && !c.paused);
  struct queue_item *items = kit_items(6);
  int64_t made = clock_unix_ms();
  items[5].delay_ms = 60000;
  kit_enqueue(k, items, 6);
  kit_claim(k, a, 2);
  kit_pause(k, 30);
  c = kit_counts(k).counts;
  cr_assert(c.waiting == 3 && c.active == 2 && c.delayed == 1);
  cr_assert_geq(c.oldest_waiting_ms, 30);
  cr_assert_leq(c.oldest_waiting_ms, clock_unix_ms() - made + 10);
  free(items);
}

static int64_t clock_key(void)
{
  struct kit_answer got = kit_command(k, "GET", "clock", NULL);
  return strtoll(got.text, NULL, 10);
}

Test(queue, time_never_goes_back_and_never_stands_still)
{
  enum { HOUR_MS = 3600000 };
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 1);
  int64_t now = clock_key();
  char ahead[32];
  snprintf(ahead, sizeof ahead, "%" PRId64, now + HOUR_MS); /* as if TIME had gone back an hour */
  kit_command(k, "SET", "clock", ahead);
  struct queue_item mine = a->items[0];
  mine.delay_ms = 40;
  int64_t start_ns = clock_mono_ns();
  kit_done(k, queue_put_back(k->q, &mine, 1, false, kit_on_done, ok));
  int64_t then = clock_key();
  cr_assert_geq(then, now + HOUR_MS);
  kit_repeat(kit_claim(k, a, 1), a->n > 0);
  cr_assert_geq(clock_mono_ns() - start_ns, 40 * 1000000);
  cr_assert_geq(clock_key(), then + 40);
  cr_assert_lt(clock_key(), then + HOUR_MS);
  kit_command(k, "SET", "clock", "nonsense");
  kit_claim(k, a, 1);
  cr_assert_lt(clock_key(), now + HOUR_MS, "what is no time is as good as none");
  free(items);
}

/* TIME had gone back an hour and is right again: an hour has not passed, neither for the limiter
 * nor for leases. */
Test(queue, a_clock_that_is_set_right_again_is_no_leap)
{
  enum { HOUR_MS = 3600000 };
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 0);
  int64_t now = clock_key();
  for (int behind_ms = -5; behind_ms <= 5; behind_ms += 5) {
    char text[48];
    snprintf(text, sizeof text, "%" PRId64 " %d", now + behind_ms, HOUR_MS);
    kit_command(k, "SET", "clock", text);
    kit_claim(k, a, 1);
    cr_assert_geq(clock_key(), now + behind_ms);
    cr_assert_lt(clock_key(), now + HOUR_MS / 2);
  }
  free(items);
}

/* TIME went back, and nobody called for more than half as long: it is not right again. */
Test(queue, a_pause_is_not_a_clock_that_is_set_right)
{
  enum { AHEAD_MS = 2000, PAUSE_MS = 1200 };
  struct queue_item *items = kit_items(1);
  kit_enqueue(k, items, 1);
  kit_claim(k, a, 0);
  int64_t last = clock_key() + AHEAD_MS - PAUSE_MS;
  char text[48];
  snprintf(text, sizeof text, "%" PRId64 " %d", last, AHEAD_MS);
  kit_command(k, "SET", "clock", text);
  kit_claim(k, a, 1);
  cr_assert_geq(clock_key(), last + PAUSE_MS, "the time of the pause has passed");
  struct kit_answer got = kit_command(k, "GET", "clock", NULL);
  cr_assert_str_eq(strchr(got.text, ' ') + 1, "2000", "%s", got.text);
  free(items);
}

Test(queue, a_refusal_of_redis_is_reported)
{
  kit_command(k, "SET", "waiting", "no sorted set");
  struct queue_item *items = kit_items(600);
  kit_call(k, a, queue_enqueue(k->q, items, 600, kit_on_done, a));
  cr_assert_eq(a->status, ST_BROKEN);
  kit_call(k, a, queue_claim(k->q, "session", 1, kit_on_claimed, a));
  cr_assert(a->status == ST_BROKEN && a->n == 0);
  kit_call(k, a, queue_counts(k->q, kit_on_counts, a));
  cr_assert_eq(a->status, ST_BROKEN);
  kit_command(k, "DEL", "waiting", NULL);
  kit_command(k, "SET", "leases", "no hash");
  kit_call(k, a, queue_beat(k->q, items, 600, kit_on_ids, a));
  cr_assert(a->status == ST_BROKEN && a->n == 0);
  free(items);
}

/* ── pub/sub ────────────────────────────────────────────────────────────────────────────────── */

struct heard {
  int wakes, events;
  char text[64];
};

static void on_message(void *arg, const char *channel, const char *text, size_t len)
{
  struct heard *h = arg;
  if (strcmp(channel, queue_wake_channel(k->q)) == 0) {
    cr_assert_eq(len, 0);
    h->wakes++;
  } else {
    cr_assert_str_eq(channel, queue_event_channel(k->q));
    snprintf(h->text, sizeof h->text, "%.*s", (int)len, text);
    h->events++;
  }
}

static struct redis_conn *listen_to(struct heard *h)
{
  struct redis_options options = {
      .url = k->url, .name = "listener", .deadline_ms = 5000, .on_message = on_message, .arg = h};
  struct redis_conn *redis = redis_connect(&k->loop, &options);
  redis_subscribe(redis, queue_wake_channel(k->q));
  redis_subscribe(redis, queue_event_channel(k->q));
  kit_until(k, redis_up(redis));
  /* Up, and still the subscription may be under way: say something until it is heard. */
  while (h->events == 0) {
    cr_assert_eq(queue_publish(k->q, "hello", 5), ST_OK);
    kit_pause(k, 2);
  }
  return redis;
}

/* The wakes so far: all of them, for an event published after them has come. */
static int wakes(struct heard *h)
{
  cr_assert_eq(queue_publish(k->q, "fence", 5), ST_OK);
  h->text[0] = '\0';
  kit_until(k, strcmp(h->text, "fence") == 0);
  return h->wakes;
}

Test(queue, claimers_are_woken_when_there_is_something_for_them)
{
  struct heard h = {0};
  struct redis_conn *listener = listen_to(&h);
  struct queue_item *items = kit_items(5);
  items[3].delay_ms = 50000;
  items[4].delay_ms = 90000;
  kit_enqueue(k, items, 2);
  cr_assert_eq(wakes(&h), 1, "work at once");
  kit_enqueue(k, items, 2);
  cr_assert_eq(wakes(&h), 1, "nothing new");
  kit_enqueue(k, items + 3, 1);
  cr_assert_eq(wakes(&h), 2, "the first that is delayed");
  kit_enqueue(k, items + 4, 1);
  cr_assert_eq(wakes(&h), 2, "due later than another");
  items[2].delay_ms = 40000;
  kit_enqueue(k, items + 2, 1);
  cr_assert_eq(wakes(&h), 3, "due sooner than any");

  kit_claim(k, a, 1);
  struct queue_item mine = a->items[0];
  kit_done(k, queue_put_back(k->q, &mine, 1, false, kit_on_done, ok));
  cr_assert_eq(wakes(&h), 4);
  kit_done(k, queue_pause(k->q, true, kit_version(), kit_on_done, ok));
  cr_assert_eq(wakes(&h), 4);
  kit_done(k, queue_pause(k->q, false, kit_version(), kit_on_done, ok));
  cr_assert_eq(wakes(&h), 5);
  lease_of(1);
  kit_claim(k, a, 1);
  reap_until_one();
  cr_assert_eq(wakes(&h), 6);
  kit_close(k, listener);
  free(items);
}

Test(queue, publish_reaches_the_listeners)
{
  struct heard h = {0};
  struct redis_conn *listener = listen_to(&h);
  cr_assert_eq(queue_publish(k->q, "{\"seq\":1}", 9), ST_OK);
  kit_until(k, strcmp(h.text, "{\"seq\":1}") == 0);
  kit_close(k, listener);
}
