/* endpoint_test.c - requests to plugins' endpoints: what they see, and what becomes of what they
 * say. The desk is the test. */
#include "http/endpoint.h"

#define FAKES_OWN_SETUP
#include "tests/unit/http/fakes.h"

static void handle(const struct ox_request *request, const struct ox_desk *desk,
                   struct ox_answer *out)
{
  (void)request, (void)desk, (void)out;
}

static const struct ox_endpoint get_it = {sizeof get_it, "GET", "/api/it",
                                          "orders:read", 0,     handle};
static const struct ox_endpoint put_it = {sizeof put_it, "PUT", "/api/it", "admin", 64, handle};
static const struct ox_endpoint post_it = {sizeof post_it, "POST", "/api/it/all",
                                           "orders:write", 64,     handle};

static void setup(void)
{
  n_endpoints = 3;
  endpoints[0] = (struct registry_endpoint){&get_it, "it.so"};
  endpoints[1] = (struct registry_endpoint){&put_it, "it.so"};
  endpoints[2] = (struct registry_endpoint){&post_it, "it.so"};
  fakes_setup();
}

static void teardown(void)
{
  fakes_teardown();
}

static struct desk_task *taken(void)
{
  cr_assert_gt(n_desk_taken, 0, "the desk was given nothing");
  struct desk_task *task = desk_taken[0];
  memmove(&desk_taken[0], &desk_taken[1], --n_desk_taken * sizeof task);
  return task;
}

/* As the desk does it: the end, then the task is free. */
static void end(struct desk_task *task, enum desk_end how)
{
  task->on_end(task, how);
  buf_deinit(&task->answer.body);
  task->on_free(task);
}

static void says(struct desk_task *task, int status, const char *code, const char *text)
{
  task->answer.status = status;
  snprintf(task->answer.code, sizeof task->answer.code, "%s", code);
  snprintf(task->answer.detail, sizeof task->answer.detail, "%s", text);
  buf_init(&task->answer.body, 1024);
  if (!*code) buf_append_str(&task->answer.body, text);
}

static struct http_reply *put(const char *target, const char *body)
{
  return ask(&(struct ask){.method = "PUT",
                           .target = target,
                           .body = body,
                           .headers = {"Content-Type: application/json"}});
}

CHECKED(endpoint, sees_what_was_asked)
{
  struct http_reply *r = get("/api/it?b=%2B+1&&a&c=x=y");
  struct desk_task *task = taken();
  cr_assert_eq(r->answered, 0);
  cr_assert(task->endpoint == &get_it);
  cr_assert_str_eq(task->request.method, "GET");
  cr_assert_str_eq(task->request.path, "/api/it");
  cr_assert_eq(task->request.n_query, 3);
  cr_assert_str_eq(ox_request_query(&task->request, "b")->text, "+ 1");
  cr_assert_eq(ox_request_query(&task->request, "b")->len, 3);
  cr_assert_str_eq(ox_request_query(&task->request, "a")->text, "");
  cr_assert_str_eq(ox_request_query(&task->request, "c")->text, "x=y");
  cr_assert_null(ox_request_query(&task->request, "d"));
  cr_assert_eq(task->request.n_fields, 0);
  says(task, 200, "", "{\"it\":1}");
  end(task, DESK_ANSWERED);
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->content_type, "application/json");
  cr_assert_str_eq(r->body, "{\"it\":1}");
  cr_assert_str_eq(header_of(r, "Cache-Control"), "no-store");
  reply_free(r);
}

CHECKED(endpoint, sees_the_body_and_its_members)
{
  struct http_reply *r = put("/api/it", "{\"n\":1.50,\"s\":\"x\"}");
  struct desk_task *task = taken();
  cr_assert(task->endpoint == &put_it);
  cr_assert_str_eq(task->request.body, "{\"n\":1.50,\"s\":\"x\"}");
  cr_assert_eq(task->request.body_len, 18);
  cr_assert_eq(task->request.n_fields, 2);
  cr_assert_str_eq(ox_request_field(&task->request, "n")->text, "1.50");
  cr_assert_eq(ox_request_field(&task->request, "n")->kind, OX_FIELD_NUMBER);
  cr_assert_null(ox_request_field(&task->request, "m"));
  says(task, 204, "", "{}");
  end(task, DESK_ANSWERED);
  cr_assert_eq(r->status, 204);
  reply_free(r);
}

CHECKED(endpoint, head_is_get)
{
  struct http_reply *r = ask(&(struct ask){.method = "HEAD", .target = "/api/it"});
  struct desk_task *task = taken();
  cr_assert_str_eq(task->request.method, "GET");
  says(task, 200, "", "{}");
  end(task, DESK_ANSWERED);
  cr_assert_eq(r->status, 200);
  reply_free(r);
}

