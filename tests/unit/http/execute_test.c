/* execute_test.c - POST /api/orders/execute, from the bytes to the journal and back. */
#include <openssl/evp.h>

#include "tests/unit/http/fakes.h"

static const struct journal_accepted first = {{{0x01, 0x92, 0x3e, 0x3d, 0x92, 0xa5, 0xb1, 0xb3,
                                                0x03, 0x83, 0x1e, 0xb3, 0x93, 0xb0, 0xdf, 0x01}},
                                              1769855400123,
                                              "pending"};

static struct http_reply *post_with(const char *body, const char *header)
{
  return ask(&(struct ask){.method = "POST",
                           .target = "/api/orders/execute",
                           .body = body,
                           .headers = {"Content-Type: application/json", header}});
}

CHECKED(execute, accepted_is_201_after_the_commit)
{
  struct http_reply *r = post("{\"tokenIn\":\"SOL\",\"amount\":1.50}");
  cr_assert_eq(r->answered, 0, "not before it is durable");
  cr_assert_eq(n_accepts, 1);
  cr_assert_str_eq(accepts[0].tenant, "default");
  cr_assert_str_eq(accepts[0].type, "market");
  cr_assert_str_eq(accepts[0].status, "pending");
  cr_assert_str_eq(accepts[0].payload, "{\"tokenIn\":\"SOL\",\"amount\":1.50}");
  cr_assert_not(accepts[0].hashed, "nobody will compare it");
  journal_answers(ST_OK, &first);

  char id[ULID_ORDER_LEN + 1], body[200], location[64];
  ulid_format_order(&first.id, id);
  snprintf(body, sizeof body, "{\"orderId\":\"%s\",\"status\":\"pending\",\"timestamp\":\"%s\"}",
           id, "2026-01-31T10:30:00.123Z");
  snprintf(location, sizeof location, "/api/orders/%s", id);
  cr_assert_eq(r->status, 201);
  cr_assert_str_eq(r->body, body);
  cr_assert_str_eq(r->content_type, "application/json");
  cr_assert_str_eq(header_of(r, "Location"), location);
  cr_assert_null(header_of(r, "Idempotent-Replayed"));
  reply_free(r);
}

CHECKED(execute, a_replay_is_the_same_answer_and_says_so)
{
  struct http_reply *a = post_with("{\"amount\":1}", "Idempotency-Key: k_1-A");
  cr_assert_str_eq(accepts[0].key, "k_1-A");
  journal_answers(ST_OK, &first);
  struct http_reply *b = post_with("{\"amount\":1}", "Idempotency-Key: k_1-A");
  journal_answers(ST_REPLAYED, &first);
  cr_assert_eq(b->status, 201);
  cr_assert_str_eq(a->body, b->body);
  cr_assert_str_eq(header_of(a, "Location"), header_of(b, "Location"));
  cr_assert_str_eq(header_of(b, "Idempotent-Replayed"), "true");
  reply_free(a);
  reply_free(b);
}

CHECKED(execute, the_body_is_hashed_byte_for_byte)
{
  static const char body[] = " {\"amount\":1, \"clientOrderId\":\"c-1\"}";
  unsigned char hash[EVP_MAX_MD_SIZE];
  EVP_Digest(body, sizeof body - 1, hash, NULL, EVP_sha256(), NULL);
  struct http_reply *r = post(body);
  cr_assert_str_eq(accepts[0].client_order_id, "c-1");
  cr_assert(accepts[0].hashed);
  cr_assert_arr_eq(accepts[0].hash, hash, JOURNAL_HASH_LEN);
  cr_assert_str_eq(accepts[0].payload, "{\"amount\":1}");
  journal_answers(ST_CONFLICT, NULL);
  expect_problem(r, 422, "IDEMPOTENCY_MISMATCH");
}

static void hash_of(const char *text, unsigned char out[EVP_MAX_MD_SIZE])
{
  EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL);
}

CHECKED(execute, a_key_belongs_to_method_path_and_body)
{
  unsigned char hash[EVP_MAX_MD_SIZE];
  hash_of("POST /api/orders/execute\n{\"amount\":1}", hash);
  struct http_reply *r = post_with("{\"amount\":1}", "Idempotency-Key: k");
  cr_assert_arr_eq(accepts[0].key_hash, hash, JOURNAL_HASH_LEN);
  cr_assert_not(accepts[0].hashed, "it has no name");
  journal_answers(ST_OK, &first);
  reply_free(r);
}

/* What was valid when it was first sent may not be any more: an expiresAt that has passed. */
CHECKED(execute, an_order_that_is_no_longer_valid_is_looked_up)
{
  static char status[] = "watching";
  struct order order = {.id = first.id, .status = status, .created_at_ms = first.created_at_ms};
  struct replay found = {.id = first.id, .order = &order};
  struct http_reply *r =
      post_with("{\"amount\":\"x\",\"clientOrderId\":\"c\"}", "Idempotency-Key: k");
  cr_assert_eq(r->answered, 0);
  cr_assert_str_eq(replay_key, "k");
  cr_assert_str_eq(replay_own_id, "c");
  replay_answers(ST_OK, &found);
  cr_assert_eq(r->status, 201);
  cr_assert_not_null(strstr(r->body, "\"status\":\"watching\""), "as the first answer said");
  cr_assert_str_eq(header_of(r, "Idempotent-Replayed"), "true");
  reply_free(r);
}

