/* order_get_test.c - the order, its status, its events. */
#include "base/clock.h"
#include "tests/unit/http/fakes.h"

#define ID "ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3"

static struct order order_of(void)
{
  struct order o = {.type = (char[]){"market"},
                    .status = (char[]){"routing"},
                    .phase = OX_ACTIVE,
                    .attempt = 1,
                    .ver = 2,
                    .payload = (char[]){"{\"amount\":1.50}"},
                    .created_at_ms = 1769855400123,
                    .updated_at_ms = 1769855400456};
  ulid_parse_order(ID, strlen(ID), &o.id);
  static char type[] = "market", status[] = "routing", payload[] = "{\"amount\":1.50}";
  o.type = type;
  o.status = status;
  o.payload = payload;
  return o;
}

static struct http_reply *get_if_none_match(const char *header)
{
  return ask(&(struct ask){.method = "GET", .target = "/api/orders/" ID, .headers = {header}});
}

CHECKED(order_get, the_order)
{
  struct order o = order_of();
  struct http_reply *r = get("/api/orders/" ID);
  cr_assert_eq(ulid_compare(&lookups[0].id, &o.id), 0);
  cr_assert_str_eq(lookups[0].tenant, "default");
  reader_answers(ST_OK, &o);
  cr_assert_eq(r->status, 200);
  struct buf expected;
  buf_init(&expected, 1 << 16);
  order_write(&o, &expected);
  cr_assert_str_eq(r->body, expected.data);
  buf_deinit(&expected);
  cr_assert_str_eq(header_of(r, "X-Cache"), "MISS");
  cr_assert_str_eq(header_of(r, "X-Cache-Age"), "0");
  cr_assert_not_null(header_of(r, "ETag"));
  cr_assert_str_eq(header_of(r, "Cache-Control"), "private, no-cache");
  reply_free(r);
}

CHECKED(order_get, an_etag_that_is_still_right_is_304)
{
  struct order o = order_of();
  struct http_reply *r = get("/api/orders/" ID);
  reader_answers(ST_OK, &o);
  char header[128];
  snprintf(header, sizeof header, "If-None-Match: \"x\", %s", header_of(r, "ETag"));
  reply_free(r);

  r = get_if_none_match(header);
  reader_answers(ST_OK, &o);
  cr_assert_eq(r->status, 304);
  cr_assert_str_eq(r->body, "");
  cr_assert_not_null(header_of(r, "ETag"));
  reply_free(r);

  o.ver++;
  r = get_if_none_match(header);
  reader_answers(ST_OK, &o);
  cr_assert_eq(r->status, 200);
  reply_free(r);
}

CHECKED(order_get, an_endless_if_none_match_is_answered_in_full)
{
  struct order o = order_of();
  struct http_reply *r = get("/api/orders/" ID);
  reader_answers(ST_OK, &o);
  char header[2048];
  snprintf(header, sizeof header, "If-None-Match: %s%600s", header_of(r, "ETag"), "");
  reply_free(r);
  r = get_if_none_match(header);
  reader_answers(ST_OK, &o);
  cr_assert_eq(r->status, 200);
  reply_free(r);
}

/* Asks for it, and answers with this; o NULL: as it was known. */
static struct http_reply *get_order(const struct order *o)
{
  struct http_reply *r = get("/api/orders/" ID);
  reader_answers(ST_OK, o);
  cr_assert_eq(r->status, 200);
  return r;
}

CHECKED(order_get, one_that_has_not_ended_is_asked_after_each_time)
{
  struct order o = order_of();
  o.version = 7;
  struct http_reply *first = get_order(&o);
  struct http_reply *r = get("/api/orders/" ID);
  cr_assert_eq(lookups[0].known, 7);
  reader_answers(ST_OK, NULL);
  cr_assert_str_eq(header_of(r, "X-Cache"), "HIT");
  cr_assert_str_eq(header_of(r, "X-Cache-Age"), "0");
  cr_assert_str_eq(header_of(r, "Cache-Control"), "private, no-cache");
  cr_assert_str_eq(header_of(r, "ETag"), header_of(first, "ETag"));
  cr_assert_str_eq(r->body, first->body);
  reply_free(r);

  o.version = 8;
  o.attempt = 2;
  r = get_order(&o);
  cr_assert_str_eq(header_of(r, "X-Cache"), "MISS");
  cr_assert_str_neq(header_of(r, "ETag"), header_of(first, "ETag"));
  cr_assert_str_neq(r->body, first->body);
  reply_free(r);
  reply_free(first);
}

CHECKED(order_get, one_that_has_ended_is_not_asked_after)
{
  struct order o = order_of();
  o.phase = OX_SUCCEEDED;
  reply_free(get_order(&o));
  struct http_reply *r = get("/api/orders/" ID);
  cr_assert_eq(n_lookups, 0);
  cr_assert_str_eq(header_of(r, "X-Cache"), "HIT");
  char header[128];
  snprintf(header, sizeof header, "If-None-Match: %s", header_of(r, "ETag"));
  reply_free(r);
  r = get_if_none_match(header);
  cr_assert_eq(r->status, 304);
  cr_assert_str_eq(header_of(r, "X-Cache"), "HIT");
  cr_assert_str_eq(r->body, "");
  reply_free(r);

  struct cache_stats s = cache_stats(api.cache);
  cr_assert(s.hits == 2 && s.misses == 1 && s.entries == 1);
  r = get("/api/orders/my-id"); /* kept under the name that it was asked for by */
  cr_assert_eq(lookups[0].known, 0);
  reader_answers(ST_OK, &o);
  reply_free(r);
  cr_assert_eq(cache_stats(api.cache).entries, 2);
}

