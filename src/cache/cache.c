/* cache.c - see cache.h. Loop thread; entries belong to the cache, and those that were dropped
 * while somebody held them to the last who does. */
#include "cache/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/list.h"

enum { BUCKETS_MIN = 64, BYTES_OF_A_BUCKET = 512 };

struct slot {
  struct list_node recent; /* the last used last; not linked: dropped */
  struct slot *next;       /* in its bucket */
  uint32_t hash;
  int holders;
  int64_t until_ms;
  size_t bytes;
  struct cache_entry entry;
  char text[]; /* its strings */
};

struct cache {
  size_t max_bytes, bytes;
  uint32_t seed; /* nobody can choose keys that meet */
  size_t n_buckets;
  struct slot **buckets;
  struct list recent;
  uint64_t hits, misses, evictions;
};

struct cache *cache_create(size_t max_bytes)
{
  struct cache *c = mem_alloc(sizeof *c);
  c->max_bytes = max_bytes;
  c->n_buckets = max_bytes / BYTES_OF_A_BUCKET + BUCKETS_MIN;
  c->buckets = mem_alloc(c->n_buckets * sizeof *c->buckets);
  list_init(&c->recent);
  ssize_t got = getrandom(&c->seed, sizeof c->seed, 0);
  assert(got == sizeof c->seed);
  (void)got;
  return c;
}

void cache_destroy(struct cache *c)
{
  if (!c) return;
  cache_clear(c);
  free(c->buckets);
  free(c);
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t hash_of(const struct cache *c, const char *key)
{
  uint32_t hash = 2166136261u ^ c->seed;
  while (*key) hash = (hash ^ (unsigned char)*key++) * 16777619u;
  return hash;
}

static struct slot *slot_of(const struct list_node *recent)
{
  return container_of(recent, struct slot, recent);
}

static struct slot **bucket_of(const struct cache *c, uint32_t hash)
{
  return &c->buckets[hash % c->n_buckets];
}

static struct slot *find(const struct cache *c, const char *key, uint32_t hash)
{
  for (struct slot *s = *bucket_of(c, hash); s; s = s->next)
    if (s->hash == hash && strcmp(s->entry.answer.key, key) == 0) return s;
  return NULL;
}

static void drop(struct cache *c, struct slot *gone)
{
  struct slot **at = bucket_of(c, gone->hash);
  while (*at != gone) at = &(*at)->next;
  *at = gone->next;
  list_remove(&c->recent, &gone->recent);
  c->bytes -= gone->bytes;
  if (gone->holders == 0) free(gone);
}

const struct cache_entry *cache_get(struct cache *c, const char *key, int64_t now_ms)
{
  struct slot *s = find(c, key, hash_of(c, key));
  if (!s) return NULL;
  if (now_ms >= s->until_ms) {
    drop(c, s);
    return NULL;
  }
  list_remove(&c->recent, &s->recent);
  list_append(&c->recent, &s->recent);
  s->holders++;
  return &s->entry;
}

void cache_release(const struct cache_entry *e)
{
  if (!e) return;
  struct slot *s = container_of(e, struct slot, entry);
  assert(s->holders > 0);
  if (--s->holders == 0 && !list_linked(&s->recent)) free(s);
}

static const char *copy(char **at, const char *text, size_t len)
{
  char *to = *at;
  memcpy(to, text, len);
  to[len] = '\0';
  *at = to + len + 1;
  return to;
}

/* size is of all its strings, with their ends. */
static struct slot *slot_create(const struct cache_answer *a, size_t size)
{
  struct slot *s = mem_alloc(sizeof *s + size);
  char *at = s->text;
  s->bytes = sizeof *s + size;
  s->entry.answer = *a;
  s->entry.answer.key = copy(&at, a->key, strlen(a->key));
  s->entry.answer.header = copy(&at, a->header, strlen(a->header));
  s->entry.answer.mark = copy(&at, a->mark, strlen(a->mark));
  s->entry.answer.body = copy(&at, a->body, a->body_len);
  return s;
}

void cache_put(struct cache *c, const struct cache_answer *answer, int64_t now_ms, int64_t ttl_ms)
{
  size_t size =
      strlen(answer->key) + strlen(answer->header) + strlen(answer->mark) + answer->body_len + 4;
  uint32_t hash = hash_of(c, answer->key);
  struct slot *old = find(c, answer->key, hash);
  if (old) drop(c, old);
  if (ttl_ms <= 0 || sizeof(struct slot) + size > c->max_bytes / CACHE_SHARE) return;
  struct slot *s = slot_create(answer, size);
  for (; c->bytes + s->bytes > c->max_bytes; c->evictions++)
    drop(c, slot_of(list_first(&c->recent)));
  s->hash = hash;
  s->entry.stored_ms = now_ms;
  s->until_ms = now_ms + ttl_ms;
  s->next = *bucket_of(c, hash);
  *bucket_of(c, hash) = s;
  list_append(&c->recent, &s->recent);
  c->bytes += s->bytes;
}

void cache_count(struct cache *c, bool hit)
{
  if (hit)
    c->hits++;
  else
    c->misses++;
}

size_t cache_clear(struct cache *c)
{
  size_t n = c->recent.len;
  list_each(node, &c->recent) drop(c, slot_of(node));
  return n;
}

struct cache_stats cache_stats(const struct cache *c)
{
  return (struct cache_stats){.hits = c->hits,
                              .misses = c->misses,
                              .evictions = c->evictions,
                              .entries = c->recent.len,
                              .bytes = c->bytes,
                              .max_bytes = c->max_bytes};
}

void cache_each(const struct cache *c, int64_t now_ms, cache_each_fn fn, void *arg)
{
  for (const struct list_node *n = c->recent.head.prev; n != &c->recent.head; n = n->prev) {
    const struct slot *s = slot_of(n);
    if (now_ms < s->until_ms && !fn(arg, &s->entry)) return;
  }
}
