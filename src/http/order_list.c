/*
 * order_list.c - GET /api/orders: a page of the caller's orders. What waits is the reply, the
 * question, and the body as far as it is written.
 */
#include "base/alloc.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "http/list_query.h"

enum { LINK_MAX = 8192 };

struct waiting {
  struct call call;
  struct list_query query;
  struct buf body, one;
  struct json_writer json;
};

static void waiting_free(struct waiting *w)
{
  buf_deinit(&w->body);
  buf_deinit(&w->one);
  free(w);
}

static void on_order(void *arg, const struct order *order)
{
  struct waiting *w = arg;
  buf_clear(&w->one);
  order_write(order, &w->one);
  json_raw(&w->json, NULL, w->one.data, w->one.len);
}

static void answer_page(struct waiting *w, const struct ulid *next)
{
  char cursor[LIST_CURSOR_MAX];
  struct buf link;
  buf_init(&link, LINK_MAX);
  json_end_array(&w->json);
  if (next) {
    list_query_cursor(&w->query, next, cursor);
    buf_append_str(&link, "</api/orders?");
    list_query_next(&w->query, cursor, &link);
    buf_append_str(&link, ">; rel=\"next\"");
  }
  json_str(&w->json, "nextCursor", next ? cursor : NULL);
  json_end(&w->json);
  const struct http_header headers[] = {{"Cache-Control", "private, no-cache"},
                                        {"X-Cache", "MISS"},
                                        {"X-Cache-Age", "0"},
                                        {"Link", link.data}};
  buf_append(answer_body(&w->call), w->body.data, w->body.len);
  if (w->body.overflow)
    answer_problem(&w->call, PROBLEM_INTERNAL, "these orders are too large for one page");
  else
    answer_send(&w->call, 200, headers, next ? 4 : 3);
  buf_deinit(&link);
}

static void on_end(void *arg, enum status status, const struct ulid *next)
{
  struct waiting *w = arg;
  if (status == ST_OK)
    answer_page(w, next);
  else
    answer_problem(&w->call, problem_of(status), NULL);
  waiting_free(w);
}

static void list(struct waiting *w)
{
  static const struct lister_sink sink = {on_order, on_end};
  const struct api *api = w->call.api;
  buf_init(&w->body, api->scratch.max);
  buf_init(&w->one, api->scratch.max);
  json_writer_init(&w->json, &w->body);
  json_begin(&w->json, NULL);
  json_begin_array(&w->json, "orders");
  enum status status = w->query.nothing
                           ? ST_NOT_FOUND
                           : lister_page(api->lister, &w->query.filter, w->query.limit, &sink, w);
  if (status == ST_NOT_FOUND)
    on_end(w, ST_OK, NULL);
  else if (status != ST_OK)
    on_end(w, status, NULL);
}

void order_list(const struct call *call, const struct http_request *request, const char *param)
{
  struct problem_errors errors;
  (void)param;
  struct waiting *w = mem_alloc(sizeof *w);
  w->call = *call;
  problem_errors_init(&errors);
  /* The question borrows the tenant, and is there when the call that came in is not. */
  if (list_query_parse(call->api->registry, call_tenant(&w->call), request->query, &w->query,
                       &errors)) {
    list(w);
  } else {
    answer_errors(call, &errors);
    free(w);
  }
  problem_errors_deinit(&errors);
}
