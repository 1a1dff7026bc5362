/*
 * order_ref.h - how a client names an order: its orderId, or an id of the client's own.
 */
#ifndef HTTP_ORDER_REF_H
#define HTTP_ORDER_REF_H

#include <stdbool.h>

#include "base/ulid.h"
#include "http/api.h"

struct order_ref {
  struct ulid id;
  const char *own_id; /* NULL: by id; borrowed */
  uint64_t known;     /* the version that is there already; 0: none */
};

/* order_ref_parse() is false for what names no order. */
bool order_ref_parse(const char *text, struct order_ref *out);

/* order_ref_read() looks the order up among the caller's; as reader_find(). */
enum status order_ref_read(const struct call *call, const struct order_ref *ref,
                           reader_order_fn done, void *arg) MUST_CHECK;

#endif
