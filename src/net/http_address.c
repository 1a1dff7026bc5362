/*
 * http_address.c - peer addresses: their text, and the count of connections of each. Loop thread
 * only. An entry lives as long as a connection from there; connections and sessions hold it.
 */
#include "net/http_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"

enum { MAPPED_PREFIX = 12 }; /* of ::ffff:a.b.c.d */

static const uint8_t mapped_prefix[MAPPED_PREFIX] = {[10] = 0xff, [11] = 0xff};

void http_addresses_init(struct http_addresses *t)
{
  for (size_t i = 0; i < HTTP_ADDRESS_BUCKETS; i++) list_init(&t->buckets[i]);
}

void http_addresses_deinit(struct http_addresses *t)
{
  for (size_t i = 0; i < HTTP_ADDRESS_BUCKETS; i++)
    for (struct list_node *node; (node = list_pop(&t->buckets[i])) != NULL;)
      container_of(node, struct http_address, node)->bucket = NULL;
}

static void bytes_of(const struct sockaddr *peer, uint8_t out[16])
{
  if (peer->sa_family == AF_INET6) {
    memcpy(out, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
  } else {
    memcpy(out, mapped_prefix, MAPPED_PREFIX);
    memcpy(out + MAPPED_PREFIX, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
  }
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t hash_of(const uint8_t bytes[16])
{
  uint32_t hash = 2166136261u;
  for (int i = 0; i < 16; i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

struct http_address *http_address_enter(struct http_addresses *t, const struct sockaddr *peer)
{
  uint8_t bytes[16];
  bytes_of(peer, bytes);
  struct list *bucket = &t->buckets[hash_of(bytes) % HTTP_ADDRESS_BUCKETS];
  list_each(node, bucket)
  {
    struct http_address *a = container_of(node, struct http_address, node);
    if (memcmp(a->bytes, bytes, sizeof bytes) != 0) continue;
    a->connections++;
    return a;
  }
  struct http_address *a = mem_alloc(sizeof *a);
  *a = (struct http_address){.bucket = bucket, .connections = 1};
  memcpy(a->bytes, bytes, sizeof bytes);
  list_append(bucket, &a->node);
  return a;
}

void http_address_leave(struct http_address *a)
{
  if (!a || --a->connections > 0) return;
  if (a->bucket) list_remove(a->bucket, &a->node);
  free(a);
}

void http_address_format(const struct sockaddr *peer, char *out)
{
  uint8_t bytes[16];
  bytes_of(peer, bytes);
  bool v4 = memcmp(bytes, mapped_prefix, MAPPED_PREFIX) == 0;
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? bytes + MAPPED_PREFIX : bytes, out, INET6_ADDRSTRLEN);
}
