/* options.c - see options.h. */
#include "serve/options.h"

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

struct auth_options options_auth(const struct config *c)
{
  return (struct auth_options){.database_url = c->database_url,
                               .secret = c->jwt_secret,
                               .issuer = c->jwt_issuer,
                               .audience = c->jwt_audience,
                               .ttl_s = c->jwt_ttl_s};
}
