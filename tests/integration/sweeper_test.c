/* The sweeper between a real PostgreSQL and a real Redis: what waits and is forgotten comes back.
 */
#include "journal_kit.h"

#include "io/redis.h"
#include "journal/sweeper.h"

static struct kit k;
static struct redis_conn *redis;
static struct queue *queue;
static struct relay *relay;
static struct sweeper *sweeper;
static char prefix[64];

static void open_all(void)
{
  kit_open(&k);
  snprintf(prefix, sizeof prefix, "sweep%d_%lld", getpid(), (long long)clock_mono_ns());
  cr_assert_not_null(getenv("REDIS_URL"));
  struct redis_options r = {.url = getenv("REDIS_URL"), .name = "sweep", .deadline_ms = 2000};
  struct queue_options q = {.prefix = prefix, .lease_ms = 1000};
  redis = redis_connect(&k.loop, &r);
  queue = queue_create(redis, &q);
  relay = relay_create(queue);
  kit_until(&k, redis_up(redis));
}

static bool known = true; /* whether this process knows what it owns */
static int has_calls;     /* and was asked */

static const struct ulid *own_session(void *arg)
{
  return arg;
}

static bool has(void *arg, const struct ulid *id)
{
  (void)arg;
  (void)id;
  has_calls++;
  return known;
}

static void start(void)
{
  struct sweeper_options o = {.database_url = k.url,
                              .lease_ms = KIT_LEASE_MS,
                              .interval_ms = 100,
                              .keys_interval_ms = 100,
                              .session = own_session,
                              .has = has,
                              .arg = &k.session};
  sweeper = sweeper_create(&k.loop, &o, queue, relay);
}

static void on_done(void *arg)
{
  *(int *)arg = 1;
}

static void close_all(void)
{
  int done = 0;
  queue_disconnect(queue);
  redis_close(redis, on_done, &done);
  kit_until(&k, done);
  done = 0;
  sweeper_destroy(sweeper, on_done, &done);
  kit_until(&k, done);
  relay_destroy(relay);
  queue_destroy(queue);
  kit_close(&k);
}

TestSuite(sweeper, .init = open_all, .fini = close_all, .timeout = 60);

struct counted {
  int calls;
  struct queue_counts counts;
};

static void on_counts(void *arg, enum status status, const struct queue_counts *counts)
{
  struct counted *c = arg;
  c->calls++;
  if (status == ST_OK) c->counts = *counts;
}

static struct queue_counts counts(void)
{
  struct counted c = {0};
  if (queue_counts(queue, on_counts, &c) == ST_OK) kit_until(&k, c.calls);
  return c.counts;
}

static int done_calls;

static void on_dropped(void *arg, enum status status)
{
  (void)arg;
  (void)status;
  done_calls++;
}

static void redis_forgets(const struct ulid *ids, size_t n)
{
  done_calls = 0;
  cr_assert_eq(queue_drop(queue, ids, n, on_dropped, NULL), ST_OK);
  kit_until(&k, done_calls == 1);
}

Test(sweeper, what_redis_never_heard_of_is_enqueued)
{
  enum { N = 1200 }; /* more than two pages */
  static struct kit_accept a[N];
  memset(a, 0, sizeof a);
  struct journal_accept order = kit_order();
  for (int i = 0; i < N; i++)
    kit_until(&k, journal_accept(k.journal, &order, kit_on_accepted, &a[i]) == ST_OK);
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls);
  start();
  kit_until(&k, counts().waiting == N);
}

Test(sweeper, what_redis_forgets_comes_back_and_only_once)
{
  struct ulid ids[3];
  for (int i = 0; i < 3; i++) ids[i] = kit_accept(&k);
  start();
  kit_until(&k, counts().waiting == 3);
  redis_forgets(ids, 2);
  cr_assert_eq(counts().waiting, 1);
  sweeper_run(sweeper);
  kit_until(&k, counts().waiting == 3);
  for (int i = 0; i < 50; i++) {
    uv_run(&k.loop, UV_RUN_ONCE);
    cr_assert_eq(counts().waiting, 3);
  }
}

/* The answer to its claim was lost, and Redis with its lease: the process owns it and does not
 * know. */
Test(sweeper, what_this_process_owns_and_does_not_know_of_is_enqueued)
{
  struct ulid id = kit_accept(&k), others = kit_accept(&k);
  struct kit_job job, again;
  kit_hold(&k, &id, &job);
  kit_sqlf(&k,
           "INSERT INTO worker_sessions (id, started_at, expires_at) VALUES"
           " ('01010101-0101-0101-0101-010101010101', now(), now() + interval '1 hour');"
           " UPDATE orders SET owner = '01010101-0101-0101-0101-010101010101'"
           " WHERE order_id = '%s'",
           &others);
  has_calls = 0;
  start();
  kit_until(&k, has_calls == 3);
  cr_assert_eq(counts().waiting, 0);
  known = false;
  kit_until(&k, counts().waiting == 1);
  kit_hold(&k, &id, &again);
  cr_assert_eq(again.order.fence, job.order.fence + 1);
  kit_emit(&k, &job, "going", NULL);
  kit_until(&k, job.stale == 1);
}

