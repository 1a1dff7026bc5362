/* Parks on a real PostgreSQL: begun, woken in pages and in order, swept away, and never lost
 * between a level and an order that has just looked. */
#include "journal/park.h"

#include <pthread.h>

#include "io/redis.h"
#include "journal_kit.h"

enum { HOUR_MS = 3600 * 1000, NEVER_MS = 24 * HOUR_MS, PUBLISH_MS = 10000 };

static struct kit k;
static struct parks *parks;

static void open_parks(int64_t interval_ms)
{
  struct parks_options options = {.database_url = k.url, .interval_ms = interval_ms};
  parks = parks_create(&k.loop, &options, k.relay);
}

static void open_kit(void)
{
  kit_open(&k);
  open_parks(50);
}

/* Nothing is made good by the tick or the roll. */
static void open_without_roll(void)
{
  kit_open(&k);
  open_parks(NEVER_MS);
}

static void on_done(void *arg)
{
  *(int *)arg = 1;
}

static void close_parks(void)
{
  int done = 0;
  if (!parks) return;
  parks_close(parks, on_done, &done);
  kit_until(&k, done);
  parks_destroy(parks);
  parks = NULL;
}

static void close_kit(void)
{
  close_parks();
  kit_close(&k);
}

TestSuite(park, .init = open_kit, .fini = close_kit, .timeout = 60);
TestSuite(park_alone, .init = open_without_roll, .fini = close_kit, .timeout = 60);

/* ── orders that park ───────────────────────────────────────────────────────────────────────── */

struct parker {
  struct kit_job job;
  struct ulid id;
  int64_t claimed_ms;
};

/* A claim that a broken connection swallowed is asked for again. */
static void hold(struct parker *p)
{
  struct kit_claim c;
  kit_until(&k, (c = kit_claim_by(&k, &k.session, &p->id, INT64_MAX)).status != ST_AWAY);
  cr_assert_eq(c.status, ST_OK);
  memset(&p->job, 0, sizeof p->job);
  p->claimed_ms = c.claimed->order.updated_at_ms;
  journal_order_init(&p->job.order, c.claimed, &kit_type, "token");
  journal_claimed_free(c.claimed);
}

static struct journal_entry *park_entry(struct parker *p, const char *topic, enum ox_side side,
                                        int64_t level)
{
  struct journal_entry *e = kit_entry(&p->job, NULL);
  e->hold = JOURNAL_RELEASE;
  e->delay_ms = HOUR_MS;
  e->park = mem_alloc(sizeof *e->park);
  *e->park = (struct journal_park){.side = side, .level = level, .since_ms = p->claimed_ms};
  snprintf(e->park->topic, sizeof e->park->topic, "%s", topic);
  return e;
}

static void park(struct parker *p, const char *topic, enum ox_side side, int64_t level)
{
  int before = p->job.ok;
  journal_post(k.journal, park_entry(p, topic, side, level));
  kit_until(&k, p->job.ok > before);
  kit_until(&k, parks_idle(parks));
}

static void start(struct parker *p)
{
  p->id = kit_accept(&k);
  hold(p);
}

static void start_and_park(struct parker *p, const char *topic, enum ox_side side, int64_t level)
{
  start(p);
  park(p, topic, side, level);
}

static bool is_due(const struct parker *p)
{
  return *kit_sqlf(&k, "SELECT due_at <= clock_timestamp() FROM orders WHERE order_id = '%s'",
                   &p->id) == 't';
}

static bool has_park(const struct parker *p)
{
  return *kit_sqlf(&k, "SELECT count(*) FROM parks WHERE order_id = '%s'", &p->id) == '1';
}

/* ── publishing, from a thread as everybody does ────────────────────────────────────────────── */

struct publishing {
  const char *topic;
  int64_t level, deadline_ms;
  enum status status;
  _Atomic bool done;
};

static void *publish_thread(void *arg)
{
  struct publishing *p = arg;
  p->status = parks_publish(parks, p->topic, p->level, p->deadline_ms);
  p->done = true;
  return NULL;
}

