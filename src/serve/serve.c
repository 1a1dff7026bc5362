/*
 * serve.c - see serve.h.
 *
 * DESIGN. Start: schema, plugins, then each room with those it knows. Stop: readiness off and
 * nothing claimed; orders finish or are released; what has come over HTTP is answered and sockets
 * are closed; what the journal holds is written; Redis is let go, so that no callback is left; then
 * everything else. A second signal takes its time from the orders, not from the answers: they are
 * released at once.
 */
#include "serve/serve.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "auth/auth.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "event/hub.h"
#include "http/api.h"
#include "http/routes.h"
#include "io/redis.h"
#include "journal/journal.h"
#include "journal/park.h"
#include "journal/sweeper.h"
#include "net/http.h"
#include "net/ws.h"
#include "plugin/blame.h"
#include "plugin/desk.h"
#include "plugin/registry.h"
#include "queue/channel.h"
#include "queue/queue.h"
#include "serve/channels.h"
#include "serve/descriptors.h"
#include "serve/internal.h"
#include "serve/options.h"
#include "serve/probes.h"
#include "store/lister.h"
#include "store/migrate.h"
#include "store/reader.h"
#include "workers/desk_table.h"
#include "workers/dispatcher.h"
#include "workers/venues.h"

enum {
  REDIS_DEADLINE_MS = 2000,
  START_PATIENCE_MS = 30000, /* for PostgreSQL to be there */
  ACCEPTS_WAITING_MAX = 10000,
  STOP_TICK_MS = 10,
  HURRY_JOBS_MS = 1000, /* of a stop that was asked for twice */
  HURRY_MS = 6000,      /* longer than any accept waits for PostgreSQL */
  DEPTH_EVERY_MS = 1000,
  ENDPOINTS_WAITING_MAX = 64,
};

static void part_done(void *arg);
static void on_stop_timer(uv_timer_t *timer);

static bool is_api(const struct serve *s)
{
  return s->config->role != ROLE_WORKER;
}

static bool is_worker(const struct serve *s)
{
  return s->config->role != ROLE_API;
}

/* ── stop: one stage after the other, each over when all its parts are done ─────────────────── */

static void drain_jobs(struct serve *s)
{
  LOG_INFO("draining");
  s->deadline_ms = clock_mono_ms() + s->config->drain_timeout_ms;
  s->api.draining = true;
  if (!s->dispatcher) return;
  s->open++;
  dispatcher_drain(s->dispatcher, options_jobs_timeout_ms(s->config), part_done, s);
}

/* on_stop_timer() ends a stage that waits for something, or its time. */
static void wait_for(struct serve *s, bool (*there)(const struct serve *s))
{
  s->open++;
  s->awaited = there;
  uv_timer_start(&s->stop_timer, on_stop_timer, 0, STOP_TICK_MS);
}

static void on_stop_timer(uv_timer_t *timer)
{
  struct serve *s = timer->data;
  if (!s->awaited(s) && clock_mono_ms() < s->deadline_ms) return;
  uv_timer_stop(timer);
  part_done(s);
}

static bool clients_gone(const struct serve *s)
{
  return s->http_drained && (!s->ws || ws_server_sessions(s->ws) == 0);
}

static void on_http_drained(void *arg)
{
  ((struct serve *)arg)->http_drained = true;
}

/* A client that is slow to go is cut off by the next stage. */
static void drain_servers(struct serve *s)
{
  s->http_drained = !s->http;
  if (s->ws) ws_server_close_all(s->ws, 1001, "the server is stopping");
  if (s->http) http_server_drain(s->http, on_http_drained, s);
  wait_for(s, clients_gone);
}

static void close_servers(struct serve *s)
{
  s->open += (s->http != NULL) + (s->ws != NULL);
  if (s->http) http_server_destroy(s->http, part_done, s);
  if (s->ws) ws_server_destroy(s->ws, part_done, s);
}

static bool journal_flushed(const struct serve *s)
{
  return journal_idle(s->journal) && parks_idle(s->parks);
}

static void flush_journal(struct serve *s)
{
  wait_for(s, journal_flushed);
}

/* Nobody is left to watch; what is published from here on is heard by nobody. */
static void close_hub(struct serve *s)
{
  channels_close(s);
  stream_destroy(s->stream);
  hub_destroy(s->hub);
  s->hub = NULL;
}

/* From here on every call of the queue says that Redis is away, and no callback of it is left. */
static void close_redis(struct serve *s)
{
  s->open += 2;
  queue_disconnect(s->queue);
  redis_close(s->commands, part_done, s);
  redis_close(s->subscriber, part_done, s);
}

