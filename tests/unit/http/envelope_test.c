/* envelope_test.c - what belongs to the envelope, what to the payload, and all that is wrong. */
#include "http/envelope.h"

#define FAKES_OWN_SETUP
#include "tests/unit/http/fakes.h"

static struct problem_errors errors;
static const struct envelope_form *form = &envelope_execute;

static void setup(void)
{
  problem_errors_init(&errors);
}

static void teardown(void)
{
  problem_errors_deinit(&errors);
}

TestSuite(envelope, .init = setup, .fini = teardown);

static enum status parse_text(const char *text, struct envelope *e)
{
  return envelope_parse(NULL, form, text, strlen(text), e, &errors);
}

/* The errors' pointers and codes, "pointer CODE; pointer CODE". */
static void expect_errors(const char *text, const char *expected)
{
  struct envelope e;
  struct buf list, got;
  cr_assert_eq(parse_text(text, &e), ST_INVALID, "%s", text);
  envelope_deinit(&e);
  buf_init(&list, 1 << 16);
  buf_init(&got, 1 << 16);
  buf_appendf(&list, "[%s]", errors.list.data);
  json_t *root = parse(list.data), *error;
  size_t i;
  json_array_foreach(root, i, error)
  {
    buf_appendf(&got, "%s%s %s", i ? "; " : "", str_of(error, "pointer"), str_of(error, "code"));
  }
  cr_assert_str_eq(got.data, expected, "%s: %s", text, got.data);
  json_decref(root);
  buf_deinit(&list);
  buf_deinit(&got);
}

static void expect_payload(const char *text, const char *type, const char *payload)
{
  struct envelope e;
  struct buf out;
  cr_assert_eq(parse_text(text, &e), ST_OK, "%s: %s", text, errors.list.data);
  cr_assert_str_eq(e.type->name, type);
  cr_assert_str_eq(e.initial->name, "pending");
  buf_init(&out, 1 << 16);
  envelope_write_payload(&e, &out);
  cr_assert_str_eq(out.data, payload);
  buf_deinit(&out);
  envelope_deinit(&e);
}

Test(envelope, amounts_stay_as_they_came)
{
  expect_payload("{\"amount\":1.50}", "market", "{\"amount\":1.50}");
  expect_payload("{\"amount\":15e-1}", "market", "{\"amount\":15e-1}");
  expect_payload("{\"amount\":123456789012345678901234567890.10}", "market",
                 "{\"amount\":123456789012345678901234567890.10}");
}

Test(envelope, its_members_are_not_payload)
{
  expect_payload("{\"type\":\"limit\",\"tokenIn\":\"SOL\",\"clientOrderId\":\"a\",\"amount\":1}",
                 "limit", "{\"tokenIn\":\"SOL\",\"amount\":1}");
  expect_payload(" { \"amount\" : 1 , \"note\":{\"type\":\"x\", \"y\":[1, 2]} } ", "market",
                 "{\"amount\":1,\"note\":{\"type\":\"x\", \"y\":[1, 2]}}");
}

Test(envelope, own_id)
{
  struct envelope e;
  cr_assert_eq(parse_text("{\"amount\":1,\"clientOrderId\":\"my:id-1\"}", &e), ST_OK);
  cr_assert_str_eq(e.client_order_id, "my:id-1");
  envelope_deinit(&e);
  cr_assert_eq(parse_text("{\"amount\":1}", &e), ST_OK);
  cr_assert_null(e.client_order_id);
  envelope_deinit(&e);
}

Test(envelope, an_order_that_is_not_valid_still_has_its_name)
{
  struct envelope e;
  cr_assert_eq(parse_text("{\"amount\":\"1\",\"clientOrderId\":\"mine\"}", &e), ST_INVALID);
  cr_assert_str_eq(e.client_order_id, "mine");
  envelope_deinit(&e);
  cr_assert_eq(parse_text("{\"amount\":", &e), ST_INVALID);
  cr_assert_null(e.client_order_id);
  envelope_deinit(&e);
}

