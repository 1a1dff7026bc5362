/* batch_test.c - POST /api/orders/batch, from the bytes to the journal and back. */
#include "tests/unit/http/fakes.h"

#define ONE "[{\"amount\":1}]"

static struct http_reply *post_batch(const char *body, const char *key)
{
  char header[200];
  snprintf(header, sizeof header, "Idempotency-Key: %s", key ? key : "");
  return ask(&(struct ask){.method = "POST",
                           .target = "/api/orders/batch",
                           .body = body,
                           .headers = {"Content-Type: application/json", key ? header : NULL}});
}

static void turns(int n)
{
  for (int i = 0; i < n; i++) uv_run(&fake_loop, UV_RUN_NOWAIT);
}

static const struct replay stored = {.response = "{\"stored\":true}", .response_len = 15};
static const unsigned char other_hash[REPLAY_HASH_LEN] = "other";

CHECKED(batch, is_answered_with_what_was_stored)
{
  struct http_reply *r = post_batch("[{\"amount\":1},{\"amount\":2.50}]", "k_1-A");
  cr_assert_str_eq(replay_key, "k_1-A");
  cr_assert_str_eq(replay_own_id, "");
  replay_answers(ST_NOT_FOUND, NULL);
  cr_assert_eq(fake_batch->n, 0, "reading waits for its turn");
  turns(1);
  cr_assert_eq(fake_batch->n, 2);
  cr_assert_str_eq(fake_batch->last, "{\"amount\":2.50}");
  cr_assert_null(names_done, "nobody has a name");
  cr_assert_eq(r->answered, 0, "not before it is durable");
  char *answer = mem_strdup(fake_batch->response);
  batch_answers(ST_OK);
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->body, answer);
  cr_assert_str_eq(r->content_type, "application/json");
  cr_assert_null(header_of(r, "Idempotent-Replayed"));
  json_decref(parse(answer));
  free(answer);
  reply_free(r);
}

CHECKED(batch, a_replay_is_what_was_stored)
{
  struct http_reply *r = post_batch(ONE, "k");
  replay_answers(ST_OK, &stored);
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->body, "{\"stored\":true}");
  cr_assert_str_eq(header_of(r, "Idempotent-Replayed"), "true");
  reply_free(r);
}

CHECKED(batch, the_key_of_something_else)
{
  struct http_reply *r = post_batch(ONE, "k");
  replay_answers(ST_CONFLICT, NULL);
  expect_problem(r, 422, "IDEMPOTENCY_MISMATCH");
  struct order order = {.ver = 1};
  struct replay single = {.order = &order};
  r = post_batch(ONE, "k");
  replay_answers(ST_OK, &single);
  expect_problem(r, 422, "IDEMPOTENCY_MISMATCH");
}

CHECKED(batch, requests_that_are_wrong)
{
  static char many[4 * 1001 + 2] = "[";
  for (int i = 0; i < 1001; i++) memcpy(many + 1 + 3 * i, i < 1000 ? "{}," : "{}]", 3);
  expect_problem(post_batch(ONE, NULL), 400, "IDEMPOTENCY_KEY_REQUIRED");
  expect_problem(post_batch(ONE, "a.b"), 400, "INVALID_IDEMPOTENCY_KEY");
  expect_problem(post_batch("[]", "k"), 400, "EMPTY_BATCH");
  expect_problem(post_batch("{}", "k"), 400, "INVALID_JSON");
  expect_problem(post_batch(many, "k"), 413, "TOO_MANY_ORDERS");
  struct http_reply *r = post_batch("[{\"amount\":1},{\"x\":1}]", "k");
  replay_answers(ST_NOT_FOUND, NULL);
  turns(1);
  expect_problem(r, 400, "VALIDATION_FAILED");
}

CHECKED(batch, refusals_at_once)
{
  static const struct {
    enum status status;
    int http;
    const char *code;
  } cases[] = {{ST_FULL, 503, "OVERLOADED"},
               {ST_AWAY, 503, "STORE_UNAVAILABLE"},
               {ST_BUSY, 409, "REQUEST_IN_PROGRESS"}};
  for (size_t i = 0; i < 3; i++) {
    journal_status = cases[i].status;
    expect_problem(post_batch(ONE, "k"), cases[i].http, cases[i].code);
  }
  journal_status = ST_OK;
  reader_status = ST_AWAY;
  expect_problem(post_batch(ONE, "k"), 503, "STORE_UNAVAILABLE");
  reader_status = ST_OK;
  api.queue_full = true;
  struct http_reply *r = post_batch(ONE, "k");
  replay_answers(ST_NOT_FOUND, NULL);
  turns(1);
  expect_problem(r, 503, "OVERLOADED");
  api.queue_full = false;
}

