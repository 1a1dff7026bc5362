/*
 * desk.c - see desk.h. A task's state says who has it: it moves by compare-and-set from WAITING to
 * RUNNING to DONE by its thread, and from the first two to ENDED by the loop, whose clock decides
 * what was in time. What the thread finds ENDED it hands back without a look at it.
 */
#include "plugin/desk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "plugin/blame.h"

enum { STACK_BYTES = 512 * 1024, DRAIN_CHUNK = 16, JOIN_MS = 250 };

enum task_state { WAITING, RUNNING, DONE, ENDED };

struct desk {
  struct desk_options options;
  struct mailbox *waiting, *returned;
  uv_async_t async;
  uv_timer_t timer;
  struct list open;     /* tasks without an end, the oldest first */
  int handles;          /* that the loop has not let go of */
  _Atomic size_t users; /* the threads, and the loop: the last one to leave frees it */
  size_t n_threads;
  pthread_t threads[];
};

/* ── the thread's side ──────────────────────────────────────────────────────────────────────── */

static bool move(struct desk_task *task, int from, int to)
{
  return atomic_compare_exchange_strong(&task->state, &from, to);
}

static void on_send(struct ox_answer *base, int status, const char *json)
{
  struct desk_answer *a = container_of(base, struct desk_answer, base);
  a->status = status;
  a->code[0] = '\0';
  buf_clear(&a->body);
  buf_append_str(&a->body, json ? json : "");
}

static void on_problem(struct ox_answer *base, int status, const char *code, const char *detail)
{
  struct desk_answer *a = container_of(base, struct desk_answer, base);
  a->status = status;
  snprintf(a->code, sizeof a->code, "%s", code && *code ? code : "?");
  snprintf(a->detail, sizeof a->detail, "%s", detail ? detail : "");
}

static void refuse(struct desk_answer *a, const char *why)
{
  a->status = 0;
  snprintf(a->detail, sizeof a->detail, "%s", why);
}

static void check_body(struct desk_answer *a)
{
  struct json_object object;
  char why[128];
  const char *text = a->body.len > 0 ? a->body.data : "";
  if (a->body.overflow) {
    refuse(a, "its answer is too large");
  } else if (json_object_parse(text, a->body.len, &object, why, sizeof why) != ST_OK) {
    refuse(a, "its answer is not a JSON object: ");
    size_t len = strlen(a->detail);
    snprintf(a->detail + len, sizeof a->detail - len, "%s", why);
  } else {
    json_object_deinit(&object);
  }
}

static bool code_valid(const char *code)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return strspn(code, allowed) == strlen(code);
}

/* What a plugin says is not believed before it was looked at. */
static void check_answer(struct desk_answer *a)
{
  if (a->status == 0)
    refuse(a, "it gave no answer");
  else if (a->code[0] && !code_valid(a->code))
    refuse(a, "its problem's code is not an upper-snake word");
  else if (a->code[0] ? a->status < 400 || a->status > 599 : a->status < 200 || a->status > 299)
    refuse(a, "its answer has a status that does not go with it");
  else if (!a->code[0])
    check_body(a);
}

static void run(const struct desk *d, struct desk_task *task)
{
  struct desk_answer *a = &task->answer;
  *a = (struct desk_answer){.base = {sizeof a->base, task->errors, on_send, on_problem}};
  buf_init(&a->body, OX_ANSWER_MAX);
  struct blame before = blame_enter("endpoint", task->endpoint->path);
  task->endpoint->handle(&task->request, d->options.table, &a->base);
  blame_leave(before);
  check_answer(a);
}

static void release(struct desk_task *task)
{
  buf_deinit(&task->answer.body);
  task->on_free(task);
}

static void leave(struct desk *d)
{
  if (atomic_fetch_sub(&d->users, 1) > 1) return;
  mailbox_destroy(d->waiting);
  mailbox_destroy(d->returned);
  free(d);
}

static void *desk_main(void *arg)
{
  struct desk *d = arg;
  for (struct desk_task *t; (t = mailbox_take(d->waiting, INT64_MAX)) != NULL;) {
    if (move(t, WAITING, RUNNING)) {
      run(d, t);
      move(t, RUNNING, DONE);
    }
    if (!mailbox_post_wait(d->returned, t)) release(t);
  }
  leave(d);
  return NULL;
}

