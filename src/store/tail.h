/*
 * tail.h - all events of all orders in the order in which they were committed, on the reader's
 * connection. Loop thread only; callbacks as in reader.h.
 *
 * DESIGN. An event's position is its transaction and its place among the events of that, by
 * (order_id, seq). Transactions end in another order than they began in; so only what is older than
 * every one still running is read: before that, nothing can appear any more. A transaction that
 * stays open holds the reading up, wherever in the database cluster it is.
 */
#ifndef STORE_TAIL_H
#define STORE_TAIL_H

#include <stdint.h>

#include "order/order.h"
#include "store/reader.h"

enum { TAIL_PAGE_MAX = 1000 };

/* Behind the n-th event of transaction xid; n 0: before its first. */
struct tail_position {
  uint64_t xid;
  uint32_t n;
};

int tail_compare(const struct tail_position *a, const struct tail_position *b);

struct tail_event {
  struct tail_position at;
  const char *type, *tenant;
  struct order_event event;
};

/* events are borrowed. next: where to read on. end: behind all that is complete by now; a position
 * beyond it is none of this database. */
struct tail_page {
  const struct tail_event *events;
  size_t n;
  struct tail_position next, end;
};
typedef void (*tail_fn)(void *arg, enum status status, const struct tail_page *page);

/* tail_read() reads up to limit (≤ TAIL_PAGE_MAX) events behind a position; 0: only where the end
 * is. page is NULL unless ST_OK. */
enum status tail_read(struct reader *r, const struct tail_position *after, size_t limit,
                      tail_fn done, void *arg) MUST_CHECK;

/* The events behind the position that one view gives, as many as may be needed, in their order. */
#define TAIL_OF(events)                                                                            \
  "(SELECT * FROM " events " WHERE xid >= $1::text::xid8 AND xid < s.xmin"                         \
  " ORDER BY xid, order_id, seq LIMIT $2::bigint + $3::bigint)"
#define TAIL_ACCEPTS TAIL_OF("accept_events")
#define TAIL_STEPS   TAIL_OF("step_events")

/* What the reader prepares. $1 transaction, $2 how many of its events to pass over, $3 limit. Each
 * of the views has an index of its own. */
#define TAIL_SQL                                                                                   \
  "SELECT s.xmin, e.xid, e.order_id, e.seq, e.status, e.phase, e.attempt, e.at, e.data, o.type,"   \
  "  o.tenant FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin) s"                     \
  " LEFT JOIN LATERAL (SELECT * FROM (" TAIL_ACCEPTS " UNION ALL " TAIL_STEPS ") x"                \
  "  ORDER BY x.xid, x.order_id, x.seq OFFSET $2::bigint LIMIT $3::bigint) e ON true"              \
  " LEFT JOIN LATERAL (SELECT type, tenant FROM orders WHERE orders.order_id = e.order_id"         \
  "  LIMIT 1) o ON true ORDER BY e.xid, e.order_id, e.seq"

#endif
