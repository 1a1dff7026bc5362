/*
 * queue_limit_test.c - the limiter of the queue: never more starts than the limit in any window,
 * nearly all of the limit used, closed while the log may be incomplete.
 */
#include "journal/relay.h"
#include "tests/integration/queue_kit.h"

static struct kit kit;
static struct kit *const k = &kit;
static struct kit_answer answer;
static struct kit_answer *const a = &answer;

static void teardown(void)
{
  kit_free(a);
  kit_deinit(k);
}

TestSuite(queue_limit, .fini = teardown, .timeout = 90);

/* A queue with a limit, n orders waiting, and open at once. */
static void open_with(struct queue_options options, size_t n)
{
  kit_init(k, &options);
  struct queue_item *items = kit_items(n);
  kit_enqueue(k, items, n);
  free(items);
  kit_done(k, queue_open_epoch(k->q, 0, NULL, kit_on_done, ok));
  kit_repeat(kit_claim(k, a, 0), a->gate == QUEUE_OPEN);
}

/* ── how many ───────────────────────────────────────────────────────────────────────────────── */

Test(queue_limit, gives_exactly_what_is_asked_allowed_and_waiting)
{
  open_with((struct queue_options){.rate_limit = 10, .rate_window_ms = 60000}, 30);
  kit_claim(k, a, 4);
  cr_assert(a->n == 4 && a->gate == QUEUE_OPEN && a->wait_ms == 0, "asked");
  kit_claim(k, a, 20);
  cr_assert(a->n == 6 && a->gate == QUEUE_LIMITED, "allowed");
  cr_assert(a->wait_ms > 50000 && a->wait_ms <= 60001);
  struct queue_item two[] = {a->items[0], a->items[5]};
  kit_claim(k, a, 20);
  cr_assert(a->n == 0 && a->gate == QUEUE_LIMITED && a->wait_ms > 50000);
  cr_assert_eq(kit_counts(k).counts.used_in_window, 10);

  kit_done(k, queue_put_back(k->q, two, 2, true, kit_on_done, ok));
  cr_assert_eq(kit_counts(k).counts.used_in_window, 8);
  kit_claim(k, a, 20);
  cr_assert_eq(a->n, 2, "what was never handed over may start again");
  kit_done(k, queue_put_back(k->q, a->items, 2, false, kit_on_done, ok));
  kit_claim(k, a, 20);
  cr_assert_eq(a->n, 0, "without the refund it counts");
}

Test(queue_limit, gives_all_that_wait_when_the_limit_allows_more)
{
  open_with((struct queue_options){.rate_limit = 10, .rate_window_ms = 60000}, 7);
  kit_claim(k, a, 20);
  cr_assert(a->n == 7 && a->gate == QUEUE_OPEN && a->wait_ms == -1);
}

Test(queue_limit, nothing_is_limited_when_nothing_waits)
{
  open_with((struct queue_options){.rate_limit = 2, .rate_window_ms = 60000}, 2);
  kit_claim(k, a, 5);
  cr_assert(a->n == 2 && a->gate == QUEUE_OPEN && a->wait_ms == -1);
}

Test(queue_limit, refund_of_a_zombie_gives_back_its_own_start_only)
{
  open_with((struct queue_options){.rate_limit = 10, .rate_window_ms = 60000, .lease_ms = 1}, 1);
  kit_claim(k, a, 1);
  struct queue_item zombie = a->items[0];
  kit_repeat(kit_call(k, a, queue_reap(k->q, 10, kit_on_ids, a)), a->n > 0);
  kit_claim(k, a, 1);
  cr_assert_eq(kit_counts(k).counts.used_in_window, 2);
  kit_done(k, queue_put_back(k->q, &zombie, 1, true, kit_on_done, ok));
  kit_done(k, queue_put_back(k->q, &zombie, 1, true, kit_on_done, ok));
  cr_assert_eq(kit_counts(k).counts.used_in_window, 1);
  cr_assert_eq(kit_where(k), 10);
}

