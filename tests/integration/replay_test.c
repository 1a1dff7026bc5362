/* replay_test.c - what was answered before: by key, by name, by both, and what is nobody's. */
#include "store/replay.h"

#include "journal_kit.h"

static struct kit k;
static struct reader *reader;

static void open_all(void)
{
  kit_open(&k);
  reader = reader_create(&k.loop, k.url);
  kit_until(&k, reader_up(reader));
}

static void close_all(void)
{
  reader_destroy(reader, NULL, NULL);
  kit_close(&k);
}

TestSuite(replay, .init = open_all, .fini = close_all, .timeout = 60);

struct answer {
  int calls;
  enum status status;
  struct ulid id;
  char text[512]; /* the order as JSON, or the response */
};

static void on_found(void *arg, enum status status, const struct replay *found)
{
  struct answer *a = arg;
  a->calls++;
  a->status = status;
  cr_assert_eq(found != NULL, status == ST_OK);
  if (!found) return;
  a->id = found->id;
  cr_assert_neq(found->order != NULL, found->response != NULL);
  if (found->response) {
    cr_assert_eq(strlen(found->response), found->response_len);
    snprintf(a->text, sizeof a->text, "%s", found->response);
    return;
  }
  struct buf b;
  buf_init(&b, sizeof a->text - 1);
  order_write(found->order, &b);
  snprintf(a->text, sizeof a->text, "%s", b.data);
  buf_deinit(&b);
}

/* body stands for the request's hash, and for the order's. */
static struct answer find(const char *tenant, const char *key, const char *own, const char *body)
{
  unsigned char hash[REPLAY_HASH_LEN] = {0};
  struct answer a = {0};
  memcpy(hash, body, strlen(body));
  const struct replay_ask ask = {
      .tenant = tenant, .key = key, .key_hash = hash, .own_id = own, .body_hash = hash};
  cr_assert_eq(replay_find(reader, &ask, on_found, &a), ST_OK);
  cr_assert_eq(a.calls, 0, "answered inside the call");
  kit_until(&k, a.calls);
  return a;
}

static struct ulid accepted(const char *key, const char *own, const char *body)
{
  unsigned char hash[JOURNAL_HASH_LEN] = {0};
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  memcpy(hash, body, strlen(body));
  order.idempotency_key = key;
  order.client_order_id = own;
  order.request_hash = order.key_hash = hash;
  cr_assert_eq(journal_accept(k.journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_OK);
  return a.accepted.id;
}

Test(replay, by_key_and_by_name)
{
  struct ulid keyed = accepted("key", NULL, "body"), named = accepted(NULL, "mine", "body");
  struct answer a = find("default", "key", NULL, "body"), b = find("default", NULL, "mine", "body");
  cr_assert(a.status == ST_OK && ulid_compare(&a.id, &keyed) == 0);
  cr_assert(b.status == ST_OK && ulid_compare(&b.id, &named) == 0);
  cr_assert_eq(find("default", "key", NULL, "other").status, ST_CONFLICT);
  cr_assert_eq(find("default", NULL, "mine", "other").status, ST_CONFLICT);
  cr_assert_eq(find("default", "key2", "mine2", "body").status, ST_NOT_FOUND);
  cr_assert_eq(find("default", NULL, NULL, "body").status, ST_NOT_FOUND);
  cr_assert_eq(find("default", "key2", "mine", "body").status, ST_OK);
  cr_assert_eq(find("default", "mine", "key", "body").status, ST_NOT_FOUND);
}

Test(replay, keys_and_names_belong_to_a_tenant)
{
  accepted("key", "mine", "body");
  cr_assert_eq(find("another", "key", "mine", "body").status, ST_NOT_FOUND);
}

Test(replay, with_both_known_the_other_request_counts)
{
  accepted("key", NULL, "one");
  accepted(NULL, "mine", "two");
  cr_assert_eq(find("default", "key", "mine", "one").status, ST_CONFLICT);
  cr_assert_eq(find("default", "key", "mine", "two").status, ST_CONFLICT);
}

Test(replay, an_order_that_has_ended_is_shown_as_it_was_accepted)
{
  struct ulid id = accepted("key", "mine", "body");
  struct answer before = find("default", "key", NULL, "body");
  struct kit_job job;
  kit_hold(&k, &id, &job);
  kit_emit(&k, &job, "done", "{\"x\":1}");
  kit_until(&k, job.ok);
  struct answer after = find("default", "key", "mine", "body");
  cr_assert_str_eq(after.text, before.text);
  cr_assert_not_null(strstr(after.text, "\"clientOrderId\":\"mine\",\"type\":\"kit\","
                                        "\"status\":\"new\",\"phase\":\"queued\",\"attempt\":1,"
                                        "\"seq\":1,\"a\":1,\"error\":null"),
                     "%s", after.text);
}

Test(replay, a_key_whose_time_is_over_is_not_found)
{
  accepted("key", NULL, "body");
  kit_sql(&k, "UPDATE idempotency_keys SET expires_at = clock_timestamp()");
  cr_assert_eq(find("default", "key", NULL, "body").status, ST_NOT_FOUND);
}

Test(replay, a_batch_has_its_answer)
{
  kit_sql(&k, "INSERT INTO idempotency_keys (tenant, key, request_hash, order_id, response,"
              " expires_at) VALUES ('default', 'key', 'body' || decode(repeat('00', 28), 'hex'),"
              " gen_random_uuid(), '{\"total\":1}', now() + interval '1 hour')");
  struct answer a = find("default", "key", NULL, "body");
  cr_assert_eq(a.status, ST_OK);
  cr_assert_str_eq(a.text, "{\"total\":1}");
  cr_assert_eq(find("default", "key", NULL, "other").status, ST_CONFLICT);
}

Test(replay, a_broken_connection_answers)
{
  unsigned char hash[REPLAY_HASH_LEN] = {0};
  struct answer a = {0};
  const struct replay_ask ask = {.tenant = "default", .key = "key", .key_hash = hash};
  cr_assert_eq(replay_find(reader, &ask, on_found, &a), ST_OK);
  kit_terminate(&k, "ox reader");
  kit_until(&k, a.calls);
  cr_assert(a.status == ST_AWAY || a.status == ST_NOT_FOUND);
  kit_until(&k, !reader_up(reader));
  a.calls = 0;
  cr_assert_eq(replay_find(reader, &ask, on_found, &a), ST_AWAY);
  cr_assert_eq(a.calls, 0);
}
