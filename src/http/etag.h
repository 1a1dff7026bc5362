/*
 * etag.h - the version of an order as an entity tag, and whether a client has it already. Weak: the
 * same order, not always the same bytes. The version of the row is in it because a claim or a retry
 * may change an order without an event. Pure.
 */
#ifndef HTTP_ETAG_H
#define HTTP_ETAG_H

#include <stdbool.h>

#include "order/order.h"

enum { ETAG_MAX = 48 };

void etag_of(const struct order *o, char out[ETAG_MAX]);

/* etag_matches() reads If-None-Match: "*", or a list of tags, compared weakly (RFC 9110, 13.1.2).
 */
bool etag_matches(const char *if_none_match, const char *etag);

#endif
