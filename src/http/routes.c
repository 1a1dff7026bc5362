/*
 * routes.c - the route table and what is checked before a handler runs: path, method, scope,
 * content type. Loop thread only; keeps nothing but the list that api has: this table, then the
 * plugins' endpoints, then the files.
 *
 * A path belongs to the first pattern in the table that matches it, so words stand before ":id".
 */
#include "http/routes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/audit.h"
#include "http/endpoint.h"
#include "http/files.h"
#include "http/gate.h"
#include "http/handlers.h"
#include "http/problem.h"
#include "metrics/metrics.h"

enum {
  ORDER_BODY_MAX = 64 << 10,
  STATUS_BODY_MAX = 1 << 10,
  FORM_MAX = 4 << 10,
  BATCH_BODY_MAX = 1 << 20,
  PARAM_MAX = 128, /* longer than any id: what is cut is still too long to be one */
  ALLOW_MAX = 64,
};

static const struct route table[] = {
    {"GET", "/api/orders", 0, SCOPE_READ, order_list},
    {"POST", "/api/orders", ORDER_BODY_MAX, SCOPE_WRITE, order_create},
    {"POST", "/api/orders/execute", ORDER_BODY_MAX, SCOPE_WRITE, execute_post},
    {"GET", "/api/orders/execute", 0, SCOPE_READ | ROUTE_TICKET, watch_get},
    {"POST", "/api/orders/batch", BATCH_BODY_MAX, SCOPE_WRITE, batch_post},
    {"GET", "/api/orders/stats", 0, SCOPE_READ, stats_get},
    {"GET", "/api/orders/stream", 0, SCOPE_READ | ROUTE_TICKET, stream_get},
    {"GET", "/api/orders/:id", 0, SCOPE_READ, order_get},
    {"DELETE", "/api/orders/:id", 0, SCOPE_WRITE, order_cancel},
    {"GET", "/api/orders/:id/status", 0, SCOPE_READ, order_get_status},
    {"PUT", "/api/orders/:id/status", STATUS_BODY_MAX, SCOPE_WRITE, order_move},
    {"GET", "/api/orders/:id/shipment", 0, SCOPE_READ, order_get_shipment},
    {"GET", "/api/shipments/:id", 0, SCOPE_READ, shipment_get},
    {"GET", "/api/orders/:id/events", 0, SCOPE_READ, order_get_events},
    {"POST", "/orders", ORDER_BODY_MAX, SCOPE_WRITE, shop_create},
    {"GET", "/orders/:id/status", 0, SCOPE_READ, shop_get_status},
    {"GET", "/queue/stats", 0, SCOPE_ADMIN, queue_stats_get},
    {"POST", "/queue/pause", 0, SCOPE_ADMIN, queue_pause_post},
    {"POST", "/queue/resume", 0, SCOPE_ADMIN, queue_resume_post},
    {"DELETE", "/queue/purge", 0, SCOPE_ADMIN, queue_purge_delete},
    {"GET", "/dlq", 0, SCOPE_ADMIN, dead_letters_get},
    {"POST", "/dlq/redrive", 0, SCOPE_ADMIN, dead_letters_redrive},
    {"POST", "/dlq/:id/redrive", 0, SCOPE_ADMIN, dead_letter_redrive},
    {"GET", "/sqs/dlq", 0, SCOPE_ADMIN, dead_letters_get},
    {"POST", "/sqs/dlq/redrive", 0, SCOPE_ADMIN, dead_letters_redrive},
    {"POST", "/sqs/dlq/:id/redrive", 0, SCOPE_ADMIN, dead_letter_redrive},
    {"GET", "/sqs/stats", 0, SCOPE_ADMIN, queue_stats_get},
    {"POST", "/sqs/pause", 0, SCOPE_ADMIN, queue_pause_post},
    {"POST", "/sqs/resume", 0, SCOPE_ADMIN, queue_resume_post},
    {"DELETE", "/sqs/purge", 0, SCOPE_ADMIN, queue_purge_delete},
    {"GET", "/cache/stats", 0, SCOPE_ADMIN, cache_stats_get},
    {"GET", "/cache/keys", 0, SCOPE_ADMIN, cache_keys_get},
    {"DELETE", "/cache/clear", 0, SCOPE_ADMIN, cache_clear_delete},
    {"GET", "/handler/status", 0, SCOPE_ADMIN, worker_status_get},
    {"GET", "/handler/stats", 0, SCOPE_ADMIN, worker_stats_get},
    {"GET", "/workers/status", 0, SCOPE_ADMIN, worker_status_get},
    {"GET", "/workers/stats", 0, SCOPE_ADMIN, worker_stats_get},
    {"POST", "/api/system/stress-test", STATUS_BODY_MAX, SCOPE_ADMIN, stress_test_post},
    {"POST", "/api/tickets", 0, SCOPE_READ, ticket_post},
    {"POST", "/oauth/token", FORM_MAX, SCOPE_OPEN | ROUTE_FORM, oauth_token_post},
    {"GET", "/metrics", 0, SCOPE_READ | ROUTE_WORKER, metrics_get},
    {"GET", "/health", 0, SCOPE_OPEN | ROUTE_WORKER, health_get},
    {"GET", "/livez", 0, SCOPE_OPEN | ROUTE_WORKER, health_livez},
    {"GET", "/readyz", 0, SCOPE_OPEN | ROUTE_WORKER, health_readyz},
};
enum { ROUTES = sizeof table / sizeof *table };