/* The loop ends when it has let go of the last handle. */
static void let_go(struct serve *s)
{
  s->open++;
  s->left_behind = s->dispatcher && !dispatcher_empty(s->dispatcher);
  if (s->dispatcher) dispatcher_destroy(s->dispatcher, NULL, NULL);
  sweeper_destroy(s->sweeper, NULL, NULL);
  parks_close(s->parks, NULL, NULL);
  if (s->reader) api_close(&s->api);
  journal_destroy(s->journal, NULL, NULL);
  if (s->reader) reader_destroy(s->reader, NULL, NULL);
  if (s->auth) auth_destroy(s->auth, NULL, NULL);
  lister_destroy(s->lister, NULL, NULL);
  totals_destroy(s->totals, NULL, NULL);
  s->left_behind |= !desk_destroy(s->desk);
  uv_close((uv_handle_t *)&s->sigterm, NULL);
  uv_close((uv_handle_t *)&s->sigint, NULL);
  signal(SIGTERM, SIG_IGN); /* or it would end us now: libuv gave the default back */
  signal(SIGINT, SIG_IGN);
  uv_close((uv_handle_t *)&s->stop_timer, NULL);
  uv_close((uv_handle_t *)&s->depth_timer, NULL);
}

static void part_done(void *arg)
{
  static void (*const stages[])(struct serve *) = {
      drain_jobs, drain_servers, close_servers, close_hub, flush_journal, close_redis, let_go};
  struct serve *s = arg;
  if (--s->open > 0) return;
  s->open = 1; /* this function's own part, so that a stage is not over while it begins */
  stages[s->stage++](s);
  part_done(s);
}

static void stop(struct serve *s)
{
  s->open = 1;
  part_done(s);
}

static void hurry(struct serve *s)
{
  LOG_INFO("asked again to stop: running orders are handed back");
  int64_t by_ms = clock_mono_ms() + HURRY_MS;
  if (by_ms < s->deadline_ms) s->deadline_ms = by_ms;
  if (s->dispatcher) dispatcher_hurry(s->dispatcher, HURRY_JOBS_MS);
}

static void on_signal(uv_signal_t *handle, int number)
{
  (void)number;
  struct serve *s = handle->data;
  if (s->stage > 0)
    hurry(s);
  else
    stop(s);
}

static void on_queue_lost(void *arg)
{
  sweeper_run(((struct serve *)arg)->sweeper);
}

static void on_fatal(void *arg)
{
  (void)arg;
  LOG_ERROR("half of the worker threads are stuck, giving up");
  _exit(3);
}

/* ── start ──────────────────────────────────────────────────────────────────────────────────── */

static int fail(const char *what, const char *why)
{
  fprintf(stderr, "oxd: %s: %s\n", what, why);
  return 1;
}

static bool migrate(const struct config *c)
{
  char error[512];
  int64_t until = clock_mono_ms() + START_PATIENCE_MS;
  for (;;) {
    enum status status = c->no_migrate ? migrate_check(c->database_url, error, sizeof error)
                                       : migrate_run(c->database_url, error, sizeof error);
    if (status == ST_OK) return true;
    if (status != ST_AWAY || clock_mono_ms() >= until) break;
    LOG_WARN("waiting for PostgreSQL", LOG_STR("reason", error));
    usleep(500 * 1000);
  }
  fail("schema", error);
  return false;
}

static const char *plugin_get(const struct ox_config *config, const char *key)
{
  return config_value(container_of(config, struct serve, plugin_config)->config, key);
}

/* A plugin may have threads of its own from its open() on, which is before there are venues. */
static void plugin_reset_venue(const struct ox_config *config, const char *name)
{
  struct venues *venues = atomic_load(&container_of(config, struct serve, plugin_config)->venues);
  if (venues) venues_reset(venues, name);
}

static void plugin_log(const char *level, const char *message)
{
  LOG_AT(log_level_of(level), message);
}

static bool load_plugins(struct serve *s)
{
  char error[512];
  blame_install();
  s->plugin_config = (struct ox_config){.size = sizeof s->plugin_config,
                                        .dir = s->config->executor_dir,
                                        .get = plugin_get,
                                        .now_ms = clock_unix_ms,
                                        .log = plugin_log,
                                        .reset_venue = plugin_reset_venue};
  if (registry_load(s->config->executor_dir, &s->plugin_config, &s->registry, error,
                    sizeof error) == ST_OK &&
      routes_check(s->registry, error, sizeof error) == ST_OK)
    return true;
  fail("plugins", error);
  return false;
}

