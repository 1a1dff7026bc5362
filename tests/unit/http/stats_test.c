/* stats_test.c - GET /api/orders/stats. */
#include "tests/unit/http/fakes.h"

CHECKED(stats, queue_sockets_and_limiter)
{
  static const struct queue_counts counts = {
      .waiting = 1, .active = 2, .delayed = 3, .completed = 4, .failed = 5, .used_in_window = 6};
  struct http_reply *r = get("/api/orders/stats");
  counts_done(counts_arg, ST_OK, &counts);
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->body, "{\"queue\":{\"waiting\":1,\"active\":2,\"delayed\":3,\"completed\":4,"
                            "\"failed\":5},\"websocket\":{\"connections\":3},"
                            "\"rateLimit\":{\"limit\":100,\"windowMs\":60000,\"usedInWindow\":6}}");
  reply_free(r);
}

CHECKED(stats, redis_away)
{
  queue_status = ST_AWAY;
  expect_problem(get("/api/orders/stats"), 503, "QUEUE_UNAVAILABLE");
  queue_status = ST_OK;
  struct http_reply *r = get("/api/orders/stats");
  counts_done(counts_arg, ST_AWAY, NULL);
  expect_problem(r, 503, "QUEUE_UNAVAILABLE");
  r = get("/api/orders/stats");
  counts_done(counts_arg, ST_BROKEN, NULL);
  expect_problem(r, 500, "INTERNAL_ERROR");
}
