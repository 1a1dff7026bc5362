/* watch.h - printing the states of an order as they come. */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "ctl/session.h"

/* watch_order() prints each state after since, then (to people) a summary. EXIT_DONE: the order
 * succeeded; EXIT_FAILED: it did not. */
enum exit_code watch_order(struct session *s, const char *order_id, int64_t since);

#endif