/* Its process drains, say, or was too late. */
Test(queue_limit, an_order_that_no_worker_was_given_was_no_start)
{
  open_with((struct queue_options){.rate_limit = 10, .rate_window_ms = 60000}, 2);
  kit_claim(k, a, 2);
  struct relay *relay = relay_create(k->q);
  relay_return(relay, &a->items[0].id, a->items[0].token);
  relay_put_back(relay, &a->items[1].id, a->items[1].token, 0);
  relay_flush(relay);
  cr_assert_eq(kit_counts(k).counts.used_in_window, 1);
  cr_assert_eq(kit_counts(k).counts.waiting, 2);
  cr_assert(!relay_let_go(relay));
  relay_destroy(relay);
}

Test(queue_limit, lower_limit_waits_until_enough_starts_have_left)
{
  open_with((struct queue_options){.rate_limit = 5, .rate_window_ms = 300}, 20);
  kit_claim(k, a, 3);
  kit_pause(k, 60);
  kit_claim(k, a, 2);
  queue_destroy(k->q);
  k->options.rate_limit = 2;
  k->q = queue_create(k->redis, &k->options);
  kit_resume(k, k->q);
  kit_claim(k, a, 1);
  cr_assert(a->n == 0 && a->gate == QUEUE_LIMITED);
  kit_pause(k, a->wait_ms);
  kit_claim(k, a, 5);
  cr_assert_geq(a->n, 1, "wait_ms was enough, though three older starts had left before");
}

static int64_t logged_ms(const struct queue_item *item)
{
  struct kit_answer score = kit_command(k, "ZSCORE", "starts", item->token);
  return strtoll(score.text, NULL, 10);
}

/* Asking all the time, so that an edge one millisecond off would be hit. */
Test(queue_limit, a_start_counts_for_the_whole_window)
{
  enum { N = 30, WINDOW = 20 };
  open_with((struct queue_options){.rate_limit = 1, .rate_window_ms = WINDOW}, N);
  int64_t last_ms = 0, last_ns = 0;
  for (int i = 0; i < N; i++) {
    int64_t sent_ns = 0;
    kit_repeat(sent_ns = clock_mono_ns(); kit_claim(k, a, 1), a->n > 0);
    int64_t now_ms = logged_ms(&a->items[0]);
    cr_assert_gt(now_ms - last_ms, WINDOW);
    cr_assert_gt(clock_mono_ns() - last_ns, WINDOW * 1000000);
    last_ms = now_ms;
    last_ns = sent_ns;
  }
}

Test(queue_limit, used_in_window_is_of_this_window)
{
  enum { WINDOW = 60 };
  open_with((struct queue_options){.rate_limit = 5, .rate_window_ms = WINDOW}, 5);
  kit_claim(k, a, 4);
  int64_t start_ms = clock_mono_ms();
  int64_t used = kit_counts(k).counts.used_in_window;
  cr_assert(used == 4 || clock_mono_ms() - start_ms >= WINDOW);
  kit_repeat(used = kit_counts(k).counts.used_in_window, used == 0);
}

/* ── open and closed ────────────────────────────────────────────────────────────────────────── */

Test(queue_limit, closed_without_an_epoch_and_opens_when_the_time_has_passed)
{
  enum { CLOSED_MS = 150 };
  kit_init(k, &(struct queue_options){.rate_limit = 5, .rate_window_ms = 100});
  struct queue_item *items = kit_items(20);
  kit_enqueue(k, items, 20);
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_CLOSED && a->wait_ms == -1);

  int64_t before = clock_mono_ns();
  kit_done(k, queue_open_epoch(k->q, CLOSED_MS, NULL, kit_on_done, ok));
  kit_done(k, queue_open_epoch(k->q, 1000000, NULL, kit_on_done, ok)); /* another process is late */
  kit_claim(k, a, 5);
  cr_assert(a->gate == QUEUE_LIMITED && a->wait_ms > 0 && a->wait_ms <= CLOSED_MS + 1);
  kit_repeat(kit_claim(k, a, 5), a->n > 0);
  cr_assert_geq(clock_mono_ns() - before, CLOSED_MS * 1000000);
  cr_assert_eq(a->n, 5);
  free(items);
}

