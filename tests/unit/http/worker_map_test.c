/* worker_map_test.c - this process and the others, put together. */
#include "tests/unit/http/fakes.h"

static const struct queue_report others[] = {{.process = {{1}},
                                              .age_ms = 40,
                                              .slots = 2,
                                              .busy = 2,
                                              .run = 5,
                                              .failed = 5,
                                              .busy_ms = 10,
                                              .open_ms = 20,
                                              .status = "{\"worker\":\"a\"}",
                                              .status_len = 14,
                                              .stats = "{}",
                                              .stats_len = 2},
                                             {.process = {{2}},
                                              .age_ms = 50,
                                              .slots = 3,
                                              .busy = 0,
                                              .run = 7,
                                              .other = 7,
                                              .open_ms = 20,
                                              .status = "nonsense",
                                              .status_len = 8,
                                              .stats = "{\"x\":1}",
                                              .stats_len = 7}};

static bool own(void *arg, struct buf *text, struct queue_report *out)
{
  (void)arg;
  buf_append_str(text, "{\"worker\":\"me\"}");
  *out = (struct queue_report){.process = {{2}},
                               .slots = 10,
                               .busy = 1,
                               .status = text->data,
                               .status_len = text->len,
                               .stats = "{}",
                               .stats_len = 2};
  return true;
}

static void expect(struct http_reply *r, const char *body)
{
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->body, body);
  reply_free(r);
}

CHECKED(worker_map, those_of_others)
{
  struct http_reply *r = get("/handler/status");
  reports_done(reports_arg, ST_OK, others, 2);
  expect(r, "{\"complete\":true,\"workers\":[{\"reportAgeMs\":40,\"worker\":\"a\"},"
            "{\"reportAgeMs\":50}],\"slots\":5,\"busy\":2}");
}

CHECKED(worker_map, its_own_comes_from_itself)
{
  api.own_workers = own;
  struct http_reply *r = get("/workers/status");
  reports_done(reports_arg, ST_OK, others, 2);
  expect(r, "{\"complete\":true,\"workers\":[{\"reportAgeMs\":0,\"worker\":\"me\"},"
            "{\"reportAgeMs\":40,\"worker\":\"a\"}],\"slots\":12,\"busy\":3}");
}

CHECKED(worker_map, sums)
{
  struct http_reply *r = get("/handler/stats");
  reports_done(reports_arg, ST_OK, others, 2);
  expect(r, "{\"complete\":true,\"workers\":[{\"reportAgeMs\":40},{\"reportAgeMs\":50,\"x\":1}],"
            "\"total\":{\"slots\":5,\"busy\":2,\"run\":12,\"succeeded\":0,\"failed\":5,"
            "\"retried\":0,\"other\":7,\"busyShare\":0.250}}");
}

CHECKED(worker_map, without_redis)
{
  static const char alone[] = "{\"complete\":false,\"workers\":[{\"reportAgeMs\":0,"
                              "\"worker\":\"me\"}],\"slots\":10,\"busy\":1}";
  api.own_workers = own;
  queue_status = ST_AWAY;
  expect(get("/handler/status"), alone);
  queue_status = ST_OK;
  struct http_reply *r = get("/handler/status");
  reports_done(reports_arg, ST_AWAY, NULL, 0);
  expect(r, alone);
}
