/*
 * id_map.h - finds things by their order's id. Intrusive: it owns its buckets, never the things.
 * Not shared between threads.
 */
#ifndef EVENT_ID_MAP_H
#define EVENT_ID_MAP_H

#include <stddef.h>

#include "base/ulid.h"

struct id_map_node {
  struct id_map_node *next;
  struct ulid id;
};

struct id_map {
  struct id_map_node **buckets;
  size_t n_buckets; /* a power of two */
  size_t len;
};

void id_map_init(struct id_map *map);
void id_map_deinit(struct id_map *map); /* the nodes are left alone */

struct id_map_node *id_map_find(const struct id_map *map, const struct ulid *id); /* or NULL */
void id_map_insert(struct id_map *map, struct id_map_node *node); /* node->id is not in it */
void id_map_remove(struct id_map *map, struct id_map_node *node); /* it is */

#endif
