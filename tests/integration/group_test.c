/* FIFO groups on a real PostgreSQL and a real Redis: places in the order of accept, one order at a
 * time, and a next one after every kind of end. */
#include "io/redis.h"
#include "journal/redrive.h"
#include "journal/sweeper.h"
#include "journal_kit.h"

static struct kit k;
static struct redis_conn *redis;
static struct queue *queue;
static struct journal *other; /* another process's; NULL: there is none */
static struct sweeper *sweeper;
static char prefix[64];

static void on_done(void *arg)
{
  *(int *)arg = 1;
}

static struct journal *open_journal(void)
{
  struct journal_options options = {.database_url = k.url,
                                    .max_waiting = 3000,
                                    .lease_ms = KIT_LEASE_MS,
                                    .idempotency_ttl_s = 3600,
                                    .types = kit_types,
                                    .n_types = 1};
  struct journal *j = journal_create(&k.loop, &options, k.relay);
  kit_until(&k, journal_up(j));
  return j;
}

static void close_journal(struct journal *j)
{
  int done = 0;
  journal_destroy(j, on_done, &done);
  kit_until(&k, done);
}

static void open_all(void)
{
  kit_open(&k);
  snprintf(prefix, sizeof prefix, "group%d_%lld", getpid(), (long long)clock_mono_ns());
  cr_assert_not_null(getenv("REDIS_URL"));
  struct redis_options r = {.url = getenv("REDIS_URL"), .name = "group", .deadline_ms = 2000};
  struct queue_options q = {.prefix = prefix, .lease_ms = KIT_LEASE_MS};
  redis = redis_connect(&k.loop, &r);
  queue = queue_create(redis, &q);
  kit_until(&k, redis_up(redis));
  kit_until(&k, queue_pause(queue, false, 1, NULL, NULL) == ST_OK);
  close_journal(k.journal);
  relay_destroy(k.relay);
  k.relay = relay_create(queue);
  k.journal = open_journal();
}

static void close_all(void)
{
  int done = 0;
  if (other) close_journal(other);
  other = NULL;
  if (sweeper) sweeper_destroy(sweeper, on_done, &done);
  if (sweeper) kit_until(&k, done);
  sweeper = NULL;
  queue_disconnect(queue);
  done = 0;
  redis_close(redis, on_done, &done);
  kit_until(&k, done);
  kit_close(&k);
  queue_destroy(queue);
}

TestSuite(group, .init = open_all, .fini = close_all, .timeout = 60);

/* ── helpers ────────────────────────────────────────────────────────────────────────────────── */

static struct journal_accept order_of(const char *group)
{
  struct journal_accept order = kit_order();
  order.group = group;
  return order;
}

static struct ulid accept_of(const char *group)
{
  struct kit_accept a = {0};
  struct journal_accept order = order_of(group);
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_OK);
  return a.accepted.id;
}

static void expect_refused(const struct ulid *id, enum journal_refusal why)
{
  struct kit_claim c = kit_claim_by(&k, &k.session, id, INT64_MAX);
  cr_assert_eq(c.status, ST_STALE);
  cr_assert_eq(c.refusal, why, "%d", c.refusal);
}

static long long place_of(const struct ulid *id)
{
  return strtoll(kit_sqlf(&k, "SELECT group_seq FROM orders WHERE order_id = '%s'", id), NULL, 10);
}

static void end_with(struct kit_job *job, const char *state)
{
  kit_emit(&k, job, state, NULL);
  kit_until(&k, job->ok == 1);
}

static void hand_back(struct kit_job *job, enum journal_hold hold, int64_t delay_ms)
{
  struct journal_entry *e = kit_entry(job, NULL);
  e->hold = hold;
  e->delay_ms = delay_ms;
  journal_post(k.journal, e);
  kit_until(&k, job->ok == 1);
}

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

struct number {
  int calls;
  long long value;
};

