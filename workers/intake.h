/*
 * intake.h - the jobs of this process: given to workers, their reports taken to the journal, freed
 * when both are done with them. Loop thread only.
 */
#ifndef WORKERS_INTAKE_H
#define WORKERS_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "workers/job.h"
#include "workers/options.h"

enum { INTAKE_MAX = 1024 }; /* concurrency at the most */

/* What became of the runs of a slot that have ended. */
struct slot_tally {
  int64_t succeeded, failed, retried, other; /* other: parked, cancelled, given back */
  int64_t busy_ns;                           /* of those runs; from dispatcher_slot(): of all */
};

struct intake;

struct intake_parts {
  const struct workers_options *options;
  const struct registry *registry;
  struct venues *venues;
  struct journal *journal;
  struct session_guard *guard;
  struct parks *parks;
  void (*on_change)(void *arg); /* a slot is free */
  void *arg;
};

struct intake *intake_create(uv_loop_t *loop, const struct intake_parts *parts);
/* intake_destroy() joins what is idle; a job that still runs is left behind with its thread. */
void intake_destroy(struct intake *in, void (*done)(void *arg), void *arg);

/* intake_take() runs a claimed order, or with give_back releases it at once; takes claimed. */
void intake_take(struct intake *in, struct journal_claimed *claimed, const char *token,
                 bool give_back);
/* intake_send() wakes those whose intents have become durable since; before the loop sleeps. */
void intake_send(struct intake *in);
void intake_cancel(struct intake *in); /* every job */
void intake_cancel_order(struct intake *in, const struct ulid *id);
void intake_enforce_deadlines(struct intake *in, int64_t now_ms);

bool intake_runs(const struct intake *in, const struct ulid *id);
size_t intake_leases(const struct intake *in, struct queue_item *items, size_t max);
size_t intake_slots(const struct intake *in);
size_t intake_idle(const struct intake *in);
/* intake_leaving() is how many slots beside the idle ones have a worker who is back, from a short
 * run whose end is not durable yet: who takes such an order's place may be claimed.
 * intake_leavers() is whose place is to be taken next (NULL: nobody's), and how many are taken. */
struct leavers {
  struct journal_order *next;
  size_t n_inherited;
};
size_t intake_leaving(const struct intake *in);
struct leavers intake_leavers(const struct intake *in);
bool intake_empty(const struct intake *in); /* no job, in whatever state */
bool intake_exhausted(const struct intake *in);
const struct job *intake_job(const struct intake *in, size_t slot);
const struct slot_tally *intake_tally(const struct intake *in, size_t slot);

#endif
