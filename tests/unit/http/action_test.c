/* action_test.c - messages of a client, good and bad. */
#include "http/action.h"

#include <criterion/criterion.h>
#include <string.h>

static struct problem_errors errors;

static void setup(void)
{
  problem_errors_init(&errors);
}

static void teardown(void)
{
  problem_errors_deinit(&errors);
}

TestSuite(action, .init = setup, .fini = teardown);

static enum status parse(const char *text, struct action *a)
{
  return action_parse(text, strlen(text), a, &errors);
}

Test(action, execute)
{
  struct action a;
  cr_assert_eq(parse("{\"action\":\"execute\",\"requestId\":\"1\",\"order\":{\"a\": 1.50}}", &a),
               ST_OK);
  cr_assert_eq(a.kind, ACTION_EXECUTE);
  cr_assert_str_eq(a.request_id, "1");
  cr_assert_str_eq(a.order->text, "{\"a\": 1.50}", "the very bytes: they are hashed");
  action_deinit(&a);
}

Test(action, subscribe_and_unsubscribe)
{
  struct action a;
  cr_assert_eq(parse("{\"action\":\"subscribe\",\"orderId\":\"x\",\"since\":7}", &a), ST_OK);
  cr_assert_eq(a.kind, ACTION_SUBSCRIBE);
  cr_assert_null(a.request_id);
  cr_assert_str_eq(a.order_id, "x");
  cr_assert_eq(a.since, 7);
  action_deinit(&a);
  cr_assert_eq(parse("{\"action\":\"subscribe\",\"orderId\":\"x\"}", &a), ST_OK);
  cr_assert_eq(a.since, 0);
  action_deinit(&a);
  cr_assert_eq(parse("{\"orderId\":\"x\",\"action\":\"unsubscribe\"}", &a), ST_OK);
  cr_assert_eq(a.kind, ACTION_UNSUBSCRIBE);
  action_deinit(&a);
}

Test(action, what_is_wrong)
{
  static const struct {
    const char *text, *code;
  } cases[] = {
      {"", "INVALID_JSON"},
      {"hello", "INVALID_JSON"},
      {"[]", "INVALID_JSON"},
      {"{\"action\":\"execute\"", "INVALID_JSON"},
      {"{}", "UNKNOWN_ACTION"},
      {"{\"action\":\"cancel\"}", "UNKNOWN_ACTION"},
      {"{\"action\":7}", "UNKNOWN_ACTION"},
      {"{\"action\":\"execute\"}", "ORDER_REQUIRED"},
      {"{\"action\":\"execute\",\"order\":\"x\"}", "ORDER_REQUIRED"},
      {"{\"action\":\"subscribe\"}", "ORDER_ID_REQUIRED"},
      {"{\"action\":\"unsubscribe\",\"orderId\":7}", "ORDER_ID_REQUIRED"},
      {"{\"action\":\"subscribe\",\"orderId\":\"x\",\"since\":-1}", "INVALID_SINCE"},
      {"{\"action\":\"subscribe\",\"orderId\":\"x\",\"since\":1.0}", "INVALID_SINCE"},
      {"{\"action\":\"subscribe\",\"orderId\":\"x\",\"since\":\"1\"}", "INVALID_SINCE"},
      {"{\"action\":\"subscribe\",\"orderId\":\"x\",\"since\":2147483648}", "INVALID_SINCE"},
      {"{\"action\":\"subscribe\",\"orderId\":\"x\",\"since\":1e3}", "INVALID_SINCE"},
      {"{\"action\":\"subscribe\",\"orderId\":\"x\",\"requestId\":7}", "INVALID_REQUEST_ID"},
      {"{\"action\":\"subscribe\",\"orderId\":\"x\",\"requestId\":\"\"}", "INVALID_REQUEST_ID"},
      {"{\"action\":\"subscribe\",\"orderId\":\"x\",\"token\":\"x\"}", "UNKNOWN_FIELD"},
      {"{\"action\":\"subscribe\",\"action\":\"execute\",\"orderId\":\"x\"}", "INVALID_JSON"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct action a;
    cr_assert_eq(parse(cases[i].text, &a), ST_INVALID, "%s", cases[i].text);
    cr_assert_eq(errors.n, 1, "%s", cases[i].text);
    cr_assert_str_eq(errors.code, cases[i].code, "%s: %s", cases[i].text, errors.code);
    action_deinit(&a);
    teardown();
    setup();
  }
}

Test(action, the_request_id_is_there_for_the_error)
{
  struct action a;
  cr_assert_eq(parse("{\"action\":\"nope\",\"requestId\":\"r1\"}", &a), ST_INVALID);
  cr_assert_str_eq(a.request_id, "r1");
  action_deinit(&a);
}

Test(action, request_id_length)
{
  char text[256] = "{\"action\":\"subscribe\",\"orderId\":\"x\",\"requestId\":\"";
  size_t start = strlen(text);
  struct action a;
  memset(text + start, 'r', ACTION_REQUEST_ID_MAX);
  memcpy(text + start + ACTION_REQUEST_ID_MAX, "\"}", sizeof "\"}");
  cr_assert_eq(parse(text, &a), ST_OK);
  action_deinit(&a);
  memcpy(text + start + ACTION_REQUEST_ID_MAX, "r\"}", sizeof "r\"}");
  cr_assert_eq(parse(text, &a), ST_INVALID);
  action_deinit(&a);
}

Test(action, seq)
{
  int32_t seq = 5;
  cr_assert(action_seq_parse("0", &seq));
  cr_assert_eq(seq, 0);
  cr_assert(action_seq_parse("2147483647", &seq));
  cr_assert_eq(seq, INT32_MAX);
  static const char *const bad[] = {"",           "-1", "+1",  " 1",  "1 ",
                                    "2147483648", "x",  "0x1", "1.0", "99999999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cr_assert_not(action_seq_parse(bad[i], &seq), "%s", bad[i]);
    cr_assert_eq(seq, INT32_MAX, "set on success only");
  }
}
