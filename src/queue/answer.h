/*
 * answer.h - what the queue's scripts answer, read and checked. Pure. ST_BROKEN: it is not what the
 * script says, so something else answered.
 */
#ifndef QUEUE_ANSWER_H
#define QUEUE_ANSWER_H

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "queue/report.h"

/* answer_ids() appends the ids of reply to *ids, which has *n and is given up to it: free it. */
enum status answer_ids(const redisReply *reply, struct ulid **ids, size_t *n) MUST_CHECK;

/* answer_claimed() gives claimed->items, made from tokens SESSION:COUNTER and up; at most max. */
enum status answer_claimed(const redisReply *reply, const char *session, int64_t counter,
                           size_t max, struct queue_claimed *claimed) MUST_CHECK;

enum status answer_counts(const redisReply *reply, int64_t now_unix_ms,
                          struct queue_counts *counts) MUST_CHECK;

/* report_write() appends a report as Redis keeps it. answer_reports() gives those that are such, to
 * be freed; their texts are reply's. */
void report_write(const struct queue_report *report, struct buf *out);
enum status answer_reports(const redisReply *reply, struct queue_report **reports,
                           size_t *n) MUST_CHECK;

#endif
