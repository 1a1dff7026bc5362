/* Orders that clients move by hand, on a real PostgreSQL: every pair of states, taking over from a
 * worker, races, and under broken connections.
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

TestSuite(by_hand, .init = open_kit, .fini = close_kit, .timeout = 60);

static const char *const from_open[] = {"taken", "dropped", NULL};
static const char *const from_taken[] = {"filed", "torn", "dropped", NULL};
enum { HAND = OX_STATE_BY_HAND, N_STATES = 5 };
static const struct ox_state states[N_STATES] = {
    {"open", OX_QUEUED, OX_STATE_INITIAL, from_open},
    {"taken", OX_ACTIVE, HAND, from_taken},
    {"filed", OX_SUCCEEDED, HAND, NULL},
    {"torn", OX_FAILED, HAND | OX_STATE_ON_FAIL, NULL},
    {"dropped", OX_CANCELLED, HAND | OX_STATE_ON_CANCEL, NULL},
};
static const struct order_type paper = {"paper", states, N_STATES, NULL};

static const struct ox_state *state(const char *name)
{
  const struct ox_state *s = order_type_state(&paper, name);
  cr_assert_not_null(s, "%s", name);
  return s;
}

static struct ulid accept_in(const struct ox_state *at)
{
  struct kit_accept a = {0};
  struct journal_accept order = {.tenant = "default",
                                 .type = "paper",
                                 .status = at->name,
                                 .phase = at->phase,
                                 .by_hand = true,
                                 .payload = "{}"};
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_OK);
  return a.accepted.id;
}

static enum cancel_result move(const struct ulid *id, const char *to)
{
  struct kit_cancel c = {0};
  cr_assert_eq(journal_move(k.journal, id, &paper, state(to), kit_on_cancelled, &c), ST_OK);
  kit_until(&k, c.calls);
  return c.result;
}

static const char *row(const struct ulid *id)
{
  return kit_sqlf(&k,
                  "SELECT concat_ws('|', status, phase, ver, fence, by_hand, owner IS NULL,"
                  " completed_at IS NOT NULL) FROM orders WHERE order_id = '%s'",
                  id);
}

static const char *history(const struct ulid *id)
{
  return kit_sqlf(&k,
                  "SELECT string_agg(seq || status || ':' || phase, ' ' ORDER BY seq)"
                  " FROM order_events WHERE order_id = '%s'",
                  id);
}

Test(by_hand, through_its_life)
{
  struct ulid id = accept_in(state("open"));
  cr_assert_str_eq(row(&id), "open|0|1|0|t|t|f");
  cr_assert_eq(move(&id, "taken"), CANCEL_DONE);
  cr_assert_str_eq(row(&id), "taken|1|2|1|t|t|f");
  cr_assert_eq(move(&id, "filed"), CANCEL_DONE);
  cr_assert_str_eq(row(&id), "filed|2|3|2|t|t|t");
  cr_assert_str_eq(history(&id), "1open:0 2taken:1 3filed:2");
}

/* It has one first event, wherever that is kept: in its own row as long as it waits. */
Test(by_hand, begins_with_one_event)
{
  for (size_t i = 0; i < N_STATES; i++) {
    char wanted[64];
    struct ulid id = accept_in(&states[i]);
    snprintf(wanted, sizeof wanted, "1%s:%d", states[i].name, (int)states[i].phase);
    cr_assert_str_eq(history(&id), wanted);
    cr_assert_str_eq(kit_sqlf(&k, "SELECT count(*) FROM steps WHERE order_id = '%s'", &id),
                     states[i].phase == OX_QUEUED ? "0" : "1");
  }
}

/* An order may begin in each state, and go where the table says and nowhere else. */
Test(by_hand, every_pair_of_states)
{
  for (size_t from = 0; from < N_STATES; from++) {
    for (size_t to = 1; to < N_STATES; to++) {
      struct ulid id = accept_in(&states[from]);
      const char *a = states[from].name, *b = states[to].name;
      enum cancel_result expected = CANCEL_SUBMITTED;
      if (order_phase_terminal(states[from].phase)) expected = CANCEL_ENDED;
      if (order_type_may_move(&paper, a, b)) expected = CANCEL_DONE;
      cr_assert_eq(move(&id, b), expected, "%s to %s", a, b);
      cr_assert_str_eq(kit_sqlf(&k, "SELECT status FROM orders WHERE order_id = '%s'", &id),
                       expected == CANCEL_DONE ? b : a);
      cr_assert_str_eq(kit_sqlf(&k,
                                "SELECT count(*) FROM orders WHERE order_id = '%s'"
                                " AND (phase >= 2) = (completed_at IS NOT NULL)",
                                &id),
                       "1");
    }
  }
}

Test(by_hand, an_order_that_nobody_knows)
{
  struct ulid id = ulid_make();
  cr_assert_eq(move(&id, "taken"), CANCEL_UNKNOWN);
}

/* Of two who want different things one gets what was wanted; of two who want the same, one does it.
 */
Test(by_hand, two_at_once)
{
  static const char *const pairs[][2] = {{"filed", "torn"}, {"torn", "filed"}, {"filed", "filed"}};
  for (size_t i = 0; i < 3; i++) {
    struct ulid id = accept_in(state("taken"));
    struct kit_cancel c[2] = {{0}};
    for (int side = 0; side < 2; side++)
      cr_assert_eq(
          journal_move(k.journal, &id, &paper, state(pairs[i][side]), kit_on_cancelled, &c[side]),
          ST_OK);
    kit_until(&k, c[0].calls && c[1].calls);
    int winner = c[0].result == CANCEL_DONE ? 0 : 1;
    cr_assert_eq(c[winner].result, CANCEL_DONE);
    cr_assert_eq(c[1 - winner].result, CANCEL_ENDED);
    cr_assert_str_eq(kit_sqlf(&k, "SELECT status FROM orders WHERE order_id = '%s'", &id),
                     pairs[i][winner]);
    cr_assert_str_eq(kit_sqlf(&k, "SELECT count(*) FROM order_events WHERE order_id = '%s'", &id),
                     "2");
  }
}

