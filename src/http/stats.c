/* stats.c - GET /api/orders/stats: the queue, the sockets, the limiter. */
#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"

static void write_queue(struct json_writer *w, const struct queue_counts *counts)
{
  json_begin(w, "queue");
  json_int(w, "waiting", counts->waiting);
  json_int(w, "active", counts->active);
  json_int(w, "delayed", counts->delayed);
  json_int(w, "completed", counts->completed);
  json_int(w, "failed", counts->failed);
  json_end(w);
}

static void write_stats(struct json_writer *w, const struct api *api,
                        const struct queue_counts *counts)
{
  json_begin(w, NULL);
  write_queue(w, counts);
  json_begin(w, "websocket");
  json_int(w, "connections", (int64_t)ws_server_sessions(api->ws));
  json_end(w);
  json_begin(w, "rateLimit");
  json_int(w, "limit", api->config->queue_rate_limit);
  json_int(w, "windowMs", api->config->queue_rate_window_ms);
  json_int(w, "usedInWindow", counts->used_in_window);
  json_end(w);
  json_end(w);
}

static void answer_status(const struct call *call, enum status status)
{
  answer_problem(call, status == ST_AWAY ? PROBLEM_QUEUE_UNAVAILABLE : problem_of(status), NULL);
}

static void on_counts(void *arg, enum status status, const struct queue_counts *counts)
{
  struct call *call = arg;
  if (status == ST_OK) {
    struct json_writer w;
    json_writer_init(&w, answer_body(call));
    write_stats(&w, call->api, counts);
    answer_send(call, 200, NULL, 0);
  } else {
    answer_status(call, status);
  }
  free(call);
}

void stats_get(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request, (void)param;
  struct call *waiting = mem_alloc(sizeof *waiting);
  *waiting = *call;
  enum status status = queue_counts(call->api->queue, on_counts, waiting);
  if (status == ST_OK) return;
  free(waiting);
  answer_status(call, status);
}
