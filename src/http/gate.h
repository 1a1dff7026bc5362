/*
 * gate.h - the one place that says who may call what: the route table names what each route needs,
 * the gate compares that with the caller's token. Loop thread only.
 */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include "http/routes.h"

/* gate_pass() looks at the token for call->route, and sets call->grant. It answers itself, and says
 * false, when the handler must not run: 401, 403, or 429 for one request too many. It passes who
 * brings a ticket instead: see gate_redeem(). A request is looked at twice, when its head is there
 * and when all of it is, and counted the first time. */
bool gate_pass(struct call *call, const struct http_request *request, bool first);

/* gate_allows() says whether a caller who passed may do also this. */
bool gate_allows(const struct call *call, enum scope scope);

/* gate_guard() has guard's on_over called when what call was granted ends: for what lasts longer
 * than a request. call is where it was copied to, and stays until gate_unguard(). */
void gate_guard(const struct call *call, struct auth_guard *guard,
                void (*on_over)(struct auth_guard *guard));
void gate_unguard(const struct call *call, struct auth_guard *guard); /* also twice, or if never */

/* gate_wants_ticket(): the caller has shown a ticket and no token. gate_redeem() runs the route's
 * handler when the ticket was good, and answers when not. */
bool gate_wants_ticket(const struct call *call, const struct http_request *request);
void gate_redeem(const struct call *call, const struct http_request *request);

#endif
