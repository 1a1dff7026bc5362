/* etag_test.c - tags that change with the order, and who has them. */
#include "http/etag.h"

#include <criterion/criterion.h>
#include <string.h>

Test(etag, changes_with_every_change)
{
  char a[ETAG_MAX], b[ETAG_MAX], c[ETAG_MAX];
  struct order o = {.ver = 3, .version = 1769855400123};
  etag_of(&o, a);
  o.version++;
  etag_of(&o, b);
  o.ver++;
  etag_of(&o, c);
  cr_assert_str_neq(a, b);
  cr_assert_str_neq(b, c);
  cr_assert_eq(strncmp(a, "W/\"", 3), 0);
  cr_assert_eq(a[strlen(a) - 1], '"');
}

Test(etag, the_longest_fits)
{
  char tag[ETAG_MAX];
  struct order o = {.ver = INT32_MIN, .version = UINT64_MAX};
  etag_of(&o, tag);
  cr_assert_eq(tag[strlen(tag) - 1], '"');
}

Test(etag, matching)
{
  static const struct {
    const char *header;
    bool match;
  } cases[] = {
      {"W/\"5-a\"", true},
      {"\"5-a\"", true}, /* weak comparison */
      {"*", true},
      {"W/\"4-a\", W/\"5-a\"", true},
      {"\"x,y\",W/\"5-a\"", true},
      {" ,, W/\"5-a\" ", true},
      {"W/\"5-ab\"", false},
      {"W/\"5-\"", false},
      {"", false},
      {"5-a", false},
      {"W/5-a", false},
      {"\"5-a", false},
      {"W/", false},
      {"w/\"5-a\"", false},
      {"garbage W/\"5-a\"", false},
      {"*, W/\"4\"", false},
      {"\"W/\"5-a\"\"", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_assert_eq(etag_matches(cases[i].header, "W/\"5-a\""), cases[i].match, "%s", cases[i].header);
}
