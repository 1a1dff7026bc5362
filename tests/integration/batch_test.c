/* batch_test.c - many orders under one key on a real PostgreSQL: all of it or nothing, once. */
#include "journal/batch.h"

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

TestSuite(batch, .init = open_kit, .fini = close_kit, .timeout = 60);

static const unsigned char hash[JOURNAL_HASH_LEN] = "request";

static enum status begin_for(const char *tenant, const char *key, struct journal_batch **b)
{
  return journal_batch_begin(k.journal, tenant, key, hash, b);
}

static struct journal_batch *begin(const char *key)
{
  struct journal_batch *b = NULL;
  enum status status = ST_BUSY;
  kit_until(&k, (status = begin_for("default", key, &b)) != ST_AWAY);
  cr_assert_eq(status, ST_OK);
  return b;
}

static struct ulid add(struct journal_batch *b, const char *own)
{
  struct journal_accept order = kit_order();
  order.client_order_id = own;
  order.request_hash = hash;
  return journal_batch_add(b, &order);
}

static void on_done(void *arg, enum status status)
{
  struct kit_accept *a = arg;
  a->calls++;
  a->status = status;
}

static enum status send_it(struct journal_batch *b, const char *response)
{
  struct kit_accept a = {0};
  journal_batch_send(b, response, on_done, &a);
  cr_assert_eq(a.calls, 0, "answered inside the call");
  kit_until(&k, a.calls);
  return a.status;
}

static const char orders[] = "SELECT count(*) FROM orders";
static const char events[] = "SELECT count(*) FROM order_events";
static const char keys[] = "SELECT count(*) FROM idempotency_keys";
static const char response_of_key[] = "SELECT response FROM idempotency_keys WHERE key = 'key'";

Test(batch, key_orders_and_answer_are_one_transaction)
{
  struct journal_batch *b = begin("key");
  for (int i = 0; i < 1000; i++) add(b, NULL);
  cr_assert_eq(send_it(b, "{\"total\":1000}"), ST_OK);
  cr_assert_eq(kit_number(&k, orders), 1000);
  cr_assert_eq(kit_number(&k, events), 1000);
  cr_assert_str_eq(kit_sql(&k, response_of_key), "{\"total\":1000}");
  cr_assert_eq(kit_number(&k, "SELECT count(DISTINCT x::text) FROM (SELECT xmin AS x FROM orders"
                              " UNION ALL SELECT xmin FROM steps UNION ALL SELECT xmin FROM"
                              " idempotency_keys) t"),
               1);
  cr_assert(journal_idle(k.journal));
}

Test(batch, its_orders_run_as_any_other)
{
  struct journal_batch *b = begin("key");
  struct ulid id = add(b, "mine");
  struct kit_job job;
  cr_assert_eq(send_it(b, "{}"), ST_OK);
  kit_hold(&k, &id, &job);
  kit_emit(&k, &job, "done", NULL);
  kit_until(&k, job.ok);
  cr_assert_str_eq(
      kit_sqlf(&k, "SELECT status || client_order_id FROM orders WHERE order_id = '%s'", &id),
      "donemine");
}

Test(batch, of_nothing_keeps_its_answer)
{
  cr_assert_eq(send_it(begin("key"), "{\"failed\":3}"), ST_OK);
  cr_assert_str_eq(kit_sql(&k, response_of_key), "{\"failed\":3}");
}

Test(batch, a_key_that_is_taken_takes_the_whole_of_it_back)
{
  cr_assert_eq(send_it(begin("key"), "first"), ST_OK);
  struct journal_batch *b = begin("key");
  add(b, NULL);
  add(b, "mine");
  cr_assert_eq(send_it(b, "second"), ST_CONFLICT);
  cr_assert_eq(kit_number(&k, orders), 0);
  cr_assert_str_eq(kit_sql(&k, response_of_key), "first");
  kit_sql(&k, "UPDATE idempotency_keys SET expires_at = clock_timestamp()");
  cr_assert_eq(send_it(b, "third"), ST_OK, "its time is over");
  cr_assert_eq(kit_number(&k, orders), 2);
  cr_assert_str_eq(kit_sql(&k, response_of_key), "third");
}

Test(batch, a_key_belongs_to_a_tenant)
{
  struct journal_batch *b = NULL;
  cr_assert_eq(send_it(begin("key"), "first"), ST_OK);
  cr_assert_eq(begin_for("another", "key", &b), ST_OK);
  cr_assert_eq(send_it(b, "second"), ST_OK);
  cr_assert_eq(kit_number(&k, keys), 2);
}

