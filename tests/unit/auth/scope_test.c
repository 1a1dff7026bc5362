/* scope_test.c - words to sets and back. */
#include "auth/scope.h"

#include <criterion/criterion.h>

Test(scope, sets)
{
  static const struct {
    const char *text, *formatted;
    unsigned scopes;
  } cases[] = {{"orders:read", "orders:read", SCOPE_READ},
               {"admin", "admin", SCOPE_ADMIN},
               {" admin  orders:write ", "orders:write admin", SCOPE_WRITE | SCOPE_ADMIN},
               {"admin orders:write orders:read", "orders:read orders:write admin", SCOPE_ALL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[SCOPES_TEXT_MAX];
    unsigned scopes = 0;
    cr_assert(scopes_parse(cases[i].text, " ", &scopes), "%s", cases[i].text);
    cr_assert_eq(scopes, cases[i].scopes);
    scopes_format(scopes, text);
    cr_assert_str_eq(text, cases[i].formatted);
  }
}

Test(scope, what_is_none)
{
  static const char *const bad[] = {
      "",       " ",           "orders",   "orders:readx",      "orders:rea", "Admin",
      "admin,", "admin admin", "orders:*", "orders:read,admin", "admin\n",    "open"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    unsigned scopes = 99;
    cr_assert_not(scopes_parse(bad[i], " ", &scopes), "%s", bad[i]);
    cr_assert_eq(scopes, 99);
  }
}

Test(scope, commas_where_they_are_wanted)
{
  unsigned scopes = 0;
  cr_assert(scopes_parse("orders:read,orders:write", ", ", &scopes));
  cr_assert_eq(scopes, SCOPE_READ | SCOPE_WRITE);
}
