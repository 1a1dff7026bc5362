/* The journal on a real PostgreSQL: accepts, claims, steps, and every way they are refused. */
#include "journal_kit.h"

#include "journal/accept_op.h"
#include "journal/statements.h"

static struct kit k;

static void open_kit(void)
{
  kit_open(&k);
}

static void close_kit(void)
{
  kit_close(&k);
}

TestSuite(journal, .init = open_kit, .fini = close_kit, .timeout = 60);

/* ── accept ─────────────────────────────────────────────────────────────────────────────────── */

Test(journal, an_accepted_order_is_there_with_its_first_event)
{
  struct ulid id = kit_accept(&k);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT concat_ws('|', tenant, type, status, phase, attempt, ver,"
                            " fence, payload) FROM orders WHERE order_id = '%s'",
                            &id),
                   "default|kit|new|0|1|1|0|{\"a\":1}");
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT concat_ws('|', seq, status, phase, attempt) FROM"
                            " order_events WHERE order_id = '%s'",
                            &id),
                   "1|new|0|1");
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM steps"), "0", "it is in the order's row");
  cr_assert_str_eq(
      kit_sqlf(&k, "SELECT count(*) FROM orders WHERE completed_at IS NULL AND order_id = '%s'",
               &id),
      "1");
}

Test(journal, what_one_turn_brings_is_few_transactions_and_many_answers)
{
  enum { N = 900 };
  static struct kit_accept a[N];
  struct journal_accept order = kit_order();
  memset(a, 0, sizeof a);
  for (int i = 0; i < N; i++)
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[i]), ST_OK);
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls);
  for (int i = 0; i < N; i++) cr_assert(a[i].calls == 1 && a[i].status == ST_OK);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders"), "900");
  cr_assert_leq(kit_number(&k, "SELECT count(DISTINCT xmin::text) FROM orders"), 3);
}

Test(journal, more_than_the_bound_is_full)
{
  static struct kit_accept a[1001];
  struct journal_accept order = kit_order();
  memset(a, 0, sizeof a);
  for (int i = 0; i < 1000; i++)
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[i]), ST_OK);
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[1000]), ST_FULL);
  for (int i = 0; i < 1000; i++) kit_until(&k, a[i].calls);
  cr_assert_eq(a[1000].calls, 0);
}

static struct kit_accept keyed(const char *own, const char *key, const char *body)
{
  unsigned char hash[JOURNAL_HASH_LEN] = {0};
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  memcpy(hash, body, strlen(body));
  order.client_order_id = own;
  order.idempotency_key = key;
  order.request_hash = order.key_hash = hash;
  enum status status = journal_accept(k.journal, &order, kit_on_accepted, &a);
  if (status != ST_OK)
    a.status = status;
  else
    kit_until(&k, a.calls);
  return a;
}

static bool same(const struct kit_accept *a, const struct kit_accept *b)
{
  return ulid_compare(&a->accepted.id, &b->accepted.id) == 0 &&
         a->accepted.created_at_ms == b->accepted.created_at_ms;
}

static char seen_status[ORDER_STATUS_MAX + 1];

static void on_status(void *arg, enum status status, const struct journal_accepted *accepted)
{
  snprintf(seen_status, sizeof seen_status, "%s", accepted->status);
  kit_on_accepted(arg, status, accepted);
}

Test(journal, a_name_is_taken_once_and_for_good)
{
  struct kit_accept first = keyed("mine", NULL, "body"), again = keyed("mine", NULL, "body"),
                    other = keyed("mine", NULL, "another");
  cr_assert_eq(first.status, ST_OK);
  cr_assert_eq(again.status, ST_REPLAYED);
  cr_assert(same(&first, &again));
  cr_assert_eq(other.status, ST_CONFLICT);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders"), "1");
}

Test(journal, a_key_replays_until_it_expires)
{
  struct kit_accept first = keyed(NULL, "key", "body"), again = keyed(NULL, "key", "body"),
                    other = keyed(NULL, "key", "another");
  cr_assert_eq(first.status, ST_OK);
  cr_assert_eq(again.status, ST_REPLAYED);
  cr_assert(same(&first, &again));
  cr_assert_eq(other.status, ST_CONFLICT);
  kit_sql(&k, "UPDATE idempotency_keys SET expires_at = now() - interval '1 s'");
  struct kit_accept fresh = keyed(NULL, "key", "another");
  cr_assert_eq(fresh.status, ST_OK);
  cr_assert(!same(&first, &fresh));
}