Test(batch, a_name_that_is_taken_is_taken_out_and_the_rest_goes_again)
{
  struct journal_batch *b = begin("one"), *c = begin("two");
  add(b, "mine");
  cr_assert_eq(send_it(b, "{}"), ST_OK);
  add(c, NULL);
  struct ulid taken = add(c, "mine");
  add(c, "other");
  cr_assert_eq(send_it(c, "{}"), ST_CONFLICT);
  cr_assert_eq(kit_number(&k, orders), 1);
  cr_assert_eq(kit_number(&k, keys), 1);
  journal_batch_remove(c, &taken);
  cr_assert_eq(send_it(c, "{}"), ST_OK);
  cr_assert_eq(kit_number(&k, orders), 3);
}

Test(batch, a_batch_that_is_dropped_leaves_nothing)
{
  struct journal_batch *b = begin("key");
  add(b, "mine");
  cr_assert_not(journal_idle(k.journal));
  journal_batch_drop(b);
  cr_assert(journal_idle(k.journal));
  journal_batch_drop(NULL);
  cr_assert_eq(send_it(begin("key"), "{}"), ST_OK);
  cr_assert_eq(kit_number(&k, orders), 0);
}

/* ── others with the same key or name ───────────────────────────────────────────────────────── */

Test(batch, a_key_under_way_is_busy_here)
{
  struct journal_batch *b = begin("key"), *c = NULL;
  struct journal_accept order = kit_order();
  struct kit_accept a = {0};
  cr_assert_eq(begin_for("default", "key", &c), ST_BUSY);
  order.idempotency_key = "key";
  order.key_hash = hash;
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_BUSY);
  journal_batch_drop(b);
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  cr_assert_eq(begin_for("default", "key", &c), ST_BUSY);
  kit_until(&k, a.calls);
  b = begin("key");
  cr_assert_eq(send_it(b, "{}"), ST_CONFLICT, "a single order has it");
  journal_batch_drop(b);
}

/* The one that loses is the caller's again. */
Test(batch, of_two_processes_one_places_it)
{
  enum { ROUNDS = 20 };
  struct journal_options options = {.database_url = k.url,
                                    .max_waiting = 1000,
                                    .lease_ms = KIT_LEASE_MS,
                                    .idempotency_ttl_s = 3600};
  struct journal *other = journal_create(&k.loop, &options, k.relay);
  kit_until(&k, journal_up(other));
  for (int i = 0; i < ROUNDS; i++) {
    char key[16];
    struct journal_batch *b = NULL, *c = NULL;
    struct kit_accept first = {0}, second = {0};
    snprintf(key, sizeof key, "key-%d", i);
    b = begin(key);
    cr_assert_eq(journal_batch_begin(other, "default", key, hash, &c), ST_OK);
    for (int n = 0; n < 50; n++) {
      add(b, NULL);
      add(c, NULL);
    }
    journal_batch_send(b, "first", on_done, &first);
    journal_batch_send(c, "second", on_done, &second);
    kit_until(&k, first.calls && second.calls);
    cr_assert_eq((first.status == ST_OK) + (second.status == ST_OK), 1);
    cr_assert_eq((first.status == ST_CONFLICT) + (second.status == ST_CONFLICT), 1);
    journal_batch_drop(first.status == ST_OK ? c : b);
  }
  cr_assert_eq(kit_number(&k, orders), ROUNDS * 50);
  journal_destroy(other, NULL, NULL);
}

/* The same names in opposite orders, under other keys: nobody waits in a circle. */
Test(batch, of_two_processes_with_the_same_names)
{
  enum { N = 200 };
  struct journal_options options = {.database_url = k.url,
                                    .max_waiting = 1000,
                                    .lease_ms = KIT_LEASE_MS,
                                    .idempotency_ttl_s = 3600};
  struct journal *other = journal_create(&k.loop, &options, k.relay);
  struct journal_batch *b = begin("one"), *c = NULL;
  struct kit_accept first = {0}, second = {0};
  kit_until(&k, journal_up(other));
  cr_assert_eq(journal_batch_begin(other, "default", "two", hash, &c), ST_OK);
  for (int n = 0; n < N; n++) {
    char up[16], down[16];
    snprintf(up, sizeof up, "name-%d", n);
    snprintf(down, sizeof down, "name-%d", N - 1 - n);
    add(b, up);
    add(c, down);
  }
  journal_batch_send(b, "first", on_done, &first);
  journal_batch_send(c, "second", on_done, &second);
  int64_t before = clock_mono_ms();
  kit_until(&k, first.calls && second.calls);
  cr_assert_lt(clock_mono_ms() - before, 5000);
  cr_assert_eq((first.status == ST_OK) + (second.status == ST_OK), 1);
  cr_assert_eq((first.status == ST_CONFLICT) + (second.status == ST_CONFLICT), 1);
  journal_batch_drop(first.status == ST_OK ? c : b);
  cr_assert_eq(kit_number(&k, orders), N);
  journal_destroy(other, NULL, NULL);
}

