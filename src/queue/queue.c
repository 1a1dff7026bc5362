/*
 * queue.c - see queue.h. Loop thread only.
 *
 * DESIGN. A call is one script, or several when it is about more orders than one script takes;
 * struct call lives from the sending to the last answer, and then its callback runs once. The first
 * thing that goes wrong is the call's status; the parts that did arrive stay done, which hints
 * bear.
 */
#include "queue/queue.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "queue/answer.h"
#include "queue/channel.h"
#include "queue/report.h"
#include "queue/script.h"

/* What is left of a token for the session: a colon, a number and the NUL take the rest. */
enum { SESSION_MAX = QUEUE_TOKEN_MAX - 21, REPORT_MAX = 2 << 20 };

struct queue {
  struct redis_conn *redis;
  struct queue_options options; /* without the prefix */
  struct script_set *scripts;
  char *event_channel, *stop_channel, *cache_channel, *listen_channel;
  int64_t next_token;
  bool paused; /* as of pause_version */
  int64_t pause_version;
  char pause_switch[24];  /* the two as text, for the scripts */
  bool refused[SCRIPT_N]; /* its last answer was an error: that is logged once, not each time */
};

struct call {
  struct queue *q;
  enum script script;
  size_t pending;
  enum status status;
  enum status (*read)(struct call *c, const redisReply *reply); /* NULL: the answer is of no use */
  void (*end)(struct call *c);
  union {
    queue_done_fn done;
    queue_ids_fn ids;
    queue_claimed_fn claimed;
    queue_counts_fn counts;
    queue_reports_fn reports;
  } fn;
  void *arg;

  struct ulid *ids;
  size_t n_ids;
  char session[SESSION_MAX + 1];
  int64_t first_token;
  size_t max;
  struct queue_claimed claimed;
  struct queue_counts counts;
  struct queue_report *reports;
  size_t n_reports;
};

struct queue *queue_create(struct redis_conn *redis, const struct queue_options *options)
{
  struct queue *q = mem_alloc(sizeof *q);
  q->redis = redis;
  q->options = *options;
  q->options.prefix = NULL;
  queue_doubt_pause(q);
  q->scripts = script_set_create(options->prefix);
  q->event_channel = script_key(options->prefix, "events");
  q->stop_channel = script_key(options->prefix, "stop");
  q->cache_channel = script_key(options->prefix, "cache");
  q->listen_channel = script_key(options->prefix, "listen");
  return q;
}

void queue_disconnect(struct queue *q)
{
  q->redis = NULL;
}

bool queue_up(const struct queue *q)
{
  return q->redis && redis_up(q->redis);
}

/* Both are sent again until they are taken, so this ends by itself. */
bool queue_refused(const struct queue *q)
{
  return q->refused[SCRIPT_ENQUEUE] || q->refused[SCRIPT_CLAIM];
}

void queue_destroy(struct queue *q)
{
  if (!q) return;
  script_set_destroy(q->scripts);
  free(q->event_channel);
  free(q->stop_channel);
  free(q->cache_channel);
  free(q->listen_channel);
  free(q);
}

/* ── answers ────────────────────────────────────────────────────────────────────────────────── */

static enum status read_ids(struct call *c, const redisReply *reply)
{
  return answer_ids(reply, &c->ids, &c->n_ids);
}

static enum status read_claimed(struct call *c, const redisReply *reply)
{
  return answer_claimed(reply, c->session, c->first_token, c->max, &c->claimed);
}

static enum status read_counts(struct call *c, const redisReply *reply)
{
  return answer_counts(reply, clock_unix_ms(), &c->counts);
}

/* Their texts are the answer's, which is there until the call has ended: it is one script. */
static enum status read_reports(struct call *c, const redisReply *reply)
{
  return answer_reports(reply, &c->reports, &c->n_reports);
}

static void end_done(struct call *c)
{
  if (c->fn.done) c->fn.done(c->arg, c->status);
}

static void end_ids(struct call *c)
{
  bool ok = c->status == ST_OK;
  c->fn.ids(c->arg, c->status, ok ? c->ids : NULL, ok ? c->n_ids : 0);
}

static void end_claimed(struct call *c)
{
  c->fn.claimed(c->arg, c->status, c->status == ST_OK ? &c->claimed : NULL);
}

