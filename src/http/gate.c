/*
 * gate.c - see gate.h. Who shows no token, or a bad one, is told 401 and why (RFC 6750); whose
 * token does not allow it, 403. A token in the URL counts as none. Who is known is counted by who
 * it is, everybody else by their address, so that guessing is limited too.
 */
#include "http/gate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/answer.h"
#include "http/audit.h"

enum { CHALLENGE_MAX = 160 };

/* ── refusals ───────────────────────────────────────────────────────────────────────────────── */

static void refuse(const struct call *call, enum problem p, const char *error, const char *why)
{
  char challenge[CHALLENGE_MAX];
  snprintf(challenge, sizeof challenge,
           "Bearer realm=\"ox\", error=\"%s\", error_description=\"%s\"", error, why);
  answer_problem_with(call, p, why, (struct http_header){"WWW-Authenticate", challenge});
}

static void refuse_token(const struct call *call, enum status status, const char *error,
                         const char *why)
{
  if (status == ST_INVALID)
    refuse(call, PROBLEM_UNAUTHORIZED, error, why);
  else
    answer_problem(call, problem_of(status), NULL);
}

static void refuse_scope(const struct call *call, const struct http_request *request)
{
  char needed[SCOPES_TEXT_MAX], why[CHALLENGE_MAX / 2];
  audit_refused(call, request);
  scopes_format(call->route->scope & ROUTE_SCOPES, needed);
  snprintf(why, sizeof why, "this needs the scope %s", needed);
  refuse(call, PROBLEM_INSUFFICIENT_SCOPE, "insufficient_scope", why);
}

/* ── tokens ─────────────────────────────────────────────────────────────────────────────────── */

/* The value of the one Authorization header. NULL: there is none; *twice: there are more. */
static const char *authorization(const struct http_request *request, bool *twice)
{
  const char *found = NULL;
  *twice = false;
  for (size_t i = 0; i < request->n_headers; i++) {
    if (strcasecmp(request->headers[i].name, "Authorization") != 0) continue;
    if (found) *twice = true;
    found = request->headers[i].value;
  }
  return found;
}

/* What stands behind "Bearer", or NULL. */
static const char *bearer(const char *value)
{
  static const char word[] = "Bearer";
  if (strncasecmp(value, word, sizeof word - 1) != 0) return NULL;
  value += sizeof word - 1;
  if (*value != ' ') return NULL;
  return value + strspn(value, " ");
}

/* What looking at the token came to. */
struct verdict {
  enum status status; /* ST_NOT_FOUND: there is no token */
  const char *error, *why;
};

/* look() sets call->grant when all is well. */
static struct verdict look(struct call *call, const struct http_request *request)
{
  bool twice;
  struct verdict v = {ST_OK, "invalid_token", ""};
  const char *value = authorization(request, &twice);
  if (!value || !call->api->auth) return (struct verdict){.status = ST_NOT_FOUND};
  const char *token = twice ? NULL : bearer(value);
  if (!token) return (struct verdict){ST_INVALID, "invalid_request", "one bearer token is needed"};
  v.status = auth_verify(call->api->auth, token, strlen(token), &call->grant, &v.why);
  return v;
}

static bool admit(const struct call *call, const struct verdict *v)
{
  if (v->status == ST_NOT_FOUND)
    answer_problem_with(call, PROBLEM_UNAUTHORIZED, NULL,
                        (struct http_header){"WWW-Authenticate", "Bearer realm=\"ox\""});
  else if (v->status != ST_OK)
    refuse_token(call, v->status, v->error, v->why);
  return v->status == ST_OK;
}

bool gate_allows(const struct call *call, enum scope scope)
{
  return !call->api->config->auth_required || (call->grant.scopes & scope) == scope;
}

static bool allowed(const struct call *call, const struct http_request *request)
{
  if (gate_allows(call, (enum scope)(call->route->scope & ROUTE_SCOPES))) return true;
  refuse_scope(call, request);
  return false;
}

/* ── how often ──────────────────────────────────────────────────────────────────────────────── */

/* The first time a request is counted; the second time its answer is told how things stand. */
static bool within_limit(struct call *call, const struct http_request *request, bool first)
{
  char address[INET6_ADDRSTRLEN];
  struct throttle_state state;
  struct throttle *t = call->api->throttle;
  const char *key = call->grant.client;
  if (!t || call->route->scope & ROUTE_WORKER) return true; /* probes are never refused */
  if (!*key) {
    proxies_client(&call->api->proxies, request, address);
    proxies_group(address);
    key = address;
  }
  bool taken = !first || throttle_take(t, key, clock_mono_ms(), &state);
  if (!first) throttle_look(t, key, clock_mono_ms(), &state);
  call->rate = (struct call_rate){(int32_t)state.limit, (int32_t)state.remaining,
                                  (int32_t)((state.reset_ms + 999) / 1000)};
  return taken;
}