Test(journal, a_name_and_a_key_together)
{
  struct kit_accept first = keyed("mine", "key", "body");
  cr_assert_eq(first.status, ST_OK);
  cr_assert_eq(keyed("mine", "key", "body").status, ST_REPLAYED);
  cr_assert_eq(keyed("mine", "key2", "body").status, ST_REPLAYED);
  cr_assert_eq(keyed("mine2", "key", "body").status, ST_REPLAYED);
  cr_assert_eq(keyed("mine2", "key", "other").status, ST_CONFLICT);
  cr_assert_eq(keyed("mine", "key3", "other").status, ST_CONFLICT);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders"), "1");
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM idempotency_keys"), "1");
}

/* The name is the same request, the key is another: the key counts. */
Test(journal, with_both_taken_the_other_request_counts)
{
  unsigned char body[JOURNAL_HASH_LEN] = "body", request[JOURNAL_HASH_LEN] = "request";
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  cr_assert_eq(keyed("mine", NULL, "body").status, ST_OK);
  cr_assert_eq(keyed(NULL, "key", "body").status, ST_OK);
  order.client_order_id = "mine";
  order.idempotency_key = "key";
  order.request_hash = body;
  order.key_hash = request;
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_CONFLICT);
}

Test(journal, the_key_of_a_batch_is_taken)
{
  kit_sql(&k, "INSERT INTO idempotency_keys (tenant, key, request_hash, order_id, response,"
              " expires_at) VALUES ('default', 'key', convert_to(rpad('body', 32, chr(1)), 'UTF8'),"
              " gen_random_uuid(), '{}', now() + interval '1 hour')");
  cr_assert_eq(keyed(NULL, "key", "body").status, ST_CONFLICT);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders"), "0");
}

Test(journal, a_replay_tells_the_first_status_not_todays)
{
  struct kit_accept a = {0};
  unsigned char hash[JOURNAL_HASH_LEN] = "body";
  struct journal_accept order = kit_order();
  cr_assert_eq(keyed("mine", "key", "body").status, ST_OK);
  order.status = "renamed";
  order.client_order_id = "mine";
  order.idempotency_key = "key";
  order.request_hash = order.key_hash = hash;
  cr_assert_eq(journal_accept(k.journal, &order, on_status, &a), ST_OK);
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_REPLAYED);
  cr_assert_str_eq(seen_status, "new");
}

/* Two processes get the same keys in opposite orders, at once: nobody waits in a circle. */
Test(journal, the_same_keys_from_two_processes_make_each_order_once)
{
  enum { N = 300 };
  static struct kit_accept a[N], b[N];
  static unsigned char hash[JOURNAL_HASH_LEN] = "body";
  struct journal_options options = {.database_url = k.url,
                                    .max_waiting = 1000,
                                    .lease_ms = KIT_LEASE_MS,
                                    .idempotency_ttl_s = 3600};
  struct journal *other = journal_create(&k.loop, &options, k.relay);
  char keys[N][16], names[N][16];
  memset(a, 0, sizeof a);
  memset(b, 0, sizeof b);
  kit_until(&k, journal_up(other));
  for (int i = 0; i < N; i++) {
    snprintf(keys[i], sizeof keys[i], "key-%d", i);
    snprintf(names[i], sizeof names[i], "name-%d", i);
  }
  struct journal_accept order = kit_order();
  order.request_hash = order.key_hash = hash;
  for (int i = 0; i < N; i++) {
    order.idempotency_key = i % 2 ? keys[i] : NULL;
    order.client_order_id = i % 2 ? NULL : names[i];
    cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a[i]), ST_OK);
  }
  for (int i = N; i-- > 0;) {
    order.idempotency_key = i % 2 ? keys[i] : NULL;
    order.client_order_id = i % 2 ? NULL : names[i];
    cr_assert_eq(journal_accept(other, &order, kit_on_accepted, &b[i]), ST_OK);
  }
  int64_t before = clock_mono_ms();
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls && b[i].calls);
  cr_assert_lt(clock_mono_ms() - before, 10000);
  for (int i = 0; i < N; i++) {
    cr_assert(same(&a[i], &b[i]));
    cr_assert_eq((a[i].status == ST_OK) + (b[i].status == ST_OK), 1, "%d: %d %d", i, a[i].status,
                 b[i].status);
    cr_assert_eq((a[i].status == ST_REPLAYED) + (b[i].status == ST_REPLAYED), 1);
  }
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders"), "300");
  journal_destroy(other, NULL, NULL);
}

