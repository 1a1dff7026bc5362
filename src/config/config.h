/*
 * config.h - one typed key table. Flag > environment > .env > default; --help, check and
 * docs/configuration are generated from the same table. Read once, const before threads start.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"

enum config_role { ROLE_ALL, ROLE_API, ROLE_WORKER };

struct config_range_ms { /* "200" or "2000-3000", milliseconds */
  int64_t min, max;
};

/* Texts that were not set are empty, never NULL. */
struct config {
  /* serving */
  char *host;
  int64_t port;
  int64_t worker_port; /* 0: off */
  enum config_role role;
  bool insecure; /* listen beyond loopback with auth off */
  bool no_migrate;
  char *cors_origins;
  char *trust_proxy;
  int64_t http_rate_limit;
  int64_t http_max_per_address;
  int64_t http_max_connections; /* default 20000 */
  /* stores */
  char *database_url;
  char *redis_url;
  char *redis_key_prefix;
  /* queue */
  int64_t queue_concurrency;
  int64_t queue_rate_limit;
  int64_t queue_rate_window_ms;
  int64_t queue_attempts;
  int64_t queue_backoff_ms;
  int64_t queue_lease_ms;
  int64_t queue_max;
  int64_t queue_max_takeovers;
  int64_t park_recheck_ms;
  int64_t limit_margin_bps; /* read by the executor itself */
  int64_t job_deadline_ms;  /* a job over it is cancelled; default 120000 */
  int64_t batch_size;
  int64_t idempotency_ttl_s;
  int64_t cache_ttl_s;
  int64_t cache_list_ttl_s;
  int64_t cache_max_mib;
  /* execution */
  char *executor_dir;
  struct config_range_ms quote_delay_ms;
  struct config_range_ms swap_delay_ms;
  struct config_range_ms delivery_delay_ms;
  int64_t endpoint_threads;
  int64_t endpoint_deadline_ms;
  int64_t router_leg_cost_bps; /* default 1 */
  int64_t venue_deadline_ms;   /* quote and acknowledgement; default 500 */
  int64_t venue_retry_percent;
  int64_t breaker_failures;
  int64_t breaker_window_ms;
  int64_t breaker_open_ms;
  uint64_t sim_seed;
  char *sim_profile;
  int64_t sim_slot_ms;
  int64_t sim_tx_slack_ms, sim_late_landing_ms, sim_lookup_lag_ms;
  /* auth */
  bool auth_required;
  char *jwt_secret;
  char *jwt_issuer;
  char *jwt_audience;
  int64_t jwt_ttl_s;
  /* operation */
  enum log_level log_level;
  int64_t drain_timeout_ms;

  char **texts; /* of every key as it is in force; the texts above point into it */
};

/* config_load() reads flags (argv[0] is the first one), the environment and ./.env. ST_INVALID:
 * every wrong value is named in errors, a line each with what was expected. Secrets may come as
 * NAME_FILE. In both cases c can be printed, and must be deinited. A SIM_SEED of 0 is replaced by a
 * random one, an empty EXECUTOR_DIR by the directory plugins beside the binary. */
enum status config_load(struct config *c, int argc, char **argv, struct buf *errors) MUST_CHECK;
void config_deinit(struct config *c);

/* config_value() is the text of a key as it is in force ("QUOTE_DELAY_MS"), or NULL: what plugins
 * may read. Secrets are not given, but DATABASE_URL is: a venue may keep its ledger there, over a
 * connection of its own. */
const char *config_value(const struct config *c, const char *key);

void config_help(FILE *out);                          /* every key, its meaning, range, default */
void config_print(const struct config *c, FILE *out); /* KEY=value, secrets hidden */

#endif