CHECKED(order_get, what_is_pushed_out_meanwhile_is_still_answered)
{
  struct order o = order_of();
  o.version = 7;
  struct http_reply *first = get_order(&o), *r = get("/api/orders/" ID);
  cr_assert_eq(cache_clear(api.cache), 1);
  reader_answers(ST_OK, NULL);
  cr_assert_str_eq(r->body, first->body);
  cr_assert_eq(cache_stats(api.cache).entries, 0);
  reply_free(r);
  r = get("/api/orders/" ID);
  cr_assert_eq(lookups[0].known, 0);
  reader_answers(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
  reply_free(first);
}

CHECKED(order_get, nobody_gets_what_another_was_answered)
{
  struct cache_answer other = {
      .key = "other/" ID, .header = "", .body = "{}", .body_len = 2, .mark = "", .final = true};
  cache_put(api.cache, &other, clock_mono_ms(), 1000);
  struct http_reply *r = get("/api/orders/" ID);
  cr_assert_eq(n_lookups, 1);
  reader_answers(ST_NOT_FOUND, NULL);
  expect_problem(r, 404, "ORDER_NOT_FOUND");
}

CHECKED(order_get, without_a_cache)
{
  struct order o = order_of();
  o.phase = OX_SUCCEEDED;
  config.cache_ttl_s = 0;
  reply_free(get_order(&o));
  struct http_reply *r = get_order(&o);
  cr_assert_str_eq(header_of(r, "X-Cache"), "MISS");
  reply_free(r);
}

CHECKED(order_get, by_own_id)
{
  struct http_reply *r = get("/api/orders/my-id");
  cr_assert_str_eq(lookups[0].own_id, "my-id");
  reader_answers(ST_NOT_FOUND, NULL);
  expect_problem(r, 404, "ORDER_NOT_FOUND");
}

CHECKED(order_get, bad_ids_are_not_looked_up)
{
  expect_problem(get("/api/orders/ord_1"), 400, "INVALID_ORDER_ID");
  expect_problem(get("/api/orders/a b/status"), 400, "INVALID_ORDER_ID");
  expect_problem(get("/api/orders/execute/events"), 400, "INVALID_ORDER_ID");
}

CHECKED(order_get, the_store_away_or_busy)
{
  static const char *const paths[] = {"/api/orders/" ID, "/api/orders/" ID "/status",
                                      "/api/orders/" ID "/events"};
  for (size_t i = 0; i < 3; i++) {
    reader_status = ST_AWAY;
    expect_problem(get(paths[i]), 503, "STORE_UNAVAILABLE");
    reader_status = ST_FULL;
    expect_problem(get(paths[i]), 503, "OVERLOADED");
    reader_status = ST_OK;
    struct http_reply *r = get(paths[i]);
    reader_answers(ST_AWAY, NULL);
    expect_problem(r, 503, "STORE_UNAVAILABLE");
    r = get(paths[i]);
    reader_answers(ST_NOT_FOUND, NULL);
    expect_problem(r, 404, "ORDER_NOT_FOUND");
  }
}

CHECKED(order_get, its_status)
{
  struct order o = order_of();
  struct http_reply *r = get("/api/orders/mine/status");
  reader_answers(ST_OK, &o);
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->body, "{\"orderId\":\"" ID "\",\"status\":\"routing\",\"phase\":\"active\"}");
  cr_assert_str_eq(header_of(r, "Cache-Control"), "no-store");
  reply_free(r);
}

CHECKED(order_get, its_events)
{
  struct order o = order_of();
  static const struct reader_event events[] = {{1, false, "{\"seq\":1}", 9},
                                               {2, true, "{\"seq\":2}", 9}};
  struct http_reply *r = get("/api/orders/mine/events");
  reader_answers(ST_OK, &o);
  cr_assert_eq(r->answered, 0);
  cr_assert_eq(lookups[0].since, 0);
  cr_assert_eq(ulid_compare(&lookups[0].id, &o.id), 0);
  reader_answers_events(ST_OK, events, 2);
  cr_assert_str_eq(r->body, "{\"orderId\":\"" ID "\",\"events\":[{\"seq\":1},{\"seq\":2}]}");
  reply_free(r);
}

CHECKED(order_get, events_fail_in_the_second_step)
{
  struct order o = order_of();
  struct http_reply *r = get("/api/orders/mine/events");
  reader_answers(ST_OK, &o);
  reader_answers_events(ST_AWAY, NULL, 0);
  expect_problem(r, 503, "STORE_UNAVAILABLE");

  r = get("/api/orders/mine/events");
  reader_status = ST_FULL;
  reader_answers(ST_OK, &o);
  expect_problem(r, 503, "OVERLOADED");
}

CHECKED(order_get, an_answer_that_is_too_large_is_500_not_half)
{
  struct order o = order_of();
  enum { MIB = 1 << 20 };
  char *big = mem_alloc(MIB + 1);
  memset(big, ' ', MIB);
  struct reader_event events[20];
  for (int i = 0; i < 20; i++) events[i] = (struct reader_event){i + 1, false, big, MIB};
  struct http_reply *r = get("/api/orders/mine/events");
  reader_answers(ST_OK, &o);
  reader_answers_events(ST_OK, events, 20);
  expect_problem(r, 500, "INTERNAL_ERROR");
  r = get("/livez");
  cr_assert_eq(r->status, 200);
  cr_assert_leq(api.scratch.cap, MIB, "the memory is given back");
  reply_free(r);
  free(big);
}
