/*
 * order_show.h - an order as the answer to what was done to it. Loop thread only.
 */
#ifndef HTTP_ORDER_SHOW_H
#define HTTP_ORDER_SHOW_H

#include "base/ulid.h"
#include "http/api.h"

/* order_show() answers call with the order as it is now, which is the caller's. What was done to it
 * is done, whether it can be shown or not. */
void order_show(const struct call *call, const struct ulid *id);

#endif