/* ── the loop's side ────────────────────────────────────────────────────────────────────────── */

static void end(struct desk *d, struct desk_task *task, enum desk_end how)
{
  list_remove(&d->open, &task->node);
  task->on_end(task, how);
}

static void take_back(struct desk *d)
{
  void *tasks[DRAIN_CHUNK];
  for (size_t n; (n = mailbox_drain(d->returned, tasks, DRAIN_CHUNK)) > 0;) {
    for (size_t i = 0; i < n; i++) {
      struct desk_task *task = tasks[i];
      if (list_linked(&task->node)) end(d, task, DESK_ANSWERED);
      release(task);
    }
  }
}

static void on_async(uv_async_t *async)
{
  take_back(async->data);
}

/* A task that is done in this very moment is on its way back. */
static void give_up(struct desk *d, struct desk_task *task)
{
  if (move(task, WAITING, ENDED))
    end(d, task, DESK_UNHEARD);
  else if (move(task, RUNNING, ENDED))
    end(d, task, DESK_LATE);
}

static void on_timer(uv_timer_t *timer)
{
  struct desk *d = timer->data;
  int64_t now = clock_mono_ms(), next = -1;
  list_each(n, &d->open)
  {
    struct desk_task *task = container_of(n, struct desk_task, node);
    if (task->deadline_ms > now) {
      next = task->deadline_ms - now;
      break;
    }
    give_up(d, task);
  }
  if (next >= 0) uv_timer_start(timer, on_timer, (uint64_t)next, 0);
}

enum status desk_post(struct desk *d, struct desk_task *task)
{
  task->deadline_ms = clock_mono_ms() + d->options.deadline_ms;
  task->answer.body = (struct buf){0};
  atomic_store(&task->state, WAITING);
  if (!mailbox_post(d->waiting, task)) return ST_FULL;
  list_append(&d->open, &task->node);
  if (!uv_is_active((uv_handle_t *)&d->timer))
    uv_timer_start(&d->timer, on_timer, (uint64_t)d->options.deadline_ms, 0);
  return ST_OK;
}

/* ── life and death ─────────────────────────────────────────────────────────────────────────── */

static void wake(void *arg)
{
  uv_async_send(arg);
}

static void start_threads(struct desk *d)
{
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  for (; d->n_threads < d->options.threads; d->n_threads++) {
    atomic_fetch_add(&d->users, 1);
    if (pthread_create(&d->threads[d->n_threads], &attr, desk_main, d) == 0) continue;
    atomic_fetch_sub(&d->users, 1);
    break;
  }
  pthread_attr_destroy(&attr);
  if (d->n_threads < d->options.threads)
    LOG_WARN("fewer threads for endpoints than wanted", LOG_INT("threads", (int64_t)d->n_threads));
}

struct desk *desk_create(uv_loop_t *loop, const struct desk_options *options)
{
  struct desk *d = mem_alloc(sizeof *d + options->threads * sizeof *d->threads);
  d->options = *options;
  d->waiting = mailbox_create(options->waiting_max, NULL, NULL);
  d->returned = mailbox_create(options->waiting_max + options->threads, wake, &d->async);
  list_init(&d->open);
  uv_async_init(loop, &d->async, on_async);
  uv_timer_init(loop, &d->timer);
  d->async.data = d->timer.data = d;
  d->users = 1;
  d->handles = 2;
  start_threads(d);
  return d;
}

static void on_closed(uv_handle_t *handle)
{
  struct desk *d = handle->data;
  if (--d->handles == 0) leave(d);
}

/* Idle threads come at once; whoever does not is inside a plugin. */
static bool join(struct desk *d)
{
  int64_t until_ms = clock_unix_ms() + JOIN_MS;
  struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
  bool all = true;
  for (size_t i = 0; i < d->n_threads; i++)
    all &= pthread_timedjoin_np(d->threads[i], NULL, &until) == 0;
  return all;
}

bool desk_destroy(struct desk *d)
{
  if (!d) return true;
  take_back(d);
  mailbox_close(d->waiting);
  mailbox_close(d->returned); /* whoever comes back from now on finds no loop to wake */
  list_each(n, &d->open) give_up(d, container_of(n, struct desk_task, node));
  bool all = join(d);
  uv_close((uv_handle_t *)&d->async, on_closed);
  uv_close((uv_handle_t *)&d->timer, on_closed);
  return all;
}
