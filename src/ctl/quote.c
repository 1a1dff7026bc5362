/* quote.c - oxctl quote: what a market order would get now. */
#include <string.h>

#include "ctl/member.h"
#include "ctl/query.h"
#include "ctl/session.h"
#include "ctl/show.h"

static const struct option options[] = {
    {"token-in", OPTION_TEXT, "TOKEN", "what to sell, as SOL"},
    {"token-out", OPTION_TEXT, "TOKEN", "what to buy, as USDC"},
    {"amount", OPTION_DECIMAL, "N", "how much of token-in"},
    {"slippage", OPTION_DECIMAL, "FRACTION", "how much worse than quoted it may get (0.01)"},
    {0},
};

static const struct table_column columns[] = {
    {.title = "VENUE"},
    {.title = "OUT (BASE UNITS)", .right = true},
    {.title = "AT LEAST", .right = true},
    {.title = "FEE", .right = true},
    {.title = "IMPACT BPS", .right = true},
    {.title = "", .cut = true},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void add_quote(struct table *t, const struct json_slice *text)
{
  struct json_object q;
  if (!member_parse(text->text, text->len, &q)) return;
  const char *cells[COLUMNS] = {member_text(&q, "venue"),          member_text(&q, "outAmount"),
                                member_text(&q, "minOutAmount"),   member_text(&q, "feeAmount"),
                                member_text(&q, "priceImpactBps"), member_text(&q, "error")};
  table_add(t, cells);
  json_object_deinit(&q);
}

static void print_route(const struct json_object *answer, FILE *out)
{
  struct json_object route;
  if (!member_object(answer, "route", &route)) return;
  table_pair("route", member_text(&route, "dex"), out);
  table_pair("out", member_text(&route, "outAmount"), out);
  table_pair("at least", member_text(&route, "minOutAmount"), out);
  table_pair("why", member_text(answer, "reason"), out);
  json_object_deinit(&route);
}

static void print(const char *text, size_t len, FILE *out)
{
  struct json_object answer;
  struct json_items quotes;
  if (!member_parse(text, len, &answer)) return;
  if (member_items(&answer, "quotes", &quotes)) {
    struct table *t = table_create(columns, COLUMNS);
    for (size_t i = 0; i < quotes.n; i++) add_quote(t, &quotes.items[i]);
    table_print(t, terminal_width(out), out);
    table_destroy(t);
    json_items_deinit(&quotes);
    fputc('\n', out);
  }
  print_route(&answer, out);
  json_object_deinit(&answer);
}

static enum exit_code run(struct session *s, const struct arguments *a)
{
  struct buf path;
  buf_init(&path, QUERY_MAX);
  buf_append_str(&path, "/api/quote");
  query_add(&path, "tokenIn", arguments_text(a, "token-in"));
  query_add(&path, "tokenOut", arguments_text(a, "token-out"));
  query_add(&path, "amount", arguments_text(a, "amount"));
  query_add(&path, "slippage", arguments_text(a, "slippage"));
  enum exit_code code = session_show(s, "GET", path.data, print);
  buf_deinit(&path);
  return code;
}

const struct command command_quote = {
    .name = "quote",
    .operands = "",
    .summary = "Show what a market order would get now",
    .about = "Amounts out are in the token's base units.",
    .options = options,
    .run = run,
};
