/*
 * host.h - the host, an executor's only way out: no clock, randomness or I/O but through it. A
 * worker thread's own, for one run of one order; any call may wait.
 */
#ifndef OX_HOST_H
#define OX_HOST_H

#include "topic.h"
#include "venue.h"

enum ox_status_code {
  OX_OK,
  OX_LOST,        /* cancelled, fenced off, draining: return from execute() */
  OX_BAD_STATE,   /* the state table has no such move */
  OX_OPEN_INTENT, /* a transaction of this order is still open: await it, do not submit */
  OX_NO_VENUE,    /* no venue of that name, or its breaker is open */
  OX_REFUSED,     /* the venue said no for good; nothing is open */
  OX_DEAD,        /* the transaction is proven dead: nothing moved, another may be built */
  OX_UNKNOWN,     /* the outcome cannot be learned here; the order waits for a person */
  OX_INVALID,     /* an argument is not what it may be */
  OX_AWAY,        /* the store did not take it in time; it may have or not: say it again later */
};

/* What was sent, as the events show it. */
struct ox_receipt {
  uint32_t size;
  char venue[OX_NAME_MAX];
  char tx_hash[OX_TX_HASH_MAX];
  uint64_t in_amount;
  uint64_t min_out_amount;
};

struct ox_host {
  uint32_t size;

  /* emit() moves the order to state and journals data (a JSON object, copied; NULL for {}). It
   * does not wait for the commit. A terminal state ends the order: a succeeded one, whose data
   * becomes the result, or a cancelled one that is not the table's ON_CANCEL (expired). */
  enum ox_status_code (*emit)(const struct ox_host *host, const char *state, const char *data);

  /* fail() keeps the reason for a following OX_FAIL or OX_RETRY. code is upper-snake. */
  void (*fail)(const struct ox_host *host, const char *code, const char *message);

  /* keep() saves a small blob (≤ 1 KiB) with the next report; order->state in a later run. */
  enum ox_status_code (*keep)(const struct ox_host *host, const void *state, size_t len);

  /* quote() asks every venue at once and waits; fills at most max, one for each venue, and
   * returns how many. A venue that failed is there with its result. */
  size_t (*quote)(const struct ox_host *host, const struct ox_swap *swap, struct ox_quote *quotes,
                  size_t max);

  /* resume() is true when an earlier run left a transaction open; *receipt tells which. Then
   * nothing may be submitted: go on with await_landing(). */
  int (*resume)(const struct ox_host *host, struct ox_receipt *receipt);

  /* submit() builds the transaction, commits the intent, then sends. OX_OK: sent, or perhaps sent.
   * In both cases the outcome is what await_landing() says, nothing else. */
  enum ox_status_code (*submit)(const struct ox_host *host, const char *venue,
                                const struct ox_swap *swap, struct ox_receipt *receipt);

  /* await_landing() waits until the open transaction is final: OX_OK with *landing LANDED or
   * REVERTED, or OX_DEAD. It resends the same bytes where the venue allows it. One that has LANDED
   * stays open until the order ends: a run that comes to no end is resumed with it. */
  enum ox_status_code (*await_landing)(const struct ox_host *host, struct ox_landing *landing);

  /* lookup() asks a venue about any txHash, once. */
  enum ox_venue_result (*lookup)(const struct ox_host *host, const char *venue, const char *tx_hash,
                                 struct ox_landing *landing);

  /* sleep_ms() returns early with OX_LOST on cancel, drain or a lost lease. */
  enum ox_status_code (*sleep_ms)(const struct ox_host *host, int64_t ms);

  int64_t (*now_ms)(const struct ox_host *host);

  /* random() depends on the seed, the order, the attempt and purpose alone. */
  uint64_t (*random)(const struct ox_host *host, const char *purpose);

  int (*is_cancelled)(const struct ox_host *host);

  /* log() writes a line with the order's id; level is debug, info, warn or error. */
  void (*log)(const struct ox_host *host, const char *level, const char *message);

  /* park() says what the order waits for when execute() now returns OX_PARK; the last call counts.
   * Neither an attempt nor a take-over is counted for it. OX_INVALID: no such topic can be. */
  enum ox_status_code (*park)(const struct ox_host *host, const struct ox_park *park);

  /* publish() makes level the topic's newest and wakes whom it concerns. OX_OK: it is durable, and
   * the wakes follow; OX_INVALID, OX_AWAY. */
  enum ox_status_code (*publish)(const struct ox_host *host, const char *topic, int64_t level);
};

#endif
