/*
 * proxies.h - who is behind a request: the TCP peer, or, if that is a proxy of ours, whom its
 * X-Forwarded-For names. Pure.
 */
#ifndef HTTP_PROXIES_H
#define HTTP_PROXIES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/http.h"

struct proxies {
  struct in6_addr *list; /* IPv4 as ::ffff:a.b.c.d */
  size_t n;
};

/* proxies_init() takes "10.0.0.1, ::1", which config has found sound. */
void proxies_init(struct proxies *p, const char *list);
void proxies_deinit(struct proxies *p);

/* proxies_client() writes the address of whoever sent request; out has INET6_ADDRSTRLEN bytes. The
 * header is read from its end, as far as it was written by proxies of ours: what a client made up
 * stands before that. */
void proxies_client(const struct proxies *p, const struct http_request *request, char *out);

/* proxies_group() cuts an IPv6 address in place to its /64, which is what one customer has. */
void proxies_group(char *address);

#endif
