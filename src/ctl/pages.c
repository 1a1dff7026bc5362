/* pages.c - see pages.h. */
#include "ctl/pages.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "ctl/query.h"
#include "ctl/show.h"

static enum exit_code ask(struct session *s, const char *path, const char *cursor,
                          struct reply *out)
{
  struct buf whole;
  buf_init(&whole, QUERY_MAX);
  buf_append_str(&whole, path);
  query_add(&whole, "cursor", cursor);
  const struct http_request request = {.method = "GET", .path = whole.data};
  enum exit_code code = session_call(s, &request, out);
  buf_deinit(&whole);
  return code;
}

static void print_orders(const struct session *s, const struct json_object *page)
{
  struct json_items orders;
  if (!member_items(page, "orders", &orders)) return;
  struct table *t = table_create(show_columns, SHOW_COLUMNS);
  for (size_t i = 0; i < orders.n; i++) {
    if (s->json)
      show_json(orders.items[i].text, orders.items[i].len);
    else
      show_row(t, orders.items[i].text, orders.items[i].len);
  }
  if (table_rows(t) > 0) table_print(t, terminal_width(stdout), stdout);
  if (!s->json && orders.n == 0) fputs("none\n", stderr);
  table_destroy(t);
  json_items_deinit(&orders);
}

/* Returns where to go on, or NULL: nowhere, or not asked to. */
static char *print_page(const struct session *s, const struct reply *reply, bool all)
{
  struct json_object page;
  char *cursor = NULL;
  if (s->json && !all) show_json(reply->body.data, reply->body.len);
  if (!member_parse(reply->body.data, reply->body.len, &page)) return NULL;
  const char *next = member_text(&page, "nextCursor");
  if (!s->json || all) print_orders(s, &page);
  if (next && all)
    cursor = mem_strdup(next);
  else if (next && !s->json)
    fprintf(stderr, "more: --cursor %s, or --all\n", next);
  json_object_deinit(&page);
  return cursor;
}

enum exit_code pages_print(struct session *s, const char *path, const char *cursor, bool all)
{
  char *next = cursor ? mem_strdup(cursor) : NULL;
  enum exit_code code;
  do {
    struct reply reply;
    code = ask(s, path, next, &reply);
    free(next);
    next = NULL;
    if (code != EXIT_DONE) break;
    next = print_page(s, &reply, all);
    buf_deinit(&reply.body);
  } while (next && !ferror(stdout));
  free(next);
  return code;
}
