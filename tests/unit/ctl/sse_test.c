/* Server-Sent Events, cut anywhere. */
#include "ctl/sse.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char seen[400];

static void on_event(void *arg, const char *event, const char *data, size_t len)
{
  (void)arg;
  cr_assert_eq(strlen(data), len);
  size_t at = strlen(seen);
  snprintf(seen + at, sizeof seen - at, "[%s|%s]", event, data);
}

static const char text[] =
    "retry: 1000\n\n: a comment\nid: 7-1\nevent: order.created\ndata: {\"a\":1}\n"
    "\nid: 7-2\r\ndata:x\r\ndata: y\r\n\r\nevent: heartbeat\n\ndata: cut";

Test(sse, is_the_same_wherever_it_is_cut)
{
  for (size_t cut = 1; cut < sizeof text - 1; cut++) {
    struct sse s;
    sse_init(&s);
    seen[0] = '\0';
    for (size_t at = 0; at < sizeof text - 1; at += cut) {
      size_t left = sizeof text - 1 - at;
      cr_assert(sse_feed(&s, text + at, left < cut ? left : cut, on_event, NULL));
    }
    cr_assert_str_eq(seen, "[order.created|{\"a\":1}][|x\ny]");
    cr_assert_str_eq(s.id, "7-2");
    sse_restart(&s);
    cr_assert(sse_feed(&s, "data: z\n\n", 9, on_event, NULL));
    cr_assert_str_eq(seen, "[order.created|{\"a\":1}][|x\ny][|z]");
    sse_deinit(&s);
  }
}