Test(queue_limit, closes_again_when_the_keys_are_wiped)
{
  open_with((struct queue_options){.rate_limit = 5, .rate_window_ms = 60000}, 10);
  kit_claim(k, a, 5);
  kit_wipe(k);
  struct queue_item *items = kit_items(5);
  kit_enqueue(k, items, 5);
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_CLOSED);
  free(items);
}

Test(queue_limit, closes_for_an_epoch_of_another_server)
{
  open_with((struct queue_options){.rate_limit = 5, .rate_window_ms = 60000}, 20);
  kit_claim(k, a, 5);
  static const char *const epochs[] = {"0123456789abcdef|1", "nonsense", "|5", ""};
  for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++) {
    kit_command(k, "SET", "epoch", epochs[i]);
    kit_claim(k, a, 5);
    cr_assert(a->n == 0 && a->gate == QUEUE_CLOSED, "epoch '%s'", epochs[i]);
  }
  kit_done(k, queue_open_epoch(k->q, 0, NULL, kit_on_done, ok));
  kit_pause(k, 3);
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_LIMITED, "starts that are known go on counting");
  cr_assert_gt(a->wait_ms, 50000);
}

/* A Redis that was restarted and has its log whole need not stay closed; one that lost its end
 * must. */
Test(queue_limit, a_log_that_is_proved_whole_opens_at_once)
{
  char proof[2 * QUEUE_TOKEN_MAX + 2];
  open_with((struct queue_options){.rate_limit = 5, .rate_window_ms = 60000}, 20);
  kit_claim(k, a, 3);
  snprintf(proof, sizeof proof, "%s %s", a->items[1].token, a->items[2].token);
  kit_command(k, "SET", "epoch", "another|1");
  kit_done(k, queue_open_epoch(k->q, 60000, proof, kit_on_done, ok));
  kit_repeat(kit_claim(k, a, 5), a->n > 0);
  cr_assert_eq(a->n, 2, "the starts that are known go on counting");

  kit_command(k, "SET", "epoch", "another|1");
  snprintf(proof, sizeof proof, "%s lost:1", a->items[0].token);
  kit_done(k, queue_open_epoch(k->q, 60000, proof, kit_on_done, ok));
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_LIMITED && a->wait_ms > 50000);
}

/* Its time is that of the log, whatever a claim comes to. */
Test(queue_limit, a_claim_says_what_time_it_is)
{
  open_with((struct queue_options){.rate_limit = 2, .rate_window_ms = 60000}, 3);
  kit_claim(k, a, 2);
  cr_assert_eq(a->now_ms, logged_ms(&a->items[1]));
  int64_t then_ms = a->now_ms;
  kit_claim(k, a, 2);
  cr_assert(a->gate == QUEUE_LIMITED && a->now_ms >= then_ms && a->now_ms < then_ms + 60000);
  kit_command(k, "SET", "epoch", "another|1");
  kit_claim(k, a, 2);
  cr_assert(a->gate == QUEUE_CLOSED && a->now_ms >= then_ms && a->now_ms < then_ms + 60000);
}

Test(queue_limit, held_it_gives_nothing_for_that_long)
{
  enum { CLOSED_MS = 150 };
  open_with((struct queue_options){.rate_limit = 5, .rate_window_ms = 60000}, 9);
  kit_claim(k, a, 2);
  int64_t before = clock_mono_ns();
  kit_done(k, queue_hold(k->q, CLOSED_MS, kit_on_done, ok));
  kit_done(k, queue_hold(k->q, 1, kit_on_done, ok)); /* the longer one holds */
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_LIMITED && a->wait_ms <= CLOSED_MS + 1);
  kit_repeat(kit_claim(k, a, 5), a->n > 0);
  cr_assert_geq(clock_mono_ns() - before, CLOSED_MS * 1000000);
  cr_assert_eq(a->n, 3, "the starts that are known go on counting");
}