static enum status publish_within(const char *topic, int64_t level, int64_t deadline_ms)
{
  struct publishing p = {.topic = topic, .level = level, .deadline_ms = deadline_ms};
  pthread_t thread;
  cr_assert_eq(pthread_create(&thread, NULL, publish_thread, &p), 0);
  kit_until(&k, p.done);
  pthread_join(thread, NULL);
  return p.status;
}

static void publish(const char *topic, int64_t level)
{
  cr_assert_eq(publish_within(topic, level, PUBLISH_MS), ST_OK);
}

/* Everybody who had to be woken has been: no topic owes anything. */
static bool all_paid(void)
{
  return *kit_sql(&k, "SELECT count(*) FROM topics WHERE owed") == '0' && parks_idle(parks);
}

static void publish_and_wake(const char *topic, int64_t level)
{
  publish(topic, level);
  kit_until(&k, all_paid());
}

/* ── a park, and its end ────────────────────────────────────────────────────────────────────── */

Test(park_alone, a_parked_order_has_no_owner_and_is_due_later)
{
  struct parker p;
  start_and_park(&p, "price:A-B", OX_AT_LEAST, 100);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT concat_ws('|', o.phase, o.owner IS NULL, o.attempt,"
                            " o.takeovers, o.fence = p.fence, p.topic, p.side, p.level,"
                            " o.due_at > now() + interval '55 min') FROM orders o"
                            " JOIN parks p USING (order_id) WHERE order_id = '%s'",
                            &p.id),
                   "0|t|1|0|t|price:A-B|1|100|t");
  struct kit_claim c = kit_claim_by(&k, &k.session, &p.id, INT64_MAX);
  cr_assert(c.status == ST_STALE && c.refusal == JOURNAL_NOT_DUE);
  cr_assert_gt(c.retry_ms, 55 * 60 * 1000);
}

Test(park_alone, the_level_wakes_whom_it_reaches_and_nobody_else)
{
  struct parker at, above, below, at_most, elsewhere;
  start_and_park(&at, "t", OX_AT_LEAST, 100);
  start_and_park(&above, "t", OX_AT_LEAST, 101);
  start_and_park(&below, "t", OX_AT_LEAST, -5);
  start_and_park(&at_most, "t", OX_AT_MOST, 100);
  start_and_park(&elsewhere, "u", OX_AT_LEAST, 1);
  publish_and_wake("t", 100);
  cr_assert(is_due(&at) && is_due(&below) && is_due(&at_most));
  cr_assert(!has_park(&at) && !has_park(&below) && !has_park(&at_most));
  cr_assert(!is_due(&above) && !is_due(&elsewhere) && has_park(&above) && has_park(&elsewhere));
  publish_and_wake("t", INT64_MAX);
  cr_assert(is_due(&above));
}

Test(park_alone, at_most_is_woken_from_above)
{
  struct parker p;
  start_and_park(&p, "t", OX_AT_MOST, INT64_MIN + 1);
  publish_and_wake("t", INT64_MIN + 2);
  cr_assert(!is_due(&p));
  publish_and_wake("t", INT64_MIN);
  cr_assert(is_due(&p));
}

Test(park_alone, waking_counts_no_attempt_and_no_take_over)
{
  struct parker p;
  start_and_park(&p, "t", OX_AT_LEAST, 1);
  for (int i = 0; i < 5; i++) {
    publish_and_wake("t", 1);
    hold(&p);
    park(&p, "t", OX_AT_LEAST, 1);
  }
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT concat_ws('|', attempt, takeovers, intents) FROM orders"
                            " WHERE order_id = '%s'",
                            &p.id),
                   "1|0|0");
}

