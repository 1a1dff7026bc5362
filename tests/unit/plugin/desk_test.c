/* desk_test.c - the threads that run endpoints, with a real loop: in time, late, too many, left. */
#include "plugin/desk.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/unit/event/checked.h"

enum { PATIENCE_MS = 10000 };

static uv_loop_t loop;
static uv_timer_t ticker; /* so that the loop turns while a test waits */
static struct desk *desk;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* closed gates hold handle() */
static _Atomic int inside, handled;
static _Atomic size_t n_freed;

struct visit {
  struct desk_task task;
  struct ox_errors errors;
  _Atomic int wrong;
  enum desk_end end;
  int ended;
  int status;
  char code[DESK_CODE_MAX], detail[DESK_DETAIL_MAX], *body;
};

static int64_t now_ms(const struct ox_desk *table)
{
  (void)table;
  return 42;
}

static const struct ox_desk table = {.size = sizeof table, .now_ms = now_ms};

static void on_tick(uv_timer_t *timer)
{
  (void)timer;
}

static void open_desk(size_t threads, size_t waiting_max, int64_t deadline_ms)
{
  const struct desk_options options = {threads, waiting_max, deadline_ms, &table};
  desk = desk_create(&loop, &options);
}

static void setup(void)
{
  cr_assert_eq(uv_loop_init(&loop), 0);
  uv_timer_init(&loop, &ticker);
  uv_timer_start(&ticker, on_tick, 1, 1);
}

static void teardown(void)
{
  cr_assert(desk_destroy(desk));
  uv_close((uv_handle_t *)&ticker, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&loop), 0);
}

static void on_end(struct desk_task *task, enum desk_end end)
{
  struct visit *v = container_of(task, struct visit, task);
  v->ended++;
  v->end = end;
  if (end != DESK_ANSWERED) return;
  v->status = task->answer.status;
  snprintf(v->code, sizeof v->code, "%s", task->answer.code);
  snprintf(v->detail, sizeof v->detail, "%s", task->answer.detail);
  v->body = mem_strndup(task->answer.body.len ? task->answer.body.data : "", task->answer.body.len);
}

static void on_free(struct desk_task *task)
{
  struct visit *v = container_of(task, struct visit, task);
  cr_assert_eq(v->ended, 1, "freed without an end");
  atomic_fetch_add(&n_freed, 1);
}

static void add_error(struct ox_errors *errors, const char *pointer, const char *code,
                      const char *detail)
{
  (void)pointer, (void)code, (void)detail;
  atomic_fetch_add(&container_of(errors, struct visit, errors)->wrong, 1);
}

static void post(struct visit *v, const struct ox_endpoint *endpoint, enum status expected)
{
  memset(v, 0, sizeof *v);
  v->errors = (struct ox_errors){sizeof v->errors, add_error};
  v->task = (struct desk_task){
      .endpoint = endpoint, .errors = &v->errors, .on_end = on_end, .on_free = on_free};
  cr_assert_eq(desk_post(desk, &v->task), expected);
}

static void turn_until(bool (*there)(const void *arg), const void *arg)
{
  int64_t until = clock_mono_ms() + PATIENCE_MS;
  while (!there(arg)) {
    cr_assert_lt(clock_mono_ms(), until, "waited too long");
    uv_run(&loop, UV_RUN_ONCE);
  }
}

static bool ended(const void *arg)
{
  return ((const struct visit *)arg)->ended > 0;
}

static bool is_inside(const void *arg)
{
  return atomic_load(&inside) == *(const int *)arg;
}

static bool freed(const void *arg)
{
  return atomic_load(&n_freed) == *(const size_t *)arg;
}

/* ── endpoints ──────────────────────────────────────────────────────────────────────────────── */

static void answer_well(const struct ox_request *request, const struct ox_desk *d,
                        struct ox_answer *answer)
{
  char json[64];
  (void)request;
  snprintf(json, sizeof json, "{\"now\":%lld}", (long long)d->now_ms(d));
  answer->problem(answer, 404, "NOT_YET", "taken back by the next call");
  answer->send(answer, 200, json);
  atomic_fetch_add(&handled, 1);
}

