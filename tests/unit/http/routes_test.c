/* routes_test.c - what is answered before any handler runs. */
#include "http/routes.h"

#include "tests/unit/http/fakes.h"

CHECKED(routes, unknown_paths_are_404)
{
  static const char *const paths[] = {
      "//",
      "/api",
      "/api/order",
      "/api/orders/",
      "/api/orders//status",
      "/health/",
      "/healthz",
      "/api/orders/x/status/",
      "/api/orders/x/nothing",
      "/API/orders/x",
      "/livez/x",
      "/api/orders/execute/",
      "/api/orders/x/events/1",
  };
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    expect_problem(get(paths[i]), 404, "NOT_FOUND");
}

static void expect_allow(const char *method, const char *target, const char *allow)
{
  struct http_reply *r = ask(&(struct ask){.method = method, .target = target});
  cr_assert_str_eq(header_of(r, "Allow"), allow, "%s %s: %s", method, target,
                   header_of(r, "Allow"));
  expect_problem(r, 405, "METHOD_NOT_ALLOWED");
}

CHECKED(routes, known_path_wrong_method_is_405_with_allow)
{
  expect_allow("DELETE", "/api/orders/execute", "POST, GET, HEAD, OPTIONS");
  expect_allow("POST", "/api/orders/stats", "GET, HEAD, OPTIONS");
  expect_allow("PUT", "/api/orders/abc", "GET, HEAD, DELETE, OPTIONS");
  expect_allow("POST", "/api/orders/abc/status", "GET, HEAD, PUT, OPTIONS");
  expect_allow("PATCH", "/health", "GET, HEAD, OPTIONS");
  expect_allow("post", "/health", "GET, HEAD, OPTIONS");
  expect_allow("CONNECT", "/livez", "GET, HEAD, OPTIONS");
}

CHECKED(routes, words_win_over_ids)
{
  struct http_reply *r = get("/api/orders/stats");
  cr_assert_eq(r->answered, 0);
  counts_done(counts_arg, ST_AWAY, NULL);
  expect_problem(r, 503, "QUEUE_UNAVAILABLE");
  expect_problem(get("/api/orders/execute"), 426, "UPGRADE_REQUIRED");
  expect_problem(get("/api/orders/batch"), 405, "METHOD_NOT_ALLOWED");
}

CHECKED(routes, a_very_long_id_is_not_cut_to_a_valid_one)
{
  char path[4096] = "/api/orders/";
  memset(path + strlen(path), 'a', 1000);
  expect_problem(get(path), 400, "INVALID_ORDER_ID");
}

CHECKED(routes, head_is_get)
{
  struct http_reply *r = ask(&(struct ask){.method = "HEAD", .target = "/livez"});
  cr_assert_eq(r->status, 200);
  reply_free(r);
}

static int status_with_type(const char *type)
{
  char line[128];
  snprintf(line, sizeof line, "Content-Type: %s", type);
  struct http_reply *r = ask(&(struct ask){
      .method = "POST", .target = "/api/orders/execute", .body = "[]", .headers = {line}});
  int status = r->status;
  reply_free(r);
  return status;
}

