/* api.c - the life of struct api. Loop thread only. */
#include "http/api.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/routes.h"

/* The longest answer: an order's whole history. */
enum { BODY_MAX = 16 << 20, CALLERS_KEPT = 4096, SECOND_MS = 1000, MIB = 1 << 20 };

void api_init(struct api *api)
{
  api->routes = routes_list(api->registry, &api->n_routes);
  api->timings = mem_alloc(api->n_routes * API_CLASSES * sizeof *api->timings);
  cors_init(&api->cors, api->config->cors_origins);
  proxies_init(&api->proxies, api->config->trust_proxy);
  if (api->config->http_rate_limit > 0)
    api->throttle = throttle_create(CALLERS_KEPT, api->config->http_rate_limit, SECOND_MS);
  buf_init(&api->scratch, BODY_MAX);
  api->started_ms = clock_mono_ms();
  api->batches = batches_open(api->loop);
  api->stress = stress_open(api->loop);
  api->cache = cache_create((size_t)api->config->cache_max_mib * MIB);
}

void api_close(struct api *api)
{
  batches_close(api->batches);
  api->batches = NULL;
  stress_close(api->stress);
  api->stress = NULL;
}

void api_deinit(struct api *api)
{
  free(api->routes);
  free(api->timings);
  cors_deinit(&api->cors);
  proxies_deinit(&api->proxies);
  throttle_destroy(api->throttle);
  api->throttle = NULL;
  buf_deinit(&api->scratch);
  cache_destroy(api->cache);
}

struct http_handler api_handler(struct api *api)
{
  return (struct http_handler){routes_on_head, routes_on_request, routes_on_error, api};
}

/* With auth off there is one client; with auth required nobody comes so far without a grant. */
const char *call_tenant(const struct call *call)
{
  assert(*call->grant.client || !call->api->config->auth_required);
  return *call->grant.client ? call->grant.client : "default";
}
