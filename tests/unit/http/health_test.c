/* health_test.c - up, degraded, down, draining. */
#define FAKES_OWN_SETUP
#include "tests/unit/http/fakes.h"

static enum api_redis redis_is;
static enum api_workers workers_are;

static enum api_redis redis_(void *arg)
{
  cr_assert_eq(arg, &config);
  return redis_is;
}

static enum api_workers workers_(void *arg)
{
  cr_assert_eq(arg, &config);
  return workers_are;
}

static struct api_venue venue;

static size_t venues_(void *arg, struct api_venue *out, size_t max)
{
  cr_assert_eq(arg, &config);
  cr_assert_geq(max, 1);
  out[0] = venue;
  return 1;
}

static void setup(void)
{
  fakes_setup();
  api.redis = redis_;
  api.workers = workers_;
  api.venues = venues_;
  venue = (struct api_venue){"east", "closed", true, 0, 0};
  api.probe_arg = &config;
  redis_is = API_REDIS_UP;
  workers_are = API_WORKERS_UP;
}

static void teardown(void)
{
  fakes_teardown();
}

static void expect(const char *target, int status, const char *word)
{
  struct http_reply *r = get(target);
  cr_assert_eq(r->status, status, "%s: %d", target, r->status);
  json_t *o = parse(r->body);
  cr_assert_str_eq(str_of(o, "status"), word, "%s", r->body);
  cr_assert_eq(header_of(r, "Retry-After") != NULL, status == 503);
  cr_assert_str_eq(r->content_type, "application/json");
  json_decref(o);
  reply_free(r);
}

CHECKED(health, all_well)
{
  api.started_ms -= 12345;
  struct http_reply *r = get("/health");
  char expected[512];
  json_t *o = parse(r->body);
  cr_assert_eq(json_integer_value(json_object_get(o, "uptime")), 12);
  json_decref(o);
  snprintf(expected, sizeof expected,
           "{\"status\":\"ok\",\"version\":\"%s\",\"uptime\":12,\"checks\":"
           "{\"postgres\":\"up\",\"redis\":\"up\",\"workers\":\"up\",\"venues\":{\"east\":"
           "{\"state\":\"closed\",\"failures\":0,\"retryInMs\":0}}}}",
           OX_VERSION);
  cr_assert_str_eq(r->body, expected);
  reply_free(r);
  expect("/livez", 200, "ok");
  expect("/readyz", 200, "ok");
}

CHECKED(health, without_redis_it_is_degraded)
{
  redis_is = API_REDIS_DOWN;
  expect("/health", 200, "degraded");
  expect("/readyz", 200, "degraded");
  expect("/livez", 200, "ok");
}

CHECKED(health, with_a_redis_that_takes_nothing_it_is_degraded)
{
  redis_is = API_REDIS_REFUSING;
  expect("/health", 200, "degraded");
  expect("/readyz", 200, "degraded");
  struct http_reply *r = get("/health");
  cr_assert(strstr(r->body, "\"redis\":\"refusing\""), "%s", r->body);
  reply_free(r);
}

CHECKED(health, without_workers_it_is_degraded)
{
  workers_are = API_WORKERS_DOWN;
  expect("/health", 200, "degraded");
  expect("/readyz", 200, "degraded");
}

CHECKED(health, with_a_breaker_that_is_not_closed_it_is_degraded)
{
  venue = (struct api_venue){"east", "half-open", false, 5, 1200};
  expect("/readyz", 200, "degraded");
  struct http_reply *r = get("/health");
  cr_assert_not_null(
      strstr(r->body, "{\"east\":{\"state\":\"half-open\",\"failures\":5,\"retryInMs\":1200}}"));
  cr_assert_not_null(strstr(r->body, "\"status\":\"degraded\""));
  reply_free(r);
}

CHECKED(health, workers_elsewhere_are_none_of_its_business)
{
  workers_are = API_WORKERS_OFF;
  expect("/health", 200, "ok");
  api.workers = NULL;
  struct http_reply *r = get("/health");
  cr_assert_not_null(strstr(r->body, "\"workers\":\"off\""));
  reply_free(r);
}

/* It can still be read, and one order at a time finds out when that is over. */
CHECKED(health, a_postgres_without_room_degrades)
{
  journal_is_refusing = true;
  expect("/health", 200, "degraded");
  expect("/readyz", 200, "degraded");
  struct http_reply *r = get("/health");
  cr_assert(strstr(r->body, "\"postgres\":\"refusing\""), "%s", r->body);
  reply_free(r);
}

CHECKED(health, without_postgres_it_is_down)
{
  store_up = false;
  expect("/health", 503, "down");
  expect("/readyz", 503, "down");
  expect("/livez", 200, "ok");
}

CHECKED(health, draining_is_not_ready_but_alive)
{
  api.draining = true;
  expect("/readyz", 503, "draining");
  expect("/livez", 200, "ok");
  expect("/health", 200, "ok");
}