CHECKED(execute, an_order_that_never_was_valid_is_refused)
{
  static const char body[] = "{\"amount\":\"x\",\"y\":1}";
  static const struct {
    enum status status;
    int http;
    const char *code;
  } cases[] = {{ST_NOT_FOUND, 400, "VALIDATION_FAILED"},
               {ST_CONFLICT, 422, "IDEMPOTENCY_MISMATCH"},
               {ST_AWAY, 503, "STORE_UNAVAILABLE"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_reply *r = post_with(body, "Idempotency-Key: k");
    replay_answers(cases[i].status, NULL);
    expect_problem(r, cases[i].http, cases[i].code);
  }
  struct replay batch = {.id = first.id, .response = "{}", .response_len = 2};
  struct http_reply *r = post_with(body, "Idempotency-Key: k");
  replay_answers(ST_OK, &batch);
  expect_problem(r, 422, "IDEMPOTENCY_MISMATCH");
  reader_status = ST_AWAY;
  expect_problem(post_with(body, "Idempotency-Key: k"), 503, "STORE_UNAVAILABLE");
}

CHECKED(execute, a_group_goes_along_and_is_no_part_of_the_payload)
{
  struct http_reply *r = post("{\"amount\":1,\"groupId\":\"user:7\"}");
  cr_assert_str_eq(accepts[0].group, "user:7");
  cr_assert_str_eq(accepts[0].payload, "{\"amount\":1}");
  cr_assert_not(accepts[0].hashed);
  journal_answers(ST_OK, &first);
  cr_assert_eq(r->status, 201);
  reply_free(r);
}

CHECKED(execute, refusals_at_once)
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
    expect_problem(post("{\"amount\":1}"), cases[i].http, cases[i].code);
  }
}

CHECKED(execute, refusals_later)
{
  static const struct {
    enum status status;
    int http;
    const char *code;
  } cases[] = {{ST_AWAY, 503, "STORE_UNAVAILABLE"},
               {ST_BUSY, 409, "REQUEST_IN_PROGRESS"},
               {ST_BROKEN, 500, "INTERNAL_ERROR"}};
  for (size_t i = 0; i < 3; i++) {
    struct http_reply *r = post("{\"amount\":1}");
    journal_answers(cases[i].status, NULL);
    expect_problem(r, cases[i].http, cases[i].code);
  }
}

CHECKED(execute, bad_idempotency_keys)
{
  char long_key[160] = "Idempotency-Key: ";
  memset(long_key + strlen(long_key), 'k', 129);
  const char *const keys[] = {"Idempotency-Key: ", "Idempotency-Key: a b", "Idempotency-Key: a.b",
                              "Idempotency-Key: \xc3\xa4", long_key};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    expect_problem(post_with("{\"amount\":1}", keys[i]), 400, "INVALID_IDEMPOTENCY_KEY");
  long_key[strlen(long_key) - 1] = '\0';
  struct http_reply *r = post_with("{\"amount\":1}", long_key);
  journal_answers(ST_OK, &first);
  cr_assert_eq(r->status, 201);
  reply_free(r);
}

CHECKED(execute, invalid_orders_never_reach_the_journal)
{
  expect_problem(post("{}"), 400, "AMOUNT_REQUIRED");
  expect_problem(post("{\"amount\":1,\"x\":1,\"y\":2}"), 400, "VALIDATION_FAILED");
  expect_problem(post("{\"amount\":1,\"groupId\":\"a/b\"}"), 400, "INVALID_GROUP_ID");
  expect_problem(post("{\"amount\":1,\"type\":\"record\"}"), 400, "UNKNOWN_TYPE");
  expect_problem(post("not json"), 400, "INVALID_JSON");
  expect_problem(post(""), 400, "INVALID_JSON");
  cr_assert_eq(n_accepts, 0);
}

CHECKED(execute, a_string_with_escapes_is_still_json_in_the_journal)
{
  struct http_reply *r = post("{\"amount\":1,\"note\":\"a\\\"\\u0001\\n\\u00e4\"}");
  json_t *payload = parse(accepts[0].payload);
  cr_assert_str_eq(str_of(payload, "note"), "a\"\x01\n\xc3\xa4");
  json_decref(payload);
  journal_answers(ST_OK, &first);
  reply_free(r);
}

CHECKED(execute, many_at_once_are_answered_each_with_its_own)
{
  struct http_reply *replies[100];
  for (int i = 0; i < 100; i++) replies[i] = post("{\"amount\":1}");
  struct journal_accepted accepted = first;
  for (int i = 0; i < 100; i++) {
    accepted.id.bytes[15] = (uint8_t)i;
    journal_answers(ST_OK, &accepted);
  }
  for (int i = 0; i < 100; i++) {
    accepted.id.bytes[15] = (uint8_t)i;
    char id[ULID_ORDER_LEN + 1];
    ulid_format_order(&accepted.id, id);
    cr_assert_not_null(strstr(replies[i]->body, id));
    reply_free(replies[i]);
  }
}
