/* query.h - paths, queries and forms from what a user typed. Pure; any thread. */
#ifndef CTL_QUERY_H
#define CTL_QUERY_H

#include "base/buf.h"

enum { QUERY_MAX = 4096 };

void query_encode(struct buf *out, const char *text);

/* query_add() appends ?name=value, or &name=value behind an earlier one; NULL adds nothing. */
void query_add(struct buf *path, const char *name, const char *value);

/* query_order() begins path (which is not initialised yet) as /api/orders/ID and suffix. */
void query_order(struct buf *path, const char *id, const char *suffix);

#endif
