/* files.c - see files.h. */
#include "http/files.h"

#include "http/answer.h"
#include "http/etag.h"

/* A page has its script and style from here, in files, and talks to nobody else. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void file_get(const struct call *call, const struct http_request *request, const char *param)
{
  const struct file *file = routes_file(call);
  const char *known = http_request_header(request, "If-None-Match");
  const struct http_header headers[] = {
      {"ETag", file->etag}, {"Cache-Control", "no-cache"}, {"Content-Security-Policy", policy}};
  enum { N = sizeof headers / sizeof *headers };
  (void)param;
  if (known && etag_matches(known, file->etag)) {
    answer_empty(call, 304, headers, N);
    return;
  }
  buf_append(answer_body(call), file->data, file->len);
  answer_send_as(call, 200, file->type, headers, N);
}
