/*
 * queue_kit.h - for the tests of the queue: a loop, connections to Redis and a queue on keys of its
 * own, and each call made to wait for its answer. Every wait has a deadline.
 */
#ifndef TESTS_QUEUE_KIT_H
#define TESTS_QUEUE_KIT_H

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "io/redis.h"
#include "queue/queue.h"

enum { KIT_DEADLINE_MS = 20000 };

struct kit {
  uv_loop_t loop;
  uv_timer_t tick; /* so that a wait looks at its deadline */
  char url[256];
  struct queue_options options;
  char prefix[64];
  struct redis_conn *redis;
  struct queue *q;
};

/* The answer of the last call. Items and ids are copies. */
struct kit_answer {
  int calls; /* of the callback */
  enum status status;
  struct queue_item *items;
  struct ulid *ids;
  size_t n;
  enum queue_gate gate;
  int64_t wait_ms, now_ms;
  struct queue_counts counts;
  int64_t number;
  char text[4096];
};

static inline void kit_on_tick(uv_timer_t *timer)
{
  (void)timer;
}

static inline void kit_turn(struct kit *k, int64_t deadline_ms, const char *what)
{
  cr_assert_lt(clock_mono_ms(), deadline_ms, "waited too long: %s", what);
  uv_run(&k->loop, UV_RUN_ONCE);
}

