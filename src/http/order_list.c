/*
 * order_list.c - GET /api/orders: a page of the caller's orders. What waits is the reply, the
 * question, and the body as far as it is written.
 *
 * DESIGN. A page that was given before is given again while PostgreSQL says that the caller has
 * changed no order since, and for CACHE_LIST_TTL_S at the most: what workers did meanwhile it does
 * not show.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/answer.h"
#include "http/cached.h"
#include "http/handlers.h"
#include "http/list_query.h"

enum { LINK_MAX = 8192, KEY_MAX = 8192, SECOND_MS = 1000 };

struct waiting {
  struct call call;
  struct list_query query;
  struct buf key, body, one;
  struct json_writer json;
  const struct cache_entry *kept; /* the page as it was, held; NULL: it is not kept */
  bool stands;                    /* it is still right */
  char mark[LISTER_MARK_MAX];     /* of the new one; "": it cannot be kept */
  int64_t asked_ms;
};

static void waiting_free(struct waiting *w)
{
  cache_release(w->kept);
  buf_deinit(&w->key);
  buf_deinit(&w->body);
  buf_deinit(&w->one);
  free(w);
}

static void on_mark(void *arg, const char *mark, bool stands)
{
  struct waiting *w = arg;
  snprintf(w->mark, sizeof w->mark, "%s", mark);
  w->stands = stands;
}

static void on_order(void *arg, const struct order *order)
{
  struct waiting *w = arg;
  buf_clear(&w->one);
  order_write(order, &w->one);
  json_raw(&w->json, NULL, w->one.data, w->one.len);
}

/* As old as its first statement. */
static void keep(const struct waiting *w, const char *link)
{
  const struct api *api = w->call.api;
  const struct cache_answer answer = {.key = w->key.data,
                                      .header = link,
                                      .body = w->body.data,
                                      .body_len = w->body.len,
                                      .mark = w->mark};
  if (*w->mark && !w->key.overflow && !w->body.overflow)
    cache_put(api->cache, &answer, w->asked_ms, api->config->cache_list_ttl_s * SECOND_MS);
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
  const char *link_text = next ? link.data : "";
  keep(w, link_text);
  buf_append(answer_body(&w->call), w->body.data, w->body.len);
  if (w->body.overflow)
    answer_problem(&w->call, PROBLEM_INTERNAL, "these orders are too large for one page");
  else
    cached_send(&w->call, 200, &(struct cached_head){"Link", link_text, CACHED_NOW});
  buf_deinit(&link);
}

static void on_end(void *arg, enum status status, const struct ulid *next)
{
  struct waiting *w = arg;
  if (status == ST_OK && w->stands)
    cached_send_kept(&w->call, 200, "Link", w->kept);
  else if (status == ST_OK)
    answer_page(w, next);
  else
    answer_problem(&w->call, problem_of(status), NULL);
  waiting_free(w);
}

/* Where the same page would be kept. */
static void look_up(struct waiting *w)
{
  const struct api *api = w->call.api;
  buf_init(&w->key, KEY_MAX);
  buf_append_str(&w->key, call_tenant(&w->call));
  buf_append_char(&w->key, '?');
  list_query_next(&w->query, w->query.text[LIST_CURSOR], &w->key);
  w->asked_ms = clock_mono_ms();
  if (!w->key.overflow) w->kept = cache_get(api->cache, w->key.data, w->asked_ms);
  if (w->kept) w->query.filter.mark = w->kept->answer.mark;
}

static void list(struct waiting *w)
{
  static const struct lister_sink plain = {NULL, on_order, on_end};
  static const struct lister_sink marked = {on_mark, on_order, on_end};
  const struct api *api = w->call.api;
  bool kept = api->config->cache_list_ttl_s > 0;
  if (kept) look_up(w);
  buf_init(&w->body, api->scratch.max);
  buf_init(&w->one, api->scratch.max);
  json_writer_init(&w->json, &w->body);
  json_begin(&w->json, NULL);
  json_begin_array(&w->json, "orders");
  enum status status = w->query.nothing ? ST_NOT_FOUND
                                        : lister_page(api->lister, &w->query.filter, w->query.limit,
                                                      kept ? &marked : &plain, w);
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
