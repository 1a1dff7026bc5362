/* audit.c - see audit.h. */
#include "http/audit.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "http/routes.h"

enum { NAME_MAX_LEN = 64 };

struct audit {
  char method[16]; /* as it was asked for: HEAD, too */
  char address[INET6_ADDRSTRLEN];
  char order[NAME_MAX_LEN + 1]; /* or dead letter, or shipment; "": none */
};

static const char *or_null(const char *text)
{
  return text && *text ? text : NULL;
}

static void write_line(const struct log_field fields[])
{
  log_write(LOG_LEVEL_INFO, "audit", fields);
}

static void write_call(const struct call *call, const struct audit *a, const char *order,
                       int status)
{
  write_line((const struct log_field[]){LOG_STR("client", call->grant.client),
                                        LOG_STR("address", or_null(a->address)),
                                        LOG_STR("method", a->method),
                                        LOG_STR("route", call->route->pattern),
                                        LOG_STR("order", or_null(order)),
                                        LOG_INT("status", status),
                                        LOG_STR("requestId", http_reply_request_id(call->reply)),
                                        {0, LOG_KIND_END, 0, 0, 0}});
}

/* What is longer than an id, or has what no id has, may be anything that went into the wrong place:
 * also a secret. */
static void note(struct audit *a, const struct call *call, const struct http_request *request,
                 const char *param)
{
  *a = (struct audit){0};
  snprintf(a->method, sizeof a->method, "%s", request->method);
  proxies_client(&call->api->proxies, request, a->address);
  if (param && strlen(param) <= NAME_MAX_LEN && grant_client_valid(param))
    snprintf(a->order, sizeof a->order, "%s", param);
}

struct audit *audit_begin(const struct call *call, const struct http_request *request,
                          const char *param)
{
  if (!call->api->config->auth_required || !(call->route->scope & (SCOPE_WRITE | SCOPE_ADMIN)))
    return NULL;
  struct audit *a = mem_alloc(sizeof *a);
  note(a, call, request, param);
  return a;
}

static const char *made(const struct http_header *headers, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    const char *slash = strrchr(headers[i].value, '/');
    if (strcmp(headers[i].name, "Location") == 0 && slash) return slash + 1;
  }
  return NULL;
}

void audit_end(const struct call *call, int status, const struct http_header *headers, size_t n)
{
  const char *order = made(headers, n);
  if (!call->audit) return;
  write_call(call, call->audit, order ? order : call->audit->order, status);
  free(call->audit);
}

void audit_refused(const struct call *call, const struct http_request *request)
{
  struct audit a;
  note(&a, call, request, NULL);
  write_call(call, &a, NULL, 403);
}

void audit_login(const struct call *call, const char *client, const char *address, int status)
{
  if (!call->api->config->auth_required) return;
  if (strncmp(client, "cli_", 4) != 0) client = NULL; /* it may be the secret, in the wrong place */
  write_line((const struct log_field[]){LOG_STR("client", client),
                                        LOG_STR("address", address),
                                        LOG_STR("method", "POST"),
                                        LOG_STR("route", call->route->pattern),
                                        LOG_INT("status", status),
                                        LOG_STR("requestId", http_reply_request_id(call->reply)),
                                        {0, LOG_KIND_END, 0, 0, 0}});
}

void audit_socket(const struct call *call, const struct ulid *id, int status)
{
  char order[ULID_ORDER_LEN + 1] = "";
  if (!call->api->config->auth_required) return;
  if (id) ulid_format_order(id, order);
  write_line((const struct log_field[]){LOG_STR("client", call->grant.client),
                                        LOG_STR("method", "execute"),
                                        LOG_STR("route", call->route->pattern),
                                        LOG_STR("order", or_null(order)),
                                        LOG_INT("status", status),
                                        {0, LOG_KIND_END, 0, 0, 0}});
}
