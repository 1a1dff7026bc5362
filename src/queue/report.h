/*
 * report.h - what worker processes say of themselves each second, for all processes to see: in
 * Redis, as a hint, and gone 5 s after the last word. As the rest of queue.h; loop thread only.
 *
 *   workers  ZSET  score = time of the last report, member = ULID of the process
 *   reports  HASH  ULID → its report
 */
#ifndef QUEUE_REPORT_H
#define QUEUE_REPORT_H

#include "queue/queue.h"

enum { QUEUE_REPORTS_MAX = 100 }; /* processes */

/* Numbers are for sums over all processes; status and stats are JSON objects of one line each, and
 * are shown as they are. */
struct queue_report {
  struct ulid process;
  int64_t age_ms; /* read: since it was made */
  int64_t slots, busy, run, succeeded, failed, retried, other;
  int64_t busy_ms, open_ms; /* of all its slots: with an order, and in all */
  const char *status, *stats;
  size_t status_len, stats_len;
};

/* queue_report() copies. What becomes of it nobody is told. */
enum status queue_report(struct queue *q, const struct queue_report *report) MUST_CHECK;

/* reports are borrowed for the callback, NULL unless ST_OK. One that cannot be read is left out. */
typedef void (*queue_reports_fn)(void *arg, enum status status, const struct queue_report *reports,
                                 size_t n);
enum status queue_reports(struct queue *q, queue_reports_fn done, void *arg) MUST_CHECK;

#endif