/* It opens for this run then, as one that was wiped: nobody proves its log whole. */
Test(queue_limit, held_while_closed_it_opens_after_that_time)
{
  open_with((struct queue_options){.rate_limit = 5, .rate_window_ms = 60000}, 9);
  kit_command(k, "SET", "epoch", "another|1");
  kit_done(k, queue_hold(k->q, 100000, kit_on_done, ok));
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_LIMITED && a->wait_ms > 90000);
  kit_done(k, queue_open_epoch(k->q, 0, NULL, kit_on_done, ok));
  kit_claim(k, a, 5);
  cr_assert(a->n == 0 && a->gate == QUEUE_LIMITED && a->wait_ms > 90000);
}

Test(queue_limit, no_limit_needs_no_epoch)
{
  kit_init(k, &(struct queue_options){.rate_limit = 0, .rate_window_ms = 60000});
  struct queue_item *items = kit_items(20);
  kit_enqueue(k, items, 20);
  kit_claim(k, a, 20);
  cr_assert(a->n == 20 && a->gate == QUEUE_OPEN);
  cr_assert_eq(kit_counts(k).counts.used_in_window, 0);
  free(items);
}

Test(queue_limit, the_epoch_is_asked_for_while_paused)
{
  kit_init(k, &(struct queue_options){.rate_limit = 5, .rate_window_ms = 60000});
  kit_done(k, queue_pause(k->q, true, kit_version(), kit_on_done, ok));
  kit_claim(k, a, 1);
  cr_assert_eq(a->gate, QUEUE_CLOSED);
  kit_done(k, queue_open_epoch(k->q, 60000, NULL, kit_on_done, ok));
  kit_claim(k, a, 1);
  cr_assert_eq(a->gate, QUEUE_PAUSED);
}

/* ── any window ─────────────────────────────────────────────────────────────────────────────── */

enum { LIMIT = 20, WINDOW_MS = 200, SLACK_MS = 40, RUN_MS = 3000, STARTS_MAX = 2000 };

struct run {
  uint64_t random;
  struct queue *queues[2];
  int64_t handed_ns[STARTS_MAX]; /* sorted when the run is over */
  size_t n;
  size_t n_refunded;
};

static uint64_t draw(struct run *r, uint64_t below)
{
  r->random ^= r->random << 13;
  r->random ^= r->random >> 7;
  r->random ^= r->random << 17;
  return r->random % below;
}

/* Hands what was claimed over, each at some moment that the slack allows, or gives it back. */
static void hand_over(struct run *r, struct queue *q, struct kit_answer *c, int64_t sent_ns)
{
  int64_t now_ns = clock_mono_ns(), late_ns = sent_ns + SLACK_MS * 1000000;
  for (size_t i = 0; i < c->n; i++) {
    if (now_ns > late_ns || draw(r, 10) == 0) {
      kit_done(k, queue_put_back(q, &c->items[i], 1, true, kit_on_done, ok));
      r->n_refunded++;
      continue;
    }
    cr_assert_lt(r->n, (size_t)STARTS_MAX);
    r->handed_ns[r->n++] = now_ns + (int64_t)draw(r, (uint64_t)(late_ns - now_ns) + 1);
  }
}

/* Both queues claim at the same time; gives how long both say there is nothing. */
static int64_t claim_on_both(struct run *r)
{
  struct kit_answer got[2] = {0};
  int64_t wait_ms = 60000, sent_ns = clock_mono_ns();
  for (int i = 0; i < 2; i++)
    cr_assert_eq(
        queue_claim(r->queues[i], i ? "one" : "two", draw(r, LIMIT + 5), kit_on_claimed, &got[i]),
        ST_OK);
  for (int i = 0; i < 2; i++) {
    kit_until(k, got[i].calls == 1);
    cr_assert_eq(got[i].status, ST_OK);
    cr_assert_neq(got[i].gate, QUEUE_CLOSED);
    if (got[i].wait_ms < wait_ms) wait_ms = got[i].wait_ms;
    hand_over(r, r->queues[i], &got[i], sent_ns);
    kit_free(&got[i]);
  }
  return wait_ms;
}

static int by_time(const void *x, const void *y)
{
  int64_t m = *(const int64_t *)x, n = *(const int64_t *)y;
  return m < n ? -1 : m > n;
}

