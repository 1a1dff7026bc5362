/*
 * count.h - what the journal counts for metrics.h. Loop thread only.
 */
#ifndef JOURNAL_COUNT_H
#define JOURNAL_COUNT_H

#include "io/pg.h"
#include "order/order.h"

/* count_transaction(): one that was sent at sent_ns (monotonic) has ended. */
void count_transaction(enum pg_outcome outcome, int64_t sent_ns, size_t requests);

/* count_end() counts an order that was committed in a terminal phase, and no other. */
void count_end(const char *type, enum ox_phase phase);

#endif