Test(journal, names_belong_to_a_tenant)
{
  unsigned char hash[JOURNAL_HASH_LEN] = {0};
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  cr_assert_eq(keyed("mine", "key", "body").status, ST_OK);
  order.tenant = "another";
  order.client_order_id = "mine";
  order.idempotency_key = "key";
  order.request_hash = order.key_hash = hash;
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_OK);
}

Test(journal, a_request_under_way_is_busy)
{
  unsigned char hash[JOURNAL_HASH_LEN] = {0};
  struct kit_accept a = {0}, b = {0};
  struct journal_accept order = kit_order();
  order.idempotency_key = "key";
  order.request_hash = order.key_hash = hash;
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &b), ST_BUSY);
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_OK);
  cr_assert_eq(b.calls, 0);
}

/* Another process commits the name between our check and our insert. */
Test(journal, a_race_for_a_name_leaves_no_key_behind)
{
  unsigned char hash[JOURNAL_HASH_LEN] = {'b', 'o', 'd', 'y'};
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  order.client_order_id = "mine";
  order.idempotency_key = "key";
  order.request_hash = order.key_hash = hash;
  kit_sql(&k, "BEGIN");
  kit_sql(&k, "INSERT INTO orders (order_id, tenant, client_order_id, request_hash, type, status,"
              " payload, created_at, updated_at) VALUES (gen_random_uuid(), 'default', 'mine',"
              " '\\x00', 'kit', 'new', '{}', now(), now())");
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  for (int64_t until = clock_mono_ms() + 200; clock_mono_ms() < until;)
    uv_run(&k.loop, UV_RUN_ONCE); /* the journal's insert waits for the lock */
  cr_assert_eq(a.calls, 0);
  kit_sql(&k, "COMMIT");
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_CONFLICT);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM idempotency_keys"), "0");
}

Test(journal, a_payload_that_is_no_json_harms_nobody_else)
{
  struct kit_accept good = {0}, bad = {0}, good2 = {0};
  struct journal_accept order = kit_order(), poison = kit_order();
  poison.payload = "{no json";
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &good), ST_OK);
  cr_assert_eq(journal_accept(k.journal, &poison, kit_on_accepted, &bad), ST_OK);
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &good2), ST_OK);
  kit_until(&k, good.calls && bad.calls && good2.calls);
  cr_assert_eq(good.status, ST_OK);
  cr_assert_eq(good2.status, ST_OK);
  cr_assert_eq(bad.status, ST_BROKEN);
}

/* As when its commit was under way still while it was read back, and it was sent once more. */
Test(journal, an_order_that_is_there_already_is_found)
{
  struct kit_accept a = {0}, other = {0};
  struct journal_accept order = kit_order();
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  const struct accept_op *op =
      container_of(list_first(&k.journal->accepts), struct accept_op, node);
  struct ulid id = op->id;
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &other), ST_OK);
  kit_sqlf(&k,
           "INSERT INTO orders (order_id, tenant, type, status, payload, created_at, updated_at)"
           " VALUES ('%s', 'default', 'kit', 'new', '{\"a\":1}', 'epoch', 'epoch')",
           &id);
  kit_sqlf(&k,
           "INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"
           " VALUES ('%s', 0, 1, 'new', 0, 1, 'epoch')",
           &id);
  kit_until(&k, a.calls && other.calls);
  cr_assert(a.status == ST_OK && other.status == ST_OK);
  cr_assert_eq(ulid_compare(&a.accepted.id, &id), 0);
  cr_assert_eq(a.accepted.created_at_ms, 0, "it is that of the row");
  cr_assert_neq(other.accepted.created_at_ms, 0);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders"), "2");
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM order_events"), "2");
}

/* ── claim ──────────────────────────────────────────────────────────────────────────────────── */

