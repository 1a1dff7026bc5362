/*
 * health.c - GET /health, /livez, /readyz. Only PostgreSQL is needed to take orders: without Redis,
 * workers or venues they wait, so the process is degraded, not down.
 */
#include "base/clock.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"

struct checks {
  bool postgres, refusing;
  enum api_redis redis;
  enum api_workers workers;
  struct api_venue venues[API_VENUES_MAX];
  size_t n_venues;
};

/* Who is barred is read from PostgreSQL once before anybody is let in. */
static bool auth_known(const struct api *api)
{
  return !api->config->auth_required || !api->auth || auth_ready(api->auth);
}

static struct checks look(const struct api *api)
{
  struct checks c = {
      .postgres = reader_up(api->reader) && journal_up(api->journal) && auth_known(api),
      .refusing = journal_refusing(api->journal),
      .redis = api->redis ? api->redis(api->probe_arg) : API_REDIS_DOWN,
      .workers = api->workers ? api->workers(api->probe_arg) : API_WORKERS_OFF,
  };
  if (api->venues) c.n_venues = api->venues(api->probe_arg, c.venues, API_VENUES_MAX);
  return c;
}

static bool all_venues_well(const struct checks *c)
{
  for (size_t i = 0; i < c->n_venues; i++)
    if (!c->venues[i].well) return false;
  return true;
}

static const char *summary(const struct checks *c)
{
  if (!c->postgres) return "down";
  bool well = !c->refusing && c->redis == API_REDIS_UP && c->workers != API_WORKERS_DOWN &&
              all_venues_well(c);
  return well ? "ok" : "degraded";
}

static const char *postgres_word(const struct checks *c)
{
  if (!c->postgres) return "down";
  return c->refusing ? "refusing" : "up";
}

static void write_venues(struct json_writer *w, const struct checks *c)
{
  json_begin(w, "venues");
  for (size_t i = 0; i < c->n_venues; i++) {
    const struct api_venue *v = &c->venues[i];
    json_begin(w, v->name);
    json_str(w, "state", v->state);
    json_int(w, "failures", v->failures);
    json_int(w, "retryInMs", v->probe_ms);
    json_end(w);
  }
  json_end(w);
}

static void answer_health(const struct call *call, bool well)
{
  const struct http_header retry = {"Retry-After", "1"};
  answer_send(call, well ? 200 : 503, &retry, well ? 0 : 1);
}

void health_get(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request, (void)param;
  static const char *const words[] = {"off", "up", "down"};
  static const char *const redis_words[] = {"down", "refusing", "up"};
  const struct checks c = look(call->api);
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  json_begin(&w, NULL);
  json_str(&w, "status", summary(&c));
  json_str(&w, "version", OX_VERSION);
  json_int(&w, "uptime", (clock_mono_ms() - call->api->started_ms) / 1000);
  json_begin(&w, "checks");
  json_str(&w, "postgres", postgres_word(&c));
  json_str(&w, "redis", redis_words[c.redis]);
  json_str(&w, "workers", words[c.workers]);
  write_venues(&w, &c);
  json_end(&w);
  json_end(&w);
  answer_health(call, c.postgres);
}

static void answer_word(const struct call *call, const char *word, bool well)
{
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  json_begin(&w, NULL);
  json_str(&w, "status", word);
  json_end(&w);
  answer_health(call, well);
}

void health_livez(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request, (void)param;
  answer_word(call, "ok", true);
}

/* The schema needs no check here: a process with another one has refused to start. */
void health_readyz(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request, (void)param;
  const struct checks c = look(call->api);
  if (call->api->draining)
    answer_word(call, "draining", false);
  else
    answer_word(call, summary(&c), c.postgres);
}
