/*
 * internal.h - what journal.c and the files of its requests share: lanes and transactions.
 * A lane is one connection. Two transactions may be under way on it, one behind the other: when
 * PostgreSQL is done with the first it finds the second there, and need not wait for this process.
 * When the answer to one is lost, what was in it stays there, in doubt, until it is read back.
 */
#ifndef JOURNAL_INTERNAL_H
#define JOURNAL_INTERNAL_H

#include "base/alloc.h"
#include "io/pg.h"
#include "io/pg_value.h"
#include "journal/company.h"
#include "journal/step.h"

enum {
  LANES = 2,
  DEPTH = 2, /* transactions on a lane */
  TRANSACTIONS = LANES * DEPTH,
  SLOW_MS = 20,       /* a transaction that takes longer holds up no more than it did until then */
  WORTH_A_LANE = 128, /* requests that are worth a transaction beside those of the other lane */
  WORTH_FOLLOWING = 24, /* requests that are worth one behind another, if that has no more */
  COMPANY = 24,         /* requests that wait for no more of them */
  BATCH_MAX = 500,      /* of each kind, in one transaction */
  PARAMS_MAX = 8,
  ANSWER_DEADLINE_MS = 2000, /* an accept that is not durable by then is answered ST_AWAY */
  REFUSED_PAUSE_MS = 50,     /* after an error that has nothing to do with what was asked */
  PING_MS = 500,             /* between questions to a lane that has nothing to do */
  SILENT_MS = 1500,          /* a lane that says nothing for so long does not count as up */
  REFUSING_MS = 5000,        /* the last refusal tells so long how it is */
};

/* The statements for steps; each step needs one of them. */
enum step_kind { STEP_MOVES, STEP_PARKS, STEP_KINDS };

/* What reading back says of a step in doubt. */
enum step_found { STEP_LOST, STEP_HAPPENED, STEP_DID_NOT };

/* One order's step in a transaction: its entries are in order->in_flight. */
struct step_op {
  struct journal_order *order;
  int32_t ver; /* after it */
  enum ox_phase phase;
  enum journal_hold hold;
  int64_t at_ms; /* when it happened; 0: refused */
  enum step_found found;
};

struct transaction {
  struct lane *lane;
  bool busy;       /* under way, in doubt, or being told */
  bool in_doubt;   /* its answer was lost */
  bool telling;    /* it is committed, and whoever waits for it is being told */
  bool solo;       /* it holds a single request, to find out which of them PostgreSQL refuses */
  int64_t sent_ns; /* monotonic */
  int64_t at_ms;   /* time of acceptance of the unkeyed accepts */
  struct accept_op *accepts[BATCH_MAX], *keyed[BATCH_MAX]; /* keyed: those of groups, too */
  struct claim_op *claims[BATCH_MAX];
  struct cancel_op *cancels[BATCH_MAX];
  struct step_op steps[STEP_KINDS][BATCH_MAX];
  size_t n_accepts, n_keyed, n_grouped /* of keyed */, n_claims, n_cancels, n_steps[STEP_KINDS];
};

struct lane {
  struct journal *journal;
  struct pg_conn *conn;
  bool ready;                         /* up, and nothing in doubt */
  bool pinged;                        /* the answer to a ping is outstanding */
  int64_t heard_ms;                   /* monotonic: when PostgreSQL last answered on it */
  int64_t not_before_ms;              /* monotonic */
  struct pg_array arrays[PARAMS_MAX]; /* of the statement that is being put together */
  uint32_t new_order, new_step;       /* the OIDs of these types */
};

struct journal {
  uv_loop_t *loop;
  struct journal_options options;
  struct relay *relay;
  uv_prepare_t prepare;
  uv_timer_t timer;
  struct company company;
  struct lane lanes[LANES];
  struct transaction transactions[TRANSACTIONS]; /* DEPTH of each lane */
  struct lane bulk;                              /* of batches, see batch.c */
  struct transaction bulk_transaction;
  struct list batches;                                          /* from begin to end */
  struct list accepts, keyed, grouped, claims, cancels, orders; /* waiting */
  struct list cancels_held;                                     /* for the timer */
  struct purge *purge;                                          /* under way; NULL: none */
  struct redrive *redrive; /* of all dead letters; NULL: none */
  struct pg_array turns;   /* orders whose groups are to be looked at */
  size_t n_turns;
  int64_t refused_since_ms; /* monotonic: PostgreSQL has refused everything since; 0: it has not */
  int64_t refused_ms;       /* the last refusal */
  size_t solo_left;         /* so many requests go one by one */
  struct pg_array types, claim_states; /* of the executors, for claims */
  int closing;
  bool closed, asking_turns;
  void (*on_destroyed)(void *arg);
  void *destroyed_arg;
};

/* params: the arrays of a statement, in the order of its placeholders. */
void params_types(struct lane *lane, const enum pg_oid *types, int n);
void params_get(struct lane *lane, struct pg_param *params, int n);

/* lane_open() connects; the callbacks get the lane. lane_types() has a batch ask for the types. */
void lane_open(struct journal *j, struct lane *lane, const char *name, void (*on_up)(void *arg),
               void (*on_down)(void *arg));
void lane_types(struct lane *lane, struct pg_batch *batch);
/* journal_passing() is true for an error that has nothing to do with what was asked: the same again
 * may well succeed. journal_refused() takes note of one, and says so when it is the first. */
bool journal_passing(const char *sqlstate);
void journal_refused(struct journal *j, const char *sqlstate);
size_t step_take(struct transaction *t, size_t max);
size_t step_workers(const struct transaction *t); /* whose orders have no heirs */
unsigned step_awaits(const struct journal *j);    /* kinds of those whom the steps wait for */
void step_send(struct transaction *t, struct pg_batch *batch);
void step_committed(struct transaction *t);
void step_requeue(struct transaction *t);
void step_refuse(struct transaction *t, enum status status); /* ST_BROKEN; ST_AWAY: at the end */
void step_drop_lost(struct journal *j);

/* Whose turn is it in the group of id, which has come (turn_wait) or ended? Asked in the next turn
 * of the loop, which is after the commit. */
void turn_wait(struct journal *j, const struct ulid *id);
void turn_ask(struct journal *j, const struct ulid *id);
void turn_send(struct journal *j);

/* What reading back found of an order in doubt. */
struct doubt_row {
  struct ulid id;
  int64_t fence;
  int32_t step;
  enum ox_phase phase;
  int64_t created_at_ms, updated_at_ms;
  const char *status;
  bool by_hand;
};
void step_found(struct transaction *t, const struct doubt_row *row);
void step_resolved(struct transaction *t);
/* journal_conn() is a connection for what is asked outside of these transactions, or NULL. */
struct pg_conn *journal_conn(const struct journal *j);

#endif