Test(envelope, everything_wrong_is_listed)
{
  expect_errors("{\"clientOrderId\":\"\",\"groupId\":\"g h\",\"amount\":\"1\",\"foo\":1}",
                "/clientOrderId INVALID_CLIENT_ORDER_ID; /groupId INVALID_GROUP_ID; "
                "/amount AMOUNT_NOT_A_NUMBER; /foo UNKNOWN_FIELD");
}

Test(envelope, bad_own_ids)
{
  static const char *const ids[] = {"\"ord_x\"", "\"execute\"", "\"a b\"",    "\"\"",
                                    "7",         "null",        "true",       "[]",
                                    "{}",        "\"a/b\"",     "\"\\u00e4\""};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    char text[128];
    snprintf(text, sizeof text, "{\"amount\":1,\"clientOrderId\":%s}", ids[i]);
    expect_errors(text, "/clientOrderId INVALID_CLIENT_ORDER_ID");
    teardown();
    setup();
  }
}

/* A group stands in no path: no word is reserved. */
Test(envelope, groups)
{
  static const char *const bad[] = {"\"a b\"", "\"\"", "7",       "null",
                                    "[]",      "{}",   "\"a/b\"", "\"\\u00e4\""};
  static const char *const good[] = {"user:7", "execute", "ord_x", "A.b_c-9"};
  struct envelope e;
  char text[128];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    snprintf(text, sizeof text, "{\"amount\":1,\"groupId\":%s}", bad[i]);
    expect_errors(text, "/groupId INVALID_GROUP_ID");
    teardown();
    setup();
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    snprintf(text, sizeof text, "{\"groupId\":\"%s\",\"amount\":1}", good[i]);
    cr_assert_eq(parse_text(text, &e), ST_OK);
    cr_assert_str_eq(e.group, good[i]);
    cr_assert_eq(e.n_payload, 1, "it is no part of the payload");
    envelope_deinit(&e);
  }
  cr_assert_eq(parse_text("{\"amount\":1}", &e), ST_OK);
  cr_assert_null(e.group);
  envelope_deinit(&e);
}

Test(envelope, types_nobody_executes)
{
  static const char *const types_[] = {"\"nope\"", "\"record\"", "\"\"",      "7",
                                       "null",     "[]",         "\"Market\""};
  for (size_t i = 0; i < sizeof types_ / sizeof *types_; i++) {
    char text[128];
    snprintf(text, sizeof text, "{\"type\":%s,\"amount\":1}", types_[i]);
    expect_errors(text, "/type UNKNOWN_TYPE");
    cr_assert_str_eq(errors.detail, "type must be one of market, limit");
    teardown();
    setup();
  }
}

Test(envelope, what_is_no_json_object)
{
  static const char *const texts[] = {"",
                                      " ",
                                      "[]",
                                      "1",
                                      "\"x\"",
                                      "null",
                                      "{",
                                      "{}x",
                                      "{\"amount\":1,}",
                                      "{'amount':1}",
                                      "{\"amount\":1,\"amount\":2}",
                                      "{\"amount\":NaN}",
                                      "{\"amount\":01}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"amount\":1,\"note\":\"\\u0000\"}",
                                      "{\"amount\":1}{}",
                                      "\xef\xbb\xbf{\"amount\":1}",
                                      "{\"note\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]],\"amount\":1}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    expect_errors(texts[i], " INVALID_JSON");
    teardown();
    setup();
  }
}

/* ── any order ──────────────────────────────────────────────────────────────────────────────── */

static struct envelope any(const char *text)
{
  struct envelope e;
  form = &envelope_any;
  cr_assert_eq(parse_text(text, &e), ST_OK, "%s: %s", text, errors.list.data);
  return e;
}

