/* answer_test.c - the headers of every answer, and the one buffer they are written in. */
#include "http/answer.h"

#include "tests/unit/http/fakes.h"

static struct call call_with(struct http_reply *r, const char *origin)
{
  return (struct call){.api = &api, .reply = r, .origin = origin};
}

CHECKED(answer, a_handlers_cache_control_takes_the_place_of_no_store)
{
  struct http_reply *r = mem_alloc(sizeof *r);
  struct call call = call_with(r, NULL);
  const struct http_header header = {"cache-control", "private"};
  buf_append_str(answer_body(&call), "{}");
  answer_send(&call, 200, &header, 1);
  size_t n = 0;
  for (size_t i = 0; i < r->n_headers; i++) n += strcasecmp(r->names[i], "Cache-Control") == 0;
  cr_assert_eq(n, 1);
  cr_assert_str_eq(header_of(r, "Cache-Control"), "private");
  cr_assert_str_eq(r->body, "{}");
  reply_free(r);
}

CHECKED(answer, an_empty_answer_has_no_type_and_no_body)
{
  struct http_reply *r = mem_alloc(sizeof *r);
  struct call call = call_with(r, NULL);
  buf_append_str(answer_body(&call), "left over");
  answer_empty(&call, 204, NULL, 0);
  cr_assert_null(r->content_type);
  cr_assert_str_eq(r->body, "");
  reply_free(r);
}

CHECKED(answer, the_buffer_is_empty_each_time)
{
  struct call call = call_with(NULL, NULL);
  buf_append_str(answer_body(&call), "x");
  cr_assert_eq(answer_body(&call)->len, 0);
}

CHECKED(answer, all_headers_at_once)
{
  struct http_reply *r = mem_alloc(sizeof *r);
  api.cors.n = 1; /* as if there were a list */
  struct call call = call_with(r, "https://a.example");
  struct http_header extra[ANSWER_EXTRA_MAX];
  char names[ANSWER_EXTRA_MAX][8];
  for (int i = 0; i < ANSWER_EXTRA_MAX; i++) {
    snprintf(names[i], sizeof names[i], "X-%d", i);
    extra[i] = (struct http_header){names[i], "v"};
  }
  answer_empty(&call, 204, extra, ANSWER_EXTRA_MAX);
  api.cors.n = 0;
  cr_assert_str_eq(header_of(r, "X-5"), "v");
  cr_assert_str_eq(header_of(r, "Access-Control-Allow-Origin"), "https://a.example");
  cr_assert_not_null(strstr(header_of(r, "Access-Control-Expose-Headers"), "Idempotent-Replayed"));
  reply_free(r);
}

CHECKED(answer, a_problem_with_a_detail_and_a_header)
{
  struct http_reply *r = mem_alloc(sizeof *r);
  struct call call = call_with(r, NULL);
  answer_problem_with(&call, PROBLEM_STORE_UNAVAILABLE, "why \"not\"",
                      (struct http_header){"Allow", "GET"});
  cr_assert_str_eq(header_of(r, "Allow"), "GET");
  cr_assert_str_eq(header_of(r, "Retry-After"), "1");
  json_t *p = parse(r->body);
  cr_assert_str_eq(str_of(p, "detail"), "why \"not\"");
  json_decref(p);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}
