/* Cancelling on a real PostgreSQL: one order, many, what may not be, and under broken connections.
 */
#include "journal_kit.h"

static struct kit k;

static void open_kit(void)
{
  kit_open(&k);
}

static void close_kit(void)
{
  kit_close(&k);
}

TestSuite(cancel, .init = open_kit, .fini = close_kit, .timeout = 60);

static const char *row(const struct ulid *id)
{
  return kit_sqlf(&k,
                  "SELECT concat_ws('|', status, phase, ver, owner IS NULL, due_at IS NULL,"
                  " completed_at IS NOT NULL) FROM orders WHERE order_id = '%s'",
                  id);
}

static const char *history(const struct ulid *id)
{
  return kit_sqlf(&k,
                  "SELECT string_agg(seq || status, ' ' ORDER BY seq) FROM order_events"
                  " WHERE order_id = '%s'",
                  id);
}

Test(cancel, an_order_that_waits)
{
  struct ulid id = kit_accept(&k);
  cr_assert_eq(kit_cancel(&k, &id), CANCEL_DONE);
  cr_assert_str_eq(row(&id), "gone|4|2|t|t|t");
  cr_assert_str_eq(history(&id), "1new 2gone");
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders WHERE completed_at IS NULL"), "0");
  cr_assert_eq(kit_claim_by(&k, &k.session, &id, INT64_MAX).refusal, JOURNAL_TERMINAL);
}

Test(cancel, only_once)
{
  struct ulid id = kit_accept(&k);
  cr_assert_eq(kit_cancel(&k, &id), CANCEL_DONE);
  cr_assert_eq(kit_cancel(&k, &id), CANCEL_ENDED);
  cr_assert_str_eq(history(&id), "1new 2gone");
}

Test(cancel, an_order_that_nobody_knows)
{
  struct ulid id = ulid_make();
  cr_assert_eq(kit_cancel(&k, &id), CANCEL_UNKNOWN);
}

Test(cancel, whoever_runs_the_order_loses_it)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  cr_assert_eq(kit_cancel(&k, &id), CANCEL_DONE);
  journal_post(k.journal, kit_intent(&job, "hash1"));
  kit_emit(&k, &job, "sent", NULL);
  kit_until(&k, job.stale == 2);
  cr_assert_str_eq(history(&id), "1new 2going 3gone");
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM intents"), "0");
}

Test(cancel, what_was_submitted_goes_on)
{
  struct ulid open = kit_accept(&k), past = kit_accept(&k), landed = kit_accept(&k);
  struct kit_job jobs[3];
  kit_hold(&k, &open, &jobs[0]);
  kit_hold(&k, &past, &jobs[1]);
  kit_hold(&k, &landed, &jobs[2]);
  journal_post(k.journal, kit_intent(&jobs[0], "hash1"));
  kit_emit(&k, &jobs[1], "sent", NULL);
  journal_post(k.journal, kit_intent(&jobs[2], "hash2"));
  journal_post(k.journal, kit_settle(&jobs[2], JOURNAL_LANDED));
  kit_until(&k, jobs[0].ok == 1 && jobs[1].ok == 1 && jobs[2].ok == 2);
  cr_assert_eq(kit_cancel(&k, &open), CANCEL_SUBMITTED);
  cr_assert_eq(kit_cancel(&k, &past), CANCEL_SUBMITTED);
  cr_assert_eq(kit_cancel(&k, &landed), CANCEL_SUBMITTED);
  for (int i = 0; i < 3; i++) kit_emit(&k, &jobs[i], "done", NULL);
  kit_until(&k, jobs[1].ok == 2 && jobs[2].ok == 3);
}

Test(cancel, after_its_transaction_is_dead)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  journal_post(k.journal, kit_intent(&job, "hash1"));
  journal_post(k.journal, kit_settle(&job, JOURNAL_DEAD));
  kit_until(&k, job.ok == 2);
  cr_assert_eq(kit_cancel(&k, &id), CANCEL_DONE);
}

