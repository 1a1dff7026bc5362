#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "net/ws.h"

Test(ws_message, holds_its_text)
{
  struct ws_message *m = ws_message_create("hello", 5);
  cr_assert_eq(m->len, 5);
  cr_assert_str_eq(m->text, "hello");
  cr_assert_eq(m->refs, 1);
  ws_message_unref(m);
  m = ws_message_create("", 0);
  cr_assert_str_eq(m->text, "");
  m->refs++;
  ws_message_unref(m);
  cr_assert_eq(m->refs, 1);
  ws_message_unref(m);
}