Test(journal, a_claim_gives_the_order_and_enters_its_claim_state)
{
  struct ulid id = kit_accept(&k);
  struct kit_claim c = kit_claim_by(&k, &k.session, &id, INT64_MAX);
  cr_assert_eq(c.status, ST_OK);
  cr_assert_str_eq(c.claimed->order.status, "going");
  cr_assert_str_eq(c.claimed->order.payload, "{\"a\":1}");
  cr_assert(c.claimed->order.attempt == 1 && c.claimed->order.ver == 2 && c.claimed->fence == 1);
  cr_assert(c.claimed->takeovers == 0 && c.claimed->open_intent == NULL);
  journal_claimed_free(c.claimed);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT string_agg(seq || status, ',' ORDER BY seq) FROM"
                            " order_events WHERE order_id = '%s'",
                            &id),
                   "1new,2going");
}

Test(journal, an_order_has_one_owner_while_that_is_alive)
{
  struct ulid id = kit_accept(&k), other = kit_session(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  struct kit_claim c = kit_claim_by(&k, &other, &id, INT64_MAX);
  cr_assert(c.status == ST_STALE && c.refusal == JOURNAL_OWNED && c.retry_ms > 0);

  kit_sql(&k, "UPDATE worker_sessions SET closed = true");
  c = kit_claim_by(&k, &other, &id, INT64_MAX);
  cr_assert_eq(c.status, ST_OK);
  cr_assert(c.claimed->fence == 2 && c.claimed->takeovers == 1 && c.claimed->order.attempt == 1);
  journal_claimed_free(c.claimed);

  kit_emit(&k, &job, "done", NULL); /* the zombie */
  kit_until(&k, job.stale);
  cr_assert(job.order.lost && job.ok == 0);
  cr_assert_str_eq(kit_sqlf(&k, "SELECT status FROM orders WHERE order_id = '%s'", &id), "going");
}

Test(journal, an_expired_session_loses_its_orders_but_not_to_a_restart)
{
  struct ulid id = kit_accept(&k), other = kit_session(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  kit_sql(&k, "UPDATE worker_sessions SET expires_at = clock_timestamp() - interval '1 hour'");
  bool grace =
      strcmp(kit_sql(&k, "SELECT now() < pg_postmaster_start_time() + interval '60 s'"), "t") == 0;
  struct kit_claim c = kit_claim_by(&k, &other, &id, INT64_MAX);
  cr_assert_eq(c.status, grace ? ST_STALE : ST_OK);
  journal_claimed_free(c.claimed);
}

Test(journal, what_has_ended_or_never_was_is_terminal)
{
  struct ulid id = kit_accept(&k), never = ulid_make();
  struct kit_job job;
  kit_hold(&k, &id, &job);
  kit_emit(&k, &job, "done", "{\"x\":1}");
  kit_until(&k, job.ok);
  cr_assert_eq(kit_claim_by(&k, &k.session, &id, INT64_MAX).refusal, JOURNAL_TERMINAL);
  struct kit_claim c = kit_claim_by(&k, &k.session, &never, INT64_MAX);
  cr_assert(c.status == ST_STALE && c.refusal == JOURNAL_TERMINAL);
}

Test(journal, a_hand_over_that_comes_late_is_refused)
{
  struct ulid id = kit_accept(&k);
  struct kit_claim c = kit_claim_by(&k, &k.session, &id, clock_unix_ms() - 1000);
  cr_assert(c.status == ST_STALE && c.refusal == JOURNAL_LATE);
  c = kit_claim_by(&k, &k.session, &id, clock_unix_ms() + 5000);
  cr_assert_eq(c.status, ST_OK);
  journal_claimed_free(c.claimed);
}

/* Whatever Redis knows of it. */
Test(journal, of_a_paused_queue_nothing_is_claimed)
{
  struct ulid id = kit_accept(&k);
  kit_sql(&k, "UPDATE queue_pause SET paused = true");
  struct kit_claim c = kit_claim_by(&k, &k.session, &id, INT64_MAX);
  cr_assert(c.status == ST_STALE && c.refusal == JOURNAL_PAUSED && c.retry_ms > 0);
  kit_sql(&k, "UPDATE queue_pause SET paused = false");
  c = kit_claim_by(&k, &k.session, &id, INT64_MAX);
  cr_assert_eq(c.status, ST_OK);
  journal_claimed_free(c.claimed);
}

/* ── steps ──────────────────────────────────────────────────────────────────────────────────── */

Test(journal, steps_of_one_turn_are_one_update_and_all_their_events)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  kit_emit(&k, &job, "sent", "{\"n\":1}");
  kit_emit(&k, &job, "done", "{\"price\":\"1.50\"}");
  kit_until(&k, job.ok == 2);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT concat_ws('|', status, phase, ver, step, result, owner,"
                            " completed_at IS NOT NULL) FROM orders WHERE order_id = '%s'",
                            &id),
                   "done|2|4|2|{\"price\":\"1.50\"}|t");
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT string_agg(seq || status, ',' ORDER BY seq) FROM"
                            " order_events WHERE order_id = '%s'",
                            &id),
                   "1new,2going,3sent,4done");
  cr_assert_str_eq(
      kit_sqlf(&k, "SELECT count(*) FROM orders WHERE completed_at IS NULL AND order_id = '%s'",
               &id),
      "0");
}