static void on_number(void *arg, const redisReply *reply)
{
  struct number *n = arg;
  n->calls++;
  if (reply) n->value = reply->integer;
}

/* One command about a key of the queue. */
static long long of_key(const char *command, const char *name)
{
  struct number n = {0};
  char key[128];
  snprintf(key, sizeof key, "%s:{0}:%s", prefix, name);
  const char *argv[] = {command, key};
  cr_assert_eq(redis_command(redis, 2, argv, NULL, on_number, &n), ST_OK);
  kit_until(&k, n.calls);
  return n.value;
}

/* Who may run, and who waits behind another, as Redis has it. */
static bool redis_has(long long waiting, long long behind)
{
  return of_key("ZCARD", "waiting") == waiting && of_key("ZCARD", "behind") == behind;
}

static void redis_forgets_all(void)
{
  static const char *const keys[] = {"waiting", "behind", "delayed", "active", "leases"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) of_key("DEL", keys[i]);
}

static void start_sweeper(void)
{
  struct sweeper_options o = {.database_url = k.url, .lease_ms = KIT_LEASE_MS, .interval_ms = 100};
  sweeper = sweeper_create(&k.loop, &o, queue, k.relay);
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

static void on_dropped(void *arg, enum status status)
{
  cr_assert_eq(status, ST_OK);
  *(bool *)arg = true;
}

/* Claims the one that may run, again where PostgreSQL broke off. The sweeper may have read of an
 * order before it ended, and have brought it back since: as a worker would, it is dropped. */
static void hold_from_redis(struct kit_job *job)
{
  const struct claimed *c = NULL;
  struct kit_claim in_pg = {0};
  struct queue_item item;
  for (;;) {
    kit_until(&k, (c = claim(1))->n == 1);
    item = c->items[0];
    kit_until(&k, (in_pg = kit_claim_by(&k, &k.session, &item.id, INT64_MAX)).status != ST_AWAY);
    if (in_pg.status != ST_STALE || in_pg.refusal != JOURNAL_TERMINAL) break;
    bool dropped = false;
    cr_assert_eq(queue_drop(queue, &item.id, 1, on_dropped, &dropped), ST_OK);
    kit_until(&k, dropped);
  }
  cr_assert_eq(in_pg.status, ST_OK, "%s, refusal %d", status_name(in_pg.status),
               (int)in_pg.refusal);
  memset(job, 0, sizeof *job);
  journal_order_init(&job->order, in_pg.claimed, &kit_type, item.token);
  journal_claimed_free(in_pg.claimed);
}

/* ── places ─────────────────────────────────────────────────────────────────────────────────── */

Test(group, places_are_given_in_the_order_in_which_they_came)
{
  enum { N = 900 };
  static struct kit_accept a[N];
  static const char *const groups[] = {"g1", NULL, "g2"};
  memset(a, 0, sizeof a);
  for (int i = 0; i < N; i++) {
    struct journal_accept order = order_of(groups[i % 3]);
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[i]), ST_OK);
  }
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls);
  for (int i = 0; i < N; i++) {
    cr_assert_eq(a[i].status, ST_OK);
    cr_assert_eq(place_of(&a[i].accepted.id), i % 3 == 1 ? 0 : i / 3 + 1);
  }
  cr_assert_str_eq(kit_sql(&k, "SELECT string_agg(group_id || last_seq, ' ' ORDER BY group_id)"
                               " FROM order_groups"),
                   "g1300 g2300");
}

Test(group, groups_belong_to_a_tenant)
{
  struct ulid mine = accept_of("g");
  struct journal_accept order = order_of("g");
  struct kit_accept a = {0};
  struct kit_job job;
  order.tenant = "another";
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(&k, a.calls);
  kit_hold(&k, &a.accepted.id, &job);
  kit_hold(&k, &mine, &job);
}

