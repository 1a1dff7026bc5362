/*
 * worker_map.c - GET /handler/status and /handler/stats: every worker process, what its slots do
 * and have done. This process is asked itself, the others through Redis, where each leaves a report
 * every second; without Redis the answer has this process alone, and "complete" is false. What
 * waits is the reply.
 */
#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"

enum { OWN_MAX = 1 << 20 };

struct sums {
  int64_t slots, busy, run, succeeded, failed, retried, other, busy_ms, open_ms;
};

struct view {
  void (*write_sums)(struct json_writer *w, const struct sums *sums);
  bool stats; /* or status */
};

struct waiting {
  struct call call;
  const struct view *view;
};

static void add(struct sums *sums, const struct queue_report *r)
{
  sums->slots += r->slots;
  sums->busy += r->busy;
  sums->run += r->run;
  sums->succeeded += r->succeeded;
  sums->failed += r->failed;
  sums->retried += r->retried;
  sums->other += r->other;
  sums->busy_ms += r->busy_ms;
  sums->open_ms += r->open_ms;
}

static void write_worker(struct json_writer *w, const struct view *view,
                         const struct queue_report *r)
{
  json_begin(w, NULL);
  json_int(w, "reportAgeMs", r->age_ms);
  if (view->stats)
    json_members(w, r->stats, r->stats_len);
  else
    json_members(w, r->status, r->status_len);
  json_end(w);
}

/* own first: what it has left in Redis is older. */
static void write_all(struct json_writer *w, const struct view *view,
                      const struct queue_report *own, const struct queue_report *reports, size_t n)
{
  struct sums sums = {0};
  json_begin_array(w, "workers");
  if (own) {
    add(&sums, own);
    write_worker(w, view, own);
  }
  for (size_t i = 0; i < n; i++) {
    if (own && ulid_compare(&own->process, &reports[i].process) == 0) continue;
    add(&sums, &reports[i]);
    write_worker(w, view, &reports[i]);
  }
  json_end_array(w);
  view->write_sums(w, &sums);
}

static void on_reports(void *arg, enum status status, const struct queue_report *reports, size_t n)
{
  struct waiting *waiting = arg;
  const struct api *api = waiting->call.api;
  struct queue_report own;
  struct json_writer w;
  struct buf text;
  buf_init(&text, OWN_MAX);
  bool works = api->own_workers && api->own_workers(api->probe_arg, &text, &own);
  json_writer_init(&w, answer_body(&waiting->call));
  json_begin(&w, NULL);
  json_bool(&w, "complete", status == ST_OK);
  write_all(&w, waiting->view, works ? &own : NULL, reports, status == ST_OK ? n : 0);
  json_end(&w);
  answer_send(&waiting->call, 200, NULL, 0);
  buf_deinit(&text);
  free(waiting);
}

static void show(const struct call *call, const struct view *view)
{
  struct waiting *w = mem_alloc(sizeof *w);
  *w = (struct waiting){*call, view};
  enum status status = queue_reports(call->api->queue, on_reports, w);
  if (status != ST_OK) on_reports(w, status, NULL, 0);
}

static void write_busy(struct json_writer *w, const struct sums *sums)
{
  json_int(w, "slots", sums->slots);
  json_int(w, "busy", sums->busy);
}

void worker_status_get(const struct call *call, const struct http_request *request,
                       const char *param)
{
  static const struct view status = {write_busy, false};
  (void)request, (void)param;
  show(call, &status);
}

static void write_total(struct json_writer *w, const struct sums *sums)
{
  json_begin(w, "total");
  write_busy(w, sums);
  json_int(w, "run", sums->run);
  json_int(w, "succeeded", sums->succeeded);
  json_int(w, "failed", sums->failed);
  json_int(w, "retried", sums->retried);
  json_int(w, "other", sums->other);
  json_fixed(w, "busyShare", sums->open_ms ? (double)sums->busy_ms / (double)sums->open_ms : 0);
  json_end(w);
}

void worker_stats_get(const struct call *call, const struct http_request *request,
                      const char *param)
{
  static const struct view stats = {write_total, true};
  (void)request, (void)param;
  show(call, &stats);
}
