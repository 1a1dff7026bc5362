/*
 * reader.h - looking things up in PostgreSQL. Lookups of one turn of the loop leave as one
 * "= ANY($1)" for each kind, on a connection of the reader's own. Loop thread only.
 *
 * DESIGN. The version of an order is the transaction that wrote its row (xmin), and the connection
 * it was read over: it is another after each change, whatever statement made it, and another server
 * has others.
 *
 * Every call: ST_AWAY at once when PostgreSQL is away (no callback), else the callback exactly
 * once, with ST_AWAY if the answer was lost, ST_FULL at once when too many are waiting.
 */
#ifndef STORE_READER_H
#define STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "io/pg.h"
#include "order/order.h"

struct reader;

/* order is borrowed; NULL unless ST_OK, or when it is as it was known. ST_NOT_FOUND: unknown, or
 * not this tenant's. */
typedef void (*reader_order_fn)(void *arg, enum status status, const struct order *order);
/* JSON text of the events, oldest first; terminal tells whether the last is terminal. */
struct reader_event {
  int32_t seq;
  bool terminal;
  const char *json;
  size_t json_len;
};
typedef void (*reader_events_fn)(void *arg, enum status status, const struct reader_event *events,
                                 size_t n);
struct reader_head {
  struct ulid id;
  int32_t ver;
};
typedef void (*reader_heads_fn)(void *arg, enum status status, const struct reader_head *heads,
                                size_t n);

/* reader_create() starts connecting. reader_destroy() answers what waits with ST_AWAY, then calls
 * done (may be NULL). */
struct reader *reader_create(uv_loop_t *loop, const char *url);
void reader_destroy(struct reader *r, void (*done)(void *arg), void *arg);
bool reader_up(const struct reader *r);
/* reader_conn() is for the other files of this room. */
struct pg_conn *reader_conn(const struct reader *r);

/* Which order is meant. Borrowed for the call only. */
struct reader_ref {
  const char *tenant;
  struct ulid id;
  const char *own_id; /* by the caller's own id; NULL: by id */
  uint64_t known;     /* the version that is there already; 0: none */
};

/* reader_find() finds an order of the tenant; of one that has not changed since it was known
 * nothing is read but that. reader_order() knows nothing. */
enum status reader_find(struct reader *r, const struct reader_ref *ref, reader_order_fn done,
                        void *arg) MUST_CHECK;
enum status reader_order(struct reader *r, const char *tenant, const struct ulid *id,
                         reader_order_fn done, void *arg) MUST_CHECK;

/* reader_events() reads the events of an order with seq > since; at most the first 10,000 of them.
 * ST_FULL to the callback: they are more than 64 MiB together. */
enum status reader_events(struct reader *r, const struct ulid *id, int32_t since,
                          reader_events_fn done, void *arg) MUST_CHECK;

/* reader_heads() reads the newest seq of many orders (≤ 1000). */
enum status reader_heads(struct reader *r, const struct ulid *ids, size_t n, reader_heads_fn done,
                         void *arg) MUST_CHECK;

/* What is prepared on the connection; a test looks at the plans. */
extern const struct pg_statement reader_statements[];
extern const size_t n_reader_statements;

#endif
