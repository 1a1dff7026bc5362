/* The switch that stops the queue, in a real PostgreSQL. */
#include "journal/pause.h"

#include "journal_kit.h"

static struct kit k;

static void open_kit(void)
{
  kit_open(&k);
}

static void close_kit(void)
{
  kit_close(&k);
}

TestSuite(pause, .init = open_kit, .fini = close_kit, .timeout = 60);

struct answer {
  int calls;
  enum status status;
  int64_t since_ms;
};

static void on_paused(void *arg, enum status status, int64_t since_ms)
{
  struct answer *a = arg;
  a->calls++;
  a->status = status;
  a->since_ms = since_ms;
}

static struct answer pause_queue(bool paused)
{
  struct answer a = {0};
  cr_assert_eq(journal_pause(k.journal, paused, on_paused, &a), ST_OK);
  cr_assert_eq(a.calls, 0, "inside the call");
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_OK);
  return a;
}

static const char *row(void)
{
  return kit_sql(&k, "SELECT paused || ' ' || version FROM queue_pause");
}

Test(pause, each_change_has_a_version_and_a_time)
{
  cr_assert_str_eq(row(), "false 1");
  int64_t since = pause_queue(true).since_ms;
  cr_assert_lt(llabs(since - clock_unix_ms()), 60000);
  cr_assert_str_eq(row(), "true 2");
  cr_assert_eq(pause_queue(true).since_ms, since, "it was paused before");
  cr_assert_str_eq(row(), "true 2");
  cr_assert_geq(pause_queue(false).since_ms, since);
  cr_assert_str_eq(row(), "false 3");
}

/* Asked again until it is said to be durable: it is, and happened once. */
Test(pause, a_lost_answer_is_said)
{
  int said = 0;
  for (int i = 0; i < 20 || !said; i++) {
    struct answer a = {0};
    cr_assert_lt(i, 100);
    kit_until(&k, journal_pause(k.journal, true, on_paused, &a) == ST_OK);
    if (i < 20) kit_terminate(&k, "ox journal");
    kit_until(&k, a.calls);
    cr_assert(a.status == ST_OK || a.status == ST_AWAY);
    said += a.status == ST_OK;
  }
  cr_assert_str_eq(row(), "true 2");
}

Test(pause, who_waits_is_answered_when_the_journal_ends)
{
  struct answer a = {0};
  cr_assert_eq(journal_pause(k.journal, true, on_paused, &a), ST_OK);
  journal_destroy(k.journal, NULL, NULL);
  k.journal = NULL;
  kit_until(&k, a.calls);
  cr_assert_eq(a.status, ST_AWAY);
}
