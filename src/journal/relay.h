/*
 * relay.h - what Redis is told after a commit: enqueue, finish, put back, publish; one pipeline for
 * each batch. Hints: when Redis is away the relay lets go and says so, and the sweeper repairs.
 * Loop thread only.
 */
#ifndef JOURNAL_RELAY_H
#define JOURNAL_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ulid.h"
#include "order/order.h"
#include "queue/queue.h"

struct relay;

struct relay *relay_create(struct queue *queue);
void relay_destroy(struct relay *r);

void relay_event(struct relay *r, const struct order_event *e); /* copied */
void relay_enqueue(struct relay *r, const struct ulid *id);
/* token: of the lease that ends. */
void relay_finish(struct relay *r, const struct ulid *id, const char *token, bool succeeded);
void relay_put_back(struct relay *r, const struct ulid *id, const char *token, int64_t delay_ms);
void relay_flush(struct relay *r); /* sends what has gathered; called after each batch */

/* relay_let_go() is true once after hints were lost: time for a full sweep. */
bool relay_let_go(struct relay *r);

#endif
