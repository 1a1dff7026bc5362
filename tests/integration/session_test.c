/* Sessions on a real PostgreSQL: who is alive, who is not, and since when. */
#include "journal_kit.h"

#include "journal/session.h"

enum { LEASE_MS = 400, WINDOW_MS = 600000 };

static struct kit k;

struct life {
  struct session *session;
  int opened, lost;
};

static void on_open(void *arg)
{
  ((struct life *)arg)->opened++;
}

static void on_lost(void *arg)
{
  ((struct life *)arg)->lost++;
}

static void live(struct life *l)
{
  struct session_events events = {on_open, on_lost, l};
  memset(l, 0, sizeof *l);
  l->session = session_create(&k.loop, k.url, LEASE_MS, &events);
  kit_until(&k, l->opened == 1);
}

static void on_done(void *arg)
{
  *(int *)arg = 1;
}

static void leave(struct life *l, int64_t last_start_ms)
{
  int done = 0;
  struct session_start last = {last_start_ms, "S:1"};
  session_close(l->session, last_start_ms >= 0 ? &last : NULL, on_done, &done);
  kit_until(&k, done);
}

static void open_kit(void)
{
  kit_open(&k);
}

static void close_kit(void)
{
  kit_close(&k);
}

TestSuite(session, .init = open_kit, .fini = close_kit, .timeout = 60);

static void run_for(int64_t ms)
{
  for (int64_t until = clock_mono_ms() + ms; clock_mono_ms() < until;) uv_run(&k.loop, UV_RUN_ONCE);
}

static bool alive_in_pg(const struct session *s)
{
  return strcmp(kit_sqlf(&k,
                         "SELECT session_alive(s, interval '400 ms') FROM worker_sessions s"
                         " WHERE id = '%s'",
                         session_id(s)),
                "t") == 0;
}

Test(session, beats_keep_it_alive_and_a_good_end_closes_it)
{
  struct life l;
  live(&l);
  uint64_t incarnation = session_guard(l.session)->incarnation;
  run_for(3 * LEASE_MS);
  cr_assert(session_alive(l.session) && alive_in_pg(l.session));
  cr_assert(session_guard_holds(session_guard(l.session), incarnation));
  cr_assert_eq(l.lost, 0);
  struct ulid id = *session_id(l.session);
  leave(&l, 100);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT concat_ws('|', closed, last_start_at < expires_at) FROM"
                            " worker_sessions WHERE id = '%s'",
                            &id),
                   "t|t");
}

Test(session, what_postgresql_calls_over_is_over_and_a_new_one_opens)
{
  struct life l;
  live(&l);
  struct ulid first = *session_id(l.session);
  uint64_t incarnation = session_guard(l.session)->incarnation;
  kit_sql(&k, "UPDATE worker_sessions SET closed = true");
  kit_until(&k, l.lost == 1);
  cr_assert(!session_guard_holds(session_guard(l.session), incarnation));
  kit_until(&k, l.opened == 2);
  cr_assert_neq(ulid_compare(&first, session_id(l.session)), 0);
  cr_assert(!session_guard_holds(session_guard(l.session), incarnation),
            "an old claim holds again");
  leave(&l, -1);
}

Test(session, a_broken_connection_is_no_end)
{
  struct life l;
  live(&l);
  for (int i = 0; i < 5; i++) {
    kit_terminate(&k, "ox session");
    run_for(LEASE_MS / 2);
  }
  cr_assert(session_alive(l.session) && l.lost == 0);
  leave(&l, -1);
}

/* This machine counts from when the beat was sent: it gives up before PostgreSQL lets others in. */
Test(session, without_an_answer_it_ends_here_before_it_ends_there)
{
  struct life l;
  live(&l);
  kit_sql(&k, "BEGIN");
  kit_sql(&k, "LOCK TABLE worker_sessions IN ACCESS EXCLUSIVE MODE");
  kit_until(&k, l.lost == 1);
  cr_assert(!session_alive(l.session));
  kit_sql(&k, "COMMIT");
  kit_until(&k, l.opened == 2);
  leave(&l, -1);
}

Test(session, postgresqls_clock_is_known_from_below)
{
  struct life l;
  live(&l);
  run_for(100);
  int64_t least = session_pg_earliest_ms(l.session, clock_mono_ms());
  int64_t now = kit_number(&k, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
  cr_assert(least <= now && least > now - 1000, "%lld of %lld", (long long)least, (long long)now);
  leave(&l, -1);
}

struct answer {
  int calls;
  bool ok, company;
  int64_t ago_ms;
  char names[64];
};

static void on_last_start(void *arg, bool ok, int64_t ago_ms, const char *names)
{
  struct answer *a = arg;
  *a = (struct answer){.calls = a->calls + 1, .ok = ok, .ago_ms = ago_ms};
  snprintf(a->names, sizeof a->names, "%s", names ? names : "?");
}

static void on_armed(void *arg, bool ok, bool company)
{
  struct answer *a = arg;
  *a = (struct answer){.calls = a->calls + 1, .ok = ok, .company = company};
}

static struct answer newest(struct life *l)
{
  struct answer a = {0};
  session_last_start(l->session, WINDOW_MS, on_last_start, &a);

  kit_until(&k, a.calls);
  cr_assert(a.ok);
  return a;
}

static int64_t last_start(struct life *l)
{
  return newest(l).ago_ms;
}

/* Whether it has company. */
static bool arm(struct life *l)
{
  struct answer a = {0};
  session_arm(l->session, on_armed, &a);
  kit_until(&k, a.calls);
  cr_assert(a.ok);
  return a.company;
}

Test(session, company_is_whoever_lives_and_is_armed)
{
  struct life me, other, third;
  live(&me);
  live(&other);
  live(&third);
  cr_assert_not(arm(&me), "the others may not start orders yet");
  cr_assert_not(arm(&me), "nobody is his own company");
  cr_assert(arm(&other));
  cr_assert(arm(&me));
  leave(&me, -1);
  leave(&other, 10);
  cr_assert_not(arm(&third), "they have gone");
  leave(&third, -1);
}

Test(session, who_may_have_started_an_order_and_when)
{
  struct life me, other;
  live(&me);
  live(&other);
  cr_assert_eq(last_start(&me), -1, "nobody was armed");
  arm(&me);
  cr_assert_eq(last_start(&me), -1, "its own starts it knows");
  arm(&other);
  cr_assert_lt(last_start(&me), 500, "the other may start one at any moment");
  cr_assert_str_eq(newest(&me).names, "?", "and nobody knows which");
  leave(&other, 5000);
  cr_assert_geq(last_start(&me), 5000);
  cr_assert_lt(last_start(&me), 15000);
  cr_assert_str_eq(newest(&me).names, "S:1");
  struct life third;
  live(&third);
  arm(&third);
  leave(&third, -1);
  cr_assert_geq(last_start(&me), 5000, "one that never started any does not count");
  leave(&me, -1);
}

Test(session, a_process_that_died_may_have_started_until_its_session_expired)
{
  struct life me;
  live(&me);
  kit_sql(&k, "INSERT INTO worker_sessions (id, started_at, expires_at, armed) VALUES"
              " (gen_random_uuid(), now(), clock_timestamp() - interval '3 s', true)");
  int64_t ago = -1;
  kit_until(&k, (ago = last_start(&me)) >= 3000); /* not while PostgreSQL itself has just begun */
  cr_assert_lt(ago, 60000);
  leave(&me, -1);
}
