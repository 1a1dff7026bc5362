/*
 * metrics.c - GET /metrics: for people and programs of the shop as JSON, counted in PostgreSQL; for
 * Prometheus as text, what this process has seen. A scrape never fails: what cannot be asked for is
 * left out, and ox_redis_up or ox_postgres_up says why. What waits is the reply.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "http/negotiate.h"
#include "metrics/metrics.h"
#include "metrics/process.h"
#include "store/dead_letters.h"
#include "store/totals.h"

/* ── as JSON ────────────────────────────────────────────────────────────────────────────────── */

static int64_t count_of(const struct totals_sums *sums, const char *status)
{
  for (size_t i = 0; i < sums->n_counts; i++)
    if (strcmp(sums->counts[i].status, status) == 0) return sums->counts[i].n;
  return 0;
}

/* Some states belong to several types, and are there once. */
static bool is_new(const struct registry *registry, size_t type, const char *state)
{
  for (size_t i = 0; i < type; i++)
    if (order_type_state(registry_type_at(registry, i), state)) return false;
  return true;
}

static bool is_known(const struct registry *registry, const char *state)
{
  return !is_new(registry, registry_types(registry), state);
}

/* Every state there can be; then those of types that are gone. */
static void write_counts(struct json_writer *w, const struct registry *registry,
                         const struct totals_sums *sums)
{
  json_begin(w, "order_counts");
  for (size_t i = 0; i < registry_types(registry); i++) {
    const struct order_type *type = registry_type_at(registry, i);
    for (size_t k = 0; k < type->n_states; k++)
      if (is_new(registry, i, type->states[k].name))
        json_int(w, type->states[k].name, count_of(sums, type->states[k].name));
  }
  for (size_t i = 0; i < sums->n_counts; i++)
    if (!is_known(registry, sums->counts[i].status))
      json_int(w, sums->counts[i].status, sums->counts[i].n);
  json_end(w);
}

static void on_totals(void *arg, enum status status, const struct totals_sums *sums)
{
  struct call *call = arg;
  if (status == ST_OK) {
    struct json_writer w;
    json_writer_init(&w, answer_body(call));
    json_begin(&w, NULL);
    json_int(&w, "total_orders", sums->n_orders);
    json_fixed(&w, "average_processing_time", sums->average_s);
    write_counts(&w, call->api->registry, sums);
    json_end(&w);
    answer_send(call, 200, NULL, 0);
  } else {
    answer_problem(call, problem_of(status), NULL);
  }
  free(call);
}

static void answer_json(const struct call *call)
{
  struct call *waiting = mem_alloc(sizeof *waiting);
  *waiting = *call;
  enum status status = totals_read(call->api->totals, on_totals, waiting);
  if (status == ST_OK) return;
  free(waiting);
  answer_problem(call, problem_of(status), NULL);
}

/* ── as text ────────────────────────────────────────────────────────────────────────────────── */

struct scrape {
  struct call call;
  enum metrics_format format;
  uv_work_t work;
};

static void finish(struct scrape *s)
{
  static const char *const types[] = {
      [METRICS_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
      [METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8"};
  metrics_write(answer_body(&s->call), s->format);
  answer_send_as(&s->call, 200, types[s->format], NULL, 0);
  free(s);
}

static void on_dead_letters(void *arg, enum status status, int64_t n)
{
  metrics_hide(METRIC_DEAD_LETTERS);
  if (status == ST_OK) metrics_set(METRIC_DEAD_LETTERS, n);
  finish(arg);
}

static void ask_dead_letters(struct scrape *s)
{
  const struct reader *reader = s->call.api->reader;
  if (!reader_up(reader) || dead_letters_count(s->call.api->reader, on_dead_letters, s) != ST_OK)
    on_dead_letters(s, ST_AWAY, 0);
}

static void set_state(const char *state, int64_t n)
{
  metric_set(metric_series(METRIC_QUEUE_ORDERS, state, NULL, NULL), n);
}

static void on_queue(void *arg, enum status status, const struct queue_counts *counts)
{
  static const enum metric all[] = {METRIC_QUEUE_ORDERS, METRIC_QUEUE_OLDEST, METRIC_QUEUE_PAUSED,
                                    METRIC_LIMITER_USED};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) metrics_hide(all[i]);
  if (status == ST_OK) {
    set_state("waiting", counts->waiting);
    set_state("active", counts->active);
    set_state("delayed", counts->delayed);
    metrics_set(METRIC_QUEUE_OLDEST, counts->oldest_waiting_ms * 1000);
    metrics_set(METRIC_QUEUE_PAUSED, counts->paused);
    metrics_set(METRIC_LIMITER_USED, counts->used_in_window);
  }
  ask_dead_letters(arg);
}

static void measure(uv_work_t *work)
{
  (void)work;
  process_measure();
}

/* A process that stops has let go of Redis and PostgreSQL, or is about to. */
static void on_measured(uv_work_t *work, int cancelled)
{
  struct scrape *s = container_of(work, struct scrape, work);
  struct api *api = s->call.api;
  (void)cancelled;
  if (api->measure) api->measure(api->probe_arg);
  metrics_set(METRIC_LIMITER_LIMIT, api->config->queue_rate_limit);
  metrics_set(METRIC_LIMITER_WINDOW, api->config->queue_rate_window_ms * 1000);
  if (api->draining)
    finish(s);
  else if (queue_counts(api->queue, on_queue, s) != ST_OK)
    on_queue(s, ST_AWAY, NULL);
}

static void answer_text(const struct call *call, enum metrics_format format)
{
  struct scrape *s = mem_alloc(sizeof *s);
  s->call = *call;
  s->format = format;
  if (uv_queue_work(call->api->loop, &s->work, measure, on_measured) == 0) return;
  on_measured(&s->work, 0);
}

void metrics_get(const struct call *call, const struct http_request *request, const char *param)
{
  static const char *const forms[] = {"application/json", "text/plain",
                                      "application/openmetrics-text"};
  enum { JSON, TEXT, OPENMETRICS, FORMS };
  (void)param;
  int form = negotiate(request, forms, FORMS);
  if (form == JSON)
    answer_json(call);
  else if (form == TEXT)
    answer_text(call, METRICS_PROMETHEUS);
  else if (form == OPENMETRICS)
    answer_text(call, METRICS_OPENMETRICS);
  else
    answer_problem(call, PROBLEM_NOT_ACCEPTABLE, NULL);
}