/* Whoever has his answer comes before whoever asks after that, whichever process either asks. */
Test(group, accepts_of_two_processes)
{
  enum { N = 400 };
  static struct kit_accept a[N];
  memset(a, 0, sizeof a);
  other = open_journal();
  struct journal *at[] = {k.journal, other};
  struct journal_accept order = order_of("g");
  for (int i = 0; i < N; i++) {
    cr_assert_eq(journal_accept(at[i % 2], &order, kit_on_accepted, &a[i]), ST_OK);
    if (i % 40 < 20) kit_until(&k, a[i].calls); /* else many at once, in both */
    if (i % 40 == 39) kit_until(&k, a[i].calls && a[i - 1].calls);
  }
  for (int i = 0; i < N; i++) cr_assert(a[i].calls == 1 && a[i].status == ST_OK);
  for (int i = 0; i < N; i++) {
    int before = i % 40 < 20 ? i - 1 : i - 2; /* answered, or asked of the same process */
    if (before < 0) continue;
    cr_assert_lt(place_of(&a[before].accepted.id), place_of(&a[i].accepted.id), "%d", i);
  }
  cr_assert_str_eq(kit_sql(&k, "SELECT count(DISTINCT group_seq) FROM orders"), "400");
}

/* One process holds the group's row; the others' grouped orders wait for it, and only those. */
Test(group, a_locked_group_holds_nobody_else_up)
{
  static struct kit_accept grouped, plain[10];
  struct journal_accept order = order_of("g");
  accept_of("g");
  kit_sql(&k, "BEGIN");
  kit_sql(&k, "UPDATE order_groups SET last_seq = last_seq + 1");
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &grouped), ST_OK);
  kit_until(&k, kit_number(&k, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                               "current_database() AND wait_event_type = 'Lock'") == 1);
  order.group = NULL;
  for (int i = 0; i < 10; i++) {
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &plain[i]), ST_OK);
    kit_until(&k, plain[i].calls);
    cr_assert_eq(plain[i].status, ST_OK);
  }
  cr_assert_not(grouped.calls && grouped.status == ST_OK);
  kit_sql(&k, "COMMIT");
  kit_until(&k, grouped.calls && journal_idle(k.journal));
  cr_assert_str_eq(kit_sql(&k, "SELECT max(group_seq) FROM orders"), "3");
}

static struct kit_accept named(const char *own, const char *key, const char *group,
                               const char *body)
{
  unsigned char hash[JOURNAL_HASH_LEN] = {0};
  struct kit_accept a = {0};
  struct journal_accept order = order_of(group);
  memcpy(hash, body, strlen(body));
  order.client_order_id = own;
  order.idempotency_key = key;
  order.request_hash = order.key_hash = hash;
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(&k, a.calls);
  return a;
}

Test(group, a_replay_takes_no_turn)
{
  struct kit_accept first = named("own", "key", "g", "body");
  struct kit_accept again = named("own", "key", "g", "body");
  cr_assert_eq(first.status, ST_OK);
  cr_assert_eq(again.status, ST_REPLAYED);
  cr_assert_eq(ulid_compare(&first.accepted.id, &again.accepted.id), 0);
  cr_assert_eq(named("own", NULL, "g", "other").status, ST_CONFLICT);
  struct kit_accept next = named("own2", "key2", "g", "body");
  cr_assert_eq(next.status, ST_OK);
  struct kit_job job;
  expect_refused(&next.accepted.id, JOURNAL_BEHIND);
  kit_hold(&k, &first.accepted.id, &job);
  end_with(&job, "done");
  kit_hold(&k, &next.accepted.id, &job);
}

Test(group, the_same_name_twice_at_once_is_busy)
{
  unsigned char hash[JOURNAL_HASH_LEN] = {0};
  struct kit_accept a = {0}, b = {0};
  struct journal_accept order = order_of("g");
  order.client_order_id = "own";
  order.request_hash = hash;
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &b), ST_BUSY);
  kit_until(&k, a.calls);
}

static void kill_backends(void)
{
  kit_terminate(&k, "ox journal");
}

