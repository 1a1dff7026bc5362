/* queue_admin_test.c - what an operator does to the queue. */
#include "tests/unit/http/fakes.h"

CHECKED(queue_admin, stats)
{
  static const struct queue_counts counts = {.waiting = 1,
                                             .active = 2,
                                             .delayed = 3,
                                             .completed = 4,
                                             .failed = 5,
                                             .used_in_window = 6,
                                             .oldest_waiting_ms = 7,
                                             .paused = true};
  static const char *const targets[] = {"/queue/stats", "/sqs/stats"};
  config.queue_max = 1000;
  for (size_t i = 0; i < 2; i++) {
    struct http_reply *r = get(targets[i]);
    counts_done(counts_arg, ST_OK, &counts);
    dead_letters_counted(dead_letters_arg, ST_OK, 8);
    cr_assert_eq(r->status, 200);
    cr_assert_str_eq(
        r->body, "{\"paused\":true,\"waiting\":1,\"active\":2,\"delayed\":3,\"completed\":4,"
                 "\"failed\":5,\"deadLetters\":8,\"oldestWaitingMs\":7,\"max\":1000,\"rateLimit\":{"
                 "\"limit\":100,\"windowMs\":60000,\"usedInWindow\":6}}");
    reply_free(r);
  }
}

CHECKED(queue_admin, stats_without_postgres)
{
  static const struct queue_counts counts = {.waiting = 1};
  struct http_reply *r = get("/queue/stats");
  counts_done(counts_arg, ST_OK, &counts);
  dead_letters_counted(dead_letters_arg, ST_AWAY, 0);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
  r = get("/queue/stats");
  reader_status = ST_AWAY;
  counts_done(counts_arg, ST_OK, &counts);
  reader_status = ST_OK;
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}

CHECKED(queue_admin, stats_without_redis)
{
  queue_status = ST_AWAY;
  expect_problem(get("/queue/stats"), 503, "QUEUE_UNAVAILABLE");
  queue_status = ST_OK;
  struct http_reply *r = get("/queue/stats");
  counts_done(counts_arg, ST_AWAY, NULL);
  expect_problem(r, 503, "QUEUE_UNAVAILABLE");
}

static struct http_reply *post_to(const char *target)
{
  return ask(&(struct ask){.method = "POST", .target = target});
}

CHECKED(queue_admin, pause_and_resume_say_since_when)
{
  static const struct {
    const char *target, *body;
    bool paused;
  } cases[] = {
      {"/queue/pause", "{\"paused\":true,\"since\":\"2026-01-31T10:30:00.123Z\"}", true},
      {"/sqs/pause", "{\"paused\":true,\"since\":\"2026-01-31T10:30:00.123Z\"}", true},
      {"/queue/resume", "{\"paused\":false,\"since\":\"2026-01-31T10:30:00.123Z\"}", false},
      {"/sqs/resume", "{\"paused\":false,\"since\":\"2026-01-31T10:30:00.123Z\"}", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_reply *r = post_to(cases[i].target);
    cr_assert_eq(paused_wanted, cases[i].paused);
    paused_done(paused_arg, ST_OK, 1769855400123);
    cr_assert_eq(r->status, 200);
    cr_assert_str_eq(r->body, cases[i].body);
    reply_free(r);
  }
}

CHECKED(queue_admin, a_pause_that_may_not_be_durable_is_said)
{
  journal_status = ST_AWAY;
  expect_problem(post_to("/queue/pause"), 503, "STORE_UNAVAILABLE");
  journal_status = ST_OK;
  struct http_reply *r = post_to("/queue/pause");
  paused_done(paused_arg, ST_AWAY, 0);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}

static struct http_reply *purge(const char *target)
{
  return ask(&(struct ask){.method = "DELETE", .target = target});
}

CHECKED(queue_admin, purge_says_how_many)
{
  static const char *const targets[] = {"/queue/purge", "/sqs/purge"};
  for (size_t i = 0; i < 2; i++) {
    struct http_reply *r = purge(targets[i]);
    purged_done(purged_arg, ST_OK, 42);
    cr_assert_eq(r->status, 200);
    cr_assert_str_eq(r->body, "{\"purged\":42}");
    reply_free(r);
  }
}

CHECKED(queue_admin, purge_that_could_not_finish)
{
  journal_status = ST_BUSY;
  expect_problem(purge("/queue/purge"), 409, "REQUEST_IN_PROGRESS");
  journal_status = ST_AWAY;
  expect_problem(purge("/queue/purge"), 503, "STORE_UNAVAILABLE");
  journal_status = ST_OK;
  struct http_reply *r = purge("/queue/purge");
  purged_done(purged_arg, ST_AWAY, 7);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}
