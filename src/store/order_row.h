/*
 * order_row.h - an order as a row of a result: which columns are asked for, and how they are read.
 * Pure.
 */
#ifndef STORE_ORDER_ROW_H
#define STORE_ORDER_ROW_H

#include <libpq-fe.h>

#include "order/order.h"

#define ORDER_COLUMNS                                                                              \
  "order_id, tenant, client_order_id, type, status, phase, attempt, ver, payload, result,"         \
  " error, created_at, updated_at, completed_at, redrive_of,"                                      \
  " CASE WHEN group_no IS NOT NULL THEN (SELECT g.group_id FROM order_groups g"                    \
  " WHERE g.group_no = orders.group_no) END AS group_id"

enum order_column {
  COL_ID,
  COL_TENANT,
  COL_OWN_ID,
  COL_TYPE,
  COL_STATUS,
  COL_PHASE,
  COL_ATTEMPT,
  COL_VER,
  COL_PAYLOAD,
  COL_RESULT,
  COL_ERROR,
  COL_CREATED,
  COL_UPDATED,
  COL_COMPLETED,
  COL_REDRIVE_OF,
  COL_GROUP,
  ORDER_COLS
};

/* order_row_read() gives an order that borrows the result's text. */
struct order order_row_read(const PGresult *r, int row);

#endif
