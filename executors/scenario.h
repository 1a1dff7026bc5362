/*
 * scenario.h - the market as the simulated venues see it: the tokens and pools of the data files,
 * and what was changed since: prices moved, pools listed, faults put in place. Pure.
 *
 * A scenario is constant once it is shared, and shared by reference; a change makes a copy. The
 * same changes in the same order make the same scenario, in every process.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <jansson.h>
#include <ox/order.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"
#include "pools.h"
#include "tokens.h"

enum { SCENARIO_NAME_MAX = 96 };

enum scenario_kind { SCENARIO_FAULTS, SCENARIO_PRICE, SCENARIO_POOL, SCENARIO_KINDS };

struct scenario {
  int64_t version; /* of the last change; 0: the data files alone */
  struct tokens *tokens;
  struct pools *pools;
  struct faults *faults;
  int32_t bin_shift; /* see pools_load() */
  _Atomic unsigned users;
};

/* Where a change stands. spent: see faults_begin(). */
struct scenario_mark {
  int64_t version;
  int64_t at_ms; /* by the ledger's clock */
  bool spent;
};

/* scenario_load() reads the data files in dir. NULL: error got one sentence. */
struct scenario *scenario_load(const char *dir, int32_t bin_shift, char *error, size_t error_len);
struct scenario *scenario_copy(const struct scenario *base); /* NULL: no memory */
struct scenario *scenario_hold(struct scenario *scenario);   /* to be dropped once more */
void scenario_drop(struct scenario *scenario);

/*
 * scenario_apply() makes a change to a scenario that nobody else sees yet. body is an object:
 *   FAULTS  {"faults":[…]}: see faults.h
 *   PRICE   {"tokenIn","tokenOut","price"}, the price a string, for all pools of the two tokens
 *   POOL    a pool as in pools.json, and with "tokens" (as in tokens.json) those that are new
 * False: what is wrong with it was added to errors (may be NULL), and the scenario is of no use.
 */
bool scenario_apply(struct scenario *scenario, enum scenario_kind kind, json_t *body,
                    const struct scenario_mark *mark, struct ox_errors *errors);

/* The words of a change in the database: its kind, and what it replaces an earlier one of. */
const char *scenario_kind_name(enum scenario_kind kind);
enum scenario_kind scenario_kind_of(const char *name); /* SCENARIO_KINDS: unknown */
void scenario_name(enum scenario_kind kind, const json_t *body, char name[SCENARIO_NAME_MAX]);

/* scenario_trading() is how many pools trade a token. */
size_t scenario_trading(const struct scenario *scenario, const char *token);

#endif