Test(cancel, a_retry_that_waits)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  struct journal_entry *e = kit_entry(&job, NULL);
  e->hold = JOURNAL_RETRY;
  e->delay_ms = 60000;
  journal_post(k.journal, e);
  kit_until(&k, job.ok == 1);
  cr_assert_eq(kit_cancel(&k, &id), CANCEL_DONE);
  cr_assert_str_eq(row(&id), "gone|4|3|t|t|t");
}

Test(cancel, many_in_a_turn_are_few_transactions_and_one_of_two_wins)
{
  enum { N = 900 };
  static struct ulid ids[N];
  static struct kit_cancel c[2 * N];
  memset(c, 0, sizeof c);
  for (int i = 0; i < N; i++) ids[i] = kit_accept(&k);
  for (int i = 0; i < 2 * N && i < 1000; i++)
    cr_assert_eq(journal_cancel(k.journal, &ids[i % N], &kit_type, kit_on_cancelled, &c[i]), ST_OK);
  cr_assert_eq(journal_cancel(k.journal, &ids[0], &kit_type, kit_on_cancelled, &c[1000]), ST_FULL);
  int done = 0, ended = 0;
  for (int i = 0; i < 1000; i++) {
    kit_until(&k, c[i].calls);
    done += c[i].result == CANCEL_DONE;
    ended += c[i].result == CANCEL_ENDED;
  }
  cr_assert(done == N && ended == 100, "%d done, %d ended", done, ended);
  cr_assert_leq(kit_number(&k, "SELECT count(DISTINCT xmin::text) FROM orders"), 3);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM order_events WHERE seq = 2 AND phase = 4"),
                   "900");
}

/* Another transaction holds the row: nothing waits for it, and the cancel happens when it is over.
 */
Test(cancel, a_row_that_is_held_is_tried_again)
{
  struct ulid id = kit_accept(&k), free_one = kit_accept(&k);
  struct kit_cancel c = {0};
  kit_sqlf(&k, "BEGIN; UPDATE orders SET updated_at = updated_at WHERE order_id = '%s'", &id);
  cr_assert_eq(journal_cancel(k.journal, &id, &kit_type, kit_on_cancelled, &c), ST_OK);
  cr_assert_eq(kit_cancel(&k, &free_one), CANCEL_DONE);
  cr_assert_eq(c.calls, 0);
  kit_sql(&k, "COMMIT");
  kit_until(&k, c.calls);
  cr_assert_eq(c.result, CANCEL_DONE);
}

Test(cancel, a_row_that_is_held_too_long_is_said)
{
  struct ulid id = kit_accept(&k);
  kit_sqlf(&k, "BEGIN; UPDATE orders SET updated_at = updated_at WHERE order_id = '%s'", &id);
  cr_assert_eq(kit_cancel(&k, &id), CANCEL_AWAY);
  kit_sql(&k, "COMMIT");
  kit_until(&k, journal_idle(k.journal));
  cr_assert_str_eq(history(&id), "1new");
}

/* ── purge ──────────────────────────────────────────────────────────────────────────────────── */

struct purged {
  int calls;
  enum status status;
  int64_t n;
};

static void on_purged(void *arg, enum status status, int64_t n)
{
  struct purged *p = arg;
  p->calls++;
  p->status = status;
  p->n = n;
}

Test(cancel, a_purge_ends_what_waits_and_nothing_else)
{
  enum { WAITING = 1201, RUNNING = 7 };
  struct kit_job jobs[RUNNING];
  struct purged p = {0}, second = {0};
  for (int i = 0; i < WAITING + RUNNING; i++) {
    struct ulid id = kit_accept(&k);
    if (i % 100 == 3 && i / 100 < RUNNING) kit_hold(&k, &id, &jobs[i / 100]);
  }
  cr_assert_eq(journal_purge(k.journal, on_purged, &p), ST_OK);
  cr_assert_eq(journal_purge(k.journal, on_purged, &second), ST_BUSY);
  struct ulid later = kit_accept(&k);
  kit_until(&k, p.calls);
  cr_assert(p.status == ST_OK && p.n == WAITING, "%lld", (long long)p.n);
  cr_assert_str_eq(kit_sql(&k, "SELECT string_agg(phase || ':' || n, ' ') FROM (SELECT phase,"
                               " count(*) AS n FROM orders GROUP BY 1 ORDER BY 1) x"),
                   "0:1 1:7 4:1201");
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM order_events WHERE phase = 4"), "1201");
  for (int i = 0; i < RUNNING; i++) kit_emit(&k, &jobs[i], "done", NULL);
  for (int i = 0; i < RUNNING; i++) kit_until(&k, jobs[i].ok == 1);
  cr_assert_eq(kit_cancel(&k, &later), CANCEL_DONE);
  cr_assert_eq(journal_purge(k.journal, on_purged, &second), ST_OK);
  kit_until(&k, second.calls);
  cr_assert(second.status == ST_OK && second.n == 0);
}

