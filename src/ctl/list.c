/* list.c - oxctl list: orders, page by page or all of them. */
#include "ctl/pages.h"
#include "ctl/query.h"

static const struct option options[] = {
    {"type", OPTION_TEXT, "TYPE", "market, limit, sniper, delivery, record"},
    {"status", OPTION_TEXT, "STATUS", "the type's own word"},
    {"phase", OPTION_WORD, "queued|active|succeeded|failed|cancelled", "where they are"},
    {"user-id", OPTION_TEXT, "ID", "whose (deliveries)"},
    {"token-in", OPTION_TEXT, "TOKEN", "what they sell"},
    {"token-out", OPTION_TEXT, "TOKEN", "what they buy"},
    {"from", OPTION_TEXT, "TIME", "created from then on; 2026-01-31T10:30:00Z"},
    {"to", OPTION_TEXT, "TIME", "created before then"},
    {"sort", OPTION_WORD, "createdAt|-createdAt",
     "oldest first, or newest first (which it is if not told)"},
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

static enum exit_code run(struct session *s, const struct arguments *a)
{
  struct buf path;
  bool all = arguments_on(a, "all");
  buf_init(&path, QUERY_MAX);
  buf_append_str(&path, "/api/orders");
  for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
    query_add(&path, filters[i].parameter, arguments_text(a, filters[i].option));
  if (all && !arguments_on(a, "limit")) query_add(&path, "limit", "200");
  enum exit_code code = pages_print(s, path.data, arguments_text(a, "cursor"), all);
  buf_deinit(&path);
  return code;
}

const struct command command_list = {
    .name = "list",
    .operands = "",
    .summary = "List orders, newest first",
    .options = options,
    .run = run,
};