Test(journal, what_one_step_brings_is_one_row)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  kit_emit(&k, &job, "sent", "{ \"n\": 1.50 }");
  kit_emit(&k, &job, "sent", NULL);
  kit_emit(&k, &job, "sent", "{\"s\":\"}]\"}");
  journal_post(k.journal, kit_intent(&job, "hash1"));
  kit_until(&k, job.ok == 4);
  journal_post(k.journal, kit_settle(&job, JOURNAL_DEAD));
  kit_until(&k, job.ok == 5);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT string_agg(concat_ws('|', step, seq, status, tx_hash, outcome),"
                            " ',' ORDER BY step) FROM steps WHERE order_id = '%s'",
                            &id),
                   "1|2|going,2|5|sent|hash1,3|5|dead");
  cr_assert_str_eq(
      kit_sqlf(&k,
               "SELECT string_agg(concat_ws('|', seq, status, phase, data), ',' ORDER BY"
               " seq) FROM order_events WHERE order_id = '%s'",
               &id),
      "1|new|0,2|going|1,3|sent|1|{ \"n\": 1.50 },4|sent|1,5|sent|1|{\"s\":\"}]\"}");
}

Test(journal, a_retry_waits_and_counts_an_attempt_a_release_does_not)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  struct journal_entry *e = kit_entry(&job, NULL);
  e->hold = JOURNAL_RETRY;
  e->delay_ms = 300;
  e->error = mem_strdup("{\"code\":\"X\"}");
  journal_post(k.journal, e);
  kit_until(&k, job.ok);
  struct kit_claim c = kit_claim_by(&k, &k.session, &id, INT64_MAX);
  cr_assert(c.status == ST_STALE && c.refusal == JOURNAL_NOT_DUE);
  cr_assert(c.retry_ms > 0 && c.retry_ms <= 300, "%lld", (long long)c.retry_ms);
  kit_until(&k, (c = kit_claim_by(&k, &k.session, &id, INT64_MAX)).status == ST_OK);
  cr_assert(c.claimed->order.attempt == 2 && c.claimed->takeovers == 0);
  memset(&job, 0, sizeof job);
  journal_order_init(&job.order, c.claimed, &kit_type, "t");
  journal_claimed_free(c.claimed);
  e = kit_entry(&job, NULL);
  e->hold = JOURNAL_RELEASE;
  e->keep = mem_strdup("blob");
  e->keep_len = 4;
  journal_post(k.journal, e);
  kit_until(&k, job.ok);
  c = kit_claim_by(&k, &k.session, &id, INT64_MAX);
  cr_assert(c.status == ST_OK && c.claimed->order.attempt == 2 && c.claimed->takeovers == 0);
  cr_assert(c.claimed->state_len == 4 && memcmp(c.claimed->state, "blob", 4) == 0);
  journal_claimed_free(c.claimed);
}

static const char error_sql[] =
    "SELECT coalesce(error->>'code', '-') FROM orders WHERE order_id = '%s'";

Test(journal, an_order_that_succeeds_after_all_has_no_error)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  struct journal_entry *e = kit_entry(&job, NULL);
  e->hold = JOURNAL_RETRY;
  e->error = mem_strdup("{\"code\":\"X\"}");
  journal_post(k.journal, e);
  kit_until(&k, job.ok);
  cr_assert_str_eq(kit_sqlf(&k, error_sql, &id), "X", "while it waits it says why");
  struct kit_claim c = kit_claim_by(&k, &k.session, &id, INT64_MAX);
  cr_assert(c.status == ST_OK);
  memset(&job, 0, sizeof job);
  journal_order_init(&job.order, c.claimed, &kit_type, "t");
  journal_claimed_free(c.claimed);
  cr_assert_str_eq(kit_sqlf(&k, error_sql, &id), "X");
  kit_emit(&k, &job, "done", NULL);
  kit_until(&k, job.ok);
  cr_assert_str_eq(kit_sqlf(&k, error_sql, &id), "-");
}