/* What was said to be durable is there, in the order in which it was asked for. */
Test(group, places_under_broken_connections)
{
  enum { N = 1500 };
  static struct kit_accept a[N];
  memset(a, 0, sizeof a);
  int ok = 0;
  for (int i = 0; i < N; i++) {
    struct journal_accept order = order_of("g");
    kit_until(&k, journal_accept(k.journal, &order, kit_on_accepted, &a[i]) == ST_OK);
    if (i % 100 == 50) kill_backends();
    if (i % 10 == 0) uv_run(&k.loop, UV_RUN_NOWAIT);
  }
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls);
  long long last = 0;
  for (int i = 0; i < N; i++) {
    cr_assert_eq(a[i].calls, 1);
    if (a[i].status != ST_OK) continue;
    long long place = place_of(&a[i].accepted.id);
    cr_assert_lt(last, place, "%d", i);
    last = place;
    ok++;
  }
  cr_assert_gt(ok, N / 2);
}

/* ── turns ──────────────────────────────────────────────────────────────────────────────────── */

Test(group, one_at_a_time_in_order)
{
  struct ulid id[4];
  struct kit_job job;
  for (int i = 0; i < 4; i++) id[i] = accept_of(i == 3 ? "another" : "g");
  expect_refused(&id[1], JOURNAL_BEHIND);
  kit_hold(&k, &id[0], &job);
  expect_refused(&id[1], JOURNAL_BEHIND);
  expect_refused(&id[2], JOURNAL_BEHIND);
  struct kit_job free_job;
  kit_hold(&k, &id[3], &free_job);
  end_with(&job, "done");
  expect_refused(&id[0], JOURNAL_TERMINAL);
  expect_refused(&id[2], JOURNAL_BEHIND);
  kit_hold(&k, &id[1], &job);
  cr_assert_eq(job.order.attempt, 1, "a refusal costs no attempt");
  cr_assert_eq(job.order.fence, 1);
}

Test(group, every_end_lets_the_next_one_run)
{
  struct ulid id[5];
  struct kit_job job;
  for (int i = 0; i < 5; i++) id[i] = accept_of("g");
  kit_hold(&k, &id[0], &job);
  end_with(&job, "broken");
  cr_assert_eq(kit_cancel(&k, &id[1]), CANCEL_DONE); /* while it waits */
  kit_hold(&k, &id[2], &job);
  cr_assert_eq(kit_cancel(&k, &id[2]), CANCEL_DONE); /* while it runs */
  cr_assert_eq(kit_cancel(&k, &id[4]), CANCEL_DONE); /* behind another */
  kit_hold(&k, &id[3], &job);
  end_with(&job, "done");
  kit_until(&k, redis_has(0, 0));
}

Test(group, whoever_is_handed_back_still_holds_its_group)
{
  struct ulid first = accept_of("g"), next = accept_of("g");
  struct kit_job job;
  kit_hold(&k, &first, &job);
  hand_back(&job, JOURNAL_RETRY, 60000);
  expect_refused(&next, JOURNAL_BEHIND);
  expect_refused(&first, JOURNAL_NOT_DUE);
  kit_sqlf(&k, "UPDATE orders SET due_at = NULL WHERE order_id = '%s'", &first);
  kit_hold(&k, &first, &job);
  cr_assert_eq(job.order.attempt, 2);
  hand_back(&job, JOURNAL_RELEASE, 60000); /* as an order does that waits for a price */
  expect_refused(&next, JOURNAL_BEHIND);
}

Test(group, a_dead_workers_order_still_holds_its_group)
{
  struct ulid first = accept_of("g"), next = accept_of("g");
  struct kit_job job;
  kit_hold(&k, &first, &job);
  kit_sql(&k, "UPDATE worker_sessions SET closed = true");
  k.session = kit_session(&k);
  expect_refused(&next, JOURNAL_BEHIND);
  kit_hold(&k, &first, &job); /* taken over */
  end_with(&job, "done");
  kit_hold(&k, &next, &job);
}