/* ── what workers run ───────────────────────────────────────────────────────────────────────── */

static const char *const cart_from_new[] = {"going", "broken", NULL};
static const char *const cart_from_going[] = {"going", "done", "broken", NULL};
static const struct ox_state cart_states[] = {
    {"new", OX_QUEUED, OX_STATE_INITIAL, cart_from_new},
    {"going", OX_ACTIVE, HAND, cart_from_going},
    {"done", OX_SUCCEEDED, HAND, NULL},
    {"broken", OX_FAILED, HAND | OX_STATE_ON_FAIL, NULL},
};
static const struct order_type cart = {"kit", cart_states, 4, &kit_executor};

static enum cancel_result take_over(const struct ulid *id, const char *to)
{
  struct kit_cancel c = {0};
  cr_assert_eq(
      journal_move(k.journal, id, &cart, order_type_state(&cart, to), kit_on_cancelled, &c), ST_OK);
  kit_until(&k, c.calls);
  return c.result;
}

Test(by_hand, whoever_runs_the_order_loses_it)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  cr_assert_eq(take_over(&id, "done"), CANCEL_DONE);
  kit_emit(&k, &job, "done", "{\"a\":1}");
  kit_until(&k, job.stale == 1);
  cr_assert_str_eq(row(&id), "done|2|3|2|t|t|t");
  cr_assert_str_eq(history(&id), "1new:0 2going:1 3done:2");
}

Test(by_hand, an_order_that_was_taken_over_is_claimed_by_nobody)
{
  struct ulid id = kit_accept(&k);
  cr_assert_eq(take_over(&id, "going"), CANCEL_DONE);
  cr_assert_eq(kit_claim_by(&k, &k.session, &id, INT64_MAX).refusal, JOURNAL_TERMINAL);
  cr_assert_str_eq(row(&id), "going|1|2|1|t|t|f");
  cr_assert_eq(take_over(&id, "broken"), CANCEL_DONE);
}

struct purged {
  int calls;
  int64_t n;
};

static void on_purged(void *arg, enum status status, int64_t n)
{
  struct purged *p = arg;
  cr_assert_eq(status, ST_OK);
  p->calls++;
  p->n = n;
}

Test(by_hand, a_purge_leaves_them_alone)
{
  struct purged p = {0};
  struct ulid mine = accept_in(state("open")), waiting = kit_accept(&k);
  cr_assert_eq(journal_purge(k.journal, on_purged, &p), ST_OK);
  kit_until(&k, p.calls);
  cr_assert_eq(p.n, 1);
  cr_assert_str_eq(history(&mine), "1open:0");
  cr_assert_str_eq(history(&waiting), "1new:0 2gone:4");
}

/* ── names, and broken connections ──────────────────────────────────────────────────────────── */

Test(by_hand, the_same_name_again)
{
  static const unsigned char hash[JOURNAL_HASH_LEN] = {1}, other[JOURNAL_HASH_LEN] = {2};
  struct journal_accept order = {.tenant = "default",
                                 .client_order_id = "r-1",
                                 .request_hash = hash,
                                 .type = "paper",
                                 .status = "filed",
                                 .phase = OX_SUCCEEDED,
                                 .by_hand = true,
                                 .payload = "{}"};
  struct kit_accept a[3];
  memset(a, 0, sizeof a);
  for (int i = 0; i < 3; i++) {
    if (i == 2) order.request_hash = other;
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[i]), ST_OK);
    kit_until(&k, a[i].calls);
  }
  cr_assert_eq(a[0].status, ST_OK);
  cr_assert_eq(a[1].status, ST_REPLAYED);
  cr_assert_eq(ulid_compare(&a[0].accepted.id, &a[1].accepted.id), 0);
  cr_assert_eq(a[0].accepted.created_at_ms, a[1].accepted.created_at_ms);
  cr_assert_eq(a[2].status, ST_CONFLICT);
  cr_assert_str_eq(history(&a[0].accepted.id), "1filed:2");
}

static void kill_backends(void)
{
  kit_terminate(&k, "ox journal");
}

/* What was said to be moved is, once, with its event; everybody is answered once. */
Test(by_hand, under_broken_connections)
{
  enum { N = 600 };
  static struct ulid ids[N];
  static struct kit_cancel c[N];
  memset(c, 0, sizeof c);
  for (int i = 0; i < N; i++) ids[i] = accept_in(state("open"));
  for (int i = 0; i < N; i++) {
    kit_until(&k, journal_move(k.journal, &ids[i], &paper, state("taken"), kit_on_cancelled,
                               &c[i]) == ST_OK);
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
  long long there = kit_number(&k, "SELECT count(*) FROM orders WHERE status = 'taken'");
  cr_assert(there >= done, "%lld said, %lld there", done, there);
  cr_assert_eq(there, kit_number(&k, "SELECT count(*) FROM order_events WHERE seq = 2"));
  cr_assert_eq(there, kit_number(&k, "SELECT count(*) FROM orders WHERE ver = 2 AND fence = 1"));
}
