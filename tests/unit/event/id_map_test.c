/* id_map_test.c - finds what is in it and nothing else, through growth and removal. */
#include "event/id_map.h"

#include <criterion/criterion.h>
#include <stdint.h>

enum { N = 5000 };

static struct ulid id_of(uint32_t n)
{
  struct ulid id = {.bytes = {1, 2, 3, 4, 5, 6}};
  id.bytes[12] = (uint8_t)(n >> 24);
  id.bytes[13] = (uint8_t)(n >> 16);
  id.bytes[14] = (uint8_t)(n >> 8);
  id.bytes[15] = (uint8_t)n;
  return id;
}

static struct id_map_node nodes[N];

static void fill(struct id_map *map)
{
  id_map_init(map);
  for (uint32_t i = 0; i < N; i++) {
    nodes[i].id = id_of(i);
    id_map_insert(map, &nodes[i]);
  }
}

Test(id_map, finds_everything_after_growing)
{
  struct id_map map;
  fill(&map);
  cr_assert_eq(map.len, N);
  for (uint32_t i = 0; i < N; i++) {
    struct ulid id = id_of(i);
    cr_assert_eq(id_map_find(&map, &id), &nodes[i]);
  }
  struct ulid other = id_of(N);
  cr_assert_null(id_map_find(&map, &other));
  id_map_deinit(&map);
}

Test(id_map, removed_is_gone_and_the_rest_stays)
{
  struct id_map map;
  fill(&map);
  for (uint32_t i = 0; i < N; i += 2) id_map_remove(&map, &nodes[i]);
  cr_assert_eq(map.len, N / 2);
  for (uint32_t i = 0; i < N; i++) {
    struct ulid id = id_of(i);
    cr_assert_eq(id_map_find(&map, &id), i % 2 ? &nodes[i] : NULL);
  }
  id_map_deinit(&map);
}

Test(id_map, ids_made_in_one_millisecond_spread_over_the_buckets)
{
  struct id_map map;
  fill(&map);
  size_t longest = 0;
  for (size_t b = 0; b < map.n_buckets; b++) {
    size_t n = 0;
    for (struct id_map_node *at = map.buckets[b]; at; at = at->next) n++;
    if (n > longest) longest = n;
  }
  cr_assert_leq(longest, 8, "longest chain %zu", longest);
  id_map_deinit(&map);
}