static void answer_behind_gate(const struct ox_request *request, const struct ox_desk *d,
                               struct ox_answer *answer)
{
  atomic_fetch_add(&inside, 1);
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  atomic_fetch_sub(&inside, 1);
  answer_well(request, d, answer);
}

static struct ox_endpoint endpoint(void (*handle)(const struct ox_request *, const struct ox_desk *,
                                                  struct ox_answer *))
{
  return (struct ox_endpoint){sizeof(struct ox_endpoint), "GET", "/", "admin", 0, handle};
}

CHECKED(desk, an_answer_comes_back_to_the_loop)
{
  struct visit v;
  const struct ox_endpoint well = endpoint(answer_well);
  open_desk(2, 4, PATIENCE_MS);
  post(&v, &well, ST_OK);
  turn_until(ended, &v);
  cr_assert_eq(v.end, DESK_ANSWERED);
  cr_assert_eq(v.status, 200);
  cr_assert_str_eq(v.code, "");
  cr_assert_str_eq(v.body, "{\"now\":42}");
  cr_assert_eq(atomic_load(&n_freed), 1);
  free(v.body);
}

/* ── what is not believed ───────────────────────────────────────────────────────────────────── */

static void say_nothing(const struct ox_request *r, const struct ox_desk *d, struct ox_answer *a)
{
  (void)r, (void)d, (void)a;
}

static void say_array(const struct ox_request *r, const struct ox_desk *d, struct ox_answer *a)
{
  (void)r, (void)d;
  a->send(a, 200, "[]");
}

static void say_null(const struct ox_request *r, const struct ox_desk *d, struct ox_answer *a)
{
  (void)r, (void)d;
  a->send(a, 200, NULL);
}

static void say_redirect(const struct ox_request *r, const struct ox_desk *d, struct ox_answer *a)
{
  (void)r, (void)d;
  a->send(a, 301, "{}");
}

static void say_good_problem(const struct ox_request *r, const struct ox_desk *d,
                             struct ox_answer *a)
{
  (void)r, (void)d;
  a->problem(a, 200, "FINE", "all is well");
}

static void say_bad_code(const struct ox_request *r, const struct ox_desk *d, struct ox_answer *a)
{
  (void)r, (void)d;
  a->problem(a, 422, "not well", "at all");
}

static void say_no_code(const struct ox_request *r, const struct ox_desk *d, struct ox_answer *a)
{
  (void)r, (void)d;
  a->problem(a, 422, NULL, NULL);
}

static void say_too_much(const struct ox_request *r, const struct ox_desk *d, struct ox_answer *a)
{
  (void)r, (void)d;
  size_t len = OX_ANSWER_MAX + 1;
  char *json = mem_alloc(len + 1);
  memset(json, ' ', len);
  json[0] = '{';
  json[len - 1] = '}';
  a->send(a, 200, json);
  free(json);
}

CHECKED(desk, what_cannot_be_sent_is_said_so)
{
  static const struct {
    void (*handle)(const struct ox_request *, const struct ox_desk *, struct ox_answer *);
    const char *why;
  } cases[] = {{say_nothing, "it gave no answer"},
               {say_array, "its answer is not a JSON object"},
               {say_null, "its answer is not a JSON object"},
               {say_redirect, "its answer has a status that does not go with it"},
               {say_good_problem, "its answer has a status that does not go with it"},
               {say_bad_code, "its problem's code is not an upper-snake word"},
               {say_no_code, "its problem's code is not an upper-snake word"},
               {say_too_much, "its answer is too large"}};
  open_desk(1, 4, PATIENCE_MS);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct visit v;
    const struct ox_endpoint bad = endpoint(cases[i].handle);
    post(&v, &bad, ST_OK);
    turn_until(ended, &v);
    cr_assert_eq(v.end, DESK_ANSWERED);
    cr_assert_eq(v.status, 0, "%s", cases[i].why);
    cr_assert(strstr(v.detail, cases[i].why) == v.detail, "%s", v.detail);
    free(v.body);
  }
}

static void say_problem(const struct ox_request *r, const struct ox_desk *d, struct ox_answer *a)
{
  (void)r, (void)d;
  a->errors->add(a->errors, "/a", "WRONG", "is wrong");
  a->send(a, 200, "{}");
  a->problem(a, 422, "NO_WAY", "there is none");
}