/* Somebody holds the key and does not come to an end. */
Test(batch, a_key_that_another_process_holds_is_busy_in_the_end)
{
  kit_sql(&k, "BEGIN");
  kit_sql(&k, "INSERT INTO idempotency_keys (tenant, key, request_hash, expires_at) VALUES"
              " ('default', 'key', '\\x00', now() + interval '1 hour')");
  struct journal_batch *b = begin("key");
  add(b, NULL);
  cr_assert_eq(send_it(b, "{}"), ST_BUSY);
  kit_sql(&k, "ROLLBACK");
  b = begin("key");
  add(b, NULL);
  cr_assert_eq(send_it(b, "{}"), ST_OK);
  cr_assert_eq(kit_number(&k, orders), 1);
}

Test(batch, singles_do_not_wait_for_a_batch_that_does)
{
  struct kit_accept a = {0};
  kit_sql(&k, "BEGIN");
  kit_sql(&k, "INSERT INTO idempotency_keys (tenant, key, request_hash, expires_at) VALUES"
              " ('default', 'key', '\\x00', now() + interval '1 hour')");
  struct journal_batch *b = begin("key");
  add(b, NULL);
  journal_batch_send(b, "{}", on_done, &a);
  for (int i = 0; i < 20; i++) kit_accept(&k);
  cr_assert_eq(a.calls, 0);
  kit_sql(&k, "ROLLBACK");
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_OK);
}

/* ── bounds, and when PostgreSQL goes ───────────────────────────────────────────────────────── */

Test(batch, so_many_and_no_more)
{
  struct journal_batch *b[JOURNAL_BATCHES_MAX], *more = NULL;
  char key[16];
  for (int i = 0; i < JOURNAL_BATCHES_MAX; i++) {
    snprintf(key, sizeof key, "key-%d", i);
    b[i] = begin(key);
  }
  cr_assert_eq(begin_for("default", "more", &more), ST_FULL);
  for (int i = 0; i < JOURNAL_BATCHES_MAX; i++) journal_batch_drop(b[i]);
  cr_assert_eq(begin_for("default", "more", &more), ST_OK);
  journal_batch_drop(more);
}

Test(batch, a_connection_that_breaks_under_it_changes_nothing)
{
  for (int i = 0; i < 20; i++) {
    char key[16];
    struct kit_accept a = {0};
    snprintf(key, sizeof key, "key-%d", i);
    struct journal_batch *b = begin(key);
    for (int n = 0; n < 100; n++) add(b, NULL);
    journal_batch_send(b, "{}", on_done, &a);
    for (int turn = 0; turn < i % 5; turn++) uv_run(&k.loop, UV_RUN_ONCE);
    kit_terminate(&k, "ox batches");
    kit_until(&k, a.calls);
    cr_assert_eq(a.status, ST_OK);
  }
  cr_assert_eq(kit_number(&k, orders), 2000);
  cr_assert_eq(kit_number(&k, events), 2000);
  cr_assert_eq(kit_number(&k, keys), 20);
}

Test(batch, the_end_of_the_journal_answers)
{
  struct journal_batch *open = begin("open"), *waiting = begin("waiting"), *sent = begin("sent");
  struct kit_accept a = {0}, b = {0};
  add(open, "one");
  add(waiting, "two");
  for (int i = 0; i < 1000; i++) add(sent, NULL);
  journal_batch_send(sent, "{}", on_done, &b);
  uv_run(&k.loop, UV_RUN_NOWAIT);
  journal_batch_send(waiting, "{}", on_done, &a);
  journal_destroy(k.journal, NULL, NULL);
  cr_assert_eq(a.calls, 1);
  cr_assert_eq(b.calls, 1);
  cr_assert_eq(a.status, ST_AWAY);
  cr_assert_eq(b.status, ST_AWAY);
  k.journal = NULL;
  journal_batch_drop(open);
}