bool gate_pass(struct call *call, const struct http_request *request, bool first)
{
  struct verdict v = {.status = ST_OK};
  bool guarded = call->api->config->auth_required && call->route->scope & ROUTE_SCOPES &&
                 !gate_wants_ticket(call, request);
  if (guarded) v = look(call, request);
  if (!within_limit(call, request, first)) {
    answer_problem_with(call, PROBLEM_TOO_MANY_REQUESTS, NULL,
                        (struct http_header){"Retry-After", "1"});
    return false;
  }
  return !guarded || (admit(call, &v) && allowed(call, request));
}

/* ── what lasts ──────────────────────────────────────────────────────────────────────────────── */

void gate_guard(const struct call *call, struct auth_guard *guard,
                void (*on_over)(struct auth_guard *guard))
{
  *guard = (struct auth_guard){.grant = &call->grant, .on_over = on_over};
  if (call->api->config->auth_required) auth_guard_enter(call->api->auth, guard);
}

void gate_unguard(const struct call *call, struct auth_guard *guard)
{
  if (call->api->config->auth_required) auth_guard_leave(call->api->auth, guard);
}

/* ── tickets ────────────────────────────────────────────────────────────────────────────────── */

/* A request whose ticket is being looked at: it has to wait, so it is copied. */
struct visitor {
  struct call call;
  struct http_request request;
  struct http_header headers[];
};

bool gate_wants_ticket(const struct call *call, const struct http_request *request)
{
  char ticket[TICKET_LEN + 1];
  return call->route->scope & ROUTE_TICKET && call->api->config->auth_required && call->api->auth &&
         !http_request_header(request, "Authorization") &&
         http_query_value(request->query, "ticket", ticket, sizeof ticket) != ST_NOT_FOUND;
}

static struct visitor *visitor_create(const struct call *call, const struct http_request *r)
{
  struct visitor *v = mem_alloc(sizeof *v + r->n_headers * sizeof *v->headers);
  v->call = *call;
  v->request = (struct http_request){.method = mem_strdup(r->method),
                                     .target = mem_strdup(r->target),
                                     .path = mem_strdup(r->path),
                                     .query = mem_strdup(r->query),
                                     .headers = v->headers,
                                     .n_headers = r->n_headers,
                                     .body = "",
                                     .peer = mem_strdup(r->peer),
                                     .upgrade = r->upgrade};
  for (size_t i = 0; i < r->n_headers; i++)
    v->headers[i] =
        (struct http_header){mem_strdup(r->headers[i].name), mem_strdup(r->headers[i].value)};
  return v;
}

static void visitor_destroy(struct visitor *v)
{
  const struct http_request *r = &v->request;
  for (size_t i = 0; i < r->n_headers; i++) {
    free((char *)(uintptr_t)v->headers[i].name);
    free((char *)(uintptr_t)v->headers[i].value);
  }
  free((char *)(uintptr_t)r->method);
  free((char *)(uintptr_t)r->target);
  free((char *)(uintptr_t)r->path);
  free((char *)(uintptr_t)r->query);
  free((char *)(uintptr_t)r->peer);
  free(v);
}

static void on_redeemed(void *arg, enum status status, const struct grant *grant)
{
  struct visitor *v = arg;
  if (status != ST_OK) {
    refuse_token(&v->call, status, "invalid_token",
                 "the ticket is none, or was used, or is too old");
  } else {
    v->call.grant = *grant;
    if (allowed(&v->call, &v->request)) v->call.route->handle(&v->call, &v->request, NULL);
  }
  visitor_destroy(v);
}

void gate_redeem(const struct call *call, const struct http_request *request)
{
  char ticket[TICKET_LEN + 1];
  if (http_query_value(request->query, "ticket", ticket, sizeof ticket) != ST_OK) {
    refuse_token(call, ST_INVALID, "invalid_token", "the ticket is none");
    return;
  }
  struct visitor *v = visitor_create(call, request);
  enum status status = auth_ticket_redeem(call->api->auth, ticket, on_redeemed, v);
  if (status == ST_OK) return;
  refuse_token(call, status, "invalid_token", "");
  visitor_destroy(v);
}
