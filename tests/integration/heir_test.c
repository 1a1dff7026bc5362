/* Claims that take the place of an order on its way out: never durable before it has left. */
#include "journal_kit.h"

#include "journal/internal.h"

static struct kit k;
static struct kit_job leaver;
static struct kit_claim heir;
static struct ulid leaver_id, heir_id;

static void open_kit(void)
{
  kit_open(&k);
  memset(&heir, 0, sizeof heir);
  leaver_id = kit_accept(&k);
  heir_id = kit_accept(&k);
  kit_hold(&k, &leaver_id, &leaver);
}

static void close_kit(void)
{
  journal_order_deinit(&leaver.order);
  if (heir.claimed) journal_claimed_free(heir.claimed);
  kit_close(&k);
}

TestSuite(heir, .init = open_kit, .fini = close_kit, .timeout = 60);

static void claim_heir(void)
{
  struct journal_claim claim = {k.session, heir_id, INT64_MAX, &leaver.order};
  journal_claim(k.journal, &claim, kit_on_claimed, &heir);
}

static void leave(void)
{
  kit_emit(&k, &leaver, "done", "{}");
}

/* The transaction that last wrote an order's row. */
static long long written_by(const struct ulid *id)
{
  return strtoll(kit_sqlf(&k, "SELECT xmin::text FROM orders WHERE order_id = '%s'", id), NULL, 10);
}

static bool is_owned(const struct ulid *id)
{
  return *kit_sqlf(&k, "SELECT owner IS NOT NULL FROM orders WHERE order_id = '%s'", id) == 't';
}

/* Somebody else holds the leaver's row: the transaction with its end does not get on. */
static void block_leaver(void)
{
  kit_sql(&k, "BEGIN");
  kit_sqlf(&k, "SELECT 1 FROM orders WHERE order_id = '%s' FOR UPDATE", &leaver_id);
}

static void until_blocked(void)
{
  kit_until(&k, kit_number(&k, "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
}

Test(heir, comes_with_the_end_in_one_transaction)
{
  leave();
  claim_heir();
  kit_until(&k, leaver.ok && heir.calls);
  cr_assert_eq(heir.status, ST_OK);
  cr_assert_eq(written_by(&leaver_id), written_by(&heir_id));
  cr_assert_null(leaver.order.heir);
}

Test(heir, comes_with_a_release_as_well)
{
  struct journal_entry *e = kit_entry(&leaver, NULL);
  e->hold = JOURNAL_RETRY;
  journal_post(k.journal, e);
  claim_heir();
  kit_until(&k, leaver.ok && heir.calls);
  cr_assert_eq(written_by(&leaver_id), written_by(&heir_id));
}

Test(heir, does_not_overtake_an_end_on_the_other_lane)
{
  struct ulid other = kit_accept(&k);
  block_leaver();
  leave();
  until_blocked();
  claim_heir();
  struct kit_claim free_one = kit_claim_by(&k, &k.session, &other, INT64_MAX); /* it overtakes */
  cr_assert_eq(free_one.status, ST_OK);
  journal_claimed_free(free_one.claimed);
  for (int i = 0; i < 5; i++) kit_accept(&k);
  cr_assert(!heir.calls && !leaver.ok && !is_owned(&heir_id));
  kit_sql(&k, "ROLLBACK");
  kit_until(&k, leaver.ok && heir.calls);
  cr_assert_eq(heir.status, ST_OK);
  cr_assert_lt(written_by(&leaver_id), written_by(&heir_id));
}

/* It may go in doubt with the end, on the second connection that breaks: then it is given up. */
Test(heir, waits_while_the_end_is_in_doubt_and_sent_again)
{
  block_leaver();
  leave();
  until_blocked();
  claim_heir();
  kit_terminate(&k, "ox journal");
  kit_until(&k, leaver.order.leaving == NULL);
  until_blocked();
  cr_assert(heir.status != ST_OK || !heir.calls);
  cr_assert(!is_owned(&heir_id));
  kit_sql(&k, "ROLLBACK");
  kit_until(&k, leaver.ok && heir.calls);
  if (is_owned(&heir_id)) cr_assert_leq(written_by(&leaver_id), written_by(&heir_id));
}

/* One that PostgreSQL will not take makes all go alone: the heir is not the first of them. */
Test(heir, comes_behind_when_each_goes_alone)
{
  struct kit_job bad;
  struct ulid id = kit_accept(&k);
  kit_hold(&k, &id, &bad);
  kit_emit(&k, &bad, "sent", "{no json");
  leave();
  claim_heir();
  kit_until(&k, bad.broken && leaver.ok && heir.calls);
  cr_assert_eq(heir.status, ST_OK);
  cr_assert_lt(written_by(&leaver_id), written_by(&heir_id));
}

Test(heir, does_not_come_for_an_end_that_is_refused)
{
  kit_emit(&k, &leaver, "done", "{no json");
  claim_heir();
  kit_until(&k, leaver.broken);
  for (int i = 0; i < 5; i++) kit_accept(&k);
  cr_assert(!heir.calls && is_owned(&leaver_id));
  kit_emit(&k, &leaver, "broken", NULL);
  kit_until(&k, leaver.ok && heir.calls);
  cr_assert_leq(written_by(&leaver_id), written_by(&heir_id));
}

Test(heir, of_an_order_that_is_anothers_by_now_comes)
{
  kit_sqlf(&k, "UPDATE orders SET fence = fence + 1 WHERE order_id = '%s'", &leaver_id);
  leave();
  claim_heir();
  kit_until(&k, leaver.stale && heir.calls);
  cr_assert_eq(heir.status, ST_OK);
}

Test(heir, of_an_order_that_is_forgotten_comes)
{
  claim_heir();
  for (int i = 0; i < 5; i++) kit_accept(&k);
  cr_assert(!heir.calls, "it has not left");
  journal_order_deinit(&leaver.order);
  kit_until(&k, heir.calls);
  cr_assert_eq(heir.status, ST_OK);
}

Test(heir, that_is_refused_leaves_the_place_to_another)
{
  heir_id = leaver_id; /* it will have ended */
  leave();
  claim_heir();
  kit_until(&k, leaver.ok && heir.calls);
  cr_assert_eq(heir.status, ST_STALE);
  cr_assert_null(leaver.order.heir);
}

Test(heir, is_answered_when_the_journal_ends)
{
  claim_heir();
  journal_destroy(k.journal, NULL, NULL);
  k.journal = NULL;
  cr_assert_eq(heir.calls, 1);
  cr_assert_eq(heir.status, ST_AWAY);
  cr_assert_null(leaver.order.heir);
}

/* Again and again one leaves and one takes its place, while connections break. */
Test(heir, never_comes_first_under_broken_connections)
{
  enum { ROUNDS = 60 };
  for (int i = 0; i < ROUNDS; i++) {
    leave();
    if (i % 3 == 1) uv_run(&k.loop, UV_RUN_NOWAIT);
    claim_heir();
    if (i % 2) uv_run(&k.loop, UV_RUN_NOWAIT);
    if (i % 4 == 3) kit_terminate(&k, "ox journal");
    kit_until(&k, leaver.ok && heir.calls);
    if (is_owned(&heir_id)) cr_assert_leq(written_by(&leaver_id), written_by(&heir_id), "%d", i);
    if (heir.claimed) journal_claimed_free(heir.claimed);
    memset(&heir, 0, sizeof heir);
    journal_order_deinit(&leaver.order);
    leaver_id = kit_accept(&k);
    heir_id = kit_accept(&k);
    kit_hold(&k, &leaver_id, &leaver);
  }
}
