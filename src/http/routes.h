/*
 * routes.h - from a request to its handler. One table; adding a resource is a line in it and a file
 * beside it. Behind it come the endpoints that plugins bring, and the files that the daemon
 * carries. Loop thread only.
 */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include <stddef.h>

#include "http/api.h"

/* What else is special about a route: bits of its scope, beside those of enum scope. */
enum {
  ROUTE_SCOPES = 0xff,
  ROUTE_FORM = 0x100,   /* its body is a form, not JSON */
  ROUTE_TICKET = 0x200, /* a browser's stream: a ticket in the URL will do */
  ROUTE_WORKER = 0x400, /* on a worker's port too */
};

/* param is the ":name" segment of the path, NULL where the pattern has none. Both borrowed for the
 * call; *call is copied to answer later. */
typedef void (*route_fn)(const struct call *call, const struct http_request *request,
                         const char *param);

struct route {
  const char *method;
  const char *pattern;
  size_t max_body; /* bytes; 0: takes none. With a body: JSON */
  unsigned scope;  /* what a token must allow, and ROUTE_… */
  route_fn handle;
};

/* routes_list() gives the table, registry's endpoints behind it, and the files; to be freed. */
struct route *routes_list(const struct registry *registry, size_t *n);

/* What call's route stands for, when it is an endpoint's, or a file's. */
const struct ox_endpoint *routes_endpoint(const struct call *call);
const struct file *routes_file(const struct call *call);

/* routes_check() is ST_CONFLICT when an endpoint has a path that is one of ours; error says which.
 */
enum status routes_check(const struct registry *registry, char *error, size_t error_len) MUST_CHECK;

/* The callbacks of struct http_handler; arg is the struct api. */
size_t routes_on_head(void *arg, const struct http_request *request, struct http_reply *reply);
void routes_on_request(void *arg, const struct http_request *request, struct http_reply *reply);
void routes_on_error(void *arg, int status, const char *detail, const char *request_id,
                     struct buf *out);

#endif