Test(journal, one_transaction_is_open_and_its_end_is_a_fill)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  journal_post(k.journal, kit_intent(&job, "hash1"));
  kit_until(&k, job.ok == 1);
  struct journal_entry *e = kit_settle(&job, JOURNAL_LANDED);
  journal_post(k.journal, e);
  kit_emit(&k, &job, "done", NULL);
  kit_until(&k, job.ok == 3);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT string_agg(n || tx_hash || outcome, ',')"
                            " FROM intents JOIN outcomes USING (order_id, n)"
                            " WHERE order_id = '%s'",
                            &id),
                   "1hash1landed");
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT concat_ws('|', venue, tx_hash, in_amount, out_amount)"
                            " FROM fills WHERE order_id = '%s'",
                            &id),
                   "v|hash1|10|11");
}

Test(journal, a_second_transaction_waits_for_the_death_of_the_first)
{
  struct ulid id = kit_accept(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  journal_post(k.journal, kit_intent(&job, "hash1"));
  journal_post(k.journal, kit_settle(&job, JOURNAL_DEAD));
  journal_post(k.journal, kit_intent(&job, "hash2"));
  kit_until(&k, job.ok == 3);
  cr_assert_str_eq(kit_sqlf(&k,
                            "SELECT string_agg(n || tx_hash || coalesce(outcome, '?'), ','"
                            " ORDER BY n) FROM intents LEFT JOIN outcomes USING (order_id, n)"
                            " WHERE order_id = '%s'",
                            &id),
                   "1hash1dead,2hash2?");
  journal_post(k.journal, kit_intent(&job, "hash3"));
  kit_until(&k, job.stale == 1);
  cr_assert_str_eq(kit_sqlf(&k, "SELECT count(*) FROM intents WHERE order_id = '%s'", &id), "2");
}

Test(journal, whoever_takes_over_gets_the_open_transaction_and_no_fresh_start)
{
  struct ulid id = kit_accept(&k), other = kit_session(&k);
  struct kit_job job;
  kit_hold(&k, &id, &job);
  kit_emit(&k, &job, "sent", NULL);
  journal_post(k.journal, kit_intent(&job, "hash1"));
  kit_until(&k, job.ok == 2);
  kit_sql(&k, "UPDATE worker_sessions SET closed = true");
  struct kit_claim c = kit_claim_by(&k, &other, &id, INT64_MAX);
  cr_assert_eq(c.status, ST_OK);
  cr_assert_str_eq(c.claimed->order.status, "sent");
  cr_assert_eq(c.claimed->order.ver, 3);
  cr_assert_not_null(c.claimed->open_intent);
  cr_assert_str_eq(c.claimed->open_intent->tx.tx_hash, "hash1");
  cr_assert_eq(c.claimed->open_intent->tx.n_bytes, 5);
  cr_assert_eq(c.claimed->open_intent->min_out_amount, 9);
  journal_claimed_free(c.claimed);
}

Test(journal, data_that_is_no_json_is_refused_alone)
{
  struct ulid id1 = kit_accept(&k), id2 = kit_accept(&k);
  struct kit_job bad, good;
  kit_hold(&k, &id1, &bad);
  kit_hold(&k, &id2, &good);
  kit_emit(&k, &bad, "sent", "{no json");
  kit_emit(&k, &good, "sent", "{}");
  kit_until(&k, bad.broken && good.ok);
  cr_assert(!bad.order.lost && bad.ok == 0 && good.broken == 0);
  kit_emit(&k, &bad, "broken", NULL); /* it is still ours */
  kit_until(&k, bad.ok);
}

/* What comes before another event must not reach out of its place, and become more than one. */
Test(journal, data_that_is_more_than_one_value_is_refused)
{
  static const char *const texts[] = {"{}},{\"status\":\"done\",\"phase\":2,\"data\":{}",
                                      "{},\"phase\":2",
                                      "{",
                                      "\"",
                                      "",
                                      "{}]",
                                      "{} {}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct ulid id = kit_accept(&k);
    struct kit_job job;
    kit_hold(&k, &id, &job);
    kit_emit(&k, &job, "sent", texts[i]);
    kit_emit(&k, &job, "sent", "{}");
    kit_until(&k, job.broken == 2);
    cr_assert_eq(job.ok, 0);
    cr_assert_str_eq(kit_sqlf(&k, "SELECT count(*) FROM order_events WHERE order_id = '%s'", &id),
                     "2", "%s", texts[i]);
    kit_emit(&k, &job, "broken", NULL);
    kit_until(&k, job.ok);
  }
}

/* ── PostgreSQL breaks off ──────────────────────────────────────────────────────────────────── */

static void kill_backends(void)
{
  kit_terminate(&k, "ox journal");
}

/* Every answer comes once; what was said to be durable is there once; nothing is there twice. */
Test(journal, accepts_under_broken_connections)
{
  enum { N = 2000 };
  static struct kit_accept a[N];
  memset(a, 0, sizeof a);
  int asked = 0, ok = 0;
  for (int i = 0; i < N; i++) {
    struct journal_accept order = kit_order();
    kit_until(&k, journal_accept(k.journal, &order, kit_on_accepted, &a[i]) == ST_OK);
    asked++;
    if (i % 100 == 50) kill_backends();
    if (i % 10 == 0) uv_run(&k.loop, UV_RUN_NOWAIT);
  }
  for (int i = 0; i < N; i++) kit_until(&k, a[i].calls);
  for (int i = 0; i < N; i++) {
    cr_assert_eq(a[i].calls, 1);
    cr_assert(a[i].status == ST_OK || a[i].status == ST_AWAY);
    ok += a[i].status == ST_OK;
  }
  kit_until(&k, journal_idle(k.journal));
  int there = (int)kit_number(&k, "SELECT count(*) FROM orders");
  cr_assert(there >= ok && there <= asked, "%d said, %d there, %d asked", ok, there, asked);
  cr_assert_gt(ok, N / 2);
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM orders WHERE NOT EXISTS (SELECT 1 FROM"
                               " order_events e WHERE e.order_id = orders.order_id)"),
                   "0");
}