/* ── the list ───────────────────────────────────────────────────────────────────────────────── */

/* The registry takes no other words; one that came through all the same opens nothing. */
static unsigned scope_of(const char *word)
{
  unsigned scopes;
  return scopes_parse(word, " ", &scopes) ? scopes : SCOPE_ALL;
}

struct route *routes_list(const struct registry *registry, size_t *n)
{
  size_t n_endpoints = registry_endpoints(registry);
  *n = ROUTES + n_endpoints + n_files;
  struct route *list = mem_alloc(*n * sizeof *list);
  memcpy(list, table, sizeof table);
  for (size_t i = 0; i < n_endpoints; i++) {
    const struct ox_endpoint *e = registry_endpoint_at(registry, i)->endpoint;
    list[ROUTES + i] =
        (struct route){e->method, e->path, e->max_body, scope_of(e->scope), endpoint_run};
  }
  for (size_t i = 0; i < n_files; i++)
    list[ROUTES + n_endpoints + i] = (struct route){"GET", files[i].path, 0, SCOPE_OPEN, file_get};
  return list;
}

const struct ox_endpoint *routes_endpoint(const struct call *call)
{
  size_t i = (size_t)(call->route - call->api->routes) - ROUTES;
  return registry_endpoint_at(call->api->registry, i)->endpoint;
}

const struct file *routes_file(const struct call *call)
{
  return &files[n_files - (size_t)(call->api->routes + call->api->n_routes - call->route)];
}

/* ── finding the route ──────────────────────────────────────────────────────────────────────── */

/* match() compares segment by segment; ":x" takes one that is not empty. param has PARAM_MAX. */
static bool match(const char *pattern, const char *path, char *param)
{
  param[0] = '\0';
  while (*pattern) {
    if (*pattern != ':') {
      if (*pattern++ != *path++) return false;
      continue;
    }
    pattern += strcspn(pattern, "/");
    size_t len = strcspn(path, "/");
    if (len == 0) return false;
    snprintf(param, PARAM_MAX, "%.*s", (int)(len < PARAM_MAX ? len : PARAM_MAX), path);
    path += len;
  }
  return *path == '\0';
}

static bool method_is(const struct route *r, const char *method)
{
  if (strcmp(r->method, method) == 0) return true;
  return strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0;
}

/* resource() is the first route whose pattern matches the path, whatever its method, or NULL. */
static const struct route *resource(const struct api *api, const char *path, char *param)
{
  for (size_t i = 0; i < api->n_routes; i++)
    if (match(api->routes[i].pattern, path, param))
      return api->health_only && !(api->routes[i].scope & ROUTE_WORKER) ? NULL : &api->routes[i];
  return NULL;
}

static const struct route *route_of(const struct api *api, const struct route *resource,
                                    const char *method)
{
  for (const struct route *r = resource; r < api->routes + api->n_routes; r++)
    if (strcmp(r->pattern, resource->pattern) == 0 && method_is(r, method)) return r;
  return NULL;
}

/* The pattern of our own that path would meet, or NULL. */
static const char *own_pattern(const char *path)
{
  char param[PARAM_MAX];
  for (size_t i = 0; i < ROUTES; i++)
    if (match(table[i].pattern, path, param)) return table[i].pattern;
  for (size_t i = 0; i < n_files; i++)
    if (strcmp(files[i].path, path) == 0) return files[i].path;
  return NULL;
}

enum status routes_check(const struct registry *registry, char *error, size_t error_len)
{
  for (size_t i = 0; i < registry_endpoints(registry); i++) {
    const struct registry_endpoint *e = registry_endpoint_at(registry, i);
    const char *own = own_pattern(e->endpoint->path);
    if (!own) continue;
    snprintf(error, error_len, "%s: endpoint %s %s: the path is oxd's own, as %s", e->file,
             e->endpoint->method, e->endpoint->path, own);
    return ST_CONFLICT;
  }
  return ST_OK;
}

/* ── what is answered without a handler ─────────────────────────────────────────────────────── */

