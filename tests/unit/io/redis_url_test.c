/* redis_url_test.c - every part of a Redis URL, and what is refused. */
#include "io/redis_url.h"

#include <criterion/criterion.h>

static struct redis_url parse(const char *text)
{
  struct redis_url u;
  cr_assert_eq(redis_url_parse(text, &u), ST_OK, "%s", text);
  return u;
}

Test(redis_url, host_alone)
{
  struct redis_url u = parse("redis://example.org");
  cr_assert_str_eq(u.host, "example.org");
  cr_assert_eq(u.port, 6379);
  cr_assert_eq(u.db, 0);
  cr_assert_null(u.user);
  cr_assert_null(u.password);
  cr_assert_null(u.path);
  redis_url_deinit(&u);
}

Test(redis_url, everything)
{
  struct redis_url u = parse("redis://me:p%40ss%3aw%2Ford@127.0.0.1:6380/15");
  cr_assert_str_eq(u.host, "127.0.0.1");
  cr_assert_eq(u.port, 6380);
  cr_assert_eq(u.db, 15);
  cr_assert_str_eq(u.user, "me");
  cr_assert_str_eq(u.password, "p@ss:w/ord");
  redis_url_deinit(&u);
}

Test(redis_url, password_alone_and_at_signs)
{
  struct redis_url u = parse("redis://:a@b@host/");
  cr_assert_null(u.user);
  cr_assert_str_eq(u.password, "a@b");
  cr_assert_str_eq(u.host, "host");
  redis_url_deinit(&u);
}

Test(redis_url, addresses_in_brackets)
{
  struct redis_url u = parse("redis://[::1]:7000/2"), v = parse("redis://[fe80::1]");
  cr_assert_str_eq(u.host, "::1");
  cr_assert_eq(u.port, 7000);
  cr_assert_eq(u.db, 2);
  cr_assert_str_eq(v.host, "fe80::1");
  cr_assert_eq(v.port, 6379);
  redis_url_deinit(&u);
  redis_url_deinit(&v);
}

Test(redis_url, sockets)
{
  struct redis_url u = parse("unix:///run/redis%20x.sock");
  cr_assert_str_eq(u.path, "/run/redis x.sock");
  cr_assert(!u.host && !u.user && !u.password);
  redis_url_deinit(&u);
  u = parse("unix://me:p%40ss%2F@/run/r@dis.sock");
  cr_assert_str_eq(u.path, "/run/r@dis.sock");
  cr_assert_str_eq(u.user, "me");
  cr_assert_str_eq(u.password, "p@ss/");
  redis_url_deinit(&u);
}

Test(redis_url, refuses_everything_else)
{
  static const char *const WRONG[] = {
      "",
      "redis:",
      "redis://",
      "redis:///0",
      "redis://:6379",
      "rediss://host",
      "http://host",
      "redis://host:",
      "redis://host:0",
      "redis://host:65536",
      "redis://host:99999999999999999999",
      "redis://host:12a",
      "redis://host:-1",
      "redis://host/x",
      "redis://host/0/1",
      "redis://host/-1",
      "redis://host?db=1",
      "redis://user@host",
      "redis://u:p%@host",
      "redis://u:p%4@host",
      "redis://u:p%zz@host",
      "redis://u:p%00@host",
      "redis://[::1",
      "redis://[::1]x",
      "redis://[]",
      "unix://",
      "unix:///",
      "unix://relative",
      "unix:///p%00",
      "unix://me@/run/redis.sock",
      "unix://me:p%00@/run/redis.sock",
      "unix://me:pass/word@/run/redis.sock",
      "unix://me:password@",
      "unix://me:password@/",
      "unix://me:password@relative",
  };
  struct redis_url u;

  for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
    cr_assert_eq(redis_url_parse(WRONG[i], &u), ST_INVALID, "%s", WRONG[i]);
    cr_assert(!u.host && !u.path && !u.user && !u.password);
  }
}
