/*
 * api.h - what the handlers work with, and one request on its way to its answer.
 *
 * main fills the first part of struct api and calls api_init(); it outlives the servers. Workers
 * are not known here: what /health says of them comes through a function. Loop thread only.
 */
#ifndef HTTP_API_H
#define HTTP_API_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/buf.h"
#include "base/status.h"
#include "cache/cache.h"
#include "config/config.h"
#include "event/hub.h"
#include "event/stream.h"
#include "http/batch.h"
#include "http/cors.h"
#include "http/proxies.h"
#include "http/stress.h"
#include "journal/journal.h"
#include "metrics/metrics.h"
#include "net/http.h"
#include "net/ws.h"
#include "plugin/desk.h"
#include "plugin/registry.h"
#include "queue/report.h"
#include "store/lister.h"
#include "store/reader.h"
#include "store/totals.h"

enum api_redis { API_REDIS_DOWN, API_REDIS_REFUSING, API_REDIS_UP };
enum api_workers {
  API_WORKERS_OFF, /* this process runs none: others do */
  API_WORKERS_UP,
  API_WORKERS_DOWN,
};

/* How a venue is, as this process sees it. */
struct api_venue {
  const char *name;
  const char *state; /* of its breaker: "closed", "open", "half-open" */
  bool well;
  int64_t failures; /* in a row */
  int64_t probe_ms; /* until it is asked again; 0: now */
};
enum { API_VENUES_MAX = 64, API_CLASSES = 5 };

struct api {
  /* borrowed; set before api_init() */
  struct journal *journal;
  struct reader *reader;
  struct lister *lister;
  struct totals *totals;
  struct queue *queue;
  struct hub *hub;
  struct stream *stream;
  struct ws_server *ws;
  const struct registry *registry;
  struct desk *desk; /* runs the plugins' endpoints */
  struct auth *auth;
  const struct config *config;
  enum api_redis (*redis)(void *arg);
  enum api_workers (*workers)(void *arg);
  size_t (*venues)(void *arg, struct api_venue *out, size_t max);
  /* what this process's workers do, its texts in text; false: it has none. NULL: the same */
  bool (*own_workers)(void *arg, struct buf *text, struct queue_report *out);
  void (*measure)(void *arg); /* sets the gauges of metrics.h that serve knows */
  void *probe_arg;

  uv_loop_t *loop;

  bool health_only; /* a worker's port: nothing but health and metrics */
  bool draining;    /* set by main at SIGTERM: /readyz turns 503, no new sockets */
  bool queue_full;  /* QUEUE_MAX orders wait: no more are accepted */

  /* own */
  struct route *routes; /* see routes_list() */
  size_t n_routes;
  struct metric_series **timings; /* of each route, for each class of status */
  struct cors cors;
  struct proxies proxies;
  struct throttle *throttle; /* HTTP_RATE_LIMIT; NULL: off */
  struct batches *batches;
  struct stress *stress;
  struct cache *cache;
  struct buf scratch; /* the body being written; see answer_body() */
  int64_t started_ms; /* monotonic */
};

void api_init(struct api *api);
/* api_close() ends what it does by itself: while the loop runs, before journal and reader go. */
void api_close(struct api *api);
void api_deinit(struct api *api);

/* api_handler() is what http_server_create() takes. */
struct http_handler api_handler(struct api *api);

/* One request. Copied into whatever waits for an answer; reply is then answered exactly once. */
struct call {
  struct api *api;
  struct http_reply *reply;
  const struct route *route;
  const char *origin;  /* the browser's, if it is on the allow-list; lives as long as api */
  int64_t begun_ns;    /* monotonic */
  struct grant grant;  /* whose it is and what it may do, once the gate was passed */
  struct audit *audit; /* NULL: nothing to note */
  struct call_rate {
    int32_t limit, remaining, reset_s; /* limit 0: there is none */
  } rate;
};

/* Whose orders this caller sees; good as long as call is. */
const char *call_tenant(const struct call *call);

#endif
