/* text_test.c - short texts into fields of fixed size. */
#include <criterion/criterion.h>
#include <ox/text.h>

Test(text, fits_up_to_the_last_byte_but_one)
{
  static const char from[] = "abcdefgh";
  for (size_t size = 1; size < 12; size++) {
    char to[12];
    memset(to, 'x', sizeof to);
    bool whole = ox_text_copy(to, size, from);
    size_t len = size > strlen(from) ? strlen(from) : size - 1;
    cr_assert_eq(whole, size > strlen(from));
    cr_assert_eq(strlen(to), len);
    cr_assert_arr_eq(to, from, len);
    for (size_t i = len + 1; i < sizeof to; i++) cr_assert_eq(to[i], 'x');
  }
}

/* What is copied need not end behind the field. */
Test(text, reads_no_further_than_one_byte_past_what_fits)
{
  char from[4] = {'a', 'b', 'c', 'd'}, to[3];
  cr_assert_not(ox_text_copy(to, sizeof to, from));
  cr_assert_str_eq(to, "ab");
}
