/* probes.c - see probes.h. */
#include "serve/probes.h"

#include "io/redis.h"
#include "journal/journal.h"
#include "journal/sweeper.h"
#include "metrics/metrics.h"
#include "net/http.h"
#include "net/ws.h"
#include "serve/internal.h"
#include "workers/roster.h"
#include "workers/venues.h"

enum api_redis probe_redis(void *arg)
{
  const struct serve *s = arg;
  if (!redis_up(s->commands)) return API_REDIS_DOWN;
  return queue_refused(s->queue) ? API_REDIS_REFUSING : API_REDIS_UP;
}

enum api_workers probe_workers(void *arg)
{
  const struct serve *s = arg;
  bool alive = s->dispatcher ? dispatcher_alive(s->dispatcher) : sweeper_workers(s->sweeper) > 0;
  return alive ? API_WORKERS_UP : API_WORKERS_DOWN;
}

size_t probe_venues(void *arg, struct api_venue *out, size_t max)
{
  struct venues_health health[API_VENUES_MAX];
  size_t n = venues_health(((struct serve *)arg)->venues, health, max);
  for (size_t i = 0; i < n; i++)
    out[i] = (struct api_venue){.name = health[i].name,
                                .state = breaker_state_name(health[i].state),
                                .well = health[i].state == BREAKER_CLOSED,
                                .failures = (int64_t)health[i].failures,
                                .probe_ms = health[i].probe_ms};
  return n;
}

bool probe_own_workers(void *arg, struct buf *text, struct queue_report *out)
{
  const struct serve *s = arg;
  if (s->dispatcher) roster_write(s->dispatcher, text, out);
  return s->dispatcher != NULL;
}

/* ── metrics ────────────────────────────────────────────────────────────────────────────────── */

/* A breaker has a series for each state, and is in one of them. */
static void measure_venues(struct serve *s)
{
  static const enum breaker_state states[] = {BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN};
  struct venues_health health[API_VENUES_MAX];
  size_t n = venues_health(s->venues, health, API_VENUES_MAX);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < sizeof states / sizeof *states; k++)
      metric_set(metric_series(METRIC_BREAKER, health[i].name, breaker_state_name(states[k]), NULL),
                 health[i].state == states[k]);
}

static void measure_listeners(const struct serve *s)
{
  if (s->http) metrics_set(METRIC_HTTP_CONNECTIONS, (int64_t)http_server_connections(s->http));
  if (s->ws) metrics_set(METRIC_WEBSOCKETS, (int64_t)ws_server_sessions(s->ws));
  if (s->lister) {
    struct cache_stats cache = cache_stats(s->api.cache);
    metrics_set(METRIC_CACHE_ENTRIES, (int64_t)cache.entries);
    metrics_set(METRIC_CACHE_BYTES, (int64_t)cache.bytes);
  }
  if (s->stream && s->hub) metrics_set(METRIC_SSE, (int64_t)stream_listeners(s->stream));
}

void probe_metrics(void *arg)
{
  struct serve *s = arg;
  measure_venues(s);
  measure_listeners(s);
  if (s->dispatcher) {
    metrics_set(METRIC_SLOTS, (int64_t)dispatcher_slots(s->dispatcher));
    metrics_set(METRIC_SLOTS_BUSY, (int64_t)dispatcher_busy(s->dispatcher));
  }
  metrics_set(METRIC_POSTGRES_UP, journal_up(s->journal));
  metrics_set(METRIC_REDIS_UP, redis_up(s->commands));
  metric_set(metric_series(METRIC_BUILD, OX_VERSION, NULL, NULL), 1);
}