static void end_counts(struct call *c)
{
  c->fn.counts(c->arg, c->status, c->status == ST_OK ? &c->counts : NULL);
}

static void end_reports(struct call *c)
{
  c->fn.reports(c->arg, c->status, c->status == ST_OK ? c->reports : NULL, c->n_reports);
}

static enum status read_reply(struct call *c, const redisReply *reply)
{
  bool *refused = &c->q->refused[c->script];
  if (!reply) return ST_AWAY;
  enum status status = ST_BROKEN;
  if (reply->type != REDIS_REPLY_ERROR) status = c->read ? c->read(c, reply) : ST_OK;
  if (status == ST_BROKEN && !*refused)
    LOG_WARN("Redis refused a queue script", LOG_STR("script", script_name(c->script)),
             LOG_STR("error", reply->type == REDIS_REPLY_ERROR ? reply->str : "strange answer"));
  *refused = status == ST_BROKEN;
  return status;
}

static void call_free(struct call *c)
{
  free(c->ids);
  free((void *)c->claimed.items);
  free(c->reports);
  free(c);
}

static void on_reply(void *arg, const redisReply *reply)
{
  struct call *c = arg;
  enum status status = read_reply(c, reply);
  if (c->status == ST_OK) c->status = status;
  if (--c->pending > 0) return;
  c->end(c);
  call_free(c);
}

/* ── calls ──────────────────────────────────────────────────────────────────────────────────── */

static struct call *call_create(struct queue *q, enum script script, void *arg)
{
  struct call *c = mem_alloc(sizeof *c);
  c->q = q;
  c->script = script;
  c->arg = arg;
  return c;
}

static struct call *call_create_done(struct queue *q, enum script script, queue_done_fn done,
                                     void *arg)
{
  struct call *c = call_create(q, script, arg);
  c->end = end_done;
  c->fn.done = done;
  return c;
}

static struct call *call_create_ids(struct queue *q, enum script script, queue_ids_fn ids,
                                    void *arg)
{
  struct call *c = call_create(q, script, arg);
  c->read = read_ids;
  c->end = end_ids;
  c->fn.ids = ids;
  return c;
}

static const char *run_id(const struct queue *q)
{
  return q->redis ? redis_run_id(q->redis) : "";
}

/* Sends what was put together since script_begin(). A refused call is freed. */
static enum status call_send(struct call *c)
{
  struct redis_conn *redis = c->q->redis;
  enum status status = redis ? script_send(c->q->scripts, c->script, redis, on_reply, c) : ST_AWAY;
  if (status == ST_OK)
    c->pending++;
  else if (c->pending == 0)
    call_free(c);
  return status;
}

/* What a call is about: items, or ids alone. */
struct batch {
  const struct queue_item *items;
  const struct ulid *ids;
  size_t n;
  const char *first; /* the script's argument before them; NULL: none */
  bool score;        /* its delay stands before each id, as a score does */
  bool token, delay; /* what follows each id */
};

static void add_batch(struct script_set *scripts, const struct batch *b, size_t from, size_t to)
{
  script_begin(scripts);
  if (b->first) script_text(scripts, b->first);
  for (size_t i = from; i < to; i++) {
    if (b->score) script_int(scripts, b->items[i].delay_ms);
    script_id(scripts, b->items ? &b->items[i].id : &b->ids[i]);
    if (b->token) script_text(scripts, b->items[i].token);
    if (b->delay) script_int(scripts, b->items[i].delay_ms);
  }
}

/* Takes c. When a later part cannot be sent the callback, which comes for the first, says so. */
static enum status send_batch(struct call *c, const struct batch *b)
{
  size_t from = 0;
  do {
    size_t to = b->n - from < QUEUE_BATCH_MAX ? b->n : from + QUEUE_BATCH_MAX;
    add_batch(c->q->scripts, b, from, to);
    enum status status = call_send(c);
    if (status != ST_OK && from == 0) return status;
    if (status != ST_OK) {
      c->status = status;
      return ST_OK;
    }
    from = to;
  } while (from < b->n);
  return ST_OK;
}

/* ── the operations ─────────────────────────────────────────────────────────────────────────── */