/* Whoever is moved by hand is nobody's to run, and holds its group till its end. */
Test(group, an_order_taken_over_by_hand_still_holds_its_group)
{
  struct ulid first = accept_of("g"), next = accept_of("g");
  struct kit_job job;
  kit_until(&k, journal_idle(k.journal) && redis_has(1, 1));
  kit_sqlf(&k, "UPDATE orders SET by_hand = true WHERE order_id = '%s'", &first);
  expect_refused(&next, JOURNAL_BEHIND);
  redis_forgets_all();
  start_sweeper();
  kit_until(&k, redis_has(0, 1));
  kit_sqlf(&k, "UPDATE orders SET phase = 2, completed_at = now() WHERE order_id = '%s'", &first);
  sweeper_run(sweeper);
  kit_until(&k, redis_has(1, 0));
  kit_hold(&k, &next, &job);
}

/* Nobody trusts Redis: hints for a whole group, in any order, start one of them. */
Test(group, claims_of_one_transaction)
{
  enum { N = 50 };
  struct ulid id[N];
  static struct kit_claim c[N];
  memset(c, 0, sizeof c);
  for (int i = 0; i < N; i++) id[i] = accept_of("g");
  for (int i = N; i > 0; i--) {
    struct journal_claim claim = {k.session, id[i - 1], INT64_MAX, NULL};
    journal_claim(k.journal, &claim, kit_on_claimed, &c[i - 1]);
  }
  for (int i = 0; i < N; i++) kit_until(&k, c[i].calls);
  for (int i = 1; i < N; i++) cr_assert(c[i].status == ST_STALE && c[i].refusal == JOURNAL_BEHIND);
  cr_assert_eq(c[0].status, ST_OK);
  journal_claimed_free(c[0].claimed);
}

/* ── redrive, purge ─────────────────────────────────────────────────────────────────────────── */

struct redriven {
  int calls;
  enum redrive_result result;
  struct journal_redriven it;
  int64_t n;
};

static void on_redriven(void *arg, enum redrive_result result, const struct journal_redriven *it)
{
  struct redriven *r = arg;
  r->calls++;
  r->result = result;
  if (it) r->it = *it;
}

static void on_all_redriven(void *arg, enum status status, int64_t n, int64_t refused)
{
  struct redriven *r = arg;
  cr_assert(status == ST_OK && refused == 0);
  r->calls++;
  r->n = n;
}

static void fail_next(const struct ulid *id)
{
  struct kit_job job;
  kit_hold(&k, id, &job);
  struct journal_entry *e = kit_entry(&job, "broken");
  e->data = mem_strdup("{\"error\":{}}");
  e->error = mem_strdup("{\"code\":\"X\",\"outcome\":\"none\"}");
  journal_post(k.journal, e);
  kit_until(&k, job.ok == 1);
}

Test(group, a_redrive_comes_behind_the_others_of_its_group)
{
  struct ulid dead = accept_of("g"), next = accept_of("g");
  struct redriven r = {0};
  struct kit_job job;
  fail_next(&dead);
  kit_until(&k, journal_redrive(k.journal, &dead, on_redriven, &r) == ST_OK);
  kit_until(&k, r.calls);
  cr_assert(r.result == REDRIVE_DONE && r.it.grouped);
  expect_refused(&r.it.id, JOURNAL_BEHIND);
  kit_hold(&k, &next, &job);
  end_with(&job, "done");
  kit_until(&k, journal_idle(k.journal) && counts().waiting == 1);
  kit_hold(&k, &r.it.id, &job);
}

