/*
 * executor.h - one type of order: its states, its payload, and the steps that fill it; and what a
 * plugin exports.
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

#include "endpoint.h"
#include "host.h"
#include "order.h"
#include "venue.h"

/* A plugin built for another major is refused at start; a higher minor only adds at the end. */
enum { OX_ABI_MAJOR = 1, OX_ABI_MINOR = 4 };

enum ox_state_flags {
  OX_STATE_INITIAL = 1,   /* the state of a new order: exactly one */
  OX_STATE_ON_CLAIM = 2,  /* entered by the claim itself, before execute() runs; at most one */
  OX_STATE_ON_FAIL = 4,   /* entered when the order fails for good: exactly one */
  OX_STATE_ON_CANCEL = 8, /* entered by a cancel: at most one */
  OX_STATE_BY_HAND = 16 /* a client may move an order there; whoever runs it loses it. Since 1.2 */
};

/* next: the states it may move to, NULL-terminated; NULL for a terminal state. */
struct ox_state {
  const char *name;
  enum ox_phase phase;
  unsigned flags;
  const char *const *next;
};

enum ox_outcome {
  OX_DONE,  /* a terminal state was emitted */
  OX_RETRY, /* transient: the core backs off and counts the attempt */
  OX_FAIL,  /* final; say why with host->fail first */
  OX_PARK,  /* wait for what host->park was told; the worker is freed, execute() called again */
};

/*
 * A type without execute() is run by nobody: clients alone move its orders, and a new one may begin
 * in any state ("status"). known_by, a member of the payload that no other type has, stands for
 * "type" where that is missing; own_id, a member that must be there, is the caller's own id of the
 * order, in place of clientOrderId. group_by is a member whose value makes a group where the caller
 * names none: orders with the same value run one at a time, in the order of accept. Each may be
 * NULL.
 */
struct ox_executor {
  uint32_t size;
  const char *type;
  const struct ox_state *states;
  size_t n_states;
  void (*validate)(const struct ox_order *order, struct ox_errors *errors); /* any thread; no I/O */
  enum ox_outcome (*execute)(const struct ox_order *order, const struct ox_host *host);
  const char *known_by; /* since 1.2 */
  const char *own_id;   /* since 1.2 */
  const char *group_by; /* since 1.3 */
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
  const struct ox_endpoint *const *endpoints; /* NULL-terminated; may be NULL. Since 1.1 */
};

/* The one symbol a plugin exports. */
#define OX_PLUGIN_EXPORT __attribute__((visibility("default")))
typedef const struct ox_plugin *(*ox_plugin_fn)(void);
const struct ox_plugin *ox_plugin(void);

#endif