Test(park_alone, of_levels_that_come_together_the_last_counts)
{
  enum { N = 40 };
  static struct publishing p[N];
  pthread_t threads[N];
  struct parker last;
  start_and_park(&last, "t", OX_AT_LEAST, 50);
  for (int i = 0; i < N; i++) {
    p[i] = (struct publishing){.topic = "t", .level = i, .deadline_ms = PUBLISH_MS};
    pthread_create(&threads[i], NULL, publish_thread, &p[i]);
  }
  for (int i = 0; i < N; i++) kit_until(&k, p[i].done);
  for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
  publish_and_wake("t", 50);
  cr_assert(is_due(&last));
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM topics"), 1);
  cr_assert_eq(kit_number(&k, "SELECT level FROM topics"), 50);
}

/* ── no wake is lost, and none is endless ───────────────────────────────────────────────────── */

Test(park_alone, a_level_that_came_while_the_order_looked_wakes_it)
{
  struct parker p;
  start(&p);
  publish_and_wake("t", 100);
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM parks"), 0);
  park(&p, "t", OX_AT_LEAST, 100);
  cr_assert(is_due(&p) && !has_park(&p));
}

Test(park_alone, a_level_that_it_has_seen_does_not)
{
  struct parker p;
  p.id = kit_accept(&k);
  publish_and_wake("t", 100);
  kit_sql(&k, "SELECT pg_sleep(0.002)"); /* times are compared in ms */
  hold(&p);
  park(&p, "t", OX_AT_LEAST, 100);
  cr_assert(!is_due(&p) && has_park(&p));
  publish_and_wake("t", 100); /* said again, it wakes again */
  cr_assert(is_due(&p));
}

Test(park_alone, a_level_from_the_future_counts_as_seen)
{
  struct parker p;
  publish_and_wake("t", 100);
  kit_sql(&k, "UPDATE topics SET at = at + interval '1 hour', owed = true");
  start_and_park(&p, "t", OX_AT_LEAST, 100);
  cr_assert(!is_due(&p) && has_park(&p));
}

/* Whatever the moment at which the level comes, the order is woken: by the publisher that sees its
 * park or by itself that sees the level. The publisher is another process, so to say. */
struct racer {
  _Atomic int64_t level;
  _Atomic bool stop;
};

