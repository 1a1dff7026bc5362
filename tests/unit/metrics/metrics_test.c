/* Recording, and the text: each series as it should stand there. Criterion runs each test in a
 * process of its own, so each begins with nothing counted. */
#include "metrics/metrics.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The text stands until the next one. */
static const char *written(enum metrics_format format)
{
  static struct buf out;
  buf_deinit(&out);
  buf_init(&out, 1 << 24);
  metrics_write(&out, format);
  cr_assert_not(out.overflow);
  return out.data;
}

static void expect_line(const char *line)
{
  char whole[256];
  snprintf(whole, sizeof whole, "\n%s\n", line);
  cr_expect_not_null(strstr(written(METRICS_PROMETHEUS), whole), "%s", line);
}

static size_t times(const char *text, const char *part)
{
  size_t n = 0;
  for (; (text = strstr(text, part)) != NULL; text++) n++;
  return n;
}

Test(metrics, counts)
{
  expect_line("ox_orders_replayed_total 0");
  metrics_inc(METRIC_REPLAYED);
  metrics_inc(METRIC_REPLAYED);
  expect_line("ox_orders_replayed_total 2");
}

Test(metrics, a_series_for_each_combination)
{
  struct metric_series *s = metric_series(METRIC_ENDED, "market", "failed", NULL);
  metric_add(s, 3);
  metric_add(metric_series(METRIC_ENDED, "limit", "failed", NULL), 1);
  cr_assert_eq(metric_series(METRIC_ENDED, "market", "failed", NULL), s);
  expect_line("ox_orders_ended_total{type=\"market\",outcome=\"failed\"} 3");
  expect_line("ox_orders_ended_total{type=\"limit\",outcome=\"failed\"} 1");
}

Test(metrics, escapes_what_labels_hold)
{
  metric_add(metric_series(METRIC_ACCEPTED, "a\"b\\c\nd", NULL, NULL), 1);
  expect_line("ox_orders_accepted_total{type=\"a\\\"b\\\\c\\nd\"} 1");
}

Test(metrics, a_bound_is_in_its_bucket)
{
  static const int64_t values[] = {0, 1, 2, 3, 1000, 1001, -5};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    metrics_observe(METRIC_COMMIT_SIZE, values[i]);
  expect_line("ox_journal_commit_requests_bucket{le=\"1.0\"} 3");
  expect_line("ox_journal_commit_requests_bucket{le=\"2.0\"} 4");
  expect_line("ox_journal_commit_requests_bucket{le=\"5.0\"} 5");
  expect_line("ox_journal_commit_requests_bucket{le=\"500.0\"} 5");
  expect_line("ox_journal_commit_requests_bucket{le=\"1000.0\"} 6");
  expect_line("ox_journal_commit_requests_bucket{le=\"+Inf\"} 7");
  expect_line("ox_journal_commit_requests_count 7");
  expect_line("ox_journal_commit_requests_sum 2007");
}

Test(metrics, times_are_shown_in_seconds)
{
  metrics_observe(METRIC_ACCEPT, 1500001);
  expect_line("ox_order_accept_duration_seconds_bucket{le=\"5e-05\"} 0");
  expect_line("ox_order_accept_duration_seconds_bucket{le=\"1.0\"} 0");
  expect_line("ox_order_accept_duration_seconds_bucket{le=\"2.5\"} 1");
  expect_line("ox_order_accept_duration_seconds_sum 1.500001");
  metrics_set(METRIC_QUEUE_OLDEST, 61000000);
  expect_line("ox_queue_oldest_waiting_seconds 61.000000");
}

Test(metrics, a_gauge_is_there_while_it_is_known)
{
  const char *name = "\nox_dead_letters ";
  cr_expect_null(strstr(written(METRICS_PROMETHEUS), name));
  metrics_set(METRIC_DEAD_LETTERS, 4);
  expect_line("ox_dead_letters 4");
  metrics_hide(METRIC_DEAD_LETTERS);
  cr_expect_null(strstr(written(METRICS_PROMETHEUS), name));
}

Test(metrics, too_many_series_are_one)
{
  char type[16];
  for (int i = 0; i < METRIC_SERIES_MAX + 100; i++) {
    snprintf(type, sizeof type, "t%d", i);
    metric_add(metric_series(METRIC_ACCEPTED, type, NULL, NULL), 1);
  }
  expect_line("ox_orders_accepted_total{type=\"other\"} 100");
  expect_line("ox_orders_accepted_total{type=\"t999\"} 1");
  cr_expect_eq(times(written(METRICS_PROMETHEUS), "\nox_orders_accepted_total{"),
               METRIC_SERIES_MAX + 1);
}

Test(metrics, openmetrics_names_a_counter_without_total)
{
  metrics_inc(METRIC_REPLAYED);
  const char *text = written(METRICS_OPENMETRICS);
  cr_expect_not_null(
      strstr(text, "\n# TYPE ox_orders_replayed counter\nox_orders_replayed_total 1\n"));
  cr_expect_str_eq(text + strlen(text) - 7, "\n# EOF\n");
  cr_expect_null(strstr(written(METRICS_PROMETHEUS), "EOF"));
}

enum { THREADS = 4, EACH = 20000 };

static void *record(void *arg)
{
  (void)arg;
  for (int i = 0; i < EACH; i++) {
    char type[8];
    snprintf(type, sizeof type, "t%d", i % 50);
    metric_add(metric_series(METRIC_ACCEPTED, type, NULL, NULL), 1);
    metrics_observe(METRIC_COMMIT_SIZE, 1);
  }
  return NULL;
}

Test(metrics, from_many_threads)
{
  pthread_t threads[THREADS];
  char line[64];
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, record, NULL);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  snprintf(line, sizeof line, "ox_journal_commit_requests_count %d", THREADS * EACH);
  expect_line(line);
  cr_expect_eq(times(written(METRICS_PROMETHEUS), "\nox_orders_accepted_total{"), 50);
  snprintf(line, sizeof line, "ox_orders_accepted_total{type=\"t7\"} %d", THREADS * EACH / 50);
  expect_line(line);
}
