/*
 * queue_admin.c - what an operator sees of the queue as a whole and does to it: /queue/stats,
 * pause, resume, purge. What waits is the reply.
 */
#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "journal/cancel.h"
#include "journal/pause.h"
#include "store/dead_letters.h"

/* ── stats ──────────────────────────────────────────────────────────────────────────────────── */

struct stats {
  struct call call;
  struct queue_counts counts;
};

static void write_stats(struct json_writer *w, const struct config *config,
                        const struct queue_counts *counts, int64_t dead_letters)
{
  json_begin(w, NULL);
  json_bool(w, "paused", counts->paused);
  json_int(w, "waiting", counts->waiting);
  json_int(w, "active", counts->active);
  json_int(w, "delayed", counts->delayed);
  json_int(w, "completed", counts->completed);
  json_int(w, "failed", counts->failed);
  json_int(w, "deadLetters", dead_letters);
  json_int(w, "oldestWaitingMs", counts->oldest_waiting_ms);
  json_int(w, "max", config->queue_max);
  json_begin(w, "rateLimit");
  json_int(w, "limit", config->queue_rate_limit);
  json_int(w, "windowMs", config->queue_rate_window_ms);
  json_int(w, "usedInWindow", counts->used_in_window);
  json_end(w);
  json_end(w);
}

static void refuse_stats(struct stats *s, enum problem p)
{
  answer_problem(&s->call, p, NULL);
  free(s);
}

static void on_dead_letters(void *arg, enum status status, int64_t n)
{
  struct stats *s = arg;
  if (status != ST_OK) {
    refuse_stats(s, problem_of(status));
    return;
  }
  struct json_writer w;
  json_writer_init(&w, answer_body(&s->call));
  write_stats(&w, s->call.api->config, &s->counts, n);
  answer_send(&s->call, 200, NULL, 0);
  free(s);
}

static enum problem queue_problem(enum status status)
{
  return status == ST_AWAY ? PROBLEM_QUEUE_UNAVAILABLE : problem_of(status);
}

static void on_counts(void *arg, enum status status, const struct queue_counts *counts)
{
  struct stats *s = arg;
  if (status != ST_OK) {
    refuse_stats(s, queue_problem(status));
    return;
  }
  s->counts = *counts;
  status = dead_letters_count(s->call.api->reader, on_dead_letters, s);
  if (status != ST_OK) refuse_stats(s, problem_of(status));
}

void queue_stats_get(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request, (void)param;
  struct stats *s = mem_alloc(sizeof *s);
  s->call = *call;
  enum status status = queue_counts(call->api->queue, on_counts, s);
  if (status != ST_OK) refuse_stats(s, queue_problem(status));
}

/* ── pause and resume ───────────────────────────────────────────────────────────────────────── */

struct switching {
  struct call call;
  bool paused;
};

static void on_paused(void *arg, enum status status, int64_t changed_at_ms)
{
  struct switching *s = arg;
  if (status == ST_OK) {
    struct json_writer w;
    json_writer_init(&w, answer_body(&s->call));
    json_begin(&w, NULL);
    json_bool(&w, "paused", s->paused);
    json_time(&w, "since", changed_at_ms);
    json_end(&w);
    answer_send(&s->call, 200, NULL, 0);
  } else {
    answer_problem(&s->call, problem_of(status), NULL);
  }
  free(s);
}

static void switch_queue(const struct call *call, bool paused)
{
  struct switching *s = mem_alloc(sizeof *s);
  *s = (struct switching){*call, paused};
  enum status status = journal_pause(call->api->journal, paused, on_paused, s);
  if (status == ST_OK) return;
  free(s);
  answer_problem(call, problem_of(status), NULL);
}

void queue_pause_post(const struct call *call, const struct http_request *request,
                      const char *param)
{
  (void)request, (void)param;
  switch_queue(call, true);
}

void queue_resume_post(const struct call *call, const struct http_request *request,
                       const char *param)
{
  (void)request, (void)param;
  switch_queue(call, false);
}

/* ── purge ──────────────────────────────────────────────────────────────────────────────────── */

static void on_purged(void *arg, enum status status, int64_t n)
{
  struct call *call = arg;
  if (status == ST_OK) {
    struct json_writer w;
    json_writer_init(&w, answer_body(call));
    json_begin(&w, NULL);
    json_int(&w, "purged", n);
    json_end(&w);
    answer_send(call, 200, NULL, 0);
  } else {
    answer_problem(call, problem_of(status), "some orders may still wait; purge again");
  }
  free(call);
}

void queue_purge_delete(const struct call *call, const struct http_request *request,
                        const char *param)
{
  (void)request, (void)param;
  struct call *waiting = mem_alloc(sizeof *waiting);
  *waiting = *call;
  enum status status = journal_purge(call->api->journal, on_purged, waiting);
  if (status == ST_OK) return;
  free(waiting);
  answer_problem(call, problem_of(status), NULL);
}
