/*
 * negotiate.h - which of several forms a client wants (RFC 9110, 12.5.1). Pure.
 */
#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include <stddef.h>

#include "net/http.h"

/* negotiate() is the index of the media type among offers ("text/plain") that the Accept headers
 * like best, the first of those they like as well; without such a header, 0. -1: none will do.
 * Parameters but q do not count, and what cannot be read is passed over. */
int negotiate(const struct http_request *request, const char *const *offers, size_t n);

#endif