enum status queue_enqueue(struct queue *q, const struct queue_item *items, size_t n,
                          queue_done_fn done, void *arg)
{
  struct batch b = {.items = items, .n = n, .score = true};
  return send_batch(call_create_done(q, SCRIPT_ENQUEUE, done, arg), &b);
}

static void add_switch(struct queue *q)
{
  snprintf(q->pause_switch, sizeof q->pause_switch, "%" PRId64 ":%d", q->pause_version, q->paused);
  script_text(q->scripts, q->pause_switch);
}

enum status queue_claim(struct queue *q, const char *session, size_t max, queue_claimed_fn done,
                        void *arg)
{
  struct call *c = call_create(q, SCRIPT_CLAIM, arg);
  c->read = read_claimed;
  c->end = end_claimed;
  c->fn.claimed = done;
  c->max = max < QUEUE_BATCH_MAX ? max : QUEUE_BATCH_MAX;
  c->first_token = q->next_token;
  q->next_token += (int64_t)c->max;
  assert(strlen(session) <= SESSION_MAX);
  memcpy(c->session, session, strlen(session) + 1);

  script_begin(q->scripts);
  script_text(q->scripts, run_id(q));
  script_text(q->scripts, session);
  script_int(q->scripts, c->first_token);
  script_int(q->scripts, (int64_t)c->max);
  script_int(q->scripts, q->options.rate_limit);
  script_int(q->scripts, q->options.rate_window_ms + q->options.slack_ms);
  script_int(q->scripts, q->options.lease_ms);
  add_switch(q);
  return call_send(c);
}

enum status queue_beat(struct queue *q, const struct queue_item *items, size_t n, queue_ids_fn lost,
                       void *arg)
{
  char lease_ms[24];
  snprintf(lease_ms, sizeof lease_ms, "%" PRId64, q->options.lease_ms);
  struct batch b = {.items = items, .n = n, .first = lease_ms, .token = true};
  return send_batch(call_create_ids(q, SCRIPT_BEAT, lost, arg), &b);
}

enum status queue_finish(struct queue *q, const struct queue_item *items, size_t n, bool succeeded,
                         queue_done_fn done, void *arg)
{
  const char *field = succeeded ? "completed" : "failed";
  struct batch b = {.items = items, .n = n, .first = field, .token = true};
  return send_batch(call_create_done(q, SCRIPT_FINISH, done, arg), &b);
}

enum status queue_put_back(struct queue *q, const struct queue_item *items, size_t n, bool refund,
                           queue_done_fn done, void *arg)
{
  const char *first = refund ? "1" : "0";
  struct batch b = {.items = items, .n = n, .first = first, .token = true, .delay = true};
  return send_batch(call_create_done(q, SCRIPT_PUT_BACK, done, arg), &b);
}

enum status queue_drop(struct queue *q, const struct ulid *ids, size_t n, queue_done_fn done,
                       void *arg)
{
  struct batch b = {.ids = ids, .n = n};
  return send_batch(call_create_done(q, SCRIPT_DROP, done, arg), &b);
}

enum status queue_tidy(struct queue *q, const struct ulid *a, const struct ulid *b,
                       const struct ulid *ids, size_t n, queue_done_fn done, void *arg)
{
  struct call *c = call_create_done(q, SCRIPT_TIDY, done, arg);
  assert(n <= QUEUE_BATCH_MAX);
  script_begin(q->scripts);
  script_id(q->scripts, a);
  script_id(q->scripts, b);
  for (size_t i = 0; i < n; i++) script_id(q->scripts, &ids[i]);
  return call_send(c);
}

enum status queue_reap(struct queue *q, size_t max, queue_ids_fn reaped, void *arg)
{
  struct call *c = call_create_ids(q, SCRIPT_REAP, reaped, arg);
  script_begin(q->scripts);
  script_int(q->scripts, (int64_t)(max < QUEUE_BATCH_MAX ? max : QUEUE_BATCH_MAX));
  return call_send(c);
}

enum status queue_open_epoch(struct queue *q, int64_t closed_ms, const char *proof,
                             queue_done_fn done, void *arg)
{
  struct call *c = call_create_done(q, SCRIPT_OPEN_EPOCH, done, arg);
  script_begin(q->scripts);
  script_text(q->scripts, run_id(q));
  script_int(q->scripts, closed_ms);
  script_text(q->scripts, proof ? proof : "");
  return call_send(c);
}

