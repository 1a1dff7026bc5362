/*
 * pool.h - worker threads: a fixed number of slots, each with a thread, an inbox and at most one
 * job.
 *
 * A thread whose job ignores its cancel is written off: its slot gets a new thread, the old one is
 * left alone until its executor comes back, if ever. When half the slots' worth of threads are lost
 * pool_exhausted() is true, and the process should end.
 * Loop thread, but for the workers themselves.
 */
#ifndef WORKERS_POOL_H
#define WORKERS_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "workers/job.h"

struct pool;

struct pool *pool_create(size_t slots);
/* pool_destroy() stops and joins idle threads; jobs must have ended. Threads written off are left.
 */
void pool_destroy(struct pool *p);

size_t pool_slots(const struct pool *p);
size_t pool_idle(const struct pool *p);
struct job *pool_job(const struct pool *p, size_t slot); /* NULL: idle */

/* pool_start() gives the job to an idle slot; there must be one. */
void pool_start(struct pool *p, struct job *job);
/* pool_done() frees the job's slot: its worker has reported the end, the journal is done with it.
 */
void pool_done(struct pool *p, struct job *job);
/* pool_write_off() gives the slot a new thread. The job stays alive until its old thread reports
 * the end; pool_returned() then joins that thread. */
void pool_write_off(struct pool *p, struct job *job);
void pool_returned(struct pool *p, struct job *job);
bool pool_exhausted(const struct pool *p);

#endif