/* ── PostgreSQL breaks off ──────────────────────────────────────────────────────────────────── */

static void kill_backends(void)
{
  kit_terminate(&k, "ox journal");
}

/* What was said to be cancelled is; nothing is cancelled twice; everybody is answered once. */
Test(cancel, under_broken_connections)
{
  enum { N = 1000 };
  static struct ulid ids[N];
  static struct kit_cancel c[N];
  memset(c, 0, sizeof c);
  for (int i = 0; i < N; i++) ids[i] = kit_accept(&k);
  for (int i = 0; i < N; i++) {
    kit_until(&k, journal_cancel(k.journal, &ids[i], &kit_type, kit_on_cancelled, &c[i]) == ST_OK);
    if (i % 50 == 25) kill_backends();
    if (i % 10 == 0) uv_run(&k.loop, UV_RUN_NOWAIT);
  }
  long long done = 0, away = 0;
  for (int i = 0; i < N; i++) kit_until(&k, c[i].calls);
  for (int i = 0; i < N; i++) {
    cr_assert_eq(c[i].calls, 1);
    done += c[i].result == CANCEL_DONE;
    away += c[i].result == CANCEL_AWAY;
  }
  kit_until(&k, journal_idle(k.journal));
  cr_assert_eq(done + away, N);
  cr_assert_gt(done, N / 2);
  long long there = kit_number(&k, "SELECT count(*) FROM orders WHERE phase = 4");
  cr_assert(there >= done, "%lld said, %lld there", done, there);
  cr_assert_eq(there, kit_number(&k, "SELECT count(*) FROM order_events WHERE phase = 4"));
  cr_assert_eq(N - there, kit_number(&k, "SELECT count(*) FROM orders WHERE completed_at IS NULL"));
}

Test(cancel, a_purge_under_broken_connections)
{
  struct purged p = {0};
  for (int i = 0; i < 1500; i++) kit_accept(&k);
  int64_t n = 0, end_ms = clock_mono_ms() + KIT_DEADLINE_MS;
  for (int round = 0; p.status != ST_OK || !p.calls; round++) {
    p.calls = 0;
    kit_until(&k, journal_purge(k.journal, on_purged, &p) == ST_OK);
    for (int i = 0; i <= round; i++) uv_run(&k.loop, UV_RUN_NOWAIT);
    if (round < 20) kill_backends();
    kit_until(&k, p.calls);
    n += p.n;
    cr_assert_lt(clock_mono_ms(), end_ms);
  }
  cr_assert_eq(n, 1500);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM order_events WHERE phase = 4"), "1500");
}

Test(cancel, who_waits_is_answered_when_the_journal_ends)
{
  struct ulid id = kit_accept(&k);
  struct kit_cancel c = {0};
  struct purged p = {0};
  cr_assert_eq(journal_purge(k.journal, on_purged, &p), ST_OK);
  cr_assert_eq(journal_cancel(k.journal, &id, &kit_type, kit_on_cancelled, &c), ST_OK);
  journal_destroy(k.journal, NULL, NULL);
  k.journal = NULL;
  uv_run(&k.loop, UV_RUN_NOWAIT);
  kit_until(&k, p.calls);
  cr_assert(c.calls == 1 && c.result == CANCEL_AWAY);
  cr_assert(p.status == ST_AWAY && p.n == 0);
}
