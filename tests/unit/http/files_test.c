/* files_test.c - what is served as it was built. */
#include "http/files.h"

#include "tests/unit/http/fakes.h"

static struct http_reply *get_if(const char *path, const char *etag)
{
  char line[128];
  snprintf(line, sizeof line, "If-None-Match: %s", etag);
  return ask(&(struct ask){.method = "GET", .target = path, .headers = {line}});
}

CHECKED(files, each_is_answered_as_it_is)
{
  cr_assert_gt(n_files, 0);
  for (size_t i = 0; i < n_files; i++) {
    struct http_reply *r = get(files[i].path);
    cr_assert_eq(r->status, 200, "%s", files[i].path);
    cr_assert_str_eq(r->content_type, files[i].type);
    cr_assert_str_eq(header_of(r, "ETag"), files[i].etag);
    cr_assert_str_eq(header_of(r, "Cache-Control"), "no-cache");
    cr_assert_str_eq(header_of(r, "X-Content-Type-Options"), "nosniff");
    cr_assert_eq(strlen(r->body), files[i].len);
    cr_assert_eq(memcmp(r->body, files[i].data, files[i].len), 0);
    reply_free(r);
  }
}

CHECKED(files, a_page_may_use_only_what_is_here)
{
  struct http_reply *r = get(files[0].path);
  const char *policy = header_of(r, "Content-Security-Policy");
  cr_assert_eq(strncmp(policy, "default-src 'none'; script-src 'self';", 38), 0, "%s", policy);
  cr_assert_null(strstr(policy, "unsafe"));
  reply_free(r);
}

CHECKED(files, what_the_client_has_is_not_sent_again)
{
  struct http_reply *r = get_if(files[0].path, files[0].etag);
  cr_assert_eq(r->status, 304);
  cr_assert_str_eq(header_of(r, "ETag"), files[0].etag);
  reply_free(r);
  r = get_if(files[0].path, "\"another\"");
  cr_assert_eq(r->status, 200);
  reply_free(r);
}

CHECKED(files, nothing_else_is_there)
{
  static const char *const paths[] = {
      "/openapi.json/",    "/../openapi.json", "/docs/api/openapi.json",
      "/openapi.json%00",  "//openapi.json",   "/./openapi.json",
      "/%6fpenapi.json/x", "/openapi.jso",     "/etc/passwd"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    expect_problem(get(paths[i]), 404, "NOT_FOUND");
}