enum status queue_hold(struct queue *q, int64_t closed_ms, queue_done_fn done, void *arg)
{
  struct call *c = call_create_done(q, SCRIPT_HOLD, done, arg);
  script_begin(q->scripts);
  script_text(q->scripts, run_id(q));
  script_int(q->scripts, closed_ms);
  return call_send(c);
}

void queue_doubt_pause(struct queue *q)
{
  q->paused = true;
  q->pause_version = -1;
}

enum status queue_pause(struct queue *q, bool paused, int64_t version, queue_done_fn done,
                        void *arg)
{
  if (version > q->pause_version) {
    q->paused = paused;
    q->pause_version = version;
  }
  struct call *c = call_create_done(q, SCRIPT_PAUSE, done, arg);
  script_begin(q->scripts);
  add_switch(q);
  return call_send(c);
}

enum status queue_counts(struct queue *q, queue_counts_fn done, void *arg)
{
  struct call *c = call_create(q, SCRIPT_COUNTS, arg);
  c->read = read_counts;
  c->end = end_counts;
  c->fn.counts = done;
  script_begin(q->scripts);
  script_int(q->scripts, q->options.rate_window_ms);
  return call_send(c);
}

enum status queue_report(struct queue *q, const struct queue_report *report)
{
  struct buf text;
  buf_init(&text, REPORT_MAX);
  report_write(report, &text);
  struct call *c = call_create_done(q, SCRIPT_REPORT, NULL, NULL);
  script_begin(q->scripts);
  script_id(q->scripts, &report->process);
  script_text(q->scripts, text.data);
  enum status status = call_send(c);
  buf_deinit(&text);
  return status;
}

enum status queue_reports(struct queue *q, queue_reports_fn done, void *arg)
{
  struct call *c = call_create(q, SCRIPT_REPORTS, arg);
  c->read = read_reports;
  c->end = end_reports;
  c->fn.reports = done;
  script_begin(q->scripts);
  script_int(q->scripts, QUEUE_REPORTS_MAX);
  return call_send(c);
}

/* ── pub/sub ────────────────────────────────────────────────────────────────────────────────── */

const char *queue_wake_channel(const struct queue *q)
{
  return script_wake_channel(q->scripts);
}

const char *queue_event_channel(const struct queue *q)
{
  return q->event_channel;
}

const char *queue_stop_channel(const struct queue *q)
{
  return q->stop_channel;
}

const char *queue_cache_channel(const struct queue *q)
{
  return q->cache_channel;
}

const char *queue_listen_channel(const struct queue *q)
{
  return q->listen_channel;
}

static enum status publish(struct queue *q, const char *channel, const char *text, size_t len)
{
  const char *argv[] = {"PUBLISH", channel, text};
  const size_t lens[] = {7, strlen(channel), len};
  if (!q->redis) return ST_AWAY;
  return redis_command(q->redis, 3, argv, lens, NULL, NULL);
}

enum status queue_publish(struct queue *q, const char *text, size_t len)
{
  return publish(q, q->event_channel, text, len);
}

enum status queue_tell_stopped(struct queue *q, const char *ids, size_t len)
{
  return publish(q, q->stop_channel, ids, len);
}

enum status queue_tell_listening(struct queue *q)
{
  return publish(q, q->listen_channel, "", 0);
}

struct telling {
  queue_told_fn done;
  void *arg;
};

static void on_told(void *arg, const redisReply *reply)
{
  struct telling *t = arg;
  enum status status = ST_BROKEN;
  if (!reply) status = ST_AWAY;
  if (reply && reply->type == REDIS_REPLY_INTEGER) status = ST_OK;
  t->done(t->arg, status, status == ST_OK ? reply->integer : 0);
  free(t);
}

enum status queue_tell_caches(struct queue *q, queue_told_fn done, void *arg)
{
  const char *argv[] = {"PUBLISH", q->cache_channel, ""};
  if (!q->redis) return ST_AWAY;
  struct telling *t = mem_alloc(sizeof *t);
  *t = (struct telling){done, arg};
  enum status status = redis_command(q->redis, 3, argv, NULL, on_told, t);
  if (status != ST_OK) free(t);
  return status;
}