/* Of the end of a connection the journal hears a little after it: what it has to send in between
 * waits for the next one. What libpq will not send, as a statement without a name, ends one. */
Test(journal, a_connection_breaks_in_the_turn_of_a_request)
{
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  for (int i = 0; i < LANES; i++) {
    struct lane *lane = &k.journal->lanes[i];
    kit_until(&k, lane->ready);
    cr_assert_eq(pg_run(lane->conn, NULL, NULL, 0, NULL, NULL, NULL), ST_OK);
    cr_assert(lane->ready && !pg_up(lane->conn));
  }
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_OK);
}

/* A chain of steps survives: none is lost, none is doubled, seq has no holes. */
Test(journal, steps_under_broken_connections)
{
  enum { ORDERS = 20, STEPS = 30 };
  static struct kit_job jobs[ORDERS];
  for (int i = 0; i < ORDERS; i++) {
    struct ulid id = kit_accept(&k);
    kit_hold(&k, &id, &jobs[i]);
  }
  for (int s = 0; s < STEPS; s++) {
    for (int i = 0; i < ORDERS; i++) kit_emit(&k, &jobs[i], s % 2 ? "going" : "sent", NULL);
    if (s % 3 == 1) {
      uv_run(&k.loop, UV_RUN_NOWAIT);
      kill_backends();
    }
    for (int i = 0; i < ORDERS; i++) kit_until(&k, jobs[i].ok + jobs[i].stale == s + 1);
  }
  for (int i = 0; i < ORDERS; i++) {
    cr_assert(jobs[i].ok == STEPS && !jobs[i].order.lost);
    cr_assert_eq(jobs[i].order.ver, STEPS + 2);
  }
  cr_assert_str_eq(kit_sql(&k, "SELECT count(*) FROM (SELECT order_id FROM order_events GROUP BY"
                               " order_id HAVING count(*) <> max(seq) OR max(seq) <> 32) x"),
                   "0");
}

Test(journal, a_store_that_is_away_is_said_at_once)
{
  struct journal_options options = {.database_url = "postgresql://127.0.0.1:1/none",
                                    .max_waiting = 10,
                                    .lease_ms = 1000,
                                    .types = kit_types,
                                    .n_types = 1};
  struct journal *j = journal_create(&k.loop, &options, k.relay);
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  cr_assert_eq(journal_accept(j, &order, kit_on_accepted, &a), ST_AWAY);
  cr_assert(!journal_up(j));
  journal_destroy(j, NULL, NULL);
}

