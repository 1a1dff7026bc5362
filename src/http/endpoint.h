/*
 * endpoint.h - requests to the plugins' endpoints, on their way to the desk and back. Loop thread
 * only.
 */
#ifndef HTTP_ENDPOINT_H
#define HTTP_ENDPOINT_H

#include "http/api.h"

enum { ENDPOINT_QUERY_MAX = 32 }; /* parameters */

/* endpoint_run() is the handler of every route with an endpoint. */
void endpoint_run(const struct call *call, const struct http_request *request, const char *param);

#endif