static void list_methods(const struct api *api, const struct route *resource, char out[ALLOW_MAX])
{
  size_t len = 0;
  for (const struct route *r = resource; r < api->routes + api->n_routes; r++) {
    if (strcmp(r->pattern, resource->pattern) != 0) continue;
    const char *also = strcmp(r->method, "GET") == 0 ? "HEAD, " : "";
    len += (size_t)snprintf(out + len, ALLOW_MAX - len, "%s, %s", r->method, also);
  }
  snprintf(out + len, ALLOW_MAX - len, "OPTIONS");
}

static void answer_options(const struct call *call, const struct http_request *request,
                           const char *allow)
{
  struct http_header headers[ANSWER_EXTRA_MAX] = {{"Allow", allow}};
  size_t n = 1;
  if (call->origin && http_request_header(request, "Access-Control-Request-Method")) {
    headers[n++] = (struct http_header){"Access-Control-Allow-Methods", allow};
    headers[n++] = (struct http_header){"Access-Control-Allow-Headers",
                                        "Authorization, Content-Type, Idempotency-Key, "
                                        "If-None-Match, Last-Event-ID, X-Request-Id, traceparent"};
    headers[n++] = (struct http_header){"Access-Control-Max-Age", "600"};
  }
  answer_empty(call, 204, headers, n);
}

/* What a body must be: this, alone or with charset=utf-8. */
static bool is_type(const char *type, const char *wanted)
{
  static const char utf8[] = "charset=utf-8", quoted[] = "charset=\"utf-8\"";
  if (!type || strncasecmp(type, wanted, strlen(wanted)) != 0) return false;
  type += strlen(wanted);
  type += strspn(type, " \t");
  if (*type == '\0') return true;
  if (*type++ != ';') return false;
  type += strspn(type, " \t");
  size_t len = strcspn(type, " \t");
  if (type[len + strspn(type + len, " \t")] != '\0') return false;
  return (len == sizeof utf8 - 1 && strncasecmp(type, utf8, len) == 0) ||
         (len == sizeof quoted - 1 && strncasecmp(type, quoted, len) == 0);
}

static bool body_good(const struct route *route, const struct http_request *request)
{
  const char *wanted =
      route->scope & ROUTE_FORM ? "application/x-www-form-urlencoded" : "application/json";
  return route->max_body == 0 || is_type(http_request_header(request, "Content-Type"), wanted);
}

/* route_for() answers itself, and returns NULL, when no handler is to run. */
static const struct route *route_for(struct call *call, const struct http_request *request,
                                     char *param, bool first)
{
  const struct route *found = resource(call->api, request->path, param);
  if (!found) {
    answer_problem(call, PROBLEM_NOT_FOUND, NULL);
    return NULL;
  }
  const struct route *route = route_of(call->api, found, request->method);
  if (!route) {
    char allow[ALLOW_MAX];
    list_methods(call->api, found, allow);
    if (strcmp(request->method, "OPTIONS") == 0)
      answer_options(call, request, allow);
    else
      answer_problem_with(call, PROBLEM_METHOD_NOT_ALLOWED, NULL,
                          (struct http_header){"Allow", allow});
    return NULL;
  }
  call->route = route;
  if (!gate_pass(call, request, first)) return NULL;
  if (body_good(route, request)) return route;
  answer_problem(
      call, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
      route->scope & ROUTE_FORM ? "Content-Type must be application/x-www-form-urlencoded" : NULL);
  return NULL;
}

/* ── what the connection layer calls ────────────────────────────────────────────────────────── */

static struct call call_of(struct api *api, const struct http_request *request,
                           struct http_reply *reply)
{
  const char *origin = api->cors.n > 0 ? http_request_header(request, "Origin") : NULL;
  return (struct call){.api = api,
                       .reply = reply,
                       .origin = cors_find(&api->cors, origin),
                       .begun_ns = clock_mono_ns()};
}

size_t routes_on_head(void *arg, const struct http_request *request, struct http_reply *reply)
{
  char param[PARAM_MAX];
  struct call call = call_of(arg, request, reply);
  const struct route *route = route_for(&call, request, param, true);
  return route ? route->max_body : 0;
}

void routes_on_request(void *arg, const struct http_request *request, struct http_reply *reply)
{
  char param[PARAM_MAX];
  struct call call = call_of(arg, request, reply);
  const struct route *route = route_for(&call, request, param, false);
  if (!route) return;
  call.audit = audit_begin(&call, request, *param ? param : NULL);
  if (gate_wants_ticket(&call, request))
    gate_redeem(&call, request);
  else
    route->handle(&call, request, *param ? param : NULL);
}

void routes_on_error(void *arg, int status, const char *detail, const char *request_id,
                     struct buf *out)
{
  (void)arg;
  struct json_writer w;
  char code[12];
  snprintf(code, sizeof code, "%d", status);
  metric_add(metric_series(METRIC_HTTP_REFUSED, code, NULL, NULL), 1);
  json_writer_init(&w, out);
  problem_write(&w, NULL, problem_of_http(status), detail, NULL, request_id);
}
