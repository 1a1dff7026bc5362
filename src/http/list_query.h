/*
 * list_query.h - what GET /api/orders asks for. Pure.
 */
#ifndef HTTP_LIST_QUERY_H
#define HTTP_LIST_QUERY_H

#include "http/problem.h"
#include "plugin/registry.h"
#include "store/lister.h"

enum { LIST_TEXT_MAX = 136, LIST_CURSOR_MAX = 49 };

enum list_param {
  LIST_TYPE,
  LIST_STATUS,
  LIST_PHASE,
  LIST_USER_ID,
  LIST_TOKEN_IN,
  LIST_TOKEN_OUT,
  LIST_FROM,
  LIST_TO,
  LIST_SORT,
  LIST_LIMIT,
  LIST_CURSOR,
  LIST_PARAMS
};

/* filter points into the rest: not to be copied. */
struct list_query {
  char text[LIST_PARAMS][LIST_TEXT_MAX]; /* decoded; "" for what is not there */
  struct lister_filter filter;
  size_t limit;
  struct ulid behind;
  bool nothing; /* no order can be like that */
};

/* list_query_parse() reads a raw query (NULL: none). false: errors has all that is wrong. */
bool list_query_parse(const struct registry *registry, const char *tenant, const char *query,
                      struct list_query *out, struct problem_errors *errors);

/* list_query_cursor() writes where to go on behind id, for this very question. */
void list_query_cursor(const struct list_query *q, const struct ulid *id,
                       char out[LIST_CURSOR_MAX]);

/* list_query_next() appends the query of the next page. */
void list_query_next(const struct list_query *q, const char *cursor, struct buf *out);

#endif