static void start_queue(struct serve *s)
{
  const struct config *c = s->config;
  struct redis_options commands = {.url = c->redis_url,
                                   .name = "ox",
                                   .deadline_ms = REDIS_DEADLINE_MS,
                                   .on_up = channels_on_commands_up,
                                   .arg = s};
  struct redis_options subscriber = {.url = c->redis_url,
                                     .name = "ox subscriber",
                                     .deadline_ms = REDIS_DEADLINE_MS,
                                     .on_up = channels_on_subscriber_up,
                                     .on_message = channels_on_message,
                                     .arg = s};
  struct queue_options queue = options_queue(c);
  s->commands = redis_connect(&s->loop, &commands);
  s->subscriber = redis_connect(&s->loop, &subscriber);
  s->queue = queue_create(s->commands, &queue);
  redis_subscribe(s->subscriber, queue_listen_channel(s->queue));
  if (!is_worker(s)) return;
  redis_subscribe(s->subscriber, queue_wake_channel(s->queue));
  redis_subscribe(s->subscriber, queue_stop_channel(s->queue));
}

/* The types that workers may claim. */
static size_t executed_types(struct serve *s)
{
  size_t n = 0;
  for (size_t i = 0; i < registry_types(s->registry) && n < TYPES_MAX; i++) {
    const struct order_type *type = registry_type_at(s->registry, i);
    if (order_type_executed(type)) s->types[n++] = type;
  }
  return n;
}

static const struct ulid *own_session(void *arg)
{
  const struct serve *s = arg;
  return s->dispatcher ? dispatcher_session(s->dispatcher) : NULL;
}

static bool has_order(void *arg, const struct ulid *id)
{
  const struct serve *s = arg;
  return s->dispatcher && dispatcher_has(s->dispatcher, id);
}

static void start_journal(struct serve *s)
{
  const struct config *c = s->config;
  struct journal_options journal = {.database_url = c->database_url,
                                    .max_waiting = ACCEPTS_WAITING_MAX,
                                    .lease_ms = c->queue_lease_ms,
                                    .idempotency_ttl_s = c->idempotency_ttl_s,
                                    .types = s->types,
                                    .n_types = executed_types(s)};
  struct sweeper_options sweeper = {.database_url = c->database_url,
                                    .lease_ms = c->queue_lease_ms,
                                    .session = own_session,
                                    .has = has_order,
                                    .arg = s};
  struct parks_options parks = {.database_url = c->database_url};
  s->relay = relay_create(s->queue);
  s->journal = journal_create(&s->loop, &journal, s->relay);
  s->sweeper = sweeper_create(&s->loop, &sweeper, s->queue, s->relay);
  s->parks = parks_create(&s->loop, &parks, s->relay);
}

static void start_venues(struct serve *s)
{
  const struct config *c = s->config;
  int64_t callers = (is_worker(s) ? c->queue_concurrency : 0) + c->endpoint_threads;
  struct venues_options options = {.registry = s->registry,
                                   .breaker = {.failures = (size_t)c->breaker_failures,
                                               .window_ms = c->breaker_window_ms,
                                               .open_ms = c->breaker_open_ms},
                                   .deadline_ms = c->venue_deadline_ms,
                                   .retry_percent = (int)c->venue_retry_percent,
                                   .callers = (size_t)callers};
  atomic_store(&s->venues, venues_create(&options));
}

static void start_workers(struct serve *s)
{
  s->workers = options_workers(s->config);
  struct dispatcher_parts parts = {.options = &s->workers,
                                   .registry = s->registry,
                                   .venues = s->venues,
                                   .queue = s->queue,
                                   .journal = s->journal,
                                   .parks = s->parks,
                                   .on_queue_lost = on_queue_lost,
                                   .on_fatal = on_fatal,
                                   .arg = s};
  s->dispatcher = dispatcher_create(&s->loop, &parts);
}

static void start_desk(struct serve *s)
{
  desk_table_init(&s->desk_table, s->venues, s->parks);
  struct desk_options options = {.threads = (size_t)s->config->endpoint_threads,
                                 .waiting_max = ENDPOINTS_WAITING_MAX,
                                 .deadline_ms = s->config->endpoint_deadline_ms,
                                 .table = &s->desk_table.table};
  s->desk = desk_create(&s->loop, &options);
}

/* How many orders wait is known to a second. While Redis cannot say, the last word counts. */
static void on_depth(void *arg, enum status status, const struct queue_counts *counts)
{
  struct serve *s = arg;
  if (status == ST_OK)
    s->api.queue_full = counts->waiting + counts->delayed >= s->config->queue_max;
}

static void on_depth_timer(uv_timer_t *timer)
{
  struct serve *s = timer->data;
  if (queue_counts(s->queue, on_depth, s) != ST_OK) LOG_DEBUG("the queue's depth is not known");
}

static void start_auth(struct serve *s)
{
  struct auth_options options = options_auth(s->config);
  s->auth = auth_create(&s->loop, &options);
}

