/* Transactions that leave behind another one on the same connection: when, and what becomes of both
 * when one is refused or the connection breaks. */
#include "journal_kit.h"

#include "journal/internal.h"

enum { MANY = 200, TRIES = 50 };

static struct kit k;
static struct kit_accept asked[MANY];
static int n_asked;

/* By a socket where there is one: what was sent over it a backend reads though the client is gone.
 */
static void open_kit(void)
{
  const char *url = getenv("DATABASE_SOCKET_URL");
  if (url) setenv("DATABASE_URL", url, 1);
  kit_open(&k);
  n_asked = 0;
  for (int i = 0; i < LANES; i++) kit_until(&k, k.journal->lanes[i].ready);
}

static void close_kit(void)
{
  kit_close(&k);
}

TestSuite(pipeline, .init = open_kit, .fini = close_kit, .timeout = 60);

static void ask(int n)
{
  struct journal_accept order = kit_order();
  for (int i = 0; i < n; i++) {
    struct kit_accept *a = &asked[n_asked++];
    memset(a, 0, sizeof *a);
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, a), ST_OK);
  }
  uv_run(&k.loop, UV_RUN_NOWAIT);
}

static bool all_answered(void)
{
  for (int i = 0; i < n_asked; i++)
    if (!asked[i].calls) return false;
  return true;
}

/* Each is answered once, and there once. */
static void all_are_there(void)
{
  kit_until(&k, all_answered());
  for (int i = 0; i < n_asked; i++) {
    cr_assert_eq(asked[i].status, ST_OK);
    cr_assert_eq(asked[i].calls, 1);
    cr_assert_str_eq(
        kit_sqlf(&k, "SELECT count(*) FROM orders WHERE order_id = '%s'", &asked[i].accepted.id),
        "1");
  }
}

/* No order comes or moves until "ROLLBACK". */
static void hold_orders(void)
{
  kit_sql(&k, "BEGIN");
  kit_sql(&k, "LOCK TABLE orders IN SHARE MODE");
}

static void let_go(void)
{
  kit_sql(&k, "ROLLBACK");
}

static int under_way_on(const struct lane *lane)
{
  int n = 0;
  for (int i = 0; i < TRANSACTIONS; i++)
    n += k.journal->transactions[i].lane == lane && k.journal->transactions[i].busy;
  return n;
}

static int most_under_way(void)
{
  int a = under_way_on(&k.journal->lanes[0]), b = under_way_on(&k.journal->lanes[1]);
  return a > b ? a : b;
}

/* From this side, without a word from PostgreSQL: a statement without a name libpq will not send.
 */
static void break_busiest(void)
{
  int i = under_way_on(&k.journal->lanes[1]) > under_way_on(&k.journal->lanes[0]);
  struct lane *lane = &k.journal->lanes[i];
  cr_assert_eq(pg_run(lane->conn, NULL, NULL, 0, NULL, NULL, NULL), ST_OK);
  cr_assert(!pg_up(lane->conn));
}

/* One after the other, while orders are held. False when that took so long that the first counts as
 * slow, and behind that nothing goes: they are all answered, and it may be tried again. */
static bool asked_quickly(int first, int then)
{
  hold_orders();
  int64_t began_ms = clock_mono_ms();
  ask(first);
  ask(then);
  if (clock_mono_ms() - began_ms < SLOW_MS - 1) return true;
  let_go();
  all_are_there();
  n_asked = 0;
  return false;
}

static void ask_while_held(int first, int then)
{
  int tries = 0;
  while (!asked_quickly(first, then)) cr_assert_lt(++tries, TRIES);
}

Test(pipeline, enough_requests_go_behind_those_under_way)
{
  ask_while_held(1, WORTH_FOLLOWING);
  cr_expect_eq(most_under_way(), 2);
  cr_expect(list_empty(&k.journal->accepts));
  let_go();
  all_are_there();
}

Test(pipeline, few_wait_and_grow)
{
  ask_while_held(1, WORTH_FOLLOWING - 1);
  cr_expect_eq(most_under_way(), 1);
  cr_expect_eq(k.journal->accepts.len, WORTH_FOLLOWING - 1);
  let_go();
  all_are_there();
}

Test(pipeline, fewer_than_are_under_way_wait_and_as_many_go)
{
  enum { FIRST = WORTH_FOLLOWING + 10 };
  ask_while_held(FIRST, FIRST - 1);
  cr_expect_eq(most_under_way(), 1);
  let_go();
  all_are_there();
  n_asked = 0;
  ask_while_held(FIRST, FIRST);
  cr_expect_eq(most_under_way(), 2);
  let_go();
  all_are_there();
}

Test(pipeline, no_third_goes_behind_two)
{
  ask_while_held(1, WORTH_FOLLOWING);
  ask(WORTH_FOLLOWING * 2);
  cr_expect_eq(most_under_way(), 2);
  let_go();
  all_are_there();
}

Test(pipeline, nothing_goes_behind_one_that_is_slow)
{
  hold_orders();
  ask(1);
  int64_t end_ms = clock_mono_ms() + SLOW_MS;
  kit_until(&k, clock_mono_ms() > end_ms);
  ask(WORTH_FOLLOWING);
  cr_expect_eq(most_under_way(), 1);
  cr_expect(list_empty(&k.journal->accepts), "the other lane takes them");
  let_go();
  all_are_there();
}

