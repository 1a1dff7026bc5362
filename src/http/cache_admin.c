/*
 * cache_admin.c - what an operator sees of this process's cache and does to everybody's:
 * /cache/stats, keys, clear. What waits is the reply.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "queue/channel.h"

enum { KEYS_MAX = 1000 };

/* ── stats ──────────────────────────────────────────────────────────────────────────────────── */

void cache_stats_get(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request, (void)param;
  const struct config *config = call->api->config;
  struct cache_stats s = cache_stats(call->api->cache);
  uint64_t asked = s.hits + s.misses;
  char ratio[16];
  snprintf(ratio, sizeof ratio, "%.4f", asked ? (double)s.hits / (double)asked : 0);
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  json_begin(&w, NULL);
  json_int(&w, "hits", (int64_t)s.hits);
  json_int(&w, "misses", (int64_t)s.misses);
  json_raw(&w, "hitRatio", ratio, strlen(ratio));
  json_int(&w, "entries", (int64_t)s.entries);
  json_int(&w, "bytes", (int64_t)s.bytes);
  json_int(&w, "maxBytes", (int64_t)s.max_bytes);
  json_int(&w, "evictions", (int64_t)s.evictions);
  json_int(&w, "ttlS", config->cache_ttl_s);
  json_int(&w, "listTtlS", config->cache_list_ttl_s);
  json_end(&w);
  answer_send(call, 200, NULL, 0);
}

/* ── keys ───────────────────────────────────────────────────────────────────────────────────── */

struct keys {
  struct json_writer w;
  size_t n;
};

static bool on_entry(void *arg, const struct cache_entry *e)
{
  struct keys *k = arg;
  json_str(&k->w, NULL, e->answer.key);
  return ++k->n < KEYS_MAX;
}

void cache_keys_get(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request, (void)param;
  const struct cache *cache = call->api->cache;
  struct keys keys = {.n = 0};
  json_writer_init(&keys.w, answer_body(call));
  json_begin(&keys.w, NULL);
  json_begin_array(&keys.w, "keys");
  cache_each(cache, clock_mono_ms(), on_entry, &keys);
  json_end_array(&keys.w);
  json_int(&keys.w, "entries", (int64_t)cache_stats(cache).entries);
  json_end(&keys.w);
  answer_send(call, 200, NULL, 0);
}

/* ── clear ──────────────────────────────────────────────────────────────────────────────────── */

struct clearing {
  struct call call;
  size_t n;
};

/* Without Redis the others keep what they have, until it is back. */
static void on_told(void *arg, enum status status, int64_t processes)
{
  struct clearing *c = arg;
  struct json_writer w;
  json_writer_init(&w, answer_body(&c->call));
  json_begin(&w, NULL);
  json_int(&w, "cleared", (int64_t)c->n);
  json_int(&w, "processes", status == ST_OK && processes > 0 ? processes : 1);
  json_bool(&w, "everywhere", status == ST_OK);
  json_end(&w);
  answer_send(&c->call, 200, NULL, 0);
  free(c);
}

void cache_clear_delete(const struct call *call, const struct http_request *request,
                        const char *param)
{
  (void)request, (void)param;
  struct clearing *c = mem_alloc(sizeof *c);
  c->call = *call;
  c->n = cache_clear(call->api->cache);
  enum status status = queue_tell_caches(call->api->queue, on_told, c);
  if (status != ST_OK) on_told(c, status, 0);
}
