/*
 * cache.h - answers that were given before, in this process's memory, as many as fit. Whether one
 * may be given again is for whoever asks to find out: it holds what that takes. Loop thread only.
 *
 * DESIGN. A hash table whose entries are also in a list by their last use; what has not been used
 * for longest makes room. An entry is one piece of memory and never changes. Whoever holds one
 * keeps it, also when it has been replaced or pushed out meanwhile.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;

/* What is kept. Borrowed for cache_put(); of a held entry good as long as that is held. */
struct cache_answer {
  const char *key;
  const char *header; /* the one header of its own; "": none */
  const char *body;
  size_t body_len;
  uint64_t version; /* of the row that it shows */
  const char *mark; /* since when nothing may have changed; "": none */
  bool final;       /* what it shows never changes again */
};

struct cache_entry {
  struct cache_answer answer;
  int64_t stored_ms;
};

struct cache_stats {
  uint64_t hits, misses, evictions; /* evictions: to make room */
  size_t entries, bytes, max_bytes; /* bytes: with all that an entry costs */
};

/* What is larger than this part of the whole is not kept. */
enum { CACHE_SHARE = 8 };

struct cache *cache_create(size_t max_bytes);
void cache_destroy(struct cache *c); /* nothing is held */

/* cache_get() gives the entry for key, held, unless it is older than when it was put in for; NULL:
 * there is none. Give it back with cache_release(), which takes NULL. */
const struct cache_entry *cache_get(struct cache *c, const char *key, int64_t now_ms);
void cache_release(const struct cache_entry *e);

/* cache_put() keeps a copy, in the place of an older one, for ttl_ms. */
void cache_put(struct cache *c, const struct cache_answer *answer, int64_t now_ms, int64_t ttl_ms);

/* cache_count() notes what became of a request. */
void cache_count(struct cache *c, bool hit);

/* cache_clear() forgets all, and says how many that were. */
size_t cache_clear(struct cache *c);

struct cache_stats cache_stats(const struct cache *c);

/* cache_each() gives the entries that are not too old, the last used first, while fn wants more. */
typedef bool (*cache_each_fn)(void *arg, const struct cache_entry *e);
void cache_each(const struct cache *c, int64_t now_ms, cache_each_fn fn, void *arg);

#endif