/* What is under way is so until it is answered, or slow: nobody puts anything off for that. */
Test(pipeline, one_is_under_way_until_it_is_slow)
{
  int64_t before_ns, at_first_ns, later_ns;
  bool quickly;
  int tries = 0;
  do {
    cr_assert_lt(++tries, TRIES);
    n_asked = 0;
    cr_expect_eq(journal_under_way_ns(k.journal), 0);
    hold_orders();
    before_ns = clock_mono_ns();
    ask(1);
    at_first_ns = journal_under_way_ns(k.journal);
    quickly = clock_mono_ns() - before_ns < (SLOW_MS - 1) * INT64_C(1000000);
    int64_t end_ms = clock_mono_ms() + SLOW_MS;
    kit_until(&k, clock_mono_ms() > end_ms);
    later_ns = journal_under_way_ns(k.journal);
    let_go();
    all_are_there();
  } while (!quickly);
  cr_expect_geq(at_first_ns, before_ns);
  cr_expect_eq(later_ns, 0);
}

/* Neither has happened when they are read back. Their backend has both, and goes on with them. */
Test(pipeline, both_are_read_back_when_the_connection_breaks)
{
  ask_while_held(1, WORTH_FOLLOWING);
  cr_expect_eq(most_under_way(), 2);
  break_busiest();
  kit_until(&k, kit_number(&k, "SELECT count(*) FROM pg_locks WHERE NOT granted") > 1);
  let_go();
  all_are_there();
  cr_expect_eq(kit_number(&k, "SELECT count(*) FROM orders"), n_asked);
}

Test(pipeline, both_go_again_when_their_backend_is_ended)
{
  ask_while_held(1, WORTH_FOLLOWING);
  kit_terminate(&k, "ox journal");
  kit_until(&k, most_under_way() < 2);
  let_go();
  all_are_there();
  cr_expect_eq(kit_number(&k, "SELECT count(*) FROM orders"), n_asked);
}

/* Again and again, where PostgreSQL has come to nobody knows: steps of an order, and orders. */
Test(pipeline, nothing_is_lost_or_doubled_wherever_it_breaks)
{
  enum { ROUNDS = 40 };
  struct kit_job job;
  struct ulid id = kit_accept(&k);
  int before = 1;
  kit_hold(&k, &id, &job);
  for (int i = 0; i < ROUNDS; i++) {
    ask(1);
    kit_emit(&k, &job, i % 2 ? "going" : "sent", NULL);
    ask(WORTH_FOLLOWING);
    for (int turns = 0; turns < i % 5; turns++) uv_run(&k.loop, UV_RUN_NOWAIT);
    if (most_under_way()) break_busiest();
    all_are_there();
    kit_until(&k, job.ok + job.stale == i + 1);
    cr_assert_eq(job.stale, 0);
    before += n_asked;
    n_asked = 0;
  }
  cr_expect_eq(kit_number(&k, "SELECT count(*) FROM orders"), before);
  cr_expect_eq(kit_number(&k, "SELECT count(*) FROM order_events WHERE seq > 1"), ROUNDS + 1);
}

Test(pipeline, a_first_that_is_refused_does_not_touch_the_second)
{
  struct kit_job bad;
  struct ulid id = kit_accept(&k);
  kit_hold(&k, &id, &bad);
  hold_orders();
  kit_emit(&k, &bad, "sent", "{no json");
  ask(1);
  ask(WORTH_FOLLOWING);
  let_go();
  all_are_there();
  kit_until(&k, bad.broken);
  cr_expect_eq(bad.broken, 1);
  cr_expect_eq(kit_number(&k, "SELECT count(*) FROM orders"), n_asked + 1);
}

/* Claims that wait for the end of the transaction ahead do not make a small one worth while. */
Test(pipeline, heirs_that_may_not_go_yet_do_not_count)
{
  static struct kit_job leavers[WORTH_FOLLOWING];
  static struct kit_claim heirs[WORTH_FOLLOWING];
  struct ulid heir_ids[WORTH_FOLLOWING];
  int claimed = 0;
  for (int i = 0; i < WORTH_FOLLOWING; i++) {
    struct ulid id = kit_accept(&k);
    heir_ids[i] = kit_accept(&k);
    kit_hold(&k, &id, &leavers[i]);
  }
  hold_orders();
  for (int i = 0; i < WORTH_FOLLOWING; i++) kit_emit(&k, &leavers[i], "done", "{}");
  uv_run(&k.loop, UV_RUN_NOWAIT);
  for (int i = 0; i < WORTH_FOLLOWING; i++) {
    struct journal_claim claim = {k.session, heir_ids[i], INT64_MAX, &leavers[i].order};
    journal_claim(k.journal, &claim, kit_on_claimed, &heirs[i]);
  }
  ask(1);
  cr_expect_eq(most_under_way(), 1);
  let_go();
  all_are_there();
  for (int i = 0; i < WORTH_FOLLOWING; i++) {
    kit_until(&k, leavers[i].ok && heirs[i].calls);
    claimed += heirs[i].status == ST_OK;
    journal_order_deinit(&leavers[i].order);
    journal_claimed_free(heirs[i].claimed);
  }
  cr_expect_eq(claimed, WORTH_FOLLOWING);
}
