/*
 * journal.h - the only writer of PostgreSQL: accepts, claims and every step of an order.
 *
 * DESIGN. What gathers while fewer than two transactions are in flight leaves as one transaction
 * with array parameters; each request in it gets a result of its own. An order is in at most one
 * transaction at a time, and several steps of one order in a batch are one update. Steps are
 * compare-and-set on (fence, ver, not terminal): a stale one changes nothing and its order is lost
 * to this process. When a COMMIT's answer is lost, the orders are read back first, and only what
 * did not happen is done again. After a commit, and only then, the relay tells Redis.
 *
 * Loop thread only. Callbacks run from the loop, never inside the call.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"
#include "base/ulid.h"
#include "journal/relay.h"
#include "order/order.h"
#include "order/type.h"

struct journal;
struct journal_order;

struct journal_options {
  const char *database_url;
  size_t max_waiting; /* accepts waiting for their transaction; beyond: ST_FULL */
  int64_t lease_ms;   /* of a session, for take-overs */
  int64_t idempotency_ttl_s;
  const struct order_type *const *types; /* what this process may claim */
  size_t n_types;
};

struct journal *journal_create(uv_loop_t *loop, const struct journal_options *options,
                               struct relay *relay);
/* journal_destroy() answers what waits with ST_AWAY, then closes. */
void journal_destroy(struct journal *j, void (*done)(void *arg), void *arg);
bool journal_up(const struct journal *j);
/* journal_refusing() is true when PostgreSQL answers but has had no room for any transaction for a
 * while: a full disk, say. Then one accept at a time is let through, to find out when that ends. */
bool journal_refusing(const struct journal *j);
/* journal_idle() is true when nothing waits and nothing is in flight. */
bool journal_idle(const struct journal *j);

/* ── accept ─────────────────────────────────────────────────────────────────────────────────── */

enum { JOURNAL_HASH_LEN = 32 };

struct journal_accept {
  const char *tenant;
  const char *client_order_id;       /* NULL: none */
  const char *idempotency_key;       /* NULL: none */
  const unsigned char *request_hash; /* SHA-256 of the body; needed with client_order_id */
  const unsigned char *key_hash;     /* of the request that has the key; needed with that */
  const char *group; /* orders of one group of a tenant run one at a time; NULL: none */
  const char *type;
  const char *status;  /* the type's initial state; by hand: any, with its phase */
  const char *payload; /* JSON object */
  enum ox_phase phase;
  bool by_hand; /* nobody runs it: it is not queued */
};

struct journal_accepted {
  struct ulid id;
  int64_t created_at_ms; /* PostgreSQL's clock */
  const char *status;    /* its first; borrowed for the callback */
};

/* ST_OK: durable, with its first event. ST_REPLAYED: accepted before by the same request; accepted
 * holds the first one. ST_CONFLICT: by another. ST_BUSY: the first is still under way.
 * ST_AWAY: PostgreSQL is away, has no room, or did not answer in time; it may or may not be there.
 */
typedef void (*journal_accepted_fn)(void *arg, enum status status,
                                    const struct journal_accepted *accepted);

/* journal_accept() copies what it is given. ST_FULL, ST_AWAY, ST_BUSY: at once, no callback. */
enum status journal_accept(struct journal *j, const struct journal_accept *accept,
                           journal_accepted_fn done, void *arg) MUST_CHECK;

/* ── claim ──────────────────────────────────────────────────────────────────────────────────── */

struct journal_intent {
  char venue[OX_NAME_MAX];
  struct ox_tx tx;
  uint64_t in_amount;
  uint64_t min_out_amount;
};

/* What a claim gives; the receiver's to free with journal_claimed_free(). */
struct journal_claimed {
  struct order order;
  int64_t fence;
  int32_t step;
  int32_t takeovers;
  bool grouped; /* it is of a group */
  void *state;
  size_t state_len;
  struct journal_intent *open_intent; /* NULL: none */
};

enum journal_refusal {
  JOURNAL_TERMINAL, /* it has ended, or was never there: drop the hint */
  JOURNAL_OWNED,    /* its owner is alive: ask again later */
  JOURNAL_NOT_DUE,  /* retry_ms says when */
  JOURNAL_BEHIND,   /* another of its group comes first: ask again later */
  JOURNAL_PAUSED,   /* the queue is, and Redis did not know: ask again later */
  JOURNAL_LATE,     /* the hand-over came after the limiter's slack */
};

/* Gives claimed (ST_OK), or says why not (ST_STALE, refusal), or ST_AWAY. With ST_AWAY claimed may
 * be there as well: the order is owned, but its open transaction is not known. It can only be
 * released. */
typedef void (*journal_claimed_fn)(void *arg, enum status status, struct journal_claimed *claimed,
                                   enum journal_refusal refusal, int64_t retry_ms);

void journal_claimed_free(struct journal_claimed *claimed);

struct journal_claim {
  struct ulid session, id;
  int64_t handover_by_ms;      /* refused as JOURNAL_LATE after that, by PostgreSQL's clock; or
                                * INT64_MAX: never */
  struct journal_order *after; /* whose heir it is; NULL: nobody's */
};

/* journal_claim() makes session the owner of id: fence + 1, the claim state entered when there is
 * one and no transaction is open, an attempt counted when the last one failed. The heir of an order
 * of this process, whose end or release has been posted and which has none yet, is never durable
 * before that, nearly always with it. */
void journal_claim(struct journal *j, const struct journal_claim *claim, journal_claimed_fn done,
                   void *arg);

/* Claims of this process are on their way, or no longer: what little has gathered waits for them,
 * for 1 ms at most. */
void journal_expects_claims(struct journal *j, bool expected);

/* Whether a claim made now would wait: with what has gathered, for those who are about to come; and
 * for a transaction under way: when that was sent, 0: there is none, or it is slow. When either is
 * over, the loop turns. */
bool journal_gathers(struct journal *j);
int64_t journal_under_way_ns(struct journal *j);

#endif
