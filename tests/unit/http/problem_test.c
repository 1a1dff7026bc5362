/* problem_test.c - the table is complete and its JSON is what API.md says. */
#include "http/problem.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"

static json_t *written(enum problem p, const char *detail, const struct problem_errors *errors,
                       const char *request_id)
{
  struct buf out;
  struct json_writer w;
  buf_init(&out, 1 << 20);
  json_writer_init(&w, &out);
  problem_write(&w, NULL, p, detail, errors, request_id);
  json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(root, "%s", out.data);
  buf_deinit(&out);
  return root;
}

static const char *str_of(const json_t *o, const char *name)
{
  return json_string_value(json_object_get(o, name));
}

Test(problem, every_one_is_in_the_table_with_a_code_of_its_own)
{
  for (int p = 0; p < PROBLEMS; p++) {
    cr_assert_geq(problem_status((enum problem)p), 400, "problem %d", p);
    const char *code = problem_code((enum problem)p);
    cr_assert_eq(strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(code));
    for (int q = 0; q < p; q++) cr_assert_str_neq(code, problem_code((enum problem)q));
    json_t *root = written((enum problem)p, NULL, NULL, NULL);
    cr_assert_gt(strlen(str_of(root, "title")), 0);
    cr_assert_gt(strlen(str_of(root, "detail")), 0);
    cr_assert(json_is_null(json_object_get(root, "requestId")));
    json_decref(root);
  }
}

Test(problem, each_status_has_its_problem)
{
  static const struct {
    enum status status;
    int http;
    const char *code;
  } cases[] = {{ST_INVALID, 400, "BAD_REQUEST"},       {ST_FULL, 503, "OVERLOADED"},
               {ST_AWAY, 503, "STORE_UNAVAILABLE"},    {ST_STALE, 409, "ORDER_MOVED_ON"},
               {ST_NOT_FOUND, 404, "ORDER_NOT_FOUND"}, {ST_CONFLICT, 422, "IDEMPOTENCY_MISMATCH"},
               {ST_BUSY, 409, "REQUEST_IN_PROGRESS"},  {ST_BROKEN, 500, "INTERNAL_ERROR"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    enum problem p = problem_of(cases[i].status);
    cr_assert_eq(problem_status(p), cases[i].http);
    cr_assert_str_eq(problem_code(p), cases[i].code);
  }
}

Test(problem, one_error_gives_it_code_and_detail)
{
  struct problem_errors errors;
  problem_errors_init(&errors);
  errors.base.add(&errors.base, "/slippage", "SLIPPAGE_OUT_OF_RANGE", "0 < slippage <= 0.5");
  json_t *root = written(PROBLEM_VALIDATION_FAILED, NULL, &errors, "r");
  cr_assert_str_eq(str_of(root, "code"), "SLIPPAGE_OUT_OF_RANGE");
  cr_assert_str_eq(str_of(root, "detail"), "0 < slippage <= 0.5");
  json_t *list = json_object_get(root, "errors");
  cr_assert_eq(json_array_size(list), 1);
  cr_assert_str_eq(str_of(json_array_get(list, 0), "pointer"), "/slippage");
  json_decref(root);
  problem_errors_deinit(&errors);
}

Test(problem, several_errors_are_all_listed)
{
  struct problem_errors errors;
  problem_errors_init(&errors);
  problem_errors_add(&errors, "/a", "A_BAD", "a");
  problem_errors_add(&errors, "/b", "B_BAD", "b \"quoted\"\n");
  json_t *root = written(PROBLEM_VALIDATION_FAILED, NULL, &errors, "r");
  cr_assert_str_eq(str_of(root, "code"), "VALIDATION_FAILED");
  json_t *list = json_object_get(root, "errors");
  cr_assert_eq(json_array_size(list), 2);
  cr_assert_str_eq(str_of(json_array_get(list, 1), "detail"), "b \"quoted\"\n");
  json_decref(root);
  problem_errors_deinit(&errors);
}

Test(problem, errors_are_bounded_in_number_and_length)
{
  struct problem_errors errors;
  enum { LONG = 100000 };
  char *text = mem_alloc(LONG + 1);
  for (size_t i = 0; i < LONG; i += 2) memcpy(text + i, "\xc3\xa4", 2); /* 255 cuts one in two */
  problem_errors_init(&errors);
  for (int i = 0; i < 1000; i++) problem_errors_add(&errors, text, "X", text);
  cr_assert_eq(errors.n, PROBLEM_ERRORS_MAX);
  cr_assert_not(errors.list.overflow);
  json_t *root = written(PROBLEM_VALIDATION_FAILED, NULL, &errors, NULL);
  cr_assert_eq(json_array_size(json_object_get(root, "errors")), PROBLEM_ERRORS_MAX);
  json_decref(root);
  problem_errors_deinit(&errors);
  free(text);
}

Test(problem, a_plugins_own_has_the_same_members)
{
  struct buf out;
  struct json_writer w;
  buf_init(&out, 4096);
  json_writer_init(&w, &out);
  const struct problem_own own = {503, "NOT_TODAY", "come \"back\""};
  problem_write_own(&w, &own, "r-1");
  json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(root, "%s", out.data);
  cr_assert_eq(json_object_size(root), 8);
  cr_assert_str_eq(str_of(root, "title"), "Service Unavailable");
  cr_assert_str_eq(str_of(root, "code"), "NOT_TODAY");
  cr_assert_str_eq(str_of(root, "detail"), "come \"back\"");
  cr_assert_str_eq(str_of(root, "requestId"), "r-1");
  cr_assert(json_is_true(json_object_get(root, "retryable")));
  cr_assert_eq(json_array_size(json_object_get(root, "errors")), 0);
  json_decref(root);
  buf_deinit(&out);
  cr_assert_null(problem_title(418));
  cr_assert_str_eq(problem_title(504), "Gateway Timeout");
}
