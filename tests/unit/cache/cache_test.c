/* cache_test.c - what is kept, how long, how much of it, and what makes room. By a clock of its
 * own. */
#include "cache/cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { KIB = 1 << 10, TEXT_MAX = 8 };

static void put(struct cache *c, const char *key, const char *body, int64_t now_ms, int64_t ttl_ms)
{
  const struct cache_answer a = {.key = key,
                                 .header = "W/\"1\"",
                                 .body = body,
                                 .body_len = strlen(body),
                                 .version = 7,
                                 .mark = "mark",
                                 .final = true};
  cache_put(c, &a, now_ms, ttl_ms);
}

static bool has(struct cache *c, const char *key, int64_t now_ms)
{
  const struct cache_entry *e = cache_get(c, key, now_ms);
  cache_release(e);
  return e != NULL;
}

Test(cache, gives_back_all_that_was_put_in)
{
  struct cache *c = cache_create(64 * KIB);
  put(c, "a", "body", 1000, 10);
  const struct cache_entry *e = cache_get(c, "a", 1001);
  cr_assert_str_eq(e->answer.key, "a");
  cr_assert_str_eq(e->answer.header, "W/\"1\"");
  cr_assert_str_eq(e->answer.body, "body");
  cr_assert_str_eq(e->answer.mark, "mark");
  cr_assert(e->answer.body_len == 4 && e->answer.version == 7 && e->answer.final);
  cr_assert_eq(e->stored_ms, 1000);
  cache_release(e);
  cr_assert_null(cache_get(c, "b", 1001));
  cache_release(NULL);
  cache_destroy(c);
  cache_destroy(NULL);
}

Test(cache, an_entry_lives_as_long_as_it_was_put_in_for)
{
  struct cache *c = cache_create(64 * KIB);
  put(c, "a", "", 1000, 10);
  put(c, "b", "", 1000, 0);
  cr_assert(has(c, "a", 1009));
  cr_assert_not(has(c, "b", 1000));
  cr_assert_not(has(c, "a", 1010));
  cr_assert_eq(cache_stats(c).entries, 0, "it is gone with the first look at it");
  cr_assert_eq(cache_stats(c).bytes, 0);
  cr_assert_eq(cache_stats(c).evictions, 0);
  put(c, "a", "", 2000, 10);
  put(c, "a", "", 2005, 10);
  cr_assert(has(c, "a", 2014), "the newer one counts");
  cache_destroy(c);
}

Test(cache, what_was_not_used_for_longest_makes_room)
{
  struct cache *c = cache_create(8 * KIB);
  char key[16];
  int n = 0;
  do {
    snprintf(key, sizeof key, "%d", n++);
    put(c, key, "0123456789", 0, 1000);
  } while (cache_stats(c).evictions == 0);
  cr_assert_gt(n, 20);
  cr_assert_not(has(c, "0", 1));
  cr_assert(has(c, "1", 1));
  put(c, "new", "0123456789", 0, 1000);
  cr_assert(has(c, "1", 1), "it was used");
  cr_assert_not(has(c, "2", 1));
  cache_destroy(c);
}

Test(cache, never_more_than_its_bound)
{
  enum { MAX = 32 * KIB };
  static char body[4 * KIB];
  struct cache *c = cache_create(MAX);
  char key[16];
  for (int i = 0; i < 10000; i++) {
    size_t len = (size_t)(i * 37) % (MAX / CACHE_SHARE - 300);
    memset(body, 'x', len);
    body[len] = '\0';
    snprintf(key, sizeof key, "%d", i % 97);
    put(c, key, body, i, 50);
    struct cache_stats s = cache_stats(c);
    cr_assert_leq(s.bytes, MAX);
    cr_assert_eq(s.max_bytes, MAX);
  }
  cr_assert_gt(cache_stats(c).evictions, 0);
  size_t entries = cache_stats(c).entries;
  cr_assert_eq(cache_clear(c), entries);
  cr_assert_eq(cache_stats(c).bytes, 0);
  cache_destroy(c);
}

Test(cache, what_would_take_too_much_of_it_is_not_kept_and_its_elder_is_gone)
{
  static char body[KIB + 1];
  struct cache *c = cache_create(8 * KIB);
  put(c, "a", "small", 0, 1000);
  memset(body, 'x', KIB);
  put(c, "a", body, 0, 1000);
  cr_assert_not(has(c, "a", 1));
  cache_destroy(c);
}

Test(cache, what_is_held_stays_whatever_becomes_of_it)
{
  struct cache *c = cache_create(64 * KIB);
  put(c, "a", "first", 0, 1000);
  const struct cache_entry *replaced = cache_get(c, "a", 1), *twice = cache_get(c, "a", 1);
  put(c, "a", "second", 2, 1000);
  const struct cache_entry *cleared = cache_get(c, "a", 3);
  cr_assert_eq(cache_clear(c), 1);
  put(c, "b", "third", 4, 1000);
  cr_assert_str_eq(replaced->answer.body, "first");
  cache_release(replaced);
  cr_assert_str_eq(twice->answer.body, "first");
  cr_assert_str_eq(cleared->answer.body, "second");
  cache_release(cleared);
  cache_release(twice);
  cr_assert(has(c, "b", 5));
  cr_assert_eq(cache_stats(c).entries, 1);
  cache_destroy(c);
}

static bool collect(void *arg, const struct cache_entry *e)
{
  char *text = arg;
  size_t len = strlen(text);
  snprintf(text + len, TEXT_MAX - len, "%s", e->answer.key);
  return strlen(text) < 2;
}

Test(cache, each_the_last_used_first_without_those_that_are_too_old)
{
  struct cache *c = cache_create(64 * KIB);
  char text[TEXT_MAX] = "";
  put(c, "a", "", 0, 1000);
  put(c, "b", "", 0, 1000);
  put(c, "c", "", 0, 1000);
  put(c, "d", "", 0, 10);
  cr_assert(has(c, "a", 1));
  cache_each(c, 20, collect, text);
  cr_assert_str_eq(text, "ac", "no more than was wanted");
  cache_destroy(c);
}

Test(cache, counts_what_it_is_told)
{
  struct cache *c = cache_create(64 * KIB);
  for (int i = 0; i < 5; i++) cache_count(c, i % 2);
  cr_assert_eq(cache_stats(c).hits, 2);
  cr_assert_eq(cache_stats(c).misses, 3);
  cache_destroy(c);
}
