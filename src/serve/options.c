/* options.c - see options.h. */
#include "serve/options.h"

#include "workers/limiter.h"

enum { CLIENTS_MIN_MS = 500 }; /* of a drain */

struct workers_options options_workers(const struct config *c)
{
  return (struct workers_options){.database_url = c->database_url,
                                  .concurrency = (size_t)c->queue_concurrency,
                                  .rate_limit = c->queue_rate_limit,
                                  .rate_window_ms = c->queue_rate_window_ms,
                                  .lease_ms = c->queue_lease_ms,
                                  .attempts = c->queue_attempts,
                                  .backoff_ms = c->queue_backoff_ms,
                                  .takeovers = c->queue_max_takeovers,
                                  .job_deadline_ms = c->job_deadline_ms,
                                  .park_recheck_ms = c->park_recheck_ms,
                                  .seed = c->sim_seed};
}

struct queue_options options_queue(const struct config *c)
{
  return (struct queue_options){.prefix = c->redis_key_prefix,
                                .rate_limit = c->queue_rate_limit,
                                .rate_window_ms = c->queue_rate_window_ms,
                                .slack_ms = limiter_slack_ms(c->queue_rate_window_ms),
                                .lease_ms = c->queue_lease_ms};
}

struct http_options options_http(const struct config *c, int64_t port, struct connection_room room)
{
  return (struct http_options){.host = c->host,
                               .port = (int)port,
                               .max_connections = room.connections,
                               .max_refused = room.refused,
                               .max_per_address = c->http_max_per_address,
                               .header_timeout_ms = 5000,
                               .body_timeout_ms = 30000,
                               .idle_timeout_ms = 75000,
                               .reuse_port = c->role == ROLE_API};
}

int64_t options_jobs_timeout_ms(const struct config *c)
{
  int64_t all_ms = c->drain_timeout_ms;
  int64_t clients_ms = all_ms / 5 > CLIENTS_MIN_MS ? all_ms / 5 : CLIENTS_MIN_MS;
  return all_ms > clients_ms ? all_ms - clients_ms : 0;
}

struct auth_options options_auth(const struct config *c)
{
  return (struct auth_options){.database_url = c->database_url,
                               .secret = c->jwt_secret,
                               .issuer = c->jwt_issuer,
                               .audience = c->jwt_audience,
                               .ttl_s = c->jwt_ttl_s};
}
