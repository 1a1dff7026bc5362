/*
 * lister.h - a page of a client's orders, newest or oldest first, on a connection of its own: who
 * looks up an order does not wait behind a list. Loop thread only.
 *
 * DESIGN. Ids are ULIDs, so the primary key is the order of acceptance, and no index is kept for
 * lists as such. A page is looked for in rounds of LISTER_SCAN ids, each a statement that others
 * come between, and after LISTER_ROUNDS of them it is given as it is: short or empty, with where to
 * go on. What is rare has a short way: who has not ended, who failed, who was cancelled, a user's
 * deliveries, the orders of one client among many.
 *
 * A page has a mark: the transactions that it shows. Every change of an order has its event,
 * written in the same transaction; so whether the client has changed anything since is a look at
 * the events of later transactions, whichever process made them. Where these are more than
 * LISTER_LATER it counts as changed.
 */
#ifndef STORE_LISTER_H
#define STORE_LISTER_H

#include "io/pg.h"
#include "order/order.h"

enum {
  LISTER_PAGE_MAX = 200,
  LISTER_SCAN = 2000,
  LISTER_ROUNDS = 10,
  LISTER_WALKS_MAX = 64,
  LISTER_LATER = 256,
  LISTER_MARK_MAX = 2048 /* a page that would have a longer one has none: "" */
};

/* The client there is where nobody has to say who he is: most of its orders are all there are. */
#define LISTER_SOLE "default"

struct lister;

/* lister_create() starts connecting. lister_destroy() answers what waits with ST_AWAY, then calls
 * done (may be NULL). */
struct lister *lister_create(uv_loop_t *loop, const char *url);
void lister_destroy(struct lister *l, void (*done)(void *arg), void *arg);
bool lister_up(const struct lister *l);

/* By what the ids of a page are found. */
enum lister_source {
  LISTER_ALL,
  LISTER_OPEN,   /* all that may match have not ended */
  LISTER_ENDED,  /* all that may match failed; or all were cancelled: phase is set */
  LISTER_USER,   /* user_id is set */
  LISTER_CLIENT, /* tenant is not LISTER_SOLE */
  LISTER_SOURCES
};

/* Borrowed for the call. NULL, -1: any. */
struct lister_filter {
  enum lister_source source;
  bool oldest_first;
  const char *tenant;
  const char *type, *status, *user_id, *token_in, *token_out;
  int phase;
  int64_t from_ms, to_ms;    /* of acceptance, both included */
  const struct ulid *behind; /* the last one of the page before; NULL: none */
  const char *mark;          /* of the page that is there already; NULL: none */
};

struct lister_sink {
  /* First, unless it is NULL: the mark of the page that comes. Or it stands: the client has placed,
   * moved or cancelled no order since; then no order comes, and no next. What workers did meanwhile
   * does not count. */
  void (*on_mark)(void *arg, const char *mark, bool stands);
  void (*on_order)(void *arg, const struct order *order); /* borrowed; one after the other */
  /* then once: next is where to go on, NULL at the end */
  void (*on_end)(void *arg, enum status status, const struct ulid *next);
};

/* lister_page() reads a page of at most limit (1 to LISTER_PAGE_MAX) orders. ST_AWAY, ST_FULL: at
 * once, no callback. */
enum status lister_page(struct lister *l, const struct lister_filter *filter, size_t limit,
                        const struct lister_sink *sink, void *arg) MUST_CHECK;

/* What is prepared on the connection, the planner's settings first; a test looks at the plans. */
extern const struct pg_statement lister_statements[];
extern const size_t n_lister_statements;

#endif