/* What this process has just moved it may have ended by now, and forgotten: nobody asks about it.
 */
Test(sweeper, what_this_process_moved_a_moment_ago_is_let_be)
{
  enum { PAGES = 3 };
  struct ulid id = kit_accept(&k), lost = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  kit_sqlf(&k, "UPDATE orders SET updated_at = now() + interval '1 hour' WHERE order_id = '%s'",
           &id);
  has_calls = 0;
  known = false;
  start();
  for (int i = 0; i < PAGES; i++) {
    redis_forgets(&lost, 1);
    kit_until(&k, counts().waiting == 1);
  }
  cr_assert_eq(has_calls, 0);
}

/* Page after page, until none is left; what lives stays, and so does what ended a moment ago. */
Test(sweeper, idempotency_keys_whose_time_is_over_are_deleted)
{
  const char *count = "SELECT count(*) FROM idempotency_keys";
  kit_sql(&k, "INSERT INTO idempotency_keys (tenant, key, request_hash, expires_at)"
              " SELECT 'default', 'key-' || i, '\\x00', now() - interval '2 minutes'"
              " FROM generate_series(1, 2500) i");
  kit_sql(&k, "INSERT INTO idempotency_keys (tenant, key, request_hash, expires_at) VALUES"
              " ('default', 'lives', '\\x00', now() + interval '1 hour'),"
              " ('other', 'just now', '\\x00', now() - interval '1 second')");
  start();
  kit_until(&k, kit_number(&k, count) == 2);
  kit_sql(&k, "UPDATE idempotency_keys SET expires_at = now() - interval '1 day'");
  kit_until(&k, kit_number(&k, count) == 0);
}

/* Page after page again and again changes nothing: the rolling sweep alone repairs, too. */
Test(sweeper, rolling_finds_it_by_itself)
{
  struct ulid id = kit_accept(&k);
  start();
  kit_until(&k, counts().waiting == 1);
  redis_forgets(&id, 1);
  kit_until(&k, counts().waiting == 1);
}

Test(sweeper, what_is_owned_ended_or_not_due_does_not_wait)
{
  struct ulid owned = kit_accept(&k), ended = kit_accept(&k), later = kit_accept(&k);
  struct kit_job a, b, c;
  kit_hold(&k, &owned, &a);
  kit_hold(&k, &ended, &b);
  kit_hold(&k, &later, &c);
  kit_emit(&k, &b, "done", NULL);
  struct journal_entry *e = kit_entry(&c, NULL);
  e->hold = JOURNAL_RETRY;
  e->delay_ms = 60000;
  journal_post(k.journal, e);
  kit_until(&k, b.ok && c.ok);
  start();
  kit_until(&k, counts().delayed == 1);
  cr_assert_eq(counts().waiting, 0);
  kit_sql(&k, "UPDATE worker_sessions SET closed = true");
  kit_until(&k, counts().waiting == 1); /* its owner has died */
  cr_assert_eq(counts().delayed, 1);
}

Test(sweeper, a_pause_reaches_redis_and_comes_back_after_a_wipe)
{
  start();
  kit_sql(&k, "UPDATE queue_pause SET paused = true, version = version + 1");
  kit_until(&k, counts().paused);
  char key[128];
  snprintf(key, sizeof key, "%s:{0}:paused", prefix);
  const char *argv[] = {"DEL", key};
  cr_assert_eq(redis_command(redis, 2, argv, NULL, NULL, NULL), ST_OK);
  cr_assert_not(counts().paused);
  kit_until(&k, counts().paused);
  kit_sql(&k, "UPDATE queue_pause SET paused = false, version = version + 1");
  kit_until(&k, !counts().paused);
}

/* An order that was accepted while Redis was away waits in PostgreSQL until it is back. */
Test(sweeper, a_relay_that_let_go_is_made_good)
{
  start();
  kit_until(&k, counts().waiting == 0);
  struct ulid id = kit_accept(&k); /* the kit's journal has no Redis: its hint is lost */
  cr_assert_str_eq(
      kit_sqlf(&k, "SELECT count(*) FROM orders WHERE completed_at IS NULL AND order_id = '%s'",
               &id),
      "1");
  kit_until(&k, counts().waiting == 1);
}
