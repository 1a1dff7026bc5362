/*
 * throttle.c - see throttle.h. full_ms of an entry is when its bucket will be full again; each take
 * moves it by one step, and may not move it further than a window from now.
 */
#include "auth/throttle.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "auth/secret.h"
#include "base/alloc.h"
#include "base/list.h"

enum { US_PER_MS = 1000 };

struct entry {
  struct list_node recent; /* in the order of use */
  struct entry *next;      /* in its bucket */
  uint32_t hash;
  int64_t full_us;
  char key[THROTTLE_KEY_MAX + 1];
};

struct throttle {
  int64_t limit, window_us, step_us;
  uint32_t seed; /* nobody can choose keys that meet */
  size_t capacity, used;
  struct entry *entries, **buckets;
  struct list recent;
};

struct throttle *throttle_create(size_t capacity, int64_t limit, int64_t window_ms)
{
  struct throttle *t = mem_alloc(sizeof *t);
  assert(capacity > 0 && limit > 0 && window_ms > 0);
  t->limit = limit;
  t->step_us = window_ms * US_PER_MS / limit;
  if (t->step_us == 0) t->step_us = 1;
  t->window_us = t->step_us * limit;
  t->capacity = capacity;
  t->entries = mem_alloc(capacity * sizeof *t->entries);
  t->buckets = mem_alloc(capacity * sizeof(struct entry *));
  secret_random(&t->seed, sizeof t->seed);
  list_init(&t->recent);
  return t;
}

void throttle_destroy(struct throttle *t)
{
  if (!t) return;
  free(t->entries);
  free(t->buckets);
  free(t);
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t hash_of(const struct throttle *t, const char *key)
{
  uint32_t hash = 2166136261u ^ t->seed;
  for (size_t i = 0; key[i] && i < THROTTLE_KEY_MAX; i++)
    hash = (hash ^ (unsigned char)key[i]) * 16777619u;
  return hash;
}

static struct entry *find(const struct throttle *t, const char *key, uint32_t hash)
{
  for (struct entry *e = t->buckets[hash % t->capacity]; e; e = e->next)
    if (e->hash == hash && strncmp(e->key, key, THROTTLE_KEY_MAX) == 0) return e;
  return NULL;
}

static void forget(struct throttle *t, struct entry *gone)
{
  struct entry **at = &t->buckets[gone->hash % t->capacity];
  while (*at != gone) at = &(*at)->next;
  *at = gone->next;
}

static struct entry *add(struct throttle *t, const char *key, uint32_t hash)
{
  struct entry *e;
  if (t->used < t->capacity) {
    e = &t->entries[t->used++];
  } else {
    e = container_of(list_pop(&t->recent), struct entry, recent);
    forget(t, e);
  }
  *e = (struct entry){.hash = hash, .next = t->buckets[hash % t->capacity]};
  snprintf(e->key, sizeof e->key, "%s", key);
  t->buckets[hash % t->capacity] = e;
  return e;
}

static struct throttle_state state_of(const struct throttle *t, int64_t ahead_us)
{
  struct throttle_state s = {.limit = t->limit};
  int64_t room_us = t->window_us - ahead_us;
  s.remaining = room_us / t->step_us;
  s.reset_ms = (ahead_us + US_PER_MS - 1) / US_PER_MS;
  if (room_us < t->step_us) s.retry_ms = (t->step_us - room_us + US_PER_MS - 1) / US_PER_MS;
  return s;
}

static int64_t ahead_of(const struct entry *e, int64_t now_us)
{
  return e && e->full_us > now_us ? e->full_us - now_us : 0;
}

bool throttle_look(const struct throttle *t, const char *key, int64_t now_ms,
                   struct throttle_state *out)
{
  int64_t ahead_us = ahead_of(find(t, key, hash_of(t, key)), now_ms * US_PER_MS);
  *out = state_of(t, ahead_us);
  return out->retry_ms == 0;
}

bool throttle_take(struct throttle *t, const char *key, int64_t now_ms, struct throttle_state *out)
{
  int64_t now_us = now_ms * US_PER_MS;
  uint32_t hash = hash_of(t, key);
  struct entry *e = find(t, key, hash);
  if (e)
    list_remove(&t->recent, &e->recent);
  else
    e = add(t, key, hash);
  list_append(&t->recent, &e->recent);
  int64_t ahead_us = ahead_of(e, now_us);
  bool taken = ahead_us + t->step_us <= t->window_us;
  if (taken) ahead_us += t->step_us;
  e->full_us = now_us + ahead_us;
  struct throttle_state state = state_of(t, ahead_us);
  if (taken) state.retry_ms = 0; /* of this one */
  if (out) *out = state;
  return taken;
}