/* kit_until() runs the loop until condition holds. */
#define kit_until(k, condition)                                                                    \
  for (int64_t until_ms = clock_mono_ms() + KIT_DEADLINE_MS; !(condition);)                        \
  kit_turn(k, until_ms, #condition)

/* kit_repeat() takes step until condition holds. */
#define kit_repeat(step, condition)                                                                \
  do {                                                                                             \
    int64_t repeat_ms = clock_mono_ms() + KIT_DEADLINE_MS;                                         \
    do {                                                                                           \
      cr_assert_lt(clock_mono_ms(), repeat_ms, "%s", #condition);                                  \
      step;                                                                                        \
    } while (!(condition));                                                                        \
  } while (0)

/* kit_pause() lets the loop run for ms: time is what is tested. */
static inline void kit_pause(struct kit *k, int64_t ms)
{
  int64_t end_ns = clock_mono_ns() + ms * 1000000;
  kit_until(k, clock_mono_ns() >= end_ns);
}

static inline struct redis_conn *kit_connect(struct kit *k)
{
  struct redis_options options = {.url = k->url, .name = "test", .deadline_ms = 5000};
  struct redis_conn *redis = redis_connect(&k->loop, &options);
  kit_until(k, redis_up(redis));
  return redis;
}

/* Each newer than all before it. */
static inline int64_t kit_version(void)
{
  static int64_t version = 1;
  return ++version;
}

static inline void kit_on_closed(void *arg)
{
  *(bool *)arg = true;
}

static inline void kit_close(struct kit *k, struct redis_conn *redis)
{
  bool closed = false;
  redis_close(redis, kit_on_closed, &closed);
  kit_until(k, closed);
}

/* ── answers ────────────────────────────────────────────────────────────────────────────────── */

static inline void kit_free(struct kit_answer *a)
{
  free(a->items);
  free(a->ids);
  *a = (struct kit_answer){0};
}

static inline void kit_on_done(void *arg, enum status status)
{
  struct kit_answer *a = arg;
  a->calls++;
  a->status = status;
}

static inline void kit_on_ids(void *arg, enum status status, const struct ulid *ids, size_t n)
{
  struct kit_answer *a = arg;
  a->calls++;
  a->status = status;
  a->n = n;
  a->ids = mem_alloc((n + 1) * sizeof *ids);
  if (n > 0) memcpy(a->ids, ids, n * sizeof *ids);
}

static inline void kit_on_claimed(void *arg, enum status status, const struct queue_claimed *c)
{
  struct kit_answer *a = arg;
  a->calls++;
  a->status = status;
  if (!c) return;
  a->n = c->n;
  a->gate = c->gate;
  a->wait_ms = c->wait_ms;
  a->now_ms = c->now_ms;
  a->items = mem_alloc((c->n + 1) * sizeof *a->items);
  if (c->n > 0) memcpy(a->items, c->items, c->n * sizeof *a->items);
}

static inline void kit_on_counts(void *arg, enum status status, const struct queue_counts *c)
{
  struct kit_answer *a = arg;
  a->calls++;
  a->status = status;
  if (c) a->counts = *c;
}

static inline void kit_on_reply(void *arg, const redisReply *reply)
{
  struct kit_answer *a = arg;
  a->calls++;
  a->status = reply && reply->type != REDIS_REPLY_ERROR ? ST_OK : ST_BROKEN;
  if (!reply) return;
  a->number = reply->type == REDIS_REPLY_ARRAY ? (int64_t)reply->elements : reply->integer;
  if (reply->str) snprintf(a->text, sizeof a->text, "%s", reply->str);
}

/* ── calls that wait ────────────────────────────────────────────────────────────────────────── */

/* kit_call() makes a call of the queue with a fresh answer a, and waits for its callback. */
#define kit_call(k, a, call)                                                                       \
  do {                                                                                             \
    kit_free(a);                                                                                   \
    cr_assert_eq((call), ST_OK, "%s", #call);                                                      \
    cr_assert_eq((a)->calls, 0, "inside the call");                                                \
    kit_until(k, (a)->calls > 0);                                                                  \
    cr_assert_eq((a)->calls, 1);                                                                   \
  } while (0)
/* kit_done() makes a call whose callback is kit_on_done and its argument ok, and wants ST_OK. */
#define kit_done(k, call)                                                                          \
  do {                                                                                             \
    struct kit_answer ok_answer = {0}, *ok = &ok_answer;                                           \
    kit_call(k, ok, call);                                                                         \
    cr_assert_eq(ok->status, ST_OK, "%s: %s", #call, status_name(ok->status));                     \
  } while (0)

/* A queue starts nothing before it knows that it is not paused. */
static inline void kit_resume(struct kit *k, struct queue *q)
{
  kit_done(k, queue_pause(q, false, 1, kit_on_done, ok));
}

static inline void kit_init_at(struct kit *k, const char *url, const struct queue_options *options)
{
  *k = (struct kit){.options = *options};
  snprintf(k->url, sizeof k->url, "%s", url);
  struct ulid id = ulid_make();
  char text[ULID_LEN + 1];
  ulid_format(&id, text);
  snprintf(k->prefix, sizeof k->prefix, "test-%s", text);
  k->options.prefix = k->prefix;
  if (k->options.lease_ms == 0) k->options.lease_ms = 60000;
  cr_assert_eq(uv_loop_init(&k->loop), 0);
  uv_timer_init(&k->loop, &k->tick);
  uv_timer_start(&k->tick, kit_on_tick, 2, 2);
  k->redis = kit_connect(k);
  k->q = queue_create(k->redis, &k->options);
  kit_resume(k, k->q);
}

static inline void kit_init(struct kit *k, const struct queue_options *options)
{
  const char *url = getenv("REDIS_URL");
  cr_assert(url, "REDIS_URL is not set: run the tests with make test");
  kit_init_at(k, url, options);
}

static inline struct kit_answer kit_command(struct kit *k, const char *verb, const char *key,
                                            const char *arg)
{
  char full[128];
  snprintf(full, sizeof full, "%s:{0}:%s", k->prefix, key);
  const char *argv[] = {verb, full, arg};
  const size_t lens[] = {strlen(verb), strlen(full), arg ? strlen(arg) : 0};
  struct kit_answer a = {0};
  cr_assert_eq(redis_command(k->redis, arg ? 3 : 2, argv, lens, kit_on_reply, &a), ST_OK);
  kit_until(k, a.calls == 1);
  return a;
}

static inline void kit_wipe(struct kit *k)
{
  static const char *const keys[] = {"clock",   "epoch",  "paused", "counts", "waiting",
                                     "delayed", "active", "leases", "starts"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) kit_command(k, "DEL", keys[i], NULL);
}

static inline void kit_deinit(struct kit *k)
{
  if (!k->q) return; /* the set-up failed */
  if (redis_up(k->redis)) kit_wipe(k);
  kit_close(k, k->redis);
  queue_destroy(k->q);
  uv_close((uv_handle_t *)&k->tick, NULL);
  uv_run(&k->loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&k->loop), 0);
}

static inline struct kit_answer kit_counts(struct kit *k)
{
  struct kit_answer answer = {0}, *a = &answer;
  kit_call(k, a, queue_counts(k->q, kit_on_counts, a));
  cr_assert_eq(a->status, ST_OK);
  return answer;
}

/* kit_where() counts waiting, active and delayed as one number: 123 is 1, 2 and 3. */
static inline int64_t kit_where(struct kit *k)
{
  struct queue_counts c = kit_counts(k).counts;
  return 100 * c.waiting + 10 * c.active + c.delayed;
}

static inline void kit_claim(struct kit *k, struct kit_answer *a, size_t max)
{
  kit_call(k, a, queue_claim(k->q, "session", max, kit_on_claimed, a));
  cr_assert_eq(a->status, ST_OK);
}

/* kit_items() gives n orders, oldest first; free them. */
static inline struct queue_item *kit_items(size_t n)
{
  struct queue_item *items = mem_alloc((n + 1) * sizeof *items);
  for (size_t i = 0; i < n; i++) items[i].id = ulid_make();
  return items;
}

static inline void kit_enqueue(struct kit *k, const struct queue_item *items, size_t n)
{
  kit_done(k, queue_enqueue(k->q, items, n, kit_on_done, ok));
}

#endif
