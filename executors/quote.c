/*
 * quote.c - see quote.h. The parameters are an order's fields, checked as an order's are and in the
 * same words. Runs on the threads of the desk.
 *
 * A simulated venue draws by order and there is none here, so the question itself takes its place:
 * with one SIM_SEED the same question gets the same answer, and no order can have that key, since
 * no id of an order has a space in it.
 */
#include "quote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "router.h"
#include "swap.h"
#include "writer.h"

enum { PARAMETERS_MAX = 32, KEY_MAX = 64, DETAIL_MAX = 256 };

/* What would be a number in JSON is one here, too. */
static enum ox_field_kind kind_of(const struct ox_field *parameter)
{
  size_t len = strspn(parameter->text, "0123456789+-.eE");
  return len > 0 && len == parameter->len ? OX_FIELD_NUMBER : OX_FIELD_STRING;
}

static bool read(const struct ox_request *request, struct ox_errors *errors, struct payload *out)
{
  struct ox_field fields[PARAMETERS_MAX];
  size_t n = request->n_query < PARAMETERS_MAX ? request->n_query : PARAMETERS_MAX;
  for (size_t i = 0; i < n; i++) {
    fields[i] = request->query[i];
    if (strncmp(fields[i].name, "token", strlen("token")) != 0)
      fields[i].kind = kind_of(&fields[i]);
  }
  const struct ox_order order = {
      .size = sizeof order, .type = "market", .fields = fields, .n_fields = n};
  return swap_read(&order, errors, out);
}

static void answer_none(const struct router_choice *choice, const struct ox_quote *quotes, size_t n,
                        struct ox_answer *answer)
{
  char detail[DETAIL_MAX];
  int len = snprintf(detail, sizeof detail, "%s", choice->reason);
  for (size_t i = 0; i < n && len >= 0 && (size_t)len < sizeof detail; i++)
    len += snprintf(detail + len, sizeof detail - (size_t)len, "%s %s %s", i == 0 ? ":" : ",",
                    quotes[i].venue, ox_venue_result_name(quotes[i].result));
  bool for_now = strcmp(choice->code, "NO_LIQUIDITY") != 0;
  answer->problem(answer, for_now ? 503 : 422, choice->code, detail);
}

static void answer_route(const struct router_choice *choice, const struct ox_quote *quotes,
                         size_t n, uint64_t floor, struct ox_answer *answer)
{
  char text[ROUTER_RECORD_MAX];
  struct writer w;
  writer_init(&w, text, sizeof text);
  writer_begin(&w, NULL);
  router_write(choice, quotes, n, floor, &w);
  writer_end(&w);
  answer->send(answer, 200, writer_text(&w));
}

static void handle(const struct ox_request *request, const struct ox_desk *desk,
                   struct ox_answer *answer)
{
  struct payload payload;
  if (!read(request, answer->errors, &payload)) return;
  char key[KEY_MAX];
  snprintf(key, sizeof key, "%s %s %" PRIu64, payload.token_in->symbol, payload.token_out->symbol,
           payload.amount);
  const struct ox_swap swap = {.size = sizeof swap,
                               .attempt = 1,
                               .order_id = "",
                               .draw_key = key,
                               .token_in = payload.token_in->symbol,
                               .token_out = payload.token_out->symbol,
                               .in_amount = payload.amount,
                               .slippage_bps = payload.slippage_bps};
  struct ox_quote quotes[ROUTER_QUOTES_MAX];
  struct router_choice choice;
  size_t n = desk->quote(desk, &swap, quotes, ROUTER_QUOTES_MAX);
  swap_choose(quotes, n, &choice);
  if (choice.best)
    answer_route(&choice, quotes, n, swap_floor(&payload, choice.best->out_amount), answer);
  else
    answer_none(&choice, quotes, n, answer);
}

const struct ox_endpoint quote_endpoint = {.size = sizeof quote_endpoint,
                                           .method = "GET",
                                           .path = "/api/quote",
                                           .scope = "orders:read",
                                           .handle = handle};