CHECKED(batch, refusals_later)
{
  static const struct {
    enum status status;
    int http;
    const char *code;
  } cases[] = {{ST_AWAY, 503, "STORE_UNAVAILABLE"},
               {ST_BUSY, 409, "REQUEST_IN_PROGRESS"},
               {ST_BROKEN, 500, "INTERNAL_ERROR"}};
  for (size_t i = 0; i < 3; i++) {
    struct http_reply *r = post_batch(ONE, "k");
    replay_answers(ST_NOT_FOUND, NULL);
    turns(1);
    batch_answers(cases[i].status);
    expect_problem(r, cases[i].http, cases[i].code);
  }
  struct http_reply *r = post_batch(ONE, "k");
  replay_answers(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}

CHECKED(batch, names_are_looked_up_and_those_that_are_taken_taken_out)
{
  struct http_reply *r = post_batch("[{\"amount\":1},{\"amount\":1,\"clientOrderId\":\"a\"},"
                                    "{\"amount\":2,\"clientOrderId\":\"b\"}]",
                                    "k");
  replay_answers(ST_NOT_FOUND, NULL);
  turns(1);
  cr_assert_str_eq(names_asked, "a b ");
  const struct replay_name taken[] = {{1, {{9}}, other_hash, "pending"}};
  names_done(names_arg, ST_OK, taken, 1);
  cr_assert_eq(fake_batch->n, 2);
  cr_assert_not_null(strstr(fake_batch->response, "\"/2/clientOrderId\""));
  batch_answers(ST_OK);
  cr_assert_eq(r->status, 200);
  reply_free(r);
  r = post_batch("[{\"amount\":1,\"clientOrderId\":\"a\"}]", "k");
  replay_answers(ST_NOT_FOUND, NULL);
  turns(1);
  names_done(names_arg, ST_AWAY, NULL, 0);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}

/* Key and names were free when they were looked up, and taken when the batch was placed. */
CHECKED(batch, a_conflict_is_looked_into_again)
{
  struct http_reply *r = post_batch("[{\"amount\":1,\"clientOrderId\":\"a\"}]", "k");
  replay_answers(ST_NOT_FOUND, NULL);
  turns(1);
  names_done(names_arg, ST_OK, NULL, 0);
  batch_answers(ST_CONFLICT);
  replay_answers(ST_NOT_FOUND, NULL);
  const struct replay_name taken[] = {{0, {{9}}, other_hash, "pending"}};
  names_done(names_arg, ST_OK, taken, 1);
  cr_assert_eq(fake_batch->n, 0);
  batch_answers(ST_OK);
  cr_assert_not_null(strstr(r->body, "\"failed\":1"));
  reply_free(r);

  r = post_batch(ONE, "k");
  replay_answers(ST_NOT_FOUND, NULL);
  turns(1);
  batch_answers(ST_CONFLICT);
  replay_answers(ST_OK, &stored);
  cr_assert_str_eq(r->body, "{\"stored\":true}");
  reply_free(r);

  r = post_batch(ONE, "k");
  for (int i = 0; i < 3; i++) {
    replay_answers(ST_NOT_FOUND, NULL);
    turns(1);
    batch_answers(ST_CONFLICT);
  }
  expect_problem(r, 409, "REQUEST_IN_PROGRESS");
}

CHECKED(batch, a_chunk_in_a_turn_and_others_between)
{
  static char many[20 * 250 + 2] = "[";
  size_t len = 1;
  for (int i = 0; i < 250; i++)
    len += (size_t)snprintf(many + len, sizeof many - len, "{\"amount\":%d}%c", i,
                            i < 249 ? ',' : ']');
  struct http_reply *a = post_batch(many, "a");
  struct journal_batch *first = fake_batch;
  replay_answers(ST_NOT_FOUND, NULL);
  struct http_reply *b = post_batch(ONE, "b");
  replay_answers(ST_NOT_FOUND, NULL);
  turns(1);
  cr_assert_eq(first->n, 100);
  turns(1);
  batch_answers(ST_OK);
  cr_assert_eq(b->status, 200, "the small one is not behind the large one");
  cr_assert_lt(first->n, 250);
  turns(3);
  cr_assert_eq(first->n, 250);
  fake_batch = first;
  batch_answers(ST_OK);
  cr_assert_not_null(strstr(a->body, "\"batches\":3"));
  reply_free(a);
  reply_free(b);
}

CHECKED(batch, what_is_being_read_at_the_end_is_answered)
{
  struct http_reply *r = post_batch(ONE, "k");
  replay_answers(ST_NOT_FOUND, NULL);
  api_close(&api);
  expect_problem(r, 503, "DRAINING");
}