CHECKED(routes, content_type_must_be_json)
{
  static const char *const good[] = {"application/json",
                                     "Application/JSON",
                                     "application/json; charset=utf-8",
                                     "application/json;charset=UTF-8",
                                     "application/json ",
                                     "application/json ; charset=\"utf-8\"  "};
  static const char *const bad[] = {
      "text/plain",
      "application/jsonx",
      "application/json; charset=latin1",
      "application/json; charset=utf-8; x=1",
      "application/json;",
      "application/json x",
      "application/json; charset=utf-80",
      "application/problem+json",
      "",
      "application/x-www-form-urlencoded",
      "application/json, text/plain",
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    cr_assert_eq(status_with_type(good[i]), 400, "%s", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_eq(status_with_type(bad[i]), 415, "%s", bad[i]);
  expect_problem(ask(&(struct ask){.method = "POST", .target = "/api/orders/execute"}), 415,
                 "UNSUPPORTED_MEDIA_TYPE");
}

CHECKED(routes, a_body_over_64_kib_is_413)
{
  char *body = mem_alloc((64 << 10) + 2);
  memset(body, ' ', (64 << 10) + 1);
  struct http_reply *r = post(body);
  cr_assert_eq(r->status, 413);
  reply_free(r);
  body[64 << 10] = '\0';
  expect_problem(post(body), 400, "INVALID_JSON");
  free(body);
}

CHECKED(routes, gets_take_no_body)
{
  struct http_reply *r = ask(&(struct ask){.method = "GET", .target = "/livez", .body = "{}"});
  cr_assert_eq(r->status, 413);
  reply_free(r);
}

CHECKED(routes, options_tells_the_methods)
{
  struct http_reply *r = ask(&(struct ask){.method = "OPTIONS", .target = "/api/orders/x"});
  cr_assert_eq(r->status, 204);
  cr_assert_str_eq(header_of(r, "Allow"), "GET, HEAD, DELETE, OPTIONS");
  cr_assert_str_eq(r->body, "");
  cr_assert_null(header_of(r, "Access-Control-Allow-Origin"));
  reply_free(r);
  expect_problem(ask(&(struct ask){.method = "OPTIONS", .target = "/nowhere"}), 404, "NOT_FOUND");
}

static struct http_reply *preflight(const char *origin)
{
  return ask(&(struct ask){.method = "OPTIONS",
                           .target = "/api/orders/execute",
                           .headers = {origin, "Access-Control-Request-Method: POST"}});
}

CHECKED(routes, preflight_of_an_allowed_origin)
{
  api_close(&api);
  api_deinit(&api);
  config.cors_origins = (char[]){"https://a.example, https://b.example"};
  api_init(&api);
  struct http_reply *r = preflight("Origin: https://b.example");
  cr_assert_eq(r->status, 204);
  cr_assert_str_eq(header_of(r, "Access-Control-Allow-Origin"), "https://b.example");
  cr_assert_str_eq(header_of(r, "Access-Control-Allow-Methods"), "POST, GET, HEAD, OPTIONS");
  cr_assert_not_null(strstr(header_of(r, "Access-Control-Allow-Headers"), "Idempotency-Key"));
  cr_assert_str_eq(header_of(r, "Vary"), "Origin");
  reply_free(r);

  r = preflight("Origin: https://c.example");
  cr_assert_eq(r->status, 204);
  cr_assert_null(header_of(r, "Access-Control-Allow-Origin"));
  cr_assert_null(header_of(r, "Access-Control-Allow-Methods"));
  cr_assert_str_eq(header_of(r, "Vary"), "Origin");
  reply_free(r);
}

CHECKED(routes, answers_and_problems_may_be_read_by_an_allowed_origin)
{
  api_close(&api);
  api_deinit(&api);
  config.cors_origins = (char[]){"https://a.example"};
  api_init(&api);
  struct http_reply *r = ask(
      &(struct ask){.method = "GET", .target = "/livez", .headers = {"Origin: https://a.example"}});
  cr_assert_str_eq(header_of(r, "Access-Control-Allow-Origin"), "https://a.example");
  reply_free(r);
  r = ask(
      &(struct ask){.method = "GET", .target = "/nope", .headers = {"Origin: https://a.example"}});
  cr_assert_str_eq(header_of(r, "Access-Control-Allow-Origin"), "https://a.example");
  reply_free(r);
  r = ask(&(struct ask){
      .method = "GET", .target = "/livez", .headers = {"Origin: https://a.example.evil"}});
  cr_assert_null(header_of(r, "Access-Control-Allow-Origin"));
  reply_free(r);
}

CHECKED(routes, every_answer_has_the_security_headers)
{
  struct http_reply *replies[] = {get("/livez"), get("/nope"),
                                  ask(&(struct ask){.method = "OPTIONS", .target = "/livez"})};
  for (size_t i = 0; i < 3; i++) {
    cr_assert_str_eq(header_of(replies[i], "X-Content-Type-Options"), "nosniff");
    cr_assert_str_eq(header_of(replies[i], "X-Frame-Options"), "DENY");
    cr_assert_str_eq(header_of(replies[i], "Cache-Control"), "no-store");
    cr_assert_not_null(header_of(replies[i], "Content-Security-Policy"));
    reply_free(replies[i]);
  }
}

CHECKED(routes, with_auth_required_nothing_but_health_is_open)
{
  config.auth_required = true;
  struct http_reply *r = get("/api/orders/abc");
  cr_assert_str_eq(header_of(r, "WWW-Authenticate"), "Bearer realm=\"ox\"");
  expect_problem(r, 401, "UNAUTHORIZED");
  expect_problem(post("{}"), 401, "UNAUTHORIZED");
  r = get("/livez");
  cr_assert_eq(r->status, 200);
  reply_free(r);
}

CHECKED(routes, a_port_for_health_shows_nothing_else)
{
  api.health_only = true;
  expect_problem(get("/api/orders/stats"), 404, "NOT_FOUND");
  expect_problem(get("/api/orders/abc"), 404, "NOT_FOUND");
  expect_problem(post("{}"), 404, "NOT_FOUND");
  struct http_reply *r = get("/livez");
  cr_assert_eq(r->status, 200);
  reply_free(r);
}

CHECKED(routes, errors_of_the_connection_are_problems_too)
{
  static const struct {
    int status;
    const char *code;
  } cases[] = {{400, "BAD_REQUEST"},
               {408, "REQUEST_TIMEOUT"},
               {413, "BODY_TOO_LARGE"},
               {414, "URI_TOO_LONG"},
               {417, "EXPECTATION_FAILED"},
               {429, "TOO_MANY_REQUESTS"},
               {431, "HEADERS_TOO_LARGE"},
               {500, "INTERNAL_ERROR"},
               {501, "NOT_IMPLEMENTED"},
               {503, "OVERLOADED"},
               {505, "HTTP_VERSION_NOT_SUPPORTED"},
               {599, "INTERNAL_ERROR"},
               {418, "BAD_REQUEST"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct buf out;
    buf_init(&out, 1 << 16);
    routes_on_error(&api, cases[i].status, "two \"Host\" headers", "r-1", &out);
    json_t *p = parse(out.data);
    cr_assert_str_eq(str_of(p, "code"), cases[i].code);
    cr_assert_str_eq(str_of(p, "detail"), "two \"Host\" headers");
    cr_assert_str_eq(str_of(p, "requestId"), "r-1");
    json_decref(p);
    buf_deinit(&out);
  }
}