static void check_windows(struct run *r, int64_t window_ms)
{
  qsort(r->handed_ns, r->n, sizeof *r->handed_ns, by_time);
  for (size_t i = LIMIT; i < r->n; i++) {
    int64_t apart_ns = r->handed_ns[i] - r->handed_ns[i - LIMIT];
    cr_assert_gt(apart_ns, window_ms * 1000000, "%d starts in %" PRId64 " ns", LIMIT + 1, apart_ns);
  }
}

static void begin(struct run *r, struct redis_conn **second)
{
  const char *seed = getenv("SEED");
  r->random = seed ? strtoull(seed, NULL, 10) : (uint64_t)clock_unix_ms();
  fprintf(stderr, "SEED=%" PRIu64 "\n", r->random);
  *second = kit_connect(k);
  r->queues[0] = k->q;
  r->queues[1] = queue_create(*second, &k->options);
  kit_resume(k, r->queues[1]);
}

static void end(struct run *r, struct redis_conn *second)
{
  kit_close(k, second);
  queue_destroy(r->queues[1]);
}

Test(queue_limit, never_more_than_the_limit_in_any_window)
{
  static struct run r;
  struct redis_conn *second;
  open_with((struct queue_options){.rate_limit = LIMIT,
                                   .rate_window_ms = WINDOW_MS,
                                   .slack_ms = SLACK_MS},
            STARTS_MAX);
  begin(&r, &second);
  int64_t end_ms = clock_mono_ms() + RUN_MS;
  while (clock_mono_ms() < end_ms) {
    int64_t wait_ms = claim_on_both(&r);
    switch (draw(&r, 4)) {
    case 0:
      kit_pause(k, wait_ms);
      break;
    case 1:
      kit_pause(k, (int64_t)draw(&r, WINDOW_MS));
      break;
    case 2:
      kit_pause(k, (int64_t)draw(&r, 20));
      break;
    }
  }
  check_windows(&r, WINDOW_MS);
  cr_assert_gt(r.n, (size_t)LIMIT * RUN_MS / (WINDOW_MS + SLACK_MS) / 2, "it did run");
  cr_assert_gt(r.n_refunded, 0);
  end(&r, second);
}

/* Greedy, but for the first starts, which are spread so that those after them are. */
static void claim_until(struct run *r, size_t n, int64_t *scores)
{
  while (r->n < n) {
    bool which = draw(r, 2) == 1;
    const char *session = which ? "one" : "two";
    size_t max = r->n < LIMIT ? 1 + draw(r, 3) : 1 + draw(r, 9);
    kit_call(k, a, queue_claim(r->queues[which], session, max, kit_on_claimed, a));
    int64_t now_ns = clock_mono_ns();
    for (size_t i = 0; i < a->n && r->n < STARTS_MAX; i++) {
      scores[r->n] = logged_ms(&a->items[i]);
      r->handed_ns[r->n++] = now_ns;
    }
    if (a->gate == QUEUE_LIMITED)
      kit_pause(k, a->wait_ms);
    else if (r->n < LIMIT)
      kit_pause(k, (int64_t)draw(r, 60));
  }
}

Test(queue_limit, nearly_all_of_the_limit_is_used)
{
  enum { LONG_WINDOW_MS = 1000, WINDOWS = 4 };
  static struct run r;
  static int64_t scores[STARTS_MAX];
  struct redis_conn *second;
  open_with((struct queue_options){.rate_limit = LIMIT, .rate_window_ms = LONG_WINDOW_MS},
            STARTS_MAX);
  begin(&r, &second);
  claim_until(&r, WINDOWS * LIMIT + 1, scores);
  for (size_t i = LIMIT; i < r.n; i++)
    cr_assert_gt(scores[i] - scores[i - LIMIT], LONG_WINDOW_MS, "by Redis' own clock");
  /* The first start of the fifth window may come four windows after the first of all. */
  double took_ms = (double)(r.handed_ns[WINDOWS * LIMIT] - r.handed_ns[0]) / 1e6;
  double used = WINDOWS * LONG_WINDOW_MS / took_ms;
  fprintf(stderr, "%.4f of the limit was used\n", used);
  cr_assert(used >= 0.99 && used <= 1.0, "%.4f of the limit was used", used);
  end(&r, second);
}
