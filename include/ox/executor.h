/*
 * executor.h - one type of order: its states, its payload, and the steps that fill it; and the
 * host, an executor's only way out.
 *
 * execute() is straight-line blocking code on a worker thread. It has no clock, randomness or I/O
 * of its own: what it needs it asks of the host, so that a run can be repeated from its seed.
 * Whatever it reports is journaled by the core, which enforces the state table and the fence; once
 * a call answers OX_LOST the order is somebody else's, and execute() returns at once.
 *
 *   static enum ox_outcome greet(const struct ox_order *order, const struct ox_host *host)
 *   {
 *     if (host->sleep_ms(host, 100) != OX_OK) return OX_RETRY;
 *     host->emit(host, "greeted", "{\"to\":\"world\"}");
 *     return OX_DONE;
 *   }
 */
#ifndef OX_EXECUTOR_H
#define OX_EXECUTOR_H

#include "order.h"
#include "venue.h"

/* A plugin built for another major is refused at start; a higher minor only adds at the end. */
enum { OX_ABI_MAJOR = 1, OX_ABI_MINOR = 0 };

enum ox_state_flags {
  OX_STATE_INITIAL = 1,  /* the state of a new order: exactly one */
  OX_STATE_ON_CLAIM = 2, /* entered by the claim itself, before execute() runs; at most one */
  OX_STATE_ON_FAIL = 4,  /* entered when the order fails for good: exactly one */
  OX_STATE_ON_CANCEL = 8 /* entered by a cancel: at most one */
};

/* next: the states it may move to, NULL-terminated; NULL for a terminal state. */
struct ox_state {
  const char *name;
  enum ox_phase phase;
  unsigned flags;
  const char *const *next;
};

enum ox_outcome {
  OX_DONE,  /* a succeeded state was emitted */
  OX_RETRY, /* transient: the core backs off and counts the attempt */
  OX_FAIL,  /* final; say why with host->fail first */
  OX_PARK,  /* wait: see host->park; the worker is freed and execute() is called again */
};

enum ox_status_code {
  OX_OK,
  OX_LOST,        /* cancelled, fenced off, draining: return from execute() */
  OX_BAD_STATE,   /* the state table has no such move */
  OX_OPEN_INTENT, /* a transaction of this order is still open: await it, do not submit */
  OX_NO_VENUE,    /* no venue of that name, or its breaker is open */
  OX_REFUSED,     /* the venue said no for good; nothing is open */
  OX_DEAD,        /* the transaction is proven dead: nothing moved, another may be built */
  OX_UNKNOWN,     /* the outcome cannot be learned here; the order waits for a person */
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
   * does not wait for the commit. A succeeded state ends the order, its data becomes the result. */
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
   * REVERTED, or OX_DEAD. It resends the same bytes where the venue allows it. */
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
};

struct ox_executor {
  uint32_t size;
  const char *type;
  const struct ox_state *states;
  size_t n_states;
  void (*validate)(const struct ox_order *order, struct ox_errors *errors); /* any thread; no I/O */
  enum ox_outcome (*execute)(const struct ox_order *order, const struct ox_host *host);
};

/*
 * open() and close(), each may be NULL, are for what the plugin's members share (a token table, a
 * connection): open() comes first of all, on the main thread before any other is started, close()
 * last. What open() sets up is constant or locks itself. config outlives the plugin. On failure
 * open() writes one sentence to error (error_len bytes with the NUL); close() is not called then.
 */
struct ox_plugin {
  uint32_t size;
  uint32_t abi_major;
  uint32_t abi_minor;
  const char *name;
  const struct ox_executor *const *executors; /* NULL-terminated; may be NULL */
  const struct ox_venue *const *venues;       /* NULL-terminated; may be NULL */
  enum ox_venue_result (*open)(const struct ox_config *config, char *error, size_t error_len);
  void (*close)(void);
};

/* The one symbol a plugin exports. */
#define OX_PLUGIN_EXPORT __attribute__((visibility("default")))
typedef const struct ox_plugin *(*ox_plugin_fn)(void);
const struct ox_plugin *ox_plugin(void);

#endif
