/*
 * job.h - an order being run: what the loop and the worker that runs it have in common.
 *
 * The loop creates a job from a claim, hands it to a worker, and frees it when the worker has
 * reported its end and the journal is done with it. In between the worker owns what is marked so;
 * the rest is the loop's. They meet at the mailboxes (jobs and nudges in, reports out) and in the
 * few atomics here.
 */
#ifndef WORKERS_JOB_H
#define WORKERS_JOB_H

#include <ox/executor.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/json.h"
#include "base/mailbox.h"
#include "journal/park.h"
#include "journal/session.h"
#include "journal/step.h"
#include "plugin/registry.h"
#include "workers/venues.h"

/* What every worker needs and nobody changes while they run. */
struct job_env {
  const struct registry *registry;
  struct venues *venues;
  struct session_guard *guard;
  struct mailbox *reports; /* of struct report */
  struct parks *parks;
  uint64_t seed;
  int64_t attempts_max;
  int64_t backoff_ms;
  int64_t takeovers_max;
  int64_t park_recheck_ms;
};

enum { JOB_KEEP_MAX = 1024, JOB_ERROR_CODE_MAX = 64, JOB_ERROR_TEXT_MAX = 256 };

struct job {
  struct list_node node; /* loop: in intake's list */
  const struct job_env *env;
  struct journal_order journal;    /* loop */
  struct journal_claimed *claimed; /* const while it runs */
  const struct order_type *type;
  uint64_t incarnation; /* of the session that claimed it */
  size_t slot;
  struct mailbox *inbox; /* the worker's */
  int64_t started_ns;    /* monotonic */
  bool ended;            /* loop: its worker has reported the end */
  bool quick;            /* loop: … so soon that its slot's next order is claimed at once */
  bool abandoned;        /* loop: its worker was written off */
  bool retried;          /* loop: it gave up the order for another attempt */
  bool broken;           /* loop: PostgreSQL would not take a report of it */
  size_t pending;        /* loop: entries the journal has not answered */

  /* The transaction of an order whose intent is durable goes with others' of the same commit, in
   * one call where the venue takes them so: one worker sends them, the others sleep until it has.
   */
  const struct registry_venue *batch_venue; /* worker, with the report; NULL: it goes alone */
  struct list_node in_batch;                /* loop, then who sends */
  struct list batch;                        /* of job: the others'. Loop, then the worker's own */
  bool was_sent;                            /* with a batch; before the reply, as is */
  enum ox_venue_result sent;                /* what the venue said */

  _Atomic bool cancelled;      /* loop → worker: stop as soon as you can */
  _Atomic int reply;           /* loop → worker: enum status + 1 of the report waited for */
  _Atomic(const char *) stage; /* worker → loop: the state it is in, for people */

  /* the worker's own */
  char order_id[ULID_ORDER_LEN + 1];
  struct json_object payload;
  struct ox_order view;
  const char *status;
  bool over;                     /* a terminal state was emitted */
  struct journal_intent *intent; /* open; NULL: none */
  bool landed;                   /* it has, as landing says: it is closed with the order's end */
  struct ox_landing landing;
  unsigned submits;
  struct list chain; /* of journal_entry: not reported yet */
  char error_code[JOB_ERROR_CODE_MAX], error_text[JOB_ERROR_TEXT_MAX];
  void *keep;
  size_t keep_len;
  bool parked; /* host->park() was called: what it waits for, and until when */
  struct journal_park park;
  int64_t park_until_ms; /* Unix time; 0: none */
};

/* What a worker tells the loop: entries to be journaled in this order, and whether it is done. */
struct report {
  struct job *job;
  struct list entries; /* of journal_entry */
  bool answer;         /* the worker waits for the last one: set job->reply, then nudge */
  bool end;
};

/* A nudge in a worker's inbox: look at the atomics again. Carries nothing, so losing one because
 * the inbox is full of them is no loss. */
extern char job_nudge[1];

/* job_create() takes claimed. Loop. */
struct job *job_create(const struct job_env *env, struct journal_claimed *claimed,
                       const struct order_type *type, const char *token);
void job_destroy(struct job *job);

/* job_cancel() makes every host call answer OX_LOST from now on. Any thread. */
void job_cancel(struct job *job);

/* job_run() runs the order to the end of this run, and reports. Worker. */
void job_run(struct job *job);

#endif