CHECKED(endpoint, what_does_not_reach_it)
{
  expect_problem(get("/api/it?a=1&a=2"), 400, "INVALID_QUERY");
  expect_problem(get("/api/it?a=1&%61=2"), 400, "INVALID_QUERY");
  expect_problem(get("/api/it?a=%zz"), 400, "INVALID_QUERY");
  expect_problem(get("/api/it?%=1"), 400, "INVALID_QUERY");
  expect_problem(get("/api/it?a=%00"), 400, "INVALID_QUERY");
  expect_problem(get("/api/it/"), 404, "NOT_FOUND");
  expect_problem(put("/api/it", "[]"), 400, "INVALID_JSON");
  expect_problem(put("/api/it", ""), 400, "INVALID_JSON");
  expect_problem(put("/api/it", "{\"a\":1,\"a\":2}"), 400, "INVALID_JSON");
  expect_problem(ask(&(struct ask){.method = "PUT", .target = "/api/it", .body = "{}"}), 415,
                 "UNSUPPORTED_MEDIA_TYPE");
  struct http_reply *r = put("/api/it", "{\"long\":\"0123456789012345678901234567890123456789"
                                        "0123456789012345678901234567890123456789\"}");
  cr_assert_eq(r->status, 413);
  reply_free(r);
}

CHECKED(endpoint, parameters_are_bounded)
{
  char target[2048] = "/api/it?";
  for (int i = 0; i <= ENDPOINT_QUERY_MAX; i++)
    snprintf(target + strlen(target), sizeof target - strlen(target), "p%d=%d&", i, i);
  expect_problem(get(target), 400, "INVALID_QUERY");
}

CHECKED(endpoint, methods_of_one_path)
{
  struct http_reply *r = ask(&(struct ask){.method = "DELETE", .target = "/api/it"});
  cr_assert_str_eq(header_of(r, "Allow"), "GET, HEAD, PUT, OPTIONS");
  expect_problem(r, 405, "METHOD_NOT_ALLOWED");
  r = get("/api/it/all");
  cr_assert_str_eq(header_of(r, "Allow"), "POST, OPTIONS");
  expect_problem(r, 405, "METHOD_NOT_ALLOWED");
}

CHECKED(endpoint, is_closed_without_a_token)
{
  config.auth_required = true;
  expect_problem(get("/api/it"), 401, "UNAUTHORIZED");
  config.auth_required = false;
  api.health_only = true;
  expect_problem(get("/api/it"), 404, "NOT_FOUND");
}

CHECKED(endpoint, wrong_fields_are_all_listed_and_win)
{
  struct http_reply *r = get("/api/it");
  struct desk_task *task = taken();
  task->errors->add(task->errors, "/a", "BAD", "is bad");
  task->errors->add(task->errors, "/b", "WORSE", "is worse");
  says(task, 200, "", "{}");
  end(task, DESK_ANSWERED);
  json_t *p = parse(r->body);
  cr_assert_eq(json_array_size(json_object_get(p, "errors")), 2);
  json_decref(p);
  expect_problem(r, 400, "VALIDATION_FAILED");
}

static void expect_end(int status, const char *code, const char *text, int seen, const char *word)
{
  struct http_reply *r = get("/api/it");
  struct desk_task *task = taken();
  says(task, status, code, text);
  end(task, DESK_ANSWERED);
  expect_problem(r, seen, word);
}

CHECKED(endpoint, its_problems_and_its_faults)
{
  expect_end(422, "NO_WAY", "there is none", 422, "NO_WAY");
  expect_end(503, "NOT_NOW", "later", 503, "NOT_NOW");
  expect_end(418, "TEAPOT", "short and stout", 500, "INTERNAL_ERROR");
  expect_end(0, "", "it gave no answer", 500, "INTERNAL_ERROR");
}

CHECKED(endpoint, late_unheard_or_too_many)
{
  struct http_reply *r = get("/api/it");
  end(taken(), DESK_LATE);
  expect_problem(r, 504, "ENDPOINT_TIMEOUT");
  r = get("/api/it");
  end(taken(), DESK_UNHEARD);
  expect_problem(r, 503, "OVERLOADED");
  desk_status = ST_FULL;
  expect_problem(get("/api/it"), 503, "OVERLOADED");
  desk_status = ST_OK;
}

CHECKED(endpoint, paths_of_the_daemons_own_are_refused_at_start)
{
  static const char *const paths[] = {"/api/orders/execute", "/api/orders/x", "/health",
                                      "/api/orders/x/events"};
  char error[256];
  cr_assert_eq(routes_check(NULL, error, sizeof error), ST_OK);
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    struct ox_endpoint taken_path = get_it;
    taken_path.path = paths[i];
    endpoints[1].endpoint = &taken_path;
    cr_assert_eq(routes_check(NULL, error, sizeof error), ST_CONFLICT, "%s", paths[i]);
    cr_assert(strstr(error, "it.so: endpoint GET ") == error && strstr(error, paths[i]));
  }
}