Test(group, all_are_redriven_in_their_order)
{
  enum { N = 450 }; /* more than two pages */
  static struct ulid id[N];
  static const char *const groups[] = {"a", "b", NULL};
  struct redriven r = {0};
  for (int i = 0; i < N; i++) id[i] = accept_of(groups[i % 3]);
  for (int i = 0; i < N; i++) fail_next(&id[i]);
  kit_until(&k, journal_redrive_all(k.journal, on_all_redriven, &r) == ST_OK);
  kit_until(&k, r.calls);
  cr_assert_eq(r.n, N);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders n JOIN orders d"
                               " ON d.order_id = n.redrive_of WHERE n.group_no IS NOT DISTINCT FROM"
                               " d.group_no AND coalesce(n.group_seq - d.group_seq, 150) = 150"),
                   "450");
  kit_until(&k, journal_idle(k.journal) && redis_has(N / 3 + 2, N - N / 3 - 2));
}

static void on_purged(void *arg, enum status status, int64_t n)
{
  struct redriven *r = arg;
  cr_assert_eq(status, ST_OK);
  r->calls++;
  r->n = n;
}

Test(group, a_purge_leaves_the_one_that_runs)
{
  struct redriven purged = {0};
  struct kit_job job;
  for (int i = 0; i < 20; i++) accept_of("g");
  hold_from_redis(&job);
  cr_assert_eq(journal_purge(k.journal, on_purged, &purged), ST_OK);
  kit_until(&k, purged.calls);
  cr_assert_eq(purged.n, 19);
  kit_until(&k, journal_idle(k.journal) && redis_has(0, 0));
  end_with(&job, "done");
  struct ulid next = accept_of("g");
  kit_hold(&k, &next, &job);
}

/* ── Redis ──────────────────────────────────────────────────────────────────────────────────── */

Test(group, only_the_first_of_each_group_may_be_claimed)
{
  for (int i = 0; i < 30; i++) accept_of(i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : NULL);
  kit_until(&k, redis_has(12, 18));
  cr_assert_eq(counts().waiting, 30, "those behind wait, too");
  cr_assert_eq(claim(100)->n, 12);
}

Test(group, a_thousand_of_one_group_run_in_order)
{
  enum { N = 1000 };
  static struct ulid id[N];
  static struct kit_accept a[N];
  struct journal_accept order = order_of("g");
  memset(a, 0, sizeof a);
  for (int i = 0; i < N; i++)
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[i]), ST_OK);
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls);
  for (int i = 0; i < N; i++) id[i] = a[i].accepted.id;
  for (int i = 0; i < N; i++) {
    struct kit_job job;
    hold_from_redis(&job);
    cr_assert_eq(ulid_compare(&job.order.id, &id[i]), 0, "%d is out of turn", i);
    cr_assert_eq(claim(10)->n, 0, "nobody beside it");
    end_with(&job, "done");
  }
  kit_until(&k, journal_idle(k.journal) && redis_has(0, 0));
  cr_assert_eq(counts().active, 0);
}

Test(group, a_thousand_groups_of_one_hinder_nobody)
{
  enum { N = 1000 };
  static struct kit_accept a[N];
  memset(a, 0, sizeof a);
  for (int i = 0; i < N; i++) {
    char group[32];
    snprintf(group, sizeof group, "g%d", i);
    struct journal_accept order = order_of(group);
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[i]), ST_OK);
  }
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls);
  kit_until(&k, redis_has(N, 0));
  cr_assert_eq(claim(500)->n, 500);
  cr_assert_eq(claim(500)->n, 500);
}

Test(group, a_wiped_redis_is_made_again)
{
  enum { N = 1200, GROUPS = 3 }; /* more than two pages */
  static struct kit_accept a[N];
  struct kit_job job;
  memset(a, 0, sizeof a);
  for (int i = 0; i < N; i++) {
    struct journal_accept order = order_of(i % 4 == 0   ? "a"
                                           : i % 4 == 1 ? "b"
                                           : i % 4 == 2 ? "c"
                                                        : NULL);
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[i]), ST_OK);
  }
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls);
  kit_until(&k, journal_idle(k.journal) && redis_has(N / 4 + 3, N - N / 4 - 3));
  hold_from_redis(&job); /* the first of a group */
  redis_forgets_all();
  start_sweeper();
  kit_until(&k, redis_has(N / 4 + 2, N - N / 4 - 3));
  end_with(&job, "done");
  kit_until(&k, redis_has(N / 4 + 3, N - N / 4 - 4));
}