static bool start_api(struct serve *s)
{
  if (ws_server_create(&s->loop, &(struct ws_options){0}, &s->ws) != ST_OK) {
    fail("cannot start", "libwebsockets gives no context");
    return false;
  }
  s->reader = reader_create(&s->loop, s->config->database_url);
  s->totals = totals_create(&s->loop, s->config->database_url);
  if (is_api(s)) s->lister = lister_create(&s->loop, s->config->database_url);
  start_desk(s);
  start_auth(s);
  s->hub = hub_create(&s->loop, s->reader, s->subscriber, queue_event_channel(s->queue));
  s->stream = stream_create(&s->loop, s->reader, s->hub);
  channels_open(s);
  s->api = (struct api){.journal = s->journal,
                        .reader = s->reader,
                        .lister = s->lister,
                        .queue = s->queue,
                        .hub = s->hub,
                        .stream = s->stream,
                        .ws = s->ws,
                        .registry = s->registry,
                        .desk = s->desk,
                        .auth = s->auth,
                        .config = s->config,
                        .totals = s->totals,
                        .redis = probe_redis,
                        .workers = probe_workers,
                        .venues = probe_venues,
                        .own_workers = probe_own_workers,
                        .measure = probe_metrics,
                        .probe_arg = s,
                        .loop = &s->loop};
  api_init(&s->api);
  if (is_api(s)) redis_subscribe(s->subscriber, queue_cache_channel(s->queue));
  uv_timer_start(&s->depth_timer, on_depth_timer, DEPTH_EVERY_MS, DEPTH_EVERY_MS);
  return true;
}

static size_t sockets(const void *arg)
{
  const struct serve *s = arg;
  return s->ws ? ws_server_sessions(s->ws) : 0;
}

static bool listen_on(struct serve *s, int64_t port)
{
  char error[256];
  struct http_options options = options_http(s->config, port, s->room);
  options.moved = sockets;
  options.moved_arg = s;
  options.handler = api_handler(&s->api);
  if (http_server_create(&s->loop, &options, &s->http, error, sizeof error) != ST_OK) {
    fail("cannot listen", error);
    return false;
  }
  return true;
}

static bool start_servers(struct serve *s)
{
  const struct config *c = s->config;
  if (is_api(s)) return start_api(s) && listen_on(s, c->port);
  if (c->worker_port == 0) return true;
  if (!start_api(s)) return false;
  s->api.health_only = true;
  return listen_on(s, c->worker_port);
}

static void end_at_once(int number)
{
  (void)number;
  _exit(0);
}

/* Until the loop listens there is nothing to drain: whoever is told to stop while the schema is
 * brought forward, or plugins are loaded, has ended well. */
static void end_on_signals(void)
{
  signal(SIGTERM, end_at_once);
  signal(SIGINT, end_at_once);
}

static void listen_for_signals(struct serve *s)
{
  signal(SIGPIPE, SIG_IGN);
  uv_signal_init(&s->loop, &s->sigterm);
  uv_signal_init(&s->loop, &s->sigint);
  uv_timer_init(&s->loop, &s->stop_timer);
  uv_timer_init(&s->loop, &s->depth_timer);
  s->sigterm.data = s->sigint.data = s->stop_timer.data = s->depth_timer.data = s;
  uv_signal_start(&s->sigterm, on_signal, SIGTERM);
  uv_signal_start(&s->sigint, on_signal, SIGINT);
}

static void say_started(const struct serve *s)
{
  static const char *const roles[] = {"all", "api", "worker"};
  if (s->http)
    LOG_INFO("listening", LOG_STR("host", s->config->host),
             LOG_INT("port", http_server_port(s->http)), LOG_STR("role", roles[s->config->role]));
  else
    LOG_INFO("working", LOG_STR("role", roles[s->config->role]));
}

int serve_run(const struct config *config)
{
  struct serve *s = mem_alloc(sizeof *s);
  int status = 1;
  s->config = config;
  end_on_signals();
  s->room = descriptors_reserve(config->http_max_connections);
  if (!migrate(config) || !load_plugins(s)) goto out;
  if (uv_loop_init(&s->loop) != 0) goto out;
  listen_for_signals(s);
  start_queue(s);
  start_journal(s);
  start_venues(s);
  if (is_worker(s)) start_workers(s);
  bool started = start_servers(s);
  if (started)
    say_started(s);
  else
    stop(s);
  uv_run(&s->loop, UV_RUN_DEFAULT);
  if (s->reader) api_deinit(&s->api);
  queue_destroy(s->queue);
  relay_destroy(s->relay);
  uv_loop_close(&s->loop);
  status = started ? 0 : 1;
  if (!venues_stop(s->venues) || s->left_behind) {
    LOG_WARN("a plugin has not returned; ending around it");
    _exit(status);
  }
out:
  registry_destroy(s->registry);
  venues_destroy(s->venues);
  parks_destroy(s->parks);
  free(s);
  return status;
}
