/*
 * order.h - an order and its events as PostgreSQL has them, and how they look as JSON. Pure.
 */
#ifndef ORDER_ORDER_H
#define ORDER_ORDER_H

#include <ox/executor.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ulid.h"

enum { ORDER_OWN_ID_MAX = 64, ORDER_STATUS_MAX = 32, ORDER_GROUP_VALUE_MAX = 256 };

/* Strings are owned by the struct; JSON members hold text of JSON objects, NULL for none. */
struct order {
  struct ulid id;
  char *client_order_id;  /* NULL: none */
  char *group;            /* NULL: none */
  struct ulid redrive_of; /* zero: it is no redrive */
  char *type;
  char *status;
  enum ox_phase phase;
  int32_t attempt;
  int32_t ver;      /* seq of the newest event */
  uint64_t version; /* of its row; below, the transaction that wrote it. 0: not asked for */
  char *payload;
  char *result;
  char *error;
  int64_t created_at_ms;
  int64_t updated_at_ms;
  int64_t completed_at_ms; /* 0: not yet */
};

void order_deinit(struct order *o);

/* order_write() appends the order as the API shows it: envelope, payload and result side by side.
 * A createdAt or updatedAt in the payload (a record's own) is shown instead of the order's, and
 * from the second event on updatedAt is the order's, in the form in which the caller gave it. */
void order_write(const struct order *o, struct buf *out);

struct order_event {
  struct ulid order_id;
  int32_t seq;
  int32_t attempt;
  const char *status;
  enum ox_phase phase;
  int64_t at_ms;
  const char *data; /* JSON object; NULL: {} */
};

/* order_event_write() appends {"orderId","seq","status","phase","attempt","timestamp","data"}: the
 * one form in which events are stored in messages, replayed and streamed. */
void order_event_write(const struct order_event *e, struct buf *out);

/* order_own_id_valid() is true for a caller's own id: 1-64 of A-Z a-z 0-9 . _ : - and none of the
 * reserved words. */
bool order_own_id_valid(const char *text, size_t len);

/* order_group_valid() is true for the name of a group: the same, and no word is reserved. */
bool order_group_valid(const char *text, size_t len);

/* order_group_of() writes the group that orders of type with this value of its group_by have, where
 * nobody has named another: "TYPE=VALUE", which is no name that a caller could give, and is not
 * shown. value has at most ORDER_GROUP_VALUE_MAX bytes. To be freed. */
char *order_group_of(const char *type, const char *value);

#endif