/* What Redis says of orders that nobody waits for any more is forgotten; so memory has a bound. */
Test(group, who_is_wrongly_said_to_be_behind_is_forgotten)
{
  struct ulid first = accept_of("g"), next = accept_of("g"), ended = accept_of("g");
  kit_until(&k, journal_idle(k.journal) && redis_has(1, 2));
  kit_sqlf(&k, "UPDATE orders SET phase = 4, completed_at = now() WHERE order_id = '%s'", &ended);
  start_sweeper();
  kit_until(&k, redis_has(1, 1));
  kit_sqlf(&k, "UPDATE orders SET phase = 4, completed_at = now() WHERE order_id = '%s'", &first);
  kit_sqlf(&k, "UPDATE orders SET phase = 4, completed_at = now() WHERE order_id = '%s'", &next);
  relay_behind(k.relay, &ended);
  relay_flush(k.relay);
  kit_until(&k, of_key("ZCARD", "behind") == 0);
}

/* A hint for one that is not first does no harm, and none for the first is found by the sweeper. */
Test(group, wrong_hints)
{
  struct ulid first = accept_of("g"), next = accept_of("g");
  struct kit_job job;
  kit_until(&k, journal_idle(k.journal) && redis_has(1, 1));
  redis_forgets_all();
  relay_enqueue(k.relay, &next);
  relay_flush(k.relay);
  kit_until(&k, redis_has(1, 0));
  expect_refused(&next, JOURNAL_BEHIND);
  start_sweeper();
  kit_until(&k, redis_has(2, 0));
  hold_from_redis(&job);
  cr_assert_eq(ulid_compare(&job.order.id, &first), 0);
}

/* The end of one and the coming of the next cross, many times: nobody is left without a turn. */
Test(group, ends_and_comings_that_cross)
{
  enum { ROUNDS = 200 };
  struct journal_accept order = order_of("g");
  other = open_journal();
  accept_of("g");
  for (int i = 0; i < ROUNDS; i++) {
    struct kit_accept a = {0};
    struct kit_job job;
    hold_from_redis(&job);
    kit_emit(&k, &job, "done", NULL);
    for (int n = 0; n < i % 7; n++) uv_run(&k.loop, UV_RUN_NOWAIT);
    cr_assert_eq(journal_accept(i % 2 ? other : k.journal, &order, kit_on_accepted, &a), ST_OK);
    kit_until(&k, a.calls && job.ok);
  }
  kit_until(&k, redis_has(1, 0));
}

/* Nobody could be told whose turn it is: the sweeper is asked to find out. */
Test(group, a_turn_that_could_not_be_asked_for_is_made_good)
{
  struct kit_job job;
  for (int i = 0; i < 3; i++) accept_of("g");
  kit_until(&k, journal_idle(k.journal));
  hold_from_redis(&job);
  cr_assert_not(relay_let_go(k.relay));
  queue_disconnect(queue);
  end_with(&job, "done");
  kit_until(&k, journal_idle(k.journal));
  cr_assert(relay_let_go(k.relay));
}

Test(group, turns_under_broken_connections)
{
  enum { N = 60 };
  struct kit_job job;
  start_sweeper();
  for (int i = 0; i < N; i++) accept_of("g");
  for (int i = 0; i < N; i++) {
    hold_from_redis(&job);
    kit_emit(&k, &job, "done", NULL);
    for (int n = 0; n < i % 5; n++) uv_run(&k.loop, UV_RUN_NOWAIT);
    if (i % 4 == 0) kill_backends();
    kit_until(&k, job.ok == 1);
  }
  kit_until(&k, redis_has(0, 0));
}