CHECKED(desk, problems_and_errors)
{
  struct visit v;
  const struct ox_endpoint bad = endpoint(say_problem);
  open_desk(1, 4, PATIENCE_MS);
  post(&v, &bad, ST_OK);
  turn_until(ended, &v);
  cr_assert_eq(v.status, 422);
  cr_assert_str_eq(v.code, "NO_WAY");
  cr_assert_str_eq(v.detail, "there is none");
  cr_assert_eq(atomic_load(&v.wrong), 1);
  free(v.body);
}

/* ── bounds ─────────────────────────────────────────────────────────────────────────────────── */

CHECKED(desk, beyond_its_threads_and_its_queue_it_is_full)
{
  struct visit v[4];
  const struct ox_endpoint gated = endpoint(answer_behind_gate), well = endpoint(answer_well);
  open_desk(2, 1, PATIENCE_MS);
  pthread_mutex_lock(&gate);
  for (int i = 1; i <= 2; i++) {
    post(&v[i - 1], &gated, ST_OK);
    turn_until(is_inside, &i);
  }
  post(&v[2], &well, ST_OK);
  post(&v[3], &well, ST_FULL);
  pthread_mutex_unlock(&gate);
  turn_until(freed, &(size_t){3});
  for (int i = 0; i < 3; i++) {
    cr_assert_eq(v[i].end, DESK_ANSWERED);
    free(v[i].body);
  }
  cr_assert_eq(v[3].ended, 0);
  cr_assert_eq(atomic_load(&n_freed), 3);
}

CHECKED(desk, late_and_unheard_end_in_time_and_are_freed_when_they_can_be)
{
  struct visit late, unheard;
  const struct ox_endpoint gated = endpoint(answer_behind_gate), well = endpoint(answer_well);
  int one = 1;
  open_desk(1, 4, 100);
  pthread_mutex_lock(&gate);
  post(&late, &gated, ST_OK);
  turn_until(is_inside, &one);
  post(&unheard, &well, ST_OK);
  turn_until(ended, &late);
  cr_assert_eq(late.end, DESK_LATE);
  turn_until(ended, &unheard);
  cr_assert_eq(unheard.end, DESK_UNHEARD);
  cr_assert_eq(atomic_load(&n_freed), 0, "the thread still has them");
  pthread_mutex_unlock(&gate);
  turn_until(freed, &(size_t){2});
  cr_assert_eq(atomic_load(&n_freed), 2);
  cr_assert_eq(atomic_load(&handled), 1, "what nobody waits for is not begun");
}

CHECKED(desk, ends_what_is_open_when_it_is_destroyed)
{
  struct visit running, waiting;
  const struct ox_endpoint gated = endpoint(answer_behind_gate), well = endpoint(answer_well);
  int one = 1;
  open_desk(1, 4, PATIENCE_MS);
  pthread_mutex_lock(&gate);
  post(&running, &gated, ST_OK);
  turn_until(is_inside, &one);
  post(&waiting, &well, ST_OK);
  cr_assert_not(desk_destroy(desk), "one is left behind");
  desk = NULL;
  cr_assert_eq(running.end, DESK_LATE);
  cr_assert_eq(waiting.end, DESK_UNHEARD);
  cr_assert_eq(atomic_load(&n_freed), 0);
  uv_run(&loop, UV_RUN_NOWAIT); /* closes the handles; the thread finds no loop to wake */
  pthread_mutex_unlock(&gate);
  turn_until(freed, &(size_t){2});
}

CHECKED(desk, many_from_many_threads)
{
  enum { N = 2000 };
  struct visit *v = mem_alloc(N * sizeof *v);
  const struct ox_endpoint well = endpoint(answer_well);
  open_desk(8, N, PATIENCE_MS);
  for (int i = 0; i < N; i++) post(&v[i], &well, ST_OK);
  turn_until(freed, &(size_t){N});
  for (int i = 0; i < N; i++) {
    cr_assert_eq(v[i].end, DESK_ANSWERED);
    free(v[i].body);
  }
  cr_assert_eq(atomic_load(&n_freed), N);
  free(v);
}
