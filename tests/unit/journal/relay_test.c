/* relay_test.c - who hears of events in this process, and in which order; Redis is away. */
#include "journal/relay.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "order/line.h"

static struct relay *relay;
static struct queue *queue;
static int32_t heard[16];
static size_t n_heard, n_messages;
static int32_t add_at; /* whoever hears of this one makes another */

static void event(int32_t seq, const char *data)
{
  struct order_event e = {.order_id = {.bytes = {1}},
                          .seq = seq,
                          .attempt = 1,
                          .status = "routing",
                          .phase = OX_ACTIVE,
                          .at_ms = 1769855400123,
                          .data = data};
  relay_event(relay, &e);
}

static void on_events(void *arg, const char *text, size_t len)
{
  const char *end = text + len;
  struct ulid source;
  struct event_line line;
  cr_assert_eq(arg, &n_heard);
  cr_assert(event_lines_source(&text, end, &source));
  n_messages++;
  while (event_line_next(&text, end, &line)) {
    heard[n_heard++] = line.seq;
    if (line.seq != add_at) continue;
    event(add_at + 1, NULL);
    relay_flush(relay);
    cr_assert_eq(heard[n_heard - 1], add_at, "not before this message is over");
  }
  cr_assert_eq(text, end);
}

static void setup(void)
{
  log_set_level(LOG_LEVEL_ERROR);
  queue = queue_create(NULL, &(struct queue_options){.prefix = "ox:{test}"});
  relay = relay_create(queue);
  relay_on_events(relay, on_events, &n_heard);
  relay_listened(relay, INT64_MAX);
}

static void teardown(void)
{
  relay_destroy(relay);
  queue_destroy(queue);
}

TestSuite(relay, .init = setup, .fini = teardown);

Test(relay, one_message_for_what_was_gathered)
{
  relay_flush(relay);
  event(1, NULL);
  event(2, NULL);
  cr_assert_eq(n_messages, 0);
  relay_flush(relay);
  relay_flush(relay);
  cr_assert_eq(n_messages, 1);
  cr_assert_eq(n_heard, 2);
  event(3, NULL);
  relay_flush(relay);
  cr_assert_eq(n_messages, 2);
  cr_assert_eq(heard[2], 3);
}

Test(relay, what_hearing_makes_happen_is_told_afterwards)
{
  add_at = 2;
  event(1, NULL);
  event(2, NULL);
  event(9, NULL);
  relay_flush(relay);
  cr_assert_eq(n_messages, 2);
  const int32_t order[] = {1, 2, 9, 3};
  cr_assert_arr_eq(heard, order, sizeof order);
}

Test(relay, nobody_has_to_listen)
{
  relay_on_events(relay, NULL, NULL);
  event(1, NULL);
  relay_flush(relay);
  relay_on_events(relay, on_events, &n_heard);
  event(2, NULL);
  relay_flush(relay);
  cr_assert_eq(n_heard, 1);
  cr_assert_eq(heard[0], 2);
}

Test(relay, while_nobody_listens_nothing_is_told)
{
  relay_listened(relay, clock_mono_ms());
  event(1, NULL);
  relay_flush(relay);
  cr_assert_eq(n_messages, 0);
  relay_listened(relay, INT64_MAX);
  event(2, NULL);
  relay_flush(relay);
  cr_assert_eq(n_heard, 1);
  cr_assert_eq(heard[0], 2);
}

Test(relay, a_message_that_is_too_large_is_told_to_nobody)
{
  static char data[5 << 20];
  memset(data, ' ', sizeof data - 1);
  memcpy(data, "{}", 2);
  event(1, data);
  relay_flush(relay);
  cr_assert_eq(n_heard, 0);
  event(2, NULL);
  relay_flush(relay);
  cr_assert_eq(heard[0], 2, "the next one is whole");
}
