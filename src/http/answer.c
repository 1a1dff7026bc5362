/* answer.c - from a status and a body to the connection. Loop thread only; answers are copied by
 * the connection, so one scratch buffer serves them all. */
#include "http/answer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/log.h"
#include "http/audit.h"
#include "http/routes.h"
#include "metrics/metrics.h"

enum { SCRATCH_KEEP = 1 << 20, DEFAULTS_MAX = 11, NUMBER_MAX = 12 };

static const char problem_json[] = "application/problem+json";

struct buf *answer_body(const struct call *call)
{
  struct buf *body = &call->api->scratch;
  if (body->cap > SCRATCH_KEEP) { /* one long history must not stay for ever */
    size_t max = body->max;
    buf_deinit(body);
    buf_init(body, max);
  }
  buf_clear(body);
  return body;
}

static bool has(const struct http_header *headers, size_t n, const char *name)
{
  for (size_t i = 0; i < n; i++)
    if (strcasecmp(headers[i].name, name) == 0) return true;
  return false;
}

/* What every answer says, unless headers of its own do. */
static size_t defaults(const struct call *call, const struct http_header *own, size_t n_own,
                       struct http_header *out)
{
  static const struct http_header policy = {"Content-Security-Policy",
                                            "default-src 'none'; frame-ancestors 'none'"};
  static const struct http_header no_store = {"Cache-Control", "no-store"};
  size_t n = 0;
  out[n++] = (struct http_header){"X-Content-Type-Options", "nosniff"};
  out[n++] = (struct http_header){"X-Frame-Options", "DENY"};
  if (!has(own, n_own, policy.name)) out[n++] = policy;
  if (!has(own, n_own, no_store.name)) out[n++] = no_store;
  if (call->api->cors.n > 0) out[n++] = (struct http_header){"Vary", "Origin"};
  if (!call->origin) return n;
  out[n++] = (struct http_header){"Access-Control-Allow-Origin", call->origin};
  out[n++] = (struct http_header){"Access-Control-Expose-Headers",
                                  "Location, ETag, Retry-After, X-Request-Id, "
                                  "Idempotent-Replayed, X-Cache, X-Cache-Age, WWW-Authenticate, "
                                  "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"};
  return n;
}

struct rate_text {
  char limit[NUMBER_MAX], remaining[NUMBER_MAX], reset[NUMBER_MAX];
};

/* rate() adds what the caller has left, with its text in *text. */
static size_t rate(const struct call_rate *r, struct rate_text *text, struct http_header *out)
{
  if (r->limit == 0) return 0;
  snprintf(text->limit, NUMBER_MAX, "%" PRId32, r->limit);
  snprintf(text->remaining, NUMBER_MAX, "%" PRId32, r->remaining);
  snprintf(text->reset, NUMBER_MAX, "%" PRId32, r->reset_s);
  out[0] = (struct http_header){"RateLimit-Limit", text->limit};
  out[1] = (struct http_header){"RateLimit-Remaining", text->remaining};
  out[2] = (struct http_header){"RateLimit-Reset", text->reset};
  return 3;
}

/* Paths that lead nowhere, and their methods, are anybody's to make up. */
static struct metric_series *timing(const struct call *call, size_t class)
{
  static const char *const classes[API_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  const struct route *r = call->route;
  return metric_series(METRIC_HTTP_REQUEST, r ? r->method : "other", r ? r->pattern : "other",
                       classes[class]);
}

static void observe(const struct call *call, int status)
{
  const struct api *api = call->api;
  size_t class = (size_t)status / 100 - 1;
  struct metric_series *series = NULL, **kept = &series;
  if (call->route && api->timings)
    kept = &api->timings[(size_t)(call->route - api->routes) * API_CLASSES + class];
  if (!*kept) *kept = timing(call, class);
  metric_observe_since(*kept, call->begun_ns);
}

static void reply(const struct call *call, int status, const struct http_header *headers, size_t n,
                  const char *content_type)
{
  assert(n <= ANSWER_EXTRA_MAX);
  struct http_header all[ANSWER_EXTRA_MAX + DEFAULTS_MAX];
  struct rate_text text;
  size_t total = defaults(call, headers, n, all);
  total += rate(&call->rate, &text, all + total);
  for (size_t i = 0; i < n; i++) all[total++] = headers[i];
  const struct buf *body = &call->api->scratch;
  audit_end(call, status, headers, n);
  observe(call, status);
  http_reply_send(call->reply, status, all, total, content_type, body->len ? body->data : "",
                  body->len);
}

void answer_send_as(const struct call *call, int status, const char *content_type,
                    const struct http_header *headers, size_t n_headers)
{
  if (call->api->scratch.overflow) {
    LOG_ERROR("answer too large", LOG_INT("status", status));
    answer_problem(call, PROBLEM_INTERNAL, "the answer is larger than this server gives");
    return;
  }
  reply(call, status, headers, n_headers, content_type);
}

void answer_send(const struct call *call, int status, const struct http_header *headers,
                 size_t n_headers)
{
  answer_send_as(call, status, "application/json", headers, n_headers);
}

/* A proxy that gathers what it passes on would hold events back. */
struct http_stream *answer_stream(const struct call *call,
                                  const struct http_stream_handler *handler, void *arg)
{
  struct http_header all[1 + DEFAULTS_MAX] = {{"X-Accel-Buffering", "no"}};
  size_t n = 1 + defaults(call, NULL, 0, all + 1);
  observe(call, 200);
  return http_reply_stream(call->reply, all, n, "text/event-stream", handler, arg);
}

void answer_empty(const struct call *call, int status, const struct http_header *headers,
                  size_t n_headers)
{
  answer_body(call);
  reply(call, status, headers, n_headers, NULL);
}

/* Sends the problem that answer_body() holds. */
static void send_problem(const struct call *call, int status, const struct http_header *header)
{
  struct http_header headers[2];
  size_t n = 0;
  if (status == 503) headers[n++] = (struct http_header){"Retry-After", "1"};
  if (header) headers[n++] = *header;
  reply(call, status, headers, n, problem_json);
}

static void problem(const struct call *call, enum problem p, const char *detail,
                    const struct problem_errors *errors, const struct http_header *header)
{
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  problem_write(&w, NULL, p, detail, errors, http_reply_request_id(call->reply));
  send_problem(call, problem_status(p), header);
}

void answer_problem_own(const struct call *call, const struct problem_own *own)
{
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  problem_write_own(&w, own, http_reply_request_id(call->reply));
  send_problem(call, own->status, NULL);
}

void answer_problem(const struct call *call, enum problem p, const char *detail)
{
  problem(call, p, detail, NULL, NULL);
}

void answer_errors(const struct call *call, const struct problem_errors *errors)
{
  problem(call, PROBLEM_VALIDATION_FAILED, NULL, errors, NULL);
}

void answer_problem_with(const struct call *call, enum problem p, const char *detail,
                         struct http_header header)
{
  problem(call, p, detail, NULL, &header);
}
