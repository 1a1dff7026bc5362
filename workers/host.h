/*
 * host.h - struct ox_host for one job: an executor's only way out. Worker thread only.
 *
 * DESIGN. What an executor emits is gathered in the job's chain and reported together when it next
 * waits for something: so the steps that come at once are one step in PostgreSQL. Only an intent is
 * waited for; the executor's other reports overtake nothing, since they are journaled in order.
 */
#ifndef WORKERS_HOST_H
#define WORKERS_HOST_H

#include "workers/job.h"

struct host {
  struct ox_host table; /* first: the executor's handle is this */
  struct job *job;
};

void host_init(struct host *host, struct job *job);

/* host_answer() wakes the worker that waits for the answer to its report. Any thread. */
void host_answer(struct job *job, enum status status);

/* host_flush() reports the chain. With answer it waits for the journal's word on the last entry. */
enum status host_flush(struct job *job, bool answer);

/* host_add() gives a new entry at the end of the chain. */
struct journal_entry *host_add(struct job *job);

/* host_wait() sleeps until a nudge or until_ns (monotonic); false: cancelled, or the lease is gone.
 */
bool host_wait(struct job *job, int64_t until_ns);
bool host_lost(const struct job *job);

/* In submit.c. host_settle_landed() has e, which ends the order, close what has landed. */
enum ox_status_code host_submit(struct job *job, const char *venue, const struct ox_swap *swap,
                                struct ox_receipt *receipt);
enum ox_status_code host_await_landing(struct job *job, struct ox_landing *landing);
void host_settle_landed(struct job *job, struct journal_entry *e);

#endif
