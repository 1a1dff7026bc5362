/*
 * step.h - moving the orders that this process owns, one report after the other.
 *
 * Embed a journal_order in what runs the order; init it from a claim; post entries to it; deinit it
 * when it is idle. Loop thread only.
 */
#ifndef JOURNAL_STEP_H
#define JOURNAL_STEP_H

#include "base/list.h"
#include "journal/company.h"
#include "journal/journal.h"

struct transaction;
struct claim_op;

struct journal_order {
  struct ulid id;
  const struct order_type *type;
  int64_t fence;
  int32_t step; /* updates that committed: with fence, what a step is compared with */
  int32_t ver;  /* seq of the newest event that committed */
  int32_t attempt;
  enum ox_phase phase;         /* after the entries that committed */
  enum told_of told;           /* what its worker has heard of last */
  char token[QUEUE_TOKEN_MAX]; /* of the lease in Redis */
  bool grouped;                /* others may wait for its end */
  bool lost;                   /* a step was refused: whatever follows is dropped with ST_STALE */
  struct list waiting;         /* of journal_entry: posted, not sent */
  struct list in_flight;       /* sent as one step */
  struct list_node node;       /* in the journal's list while it has something waiting */
  struct transaction *leaving; /* with what it is no longer ours after in flight; NULL: not yet */
  struct claim_op *heir;       /* the claim that takes its place; NULL: none */
};

enum journal_hold {
  JOURNAL_KEEP,    /* go on running */
  JOURNAL_RETRY,   /* give it up; due again after delay_ms, as a new attempt */
  JOURNAL_RELEASE, /* give it up, due at once, same attempt */
};

/* What an order that is released waits for beside its delay: a topic's level (see park.h). */
struct journal_park {
  char topic[OX_TOPIC_MAX];
  enum ox_side side;
  int64_t level;
  int64_t since_ms; /* PostgreSQL's clock: what was published from then on it has not seen */
};

enum journal_settle { JOURNAL_UNSETTLED, JOURNAL_LANDED, JOURNAL_REVERTED, JOURNAL_DEAD };

/* One report: an event, an intent, how the open intent ended, what becomes of the order. Any
 * part may be missing. Members are owned; allocated with mem_alloc, freed by the journal after
 * done. An event with a terminal phase ends the order; result and error go with it,
 * and what has landed is settled in the same step: before it, another could be sent after a crash.
 */
struct journal_entry {
  struct list_node node;
  struct journal_order *order;
  const struct ox_state *state; /* the event's; NULL: no event */
  char *data;                   /* the event's JSON object; NULL: {} */
  char *error;                  /* JSON object; NULL: unchanged */
  struct journal_intent *intent;
  enum journal_settle settle;
  struct ox_landing landing; /* with settle */
  void *keep;                /* state blob; NULL: unchanged */
  size_t keep_len;
  enum journal_hold hold;
  int64_t delay_ms;
  bool never_ran;            /* with JOURNAL_RELEASE: its start is given back to the limiter */
  struct journal_park *park; /* with JOURNAL_RELEASE; NULL: time alone wakes it */
  /* ST_OK: durable. ST_STALE: refused, the order is lost. ST_BROKEN: PostgreSQL will not take it
   * (data is no JSON); nothing of it happened, the order is still ours. May be NULL. */
  void (*done)(struct journal_entry *entry, enum status status);
  void *arg;
};

void journal_order_init(struct journal_order *o, const struct journal_claimed *claimed,
                        const struct order_type *type, const char *token);
/* journal_order_deinit() lets a claim go that waits for it. */
void journal_order_deinit(struct journal_order *o);
bool journal_order_idle(const struct journal_order *o);
void journal_post(struct journal *j, struct journal_entry *entry); /* takes entry */
void journal_entry_free(struct journal_entry *entry);

#endif