Test(envelope, a_type_is_told_by_a_member_of_its_own)
{
  struct envelope e = any("{\"id\":\"r-1\",\"amount\":1}");
  cr_assert_str_eq(e.type->name, "record");
  cr_assert_str_eq(e.client_order_id, "r-1");
  cr_assert_str_eq(e.initial->name, "PENDING");
  envelope_deinit(&e);
  e = any("{\"type\":\"record\",\"id\":\"r-1\"}");
  cr_assert_str_eq(e.type->name, "record");
  envelope_deinit(&e);
  e = any("{\"amount\":1}");
  cr_assert_str_eq(e.type->name, "market");
  envelope_deinit(&e);
}

Test(envelope, what_is_said_counts_more_than_what_is_told)
{
  form = &envelope_any;
  expect_errors("{\"type\":\"market\",\"id\":\"r-1\",\"amount\":1}", "/id UNKNOWN_FIELD");
}

Test(envelope, nothing_is_told_where_orders_are_executed)
{
  expect_errors("{\"id\":\"r-1\",\"amount\":1}", "/id UNKNOWN_FIELD");
}

Test(envelope, an_own_id_that_is_payload_too)
{
  struct buf out;
  struct envelope e = any("{\"status\":\"COMPLETED\",\"amount\":1.50,\"id\":\"r-1\"}");
  buf_init(&out, 1 << 16);
  envelope_write_payload(&e, &out);
  cr_assert_str_eq(out.data, "{\"amount\":1.50,\"id\":\"r-1\"}");
  cr_assert_str_eq(e.client_order_id, "r-1");
  cr_assert_str_eq(e.initial->name, "COMPLETED");
  cr_assert_eq(e.initial->phase, OX_SUCCEEDED);
  buf_deinit(&out);
  envelope_deinit(&e);
}

Test(envelope, all_that_is_wrong_with_a_record)
{
  form = &envelope_any;
  expect_errors("{\"type\":\"record\",\"status\":\"Pending\",\"clientOrderId\":\"a\",\"y\":1}",
                "/clientOrderId CONFLICTING_FIELDS; /id REQUIRED; /status UNKNOWN_STATUS; "
                "/x UNKNOWN_FIELD");
}

Test(envelope, own_ids_that_are_none)
{
  static const char *const ids[] = {"\"ord_x\"", "\"batch\"", "\"a b\"", "\"\"", "7", "null", "[]"};
  form = &envelope_any;
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    char text[128];
    snprintf(text, sizeof text, "{\"id\":%s}", ids[i]);
    expect_errors(text, "/id INVALID_CLIENT_ORDER_ID");
    teardown();
    setup();
  }
}

Test(envelope, statuses_that_are_none)
{
  static const char *const words[] = {"\"pending\"", "\"\"", "7", "null", "{}"};
  form = &envelope_any;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    char text[128];
    snprintf(text, sizeof text, "{\"id\":\"r\",\"status\":%s}", words[i]);
    expect_errors(text, "/status UNKNOWN_STATUS");
    cr_assert_str_eq(errors.detail, "status must be one of PENDING, PROCESSING, COMPLETED, FAILED");
    teardown();
    setup();
  }
}

Test(envelope, where_somebody_runs_the_order_its_status_is_not_for_the_caller)
{
  form = &envelope_any;
  expect_errors("{\"amount\":1,\"status\":\"confirmed\"}", "/status UNKNOWN_FIELD");
}

Test(envelope, a_form_of_one_type)
{
  static const struct envelope_form limits = {.type = "limit", .fixed = true, .own_id = "order_id"};
  struct envelope e;
  form = &limits;
  cr_assert_eq(parse_text("{\"amount\":1,\"order_id\":\"o-1\"}", &e), ST_OK);
  cr_assert_str_eq(e.type->name, "limit");
  cr_assert_str_eq(e.client_order_id, "o-1");
  envelope_deinit(&e);
  expect_errors("{\"type\":\"market\",\"amount\":1}", "/type UNKNOWN_TYPE");
  teardown();
  setup();
  expect_errors("{\"amount\":1,\"order_id\":7}", "/order_id INVALID_CLIENT_ORDER_ID");
}
