/* Tables: widths, what is cut, and that nothing a server sends reaches the terminal as a command.
 */
#include "ctl/table.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct table_column columns[] = {
    {.title = "NAME"}, {.title = "N", .right = true}, {.title = "WHAT", .cut = true}};

static char text[4096];

static const char *printed(const struct table *t, int width)
{
  FILE *out = fmemopen(text, sizeof text, "w");
  table_print(t, width, out);
  fclose(out);
  return text;
}

static struct table *two_rows(void)
{
  struct table *t = table_create(columns, 3);
  table_add(t, (const char *[]){"a", "1", "something long"});
  table_add(t, (const char *[]){"bcdef", "200", NULL});
  return t;
}

Test(table, is_as_wide_as_its_texts)
{
  struct table *t = two_rows();
  cr_assert_eq(table_rows(t), 2);
  cr_assert_str_eq(printed(t, 0), "NAME     N  WHAT\n"
                                  "a        1  something long\n"
                                  "bcdef  200  \n");
  table_destroy(t);
}

Test(table, is_cut_where_it_may_be)
{
  struct table *t = two_rows();
  cr_assert_str_eq(printed(t, 20), "NAME     N  WHAT\n"
                                   "a        1  somethi…\n"
                                   "bcdef  200  \n");
  cr_assert(strstr(printed(t, 1), "a        1  somet…\n"), "%s", text);
  table_destroy(t);
}

Test(table, counts_characters)
{
  struct table *t = table_create(columns, 3);
  table_add(t, (const char *[]){"żółw", "1", "x"});
  table_add(t, (const char *[]){"abcd", "2", "y"});
  cr_assert_str_eq(printed(t, 0), "NAME  N  WHAT\nżółw  1  x\nabcd  2  y\n");
  table_destroy(t);
}

Test(table, lets_no_control_character_through)
{
  FILE *out = fmemopen(text, sizeof text, "w");
  table_put("a\033[2Jb\nc\x7f\xc2\x9b!é", out);
  fclose(out);
  cr_assert_str_eq(text, "a?[2Jb?c?\?!é");
}

Test(table, many_rows)
{
  struct table *t = table_create(columns, 3);
  for (int i = 0; i < 1000; i++) table_add(t, (const char *[]){"a", "b", "c"});
  cr_assert_eq(table_rows(t), 1000);
  table_destroy(t);
}