Test(journal, waiting_requests_are_answered_when_the_journal_ends)
{
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  journal_destroy(k.journal, NULL, NULL);
  k.journal = NULL;
  cr_assert_eq(a.calls, 1);
  cr_assert_eq(a.status, ST_AWAY);
}

/* ── plans ──────────────────────────────────────────────────────────────────────────────────── */

/* How often $1, $2, ... stand in a statement: the number of its parameters. */
static int n_params(const char *sql)
{
  int most = 0;
  for (const char *p = sql; (p = strchr(p, '$')) != NULL; p++) {
    int n = (int)strtol(p + 1, NULL, 10);
    if (n > most) most = n;
  }
  return most;
}

static PGresult *run(PGconn *pg, const struct buf *sql)
{
  PGresult *r = PQexec(pg, sql->data);
  ExecStatusType status = PQresultStatus(r);
  cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", sql->data,
            PQerrorMessage(pg));
  return r;
}

/* The plan that a prepared statement settles on. */
static char *explain(PGconn *pg, const struct pg_statement *s)
{
  struct buf sql, plan;
  buf_init(&sql, 1 << 20);
  buf_init(&plan, 1 << 20);
  buf_appendf(&sql, "PREPARE p AS %s", s->sql);
  PQclear(run(pg, &sql));
  buf_clear(&sql);
  buf_append_str(&sql, "EXPLAIN (COSTS off) EXECUTE p");
  for (int i = 0, n = n_params(s->sql); i < n; i++)
    buf_appendf(&sql, "%s NULL%s", i ? "," : "(", i == n - 1 ? ")" : "");
  PGresult *r = run(pg, &sql);
  for (int i = 0; i < PQntuples(r); i++) buf_appendf(&plan, "%s\n", PQgetvalue(r, i, 0));
  PQclear(r);
  PQclear(PQexec(pg, "DEALLOCATE p"));
  buf_deinit(&sql);
  return buf_take(&plan, NULL);
}

static bool reads_orders(const char *plan)
{
  return strstr(plan, "on orders") && !strstr(plan, "Insert on orders");
}

static void check_plans(PGconn *pg, const struct pg_statement *statements, size_t n)
{
  PQclear(PQexec(pg, statements[0].sql)); /* the planner's settings */
  for (size_t i = 1; i < n; i++) {
    const char *name = statements[i].name;
    char *plan = explain(pg, &statements[i]);
    cr_assert_null(strstr(plan, "Seq Scan on orders"), "%s: %s", name, plan);
    cr_assert_null(strstr(plan, "Seq Scan on intents"), "%s: %s", name, plan);
    cr_assert_null(strstr(plan, "Hash Join"), "%s: %s", name, plan);
    cr_assert_null(strstr(plan, "Merge Join"), "%s: %s", name, plan);
    cr_assert(!reads_orders(plan) || strstr(plan, "Index"), "%s: %s", name, plan);
    if (strstr(statements[i].sql, "completed_at IS NULL"))
      cr_assert(strstr(plan, "orders_unfinished") || strstr(plan, "orders_group"),
                "%s walks all history: %s", name, plan);
    cr_assert_null(strstr(plan, "Seq Scan on order_groups"), "%s: %s", name, plan);
    free(plan);
  }
}

Test(journal, plans_are_index_scans_whatever_the_statistics_say)
{
  PGconn *pg = PQconnectdb(k.url);
  for (int round = 0; round < 2; round++) {
    check_plans(pg, journal_statements, n_journal_statements);
    check_plans(pg, sweeper_statements, n_sweeper_statements);
    kit_sql(&k, "ANALYZE orders, steps"); /* known to be empty */
  }
  kit_sql(&k, "INSERT INTO orders (order_id, tenant, type, status, phase, payload, created_at,"
              " updated_at, completed_at) SELECT gen_random_uuid(), 't', 'x', 'done', 2, '{}',"
              " now(), now(), now() FROM generate_series(1, 20000)");
  check_plans(pg, sweeper_statements, n_sweeper_statements);
  kit_sql(&k, "ANALYZE orders");
  check_plans(pg, sweeper_statements, n_sweeper_statements);
  check_plans(pg, journal_statements, n_journal_statements);
  PQfinish(pg);
}
