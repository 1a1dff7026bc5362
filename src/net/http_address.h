/*
 * http_address.h - how many connections each peer address has. Loop thread only.
 *
 * A connection that becomes a WebSocket takes its place in the count with it, and may outlive the
 * HTTP server and its table.
 */
#ifndef NET_HTTP_ADDRESS_H
#define NET_HTTP_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/list.h"

enum { HTTP_ADDRESS_BUCKETS = 256 };

struct http_addresses {
  struct list buckets[HTTP_ADDRESS_BUCKETS];
};

struct http_address {
  struct list_node node;
  struct list *bucket; /* NULL: the table is gone */
  int64_t connections;
  uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
};

void http_addresses_init(struct http_addresses *t);
void http_addresses_deinit(struct http_addresses *t); /* what is still held lives on, to be left */

/* http_address_enter() counts one connection more from there; http_address_leave(), given what
 * enter returned, one less. The last to leave frees it. Leaving NULL is nothing. */
struct http_address *http_address_enter(struct http_addresses *t, const struct sockaddr *peer);
void http_address_leave(struct http_address *a);

/* http_address_format() writes an address as text without its port: 127.0.0.1, ::1. out has
 * INET6_ADDRSTRLEN bytes. */
void http_address_format(const struct sockaddr *peer, char *out);

#endif
