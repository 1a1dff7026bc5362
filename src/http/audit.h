/*
 * audit.h - who did what: a line in the log for each call that changes something or needs admin, as
 * it is answered, with AUTH=required and whatever LOG_LEVEL says. Nothing of a body, a header or a
 * query is in it. Loop thread only.
 *   {"msg":"audit","client":"cli_…","address":"…","method":"POST","route":"/api/orders/execute",
 *    "order":"ord_…","status":201,"requestId":"…"}
 */
#ifndef HTTP_AUDIT_H
#define HTTP_AUDIT_H

#include "http/api.h"

struct audit;

/* audit_begin() notes what call is about; param as a handler gets it. NULL: it is nothing to note.
 * The answer ends it. */
struct audit *audit_begin(const struct call *call, const struct http_request *request,
                          const char *param);

/* audit_end() writes the line, before the answer leaves, and frees call's audit. headers are the
 * answer's: a Location names the order that was made. */
void audit_end(const struct call *call, int status, const struct http_header *headers, size_t n);

/* audit_refused(): its token does not allow it. */
void audit_refused(const struct call *call, const struct http_request *request);

/* audit_login(): client asked for a token. */
void audit_login(const struct call *call, const char *client, const char *address, int status);

/* audit_socket(): an order placed over a socket; id NULL: there is none. */
void audit_socket(const struct call *call, const struct ulid *id, int status);

#endif
