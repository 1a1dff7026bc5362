/* id_map.c - a chained hash table that doubles; see id_map.h. */
#include "event/id_map.h"

#include <assert.h>
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

enum { FIRST_BUCKETS = 64 };

void id_map_init(struct id_map *map)
{
  map->len = 0;
  map->n_buckets = FIRST_BUCKETS;
  map->buckets = mem_alloc(map->n_buckets * sizeof *map->buckets);
}

void id_map_deinit(struct id_map *map)
{
  free(map->buckets);
}

/* Ids of one millisecond count up, so the low half differs; multiplying spreads it (Knuth, 6.4). */
static struct id_map_node **bucket(const struct id_map *map, const struct ulid *id)
{
  uint64_t low;
  memcpy(&low, id->bytes + sizeof id->bytes - sizeof low, sizeof low);
  uint64_t hash = be64toh(low) * UINT64_C(0x9E3779B97F4A7C15);
  return &map->buckets[(hash ^ hash >> 32) & (map->n_buckets - 1)];
}

struct id_map_node *id_map_find(const struct id_map *map, const struct ulid *id)
{
  struct id_map_node *n = *bucket(map, id);
  while (n && memcmp(&n->id, id, sizeof *id) != 0) n = n->next;
  return n;
}

static void put(struct id_map *map, struct id_map_node *node)
{
  struct id_map_node **b = bucket(map, &node->id);
  node->next = *b;
  *b = node;
}

static void grow(struct id_map *map)
{
  struct id_map old = *map;
  map->n_buckets *= 2;
  map->buckets = mem_alloc(map->n_buckets * sizeof *map->buckets);
  for (size_t i = 0; i < old.n_buckets; i++) {
    struct id_map_node *n = old.buckets[i];
    while (n) {
      struct id_map_node *next = n->next;
      put(map, n);
      n = next;
    }
  }
  free(old.buckets);
}

void id_map_insert(struct id_map *map, struct id_map_node *node)
{
  if (map->len == map->n_buckets) grow(map);
  put(map, node);
  map->len++;
}

void id_map_remove(struct id_map *map, struct id_map_node *node)
{
  struct id_map_node **at = bucket(map, &node->id);
  while (*at && *at != node) at = &(*at)->next;
  assert(*at == node);
  *at = node->next;
  node->next = NULL;
  map->len--;
}
