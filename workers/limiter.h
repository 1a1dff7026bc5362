/*
 * limiter.h - a worker process's part in the limit of starts that all processes share. The queue
 * counts them (claim.lua); this is what keeps its count true, whatever becomes of Redis.
 *
 * DESIGN. What the queue can be wrong about, and who sees it:
 * - Its log of starts may be gone. It is closed then, until the log is proved whole by the names of
 *   the newest starts, or none of those it may have held can count any more.
 * - Its clock may leap, and make all starts look old. Each process with a past of its own sees that
 *   by its monotonic clock (witness.h), gives back what it got, and closes the limiter for a
 *   window. It asks for the time at least every LIMITER_ASKS_MS; a process that is new has no past
 *   to compare with, so with others alive it waits for two of their questions before it starts
 *   anything.
 * - An answer may come late. A start has to be committed and handed over within the slack, by which
 *   the queue's window is longer than the one that is promised.
 * And whatever it says, no process starts more than the limit in a window (starts.h). Without a
 * limit all of this allows everything. Loop thread only.
 */
#ifndef WORKERS_LIMITER_H
#define WORKERS_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/session.h"
#include "queue/queue.h"
#include "workers/options.h"

enum { LIMITER_ASKS_MS = 250 };

struct limiter;

/* All of them outlive the limiter. */
struct limiter_parts {
  const struct workers_options *options;
  struct queue *queue;
  struct session *session;
  void (*on_lost)(void *arg);   /* the queue has lost its log, and with it perhaps hints */
  void (*on_change)(void *arg); /* limiter_busy() or what it allows may be different now */
  void *arg;
};

struct limiter *limiter_create(const struct limiter_parts *parts);
void limiter_destroy(struct limiter *l);

/* limiter_slack_ms() is by how much the queue's window is longer than rate_window_ms: a start is
 * handed over within it, less what a leap may be unseen, or given back. */
int64_t limiter_slack_ms(int64_t rate_window_ms);

/* limiter_busy(): it is being opened or closed, nothing may be claimed meanwhile. */
bool limiter_busy(const struct limiter *l);
/* limiter_allows() is how many of wanted may start by what this process knows itself; where that is
 * none, *wait_ms is when there may be one. */
size_t limiter_allows(const struct limiter *l, size_t wanted, int64_t *wait_ms);
/* limiter_asks(): the queue is to be asked for the time, if only by a claim of nothing. */
bool limiter_asks(const struct limiter *l);
/* limiter_armed(): this session may start orders from now on; company: others may, too. */
void limiter_armed(struct limiter *l, bool company);

/* limiter_leapt() takes the queue's time from the answer to a claim that was sent at sent_ns
 * (monotonic). True: the time has leapt, and the limiter is being closed; what was claimed is to be
 * given back. */
bool limiter_leapt(struct limiter *l, int64_t queue_ms, int64_t sent_ns);
/* limiter_reopen(): a claim has found it closed. */
void limiter_reopen(struct limiter *l);

/* limiter_commit_by_ms() is when, by PostgreSQL's clock in Unix ms, the hand-over of what was
 * claimed at sent_ns must be committed; INT64_MAX: whenever. limiter_too_late(): it may not start
 * any more. */
int64_t limiter_commit_by_ms(const struct limiter *l, int64_t sent_ns);
bool limiter_too_late(const struct limiter *l, int64_t sent_ns, int64_t now_ms);

/* limiter_note() takes the starts in their order, now_ms monotonic. limiter_last() gives the newest
 * one, token borrowed; false: there was none. */
void limiter_note(struct limiter *l, const char *token, int64_t now_ms);
bool limiter_last(const struct limiter *l, struct session_start *out);

#endif
