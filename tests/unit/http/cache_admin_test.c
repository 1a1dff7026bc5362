/* cache_admin_test.c - /cache/stats, /cache/keys, /cache/clear. */
#include "base/clock.h"
#include "tests/unit/http/fakes.h"

static void keep(const char *key)
{
  struct cache_answer a = {.key = key, .header = "", .body = "{}", .body_len = 2, .mark = ""};
  cache_put(api.cache, &a, clock_mono_ms(), 1000);
}

CHECKED(cache_admin, stats)
{
  struct http_reply *r = get("/cache/stats");
  cr_assert_str_eq(r->body,
                   "{\"hits\":0,\"misses\":0,\"hitRatio\":0.0000,\"entries\":0,\"bytes\":0,"
                   "\"maxBytes\":1048576,\"evictions\":0,\"ttlS\":300,\"listTtlS\":2}");
  reply_free(r);
  keep("default/a");
  for (int i = 0; i < 3; i++) cache_count(api.cache, i > 0);
  r = get("/cache/stats");
  json_t *body = parse(r->body);
  cr_assert_eq(json_integer_value(json_object_get(body, "hits")), 2);
  cr_assert_eq(json_real_value(json_object_get(body, "hitRatio")), 0.6667);
  cr_assert_eq(json_integer_value(json_object_get(body, "entries")), 1);
  cr_assert_gt(json_integer_value(json_object_get(body, "bytes")), 0);
  json_decref(body);
  reply_free(r);
}

CHECKED(cache_admin, keys_the_last_used_first_and_not_endless)
{
  char key[32];
  struct http_reply *r = get("/cache/keys");
  cr_assert_str_eq(r->body, "{\"keys\":[],\"entries\":0}");
  reply_free(r);
  for (int i = 0; i < 1200; i++) {
    snprintf(key, sizeof key, "default/%d", i);
    keep(key);
  }
  r = get("/cache/keys");
  json_t *body = parse(r->body), *keys = json_object_get(body, "keys");
  cr_assert_eq(json_array_size(keys), 1000);
  cr_assert_str_eq(json_string_value(json_array_get(keys, 0)), "default/1199");
  cr_assert_eq(json_integer_value(json_object_get(body, "entries")), 1200);
  json_decref(body);
  reply_free(r);
}

static struct http_reply *clear(void)
{
  keep("default/a");
  struct http_reply *r = ask(&(struct ask){.method = "DELETE", .target = "/cache/clear"});
  cr_assert_eq(cache_stats(api.cache).entries, 0);
  return r;
}

CHECKED(cache_admin, clear_says_whom_it_reached)
{
  struct http_reply *r = clear();
  cr_assert_eq(r->answered, 0, "before it is known");
  told_done(told_arg, ST_OK, 3);
  cr_assert_str_eq(r->body, "{\"cleared\":1,\"processes\":3,\"everywhere\":true}");
  reply_free(r);
  r = clear();
  told_done(told_arg, ST_AWAY, 0);
  cr_assert_str_eq(r->body, "{\"cleared\":1,\"processes\":1,\"everywhere\":false}");
  reply_free(r);
  queue_status = ST_AWAY;
  r = clear();
  cr_assert_str_eq(r->body, "{\"cleared\":1,\"processes\":1,\"everywhere\":false}");
  reply_free(r);
}