static void *race(void *arg)
{
  struct racer *r = arg;
  unsigned seed = 1;
  while (!r->stop) {
    int64_t next = r->level + 1;
    struct timespec pause = {.tv_nsec = rand_r(&seed) % 300000};
    if (parks_publish(parks, "t", next, PUBLISH_MS) == ST_OK) r->level = next;
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
  return NULL;
}

Test(park_alone, no_wake_is_lost_in_a_race)
{
  enum { ROUNDS = 300 };
  struct racer r = {.level = 0};
  struct parker p;
  pthread_t thread;
  p.id = kit_accept(&k);
  pthread_create(&thread, NULL, race, &r);
  for (int i = 0; i < ROUNDS; i++) {
    hold(&p);
    int before = p.job.ok;
    int64_t wanted = r.level + 1; /* is published at about the same time as the park is begun */
    journal_post(k.journal, park_entry(&p, "t", OX_AT_LEAST, wanted));
    kit_until(&k, p.job.ok > before);
    kit_until(&k, r.level >= wanted);
    kit_until(&k, is_due(&p));
  }
  r.stop = true;
  while (pthread_tryjoin_np(thread, NULL) != 0) uv_run(&k.loop, UV_RUN_NOWAIT);
}

/* ── pages ──────────────────────────────────────────────────────────────────────────────────── */

/* Parks that many orders, all at once. */
static void park_many(struct parker *p, int n, const char *topic)
{
  for (int i = 0; i < n; i++) start(&p[i]);
  for (int i = 0; i < n; i++) journal_post(k.journal, park_entry(&p[i], topic, OX_AT_LEAST, 10));
  for (int i = 0; i < n; i++) kit_until(&k, p[i].job.ok);
  kit_until(&k, parks_idle(parks));
}

Test(park_alone, many_are_woken_in_pages_in_order_of_accept)
{
  enum { N = 1200 };
  static struct parker p[N];
  park_many(p, N, "t");
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM parks"), N);
  publish_and_wake("t", 10);
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM parks"), 0);
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM orders WHERE due_at > now()"), 0);
  cr_assert_eq(kit_number(&k, "SELECT max(n) FROM (SELECT count(*) AS n FROM orders GROUP BY"
                              " due_at) x"),
               500);
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM (SELECT due_at, lag(due_at) OVER (ORDER BY"
                              " order_id) AS before FROM orders) x WHERE before > due_at"),
               0);
}

/* Two wakers at once: each order is woken once, by one of them. */
Test(park_alone, wakers_do_not_tread_on_each_other)
{
  enum { N = 700 };
  static struct parker p[N];
  struct relay *relay = relay_create(k.queue);
  struct parks_options options = {.database_url = k.url, .interval_ms = 1};
  int done = 0;
  park_many(p, N, "t");
  struct parks *other = parks_create(&k.loop, &options, relay);
  publish_and_wake("t", 10);
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM parks"), 0);
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM orders WHERE due_at <= now()"), N);
  parks_close(other, on_done, &done);
  kit_until(&k, done);
  parks_destroy(other);
  relay_destroy(relay);
}

/* ── what is not in force any more ──────────────────────────────────────────────────────────── */

/* The order is looked at when it is due, fails, and backs off: its old park must not cut that
 * short. */
Test(park_alone, a_claim_ends_the_park)
{
  struct parker p;
  start_and_park(&p, "t", OX_AT_LEAST, 10);
  kit_sqlf(&k, "UPDATE orders SET due_at = now() WHERE order_id = '%s'", &p.id);
  hold(&p);
  struct journal_entry *e = kit_entry(&p.job, NULL);
  e->hold = JOURNAL_RETRY;
  e->delay_ms = HOUR_MS;
  journal_post(k.journal, e);
  kit_until(&k, p.job.ok);
  cr_assert(has_park(&p));
  publish_and_wake("t", 10);
  cr_assert(!is_due(&p) && !has_park(&p));
}

Test(park_alone, a_later_park_takes_the_place_of_an_earlier)
{
  struct parker p;
  start_and_park(&p, "t", OX_AT_LEAST, 10);
  kit_sqlf(&k, "UPDATE orders SET due_at = now() WHERE order_id = '%s'", &p.id);
  hold(&p);
  park(&p, "u", OX_AT_MOST, 3);
  publish_and_wake("t", 10);
  cr_assert(!is_due(&p));
  publish_and_wake("u", 3);
  cr_assert(is_due(&p));
}

Test(park, parks_of_orders_that_were_cancelled_or_ended_go)
{
  struct parker cancelled, ended, waiting;
  start_and_park(&cancelled, "t", OX_AT_LEAST, 10);
  start_and_park(&ended, "t", OX_AT_LEAST, 10);
  start_and_park(&waiting, "t", OX_AT_LEAST, 10);
  kit_sqlf(&k, "UPDATE orders SET phase = 4, fence = fence + 1 WHERE order_id = '%s'",
           &cancelled.id);
  kit_sqlf(&k, "UPDATE orders SET due_at = now() WHERE order_id = '%s'", &ended.id);
  hold(&ended);
  kit_emit(&k, &ended.job, "done", NULL);
  kit_until(&k, ended.job.ok);
  kit_until(&k, !has_park(&cancelled) && !has_park(&ended));
  cr_assert(has_park(&waiting));
  publish_and_wake("t", 10);
  cr_assert(is_due(&waiting));
}

/* ── what a process that died has left ──────────────────────────────────────────────────────── */

Test(park, wakes_that_a_dead_publisher_owes_are_made)
{
  struct parker p;
  start_and_park(&p, "t", OX_AT_LEAST, 10);
  kit_sql(&k, "INSERT INTO topics (topic, level, at) VALUES ('t', 10, clock_timestamp())");
  kit_until(&k, is_due(&p) && !has_park(&p));
  kit_until(&k, all_paid());
}

Test(park, a_park_whose_parker_died_before_it_looked_is_found)
{
  struct parker p;
  start_and_park(&p, "t", OX_AT_LEAST, 10);
  kit_sql(&k, "INSERT INTO topics (topic, level, at, owed)"
              " VALUES ('t', 10, clock_timestamp(), false)");
  kit_until(&k, is_due(&p) && !has_park(&p));
}

static void kill_backends(void)
{
  kit_terminate(&k, "ox parks");
}

Test(park, connections_cut_again_and_again_lose_nobody)
{
  enum { N = 600 };
  static struct parker p[N];
  park_many(p, N, "t");
  for (int i = 0; i < 5; i++) {
    enum status status = publish_within("t", 10, PUBLISH_MS);
    cr_assert(status == ST_OK || status == ST_AWAY);
    kill_backends();
  }
  while (publish_within("t", 10, PUBLISH_MS) != ST_OK) continue;
  kit_until(&k, all_paid());
  cr_assert_eq(kit_number(&k, "SELECT count(*) FROM orders WHERE due_at > now()"), 0);
}

/* A step in doubt that began a park is read back: begun or not, it is there once. */
Test(park, parks_begun_under_broken_connections)
{
  enum { ROUNDS = 30 };
  struct parker p;
  p.id = kit_accept(&k);
  for (int i = 0; i < ROUNDS; i++) {
    hold(&p);
    journal_post(k.journal, park_entry(&p, "t", OX_AT_LEAST, 10));
    uv_run(&k.loop, UV_RUN_NOWAIT);
    kit_terminate(&k, "ox journal");
    kit_until(&k, p.job.ok + p.job.stale == 1);
    cr_assert_eq(p.job.ok, 1);
    cr_assert(has_park(&p));
    kit_until(&k, journal_up(k.journal) && publish_within("t", 10, PUBLISH_MS) == ST_OK);
    kit_until(&k, is_due(&p));
  }
}

/* ── publishing has bounds ──────────────────────────────────────────────────────────────────── */

Test(park_alone, topics_have_names)
{
  char longest[OX_TOPIC_MAX], longer[OX_TOPIC_MAX + 1];
  memset(longest, 'x', sizeof longest);
  memset(longer, 'x', sizeof longer);
  longest[OX_TOPIC_MAX - 1] = longer[OX_TOPIC_MAX] = '\0';
  cr_assert(parks_topic_valid("price:SOL-USDC") && parks_topic_valid("~") &&
            parks_topic_valid(longest));
  cr_assert(!parks_topic_valid("") && !parks_topic_valid(longer) && !parks_topic_valid("a b") &&
            !parks_topic_valid("a\n") && !parks_topic_valid("\xc3\xa4"));
}

Test(park_alone, more_publishes_than_fit_are_full)
{
  for (int i = 0; i < 1024; i++) cr_assert_eq(parks_publish(parks, "t", i, 0), ST_AWAY);
  cr_assert_eq(parks_publish(parks, "t", 1, 0), ST_FULL);
  kit_until(&k, parks_idle(parks));
  publish_and_wake("t", 7); /* what nobody waited for any more is not recorded late */
  cr_assert_eq(kit_number(&k, "SELECT ver FROM topics"), 1);
}

Test(park_alone, without_postgres_publishing_says_so_in_time)
{
  close_parks();
  struct parks_options nowhere = {.database_url = "postgresql://127.0.0.1:1/none"};
  parks = parks_create(&k.loop, &nowhere, k.relay);
  int64_t before = clock_mono_ms();
  cr_assert_eq(publish_within("t", 1, 200), ST_AWAY);
  cr_assert_lt(clock_mono_ms() - before, 5000);
}

static enum status status_at_end;

static void *publish_till_the_end(void *arg)
{
  (void)arg;
  status_at_end = parks_publish(parks, "t", 1, HOUR_MS);
  return NULL;
}

Test(park_alone, at_the_end_whoever_waits_is_answered)
{
  pthread_t thread;
  close_parks();
  struct parks_options nowhere = {.database_url = "postgresql://127.0.0.1:1/none"};
  parks = parks_create(&k.loop, &nowhere, k.relay);
  cr_assert_eq(pthread_create(&thread, NULL, publish_till_the_end, NULL), 0);
  kit_until(&k, !parks_idle(parks));
  int done = 0;
  parks_close(parks, on_done, &done);
  kit_until(&k, done);
  pthread_join(thread, NULL);
  cr_assert_eq(status_at_end, ST_AWAY);
  cr_assert_eq(parks_publish(parks, "t", 1, HOUR_MS), ST_AWAY); /* at once */
  parks_destroy(parks);
  parks = NULL;
}

/* ── plans ──────────────────────────────────────────────────────────────────────────────────── */

static void check_plans(void)
{
  kit_sql(&k, "DEALLOCATE ALL");
  kit_sql(&k, parks_statements[0].sql);
  for (size_t i = 1; i < n_parks_statements; i++) {
    static const char *const args[] = {"(null, null)", "(500)", "(null)", "(null, 500)", ""};
    char text[4096];
    snprintf(text, sizeof text, "PREPARE p%zu AS %s", i, parks_statements[i].sql);
    kit_sql(&k, text);
    snprintf(text, sizeof text, "EXPLAIN (COSTS off, FORMAT json) EXECUTE p%zu%s", i, args[i - 1]);
    const char *plan = kit_sql(&k, text);
    bool forgets = strcmp(parks_statements[i].name, "forget") == 0; /* all of them, each hour */
    cr_assert(forgets || !strstr(plan, "Seq Scan"), "%s: %s", parks_statements[i].name, plan);
    cr_assert(!strstr(plan, "Hash Join") && !strstr(plan, "Merge Join"), "%s", plan);
  }
}

Test(park_alone, plans_are_index_scans)
{
  check_plans(); /* as on the first day */
  kit_sql(&k, "ANALYZE");
  check_plans();
  kit_sql(&k, "INSERT INTO parks SELECT gen_random_uuid(), 1, 't' || i % 7, 1, i, now()"
              " FROM generate_series(1, 20000) i");
  kit_sql(&k, "INSERT INTO topics SELECT 't' || i, i, 1, now(), i % 2 = 0"
              " FROM generate_series(1, 300) i");
  check_plans();
  kit_sql(&k, "ANALYZE");
  check_plans();
}

/* ── with Redis ─────────────────────────────────────────────────────────────────────────────── */

static struct redis_conn *redis;
static struct queue *queue;
static char prefix[64];

/* The journal's own relay, connected. */
static void open_redis(void)
{
  kit_open(&k);
  snprintf(prefix, sizeof prefix, "park%d_%lld", getpid(), (long long)clock_mono_ns());
  cr_assert_not_null(getenv("REDIS_URL"));
  struct redis_options r = {.url = getenv("REDIS_URL"), .name = "park", .deadline_ms = 2000};
  struct queue_options q = {.prefix = prefix, .lease_ms = KIT_LEASE_MS};
  redis = redis_connect(&k.loop, &r);
  queue = queue_create(redis, &q);
  kit_until(&k, redis_up(redis));
  kit_until(&k, queue_pause(queue, false, 1, NULL, NULL) == ST_OK);
  int done = 0;
  journal_destroy(k.journal, on_done, &done);
  kit_until(&k, done);
  relay_destroy(k.relay);
  k.relay = relay_create(queue);
  struct journal_options options = {.database_url = k.url,
                                    .max_waiting = 1000,
                                    .lease_ms = KIT_LEASE_MS,
                                    .types = kit_types,
                                    .n_types = 1};
  k.journal = journal_create(&k.loop, &options, k.relay);
  kit_until(&k, journal_up(k.journal));
  open_parks(NEVER_MS);
}

static void close_redis(void)
{
  int done = 0;
  kit_until(&k, parks_idle(parks));
  queue_disconnect(queue);
  redis_close(redis, on_done, &done);
  kit_until(&k, done);
  close_parks();
  kit_close(&k);
  queue_destroy(queue);
}

TestSuite(park_redis, .init = open_redis, .fini = close_redis, .timeout = 60);

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

struct claimed {
  int calls;
  size_t n;
  struct queue_item items[QUEUE_BATCH_MAX];
};

static void on_claimed(void *arg, enum status status, const struct queue_claimed *claimed)
{
  struct claimed *c = arg;
  cr_assert_eq(status, ST_OK);
  c->calls++;
  c->n = claimed->n;
  memcpy(c->items, claimed->items, claimed->n * sizeof *c->items);
}

/* Claims up to max from Redis. */
static const struct claimed *claim(size_t max)
{
  static struct claimed c;
  memset(&c, 0, sizeof c);
  cr_assert_eq(queue_claim(queue, "s", max, on_claimed, &c), ST_OK);
  kit_until(&k, c.calls);
  return &c;
}

static void hold_from_redis(struct parker *p)
{
  const struct claimed *c = claim(1);
  cr_assert_eq(c->n, 1);
  p->id = c->items[0].id;
  hold(p);
  snprintf(p->job.order.token, sizeof p->job.order.token, "%s", c->items[0].token);
}

Test(park_redis, a_parked_order_is_delayed_until_it_is_woken)
{
  struct parker p;
  kit_accept(&k);
  kit_until(&k, counts().waiting == 1);
  hold_from_redis(&p);
  park(&p, "t", OX_AT_LEAST, 10);
  kit_until(&k, counts().delayed == 1);
  cr_assert(counts().waiting == 0 && counts().active == 0);
  publish_and_wake("t", 10);
  kit_until(&k, counts().waiting == 1);
  cr_assert(counts().delayed == 0);
}

Test(park_redis, the_woken_start_in_order_of_accept)
{
  enum { N = 1100 };
  static struct parker p[N];
  for (int i = 0; i < N; i++) kit_accept(&k);
  kit_until(&k, counts().waiting == N);
  for (int i = 0; i < N; i++) hold_from_redis(&p[i]);
  for (int i = N; i > 0; i--) journal_post(k.journal, park_entry(&p[i - 1], "t", OX_AT_LEAST, 10));
  for (int i = 0; i < N; i++) kit_until(&k, p[i].job.ok);
  kit_until(&k, counts().delayed == N && parks_idle(parks));
  publish("t", 10);
  for (int i = 0; i < N;) { /* while page after page is woken */
    const struct claimed *c = claim(7);
    for (size_t n = 0; n < c->n; n++, i++)
      cr_assert_eq(ulid_compare(&c->items[n].id, &p[i].id), 0, "%d is out of turn", i);
  }
}

/* A wake whose hint came before the parker's own was with Redis finds the order still leased. The
 * parker, who looks once more when his is there, finds the order due and says so again. */
Test(park_redis, a_wake_that_overtook_the_park_is_not_lost)
{
  struct parker p;
  kit_accept(&k);
  kit_until(&k, counts().waiting == 1);
  hold_from_redis(&p);
  kit_sqlf(&k,
           "UPDATE orders SET due_at = now(), owner = NULL, phase = 0, fence = fence + 1"
           " WHERE order_id = '%s'",
           &p.id); /* parked and woken */
  relay_park(k.relay, &p.id, p.job.order.token, HOUR_MS);
  relay_flush(k.relay);
  kit_until(&k, counts().waiting == 1);
}

Test(park_redis, a_wake_is_not_lost_while_redis_is_away)
{
  struct parker p;
  kit_accept(&k);
  kit_until(&k, counts().waiting == 1);
  hold_from_redis(&p);
  queue_disconnect(queue);
  park(&p, "t", OX_AT_LEAST, 10);
  cr_assert(relay_let_go(k.relay));
  publish_and_wake("t", 10);
  cr_assert(is_due(&p));
  cr_assert(relay_let_go(k.relay)); /* the sweeper makes it good */
}
