/* pointer_test.c - RFC 6901 pointers. */
#include "executors/pointer.h"

#include <criterion/criterion.h>
#include <string.h>

Test(pointer, appends_names)
{
  char pointer[32] = "";
  pointer_add(pointer, sizeof pointer, "faults");
  pointer_add(pointer, sizeof pointer, "0");
  pointer_add(pointer, sizeof pointer, "");
  cr_assert_str_eq(pointer, "/faults/0/");
}

Test(pointer, escapes)
{
  char pointer[32] = "";
  pointer_add(pointer, sizeof pointer, "a/b~c");
  cr_assert_str_eq(pointer, "/a~1b~0c");
}

Test(pointer, cuts_at_a_whole_character)
{
  for (size_t cap = 5; cap < 24; cap++) {
    char pointer[32] = "";
    pointer_add(pointer, cap, "ab\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80~~~~~~~~");
    size_t len = strlen(pointer);
    cr_assert(len < cap);
    for (size_t i = 0; i < len; i++) {
      unsigned char c = (unsigned char)pointer[i];
      size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
      cr_assert(i + need <= len, "cap %zu: cut inside a character", cap);
      if (c == '~') cr_assert(pointer[i + 1] == '0');
      i += need - 1;
    }
  }
}
