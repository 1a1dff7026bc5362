/* list.c - oxctl list: orders, page by page or all of them. */
#include <string.h>

#include "base/alloc.h"
#include "ctl/query.h"
#include "ctl/session.h"
#include "ctl/show.h"

static const struct option options[] = {
    {"type", OPTION_TEXT, "TYPE", "market, limit, sniper, delivery, record"},
    {"status", OPTION_TEXT, "STATUS", "the type's own word"},
    {"phase", OPTION_WORD, "queued|active|succeeded|failed|cancelled", "where they are"},
    {"user-id", OPTION_TEXT, "ID", "whose (deliveries)"},
    {"token-in", OPTION_TEXT, "TOKEN", "what they sell"},
    {"token-out", OPTION_TEXT, "TOKEN", "what they buy"},
    {"from", OPTION_TEXT, "TIME", "created from then on; 2026-01-31T10:30:00Z"},
    {"to", OPTION_TEXT, "TIME", "created before then"},
    {"sort", OPTION_TEXT, "SORT", "as the API has it: createdAt, -createdAt (newest first)"},
    {"limit", OPTION_INT, "1-200", "orders of a page"},
    {"cursor", OPTION_TEXT, "CURSOR", "go on behind an earlier page"},
    {"all", OPTION_SWITCH, NULL, "every page; as JSON, a line for each order"},
    {0},
};

static const struct {
  const char *option, *parameter;
} filters[] = {
    {"type", "type"},        {"status", "status"},      {"phase", "phase"}, {"user-id", "user_id"},
    {"token-in", "tokenIn"}, {"token-out", "tokenOut"}, {"from", "from"},   {"to", "to"},
    {"sort", "sort"},        {"limit", "limit"}};

static enum exit_code ask(struct session *s, const struct arguments *a, const char *cursor,
                          struct reply *out)
{
  struct buf path;
  buf_init(&path, QUERY_MAX);
  buf_append_str(&path, "/api/orders");
  for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
    query_add(&path, filters[i].parameter, arguments_text(a, filters[i].option));
  if (arguments_on(a, "all") && !arguments_on(a, "limit")) query_add(&path, "limit", "200");
  query_add(&path, "cursor", cursor);
  const struct http_request request = {.method = "GET", .path = path.data};
  enum exit_code code = session_call(s, &request, out);
  buf_deinit(&path);
  return code;
}

static void print_page(const struct session *s, const struct json_object *page)
{
  struct json_items orders;
  struct table *t = table_create(show_columns, SHOW_COLUMNS);
  if (!member_items(page, "orders", &orders)) goto out;
  for (size_t i = 0; i < orders.n; i++) {
    if (s->json)
      show_json(orders.items[i].text, orders.items[i].len);
    else
      show_row(t, orders.items[i].text, orders.items[i].len);
  }
  if (!s->json) table_print(t, terminal_width(stdout), stdout);
  json_items_deinit(&orders);
out:
  table_destroy(t);
}

/* Prints what came; *cursor is where to go on, NULL: nowhere. */
static void print_reply(const struct session *s, const struct arguments *a,
                        const struct reply *reply, char **cursor)
{
  struct json_object page;
  bool all = arguments_on(a, "all");
  *cursor = NULL;
  if (s->json && !all) show_json(reply->body.data, reply->body.len);
  if (!member_parse(reply->body.data, reply->body.len, &page)) return;
  const char *next = member_text(&page, "nextCursor");
  if (!s->json || all) print_page(s, &page);
  if (next && all)
    *cursor = mem_strdup(next);
  else if (next && !s->json)
    fprintf(stderr, "more: --cursor %s, or --all\n", next);
  json_object_deinit(&page);
}

static enum exit_code run(struct session *s, const struct arguments *a)
{
  const char *from = arguments_text(a, "cursor");
  char *cursor = from ? mem_strdup(from) : NULL;
  enum exit_code code;
  do {
    struct reply reply;
    code = ask(s, a, cursor, &reply);
    free(cursor);
    cursor = NULL;
    if (code != EXIT_DONE) break;
    print_reply(s, a, &reply, &cursor);
    buf_deinit(&reply.body);
  } while (cursor && !ferror(stdout));
  free(cursor);
  return code;
}

const struct command command_list = {
    .name = "list",
    .operands = "",
    .summary = "List orders, newest first",
    .options = options,
    .run = run,
};
