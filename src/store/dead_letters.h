/*
 * dead_letters.h - orders that failed and were not placed anew, oldest first, on the reader's
 * connection. Of all tenants. Loop thread only; callbacks as in reader.h.
 */
#ifndef STORE_DEAD_LETTERS_H
#define STORE_DEAD_LETTERS_H

#include "store/order_row.h"
#include "store/reader.h"

enum { DEAD_LETTERS_MAX = 200, DEAD_LETTERS_COUNT_MAX = 10000 };

/* orders are borrowed; more: there is a next page behind the last. */
typedef void (*dead_letters_fn)(void *arg, enum status status, const struct order *orders, size_t n,
                                bool more);
/* dead_letters_page() reads up to limit (at most DEAD_LETTERS_MAX) behind the id after. */
enum status dead_letters_page(struct reader *r, const struct ulid *after, size_t limit,
                              dead_letters_fn done, void *arg) MUST_CHECK;

typedef void (*dead_letters_count_fn)(void *arg, enum status status, int64_t n);
/* dead_letters_count() counts them, up to DEAD_LETTERS_COUNT_MAX. */
enum status dead_letters_count(struct reader *r, dead_letters_count_fn done, void *arg) MUST_CHECK;

/* What the reader prepares for them. $1 behind this id, $2 how many. */
#define DEAD_LETTERS_PAGE_SQL                                                                      \
  "SELECT o.* FROM (SELECT e.order_id FROM steps e WHERE e.phase = 3 AND e.data IS NOT NULL"       \
  "  AND e.order_id > $1::uuid"                                                                    \
  "  AND NOT EXISTS (SELECT 1 FROM redrives r WHERE r.order_id = e.order_id)"                      \
  "  ORDER BY e.order_id LIMIT $2::bigint) d"                                                      \
  " CROSS JOIN LATERAL (SELECT " ORDER_COLUMNS " FROM orders"                                      \
  "  WHERE orders.order_id = d.order_id LIMIT 1) o ORDER BY d.order_id"
/* $1 how many at most. */
#define DEAD_LETTERS_COUNT_SQL                                                                     \
  "SELECT count(*) FROM (SELECT 1 FROM steps e WHERE e.phase = 3 AND e.data IS NOT NULL"           \
  " AND NOT EXISTS"                                                                                \
  " (SELECT 1 FROM redrives r WHERE r.order_id = e.order_id) LIMIT $1::bigint) x"

#endif
