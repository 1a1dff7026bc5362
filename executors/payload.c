/*
 * payload.c - what a swap order asks for. Pure; any thread.
 */
#include "payload.h"

#include <string.h>

#include "amount.h"
#include "pointer.h"
#include "rfc3339.h"

enum { SLIPPAGE_DEFAULT_BPS = 100, SLIPPAGE_MAX_BPS = 5000, SLIPPAGE_DECIMALS = 4 };

struct reader {
  const struct ox_order *order;
  const struct tokens *tokens;
  struct ox_errors *errors; /* NULL: nobody listens */
  bool wrong;
};

static void complain(struct reader *r, const char *pointer, const char *code, const char *detail)
{
  r->wrong = true;
  if (r->errors) r->errors->add(r->errors, pointer, code, detail);
}

static bool is_type(const struct reader *r, const char *type)
{
  return strcmp(r->order->type, type) == 0;
}

static bool is_symbol(const struct ox_field *field)
{
  bool printable = true;
  for (const char *c = field->text; *c; c++) printable &= *c > ' ' && *c <= '~';
  return field->kind == OX_FIELD_STRING && field->len > 0 && field->len < TOKEN_SYMBOL_MAX &&
         printable;
}

/* What a sniper waits for to be launched need not be known yet, as long as it is bought. */
static bool is_launched(const struct reader *r, const char *pointer, const char *symbol)
{
  const struct ox_field *launch = ox_order_field(r->order, "launchToken");
  return is_type(r, "sniper") && strcmp(pointer, "/tokenOut") == 0 && launch && is_symbol(launch) &&
         strcmp(launch->text, symbol) == 0;
}

static const struct token *read_token(struct reader *r, const char *pointer)
{
  const struct ox_field *field = ox_order_field(r->order, pointer + 1);
  if (!field) {
    complain(r, pointer, "REQUIRED", "is missing: the symbol of a token, as \"SOL\"");
    return NULL;
  }
  if (field->kind != OX_FIELD_STRING) {
    complain(r, pointer, "WRONG_TYPE", "must be a string: the symbol of a token, as \"SOL\"");
    return NULL;
  }
  const struct token *token = tokens_find(r->tokens, field->text);
  if (!token && !is_launched(r, pointer, field->text))
    complain(r, pointer, "UNKNOWN_TOKEN", "is not the symbol of a token known here");
  return token;
}

static void read_tokens(struct reader *r, struct payload *out)
{
  const struct ox_field *to = ox_order_field(r->order, "tokenOut");
  out->token_in = read_token(r, "/tokenIn");
  out->token_out = read_token(r, "/tokenOut");
  out->symbol_out = to ? to->text : NULL;
  if (out->token_in && out->token_in == out->token_out)
    complain(r, "/tokenOut", "SAME_TOKEN", "must be another token than tokenIn");
}

/* Without a known token nobody can say how many decimals, or units, are too many. */
static void read_amount(struct reader *r, struct payload *out)
{
  const struct ox_field *field = ox_order_field(r->order, "amount");
  if (!field) {
    complain(r, "/amount", "REQUIRED", "is missing: how much of tokenIn to swap");
    return;
  }
  if (field->kind != OX_FIELD_NUMBER && field->kind != OX_FIELD_STRING) {
    complain(r, "/amount", "WRONG_TYPE", "must be a number or a decimal string");
    return;
  }
  unsigned decimals = out->token_in ? out->token_in->decimals : 0;
  enum amount_result result = amount_parse(field->text, field->len, decimals, &out->amount);
  if (result == AMOUNT_SYNTAX)
    complain(r, "/amount", "NOT_A_NUMBER", "must be a decimal number, as \"1.5\"");
  else if (result == AMOUNT_NEGATIVE || (result == AMOUNT_OK && out->amount == 0))
    complain(r, "/amount", "AMOUNT_NOT_POSITIVE", "must be greater than 0");
  else if (result == AMOUNT_TOO_MANY_DECIMALS && out->token_in)
    complain(r, "/amount", "TOO_MANY_DECIMALS", "has more decimals than tokenIn");
  else if (result == AMOUNT_TOO_LARGE && out->token_in)
    complain(r, "/amount", "AMOUNT_TOO_LARGE", "is over 2^63-1 base units of tokenIn");
}

/* A number of 10^-decimals that comes to 1 to 5000 of a basis point. */
static void read_bps(struct reader *r, const char *pointer, unsigned decimals, uint32_t *bps)
{
  const struct ox_field *field = ox_order_field(r->order, pointer + 1);
  const char *range =
      decimals ? "must be greater than 0 and at most 0.5" : "must be 1 to 5000 basis points";
  if (field->kind != OX_FIELD_NUMBER) {
    complain(r, pointer, "WRONG_TYPE", "must be a number");
    return;
  }
  uint64_t value = 0;
  enum amount_result result = amount_parse(field->text, field->len, decimals, &value);
  if (result == AMOUNT_TOO_MANY_DECIMALS)
    complain(r, pointer, decimals ? "TOO_MANY_DECIMALS" : "NOT_AN_INTEGER",
             decimals ? "must have at most 4 decimals" : "must be a whole number");
  else if (result != AMOUNT_OK || value == 0 || value > SLIPPAGE_MAX_BPS)
    complain(r, pointer, "SLIPPAGE_OUT_OF_RANGE", range);
  else
    *bps = (uint32_t)value;
}

static void read_slippage(struct reader *r, struct payload *out)
{
  bool fraction = ox_order_field(r->order, "slippage");
  bool bps = ox_order_field(r->order, "slippageBps");
  out->slippage_bps = SLIPPAGE_DEFAULT_BPS;
  if (fraction) read_bps(r, "/slippage", SLIPPAGE_DECIMALS, &out->slippage_bps);
  if (bps) read_bps(r, "/slippageBps", 0, &out->slippage_bps);
  if (fraction && bps)
    complain(r, "/slippageBps", "CONFLICTING_FIELDS", "give slippage or slippageBps, not both");
}

/* ── limit and sniper ───────────────────────────────────────────────────────────────────────── */

static void complain_of_limit(struct reader *r, enum amount_result result, bool is_zero)
{
  const char *at = "/limitPrice";
  if (result == AMOUNT_SYNTAX)
    complain(r, at, "NOT_A_NUMBER", "must be a decimal number, as \"151.25\"");
  else if (result == AMOUNT_NEGATIVE || (result == AMOUNT_OK && is_zero))
    complain(r, at, "LIMIT_NOT_POSITIVE", "must be greater than 0");
  else if (result == AMOUNT_TOO_MANY_DECIMALS)
    complain(r, at, "TOO_MANY_DECIMALS", "has more than 18 figures");
  else if (result == AMOUNT_TOO_LARGE)
    complain(r, at, "LIMIT_TOO_LARGE",
             "amount at this price is over 2^63-1 base units of tokenOut");
}

static void read_limit(struct reader *r, struct payload *out)
{
  const struct ox_field *field = ox_order_field(r->order, "limitPrice");
  if (!field) {
    complain(r, "/limitPrice", "REQUIRED", "is missing: tokenOut for one tokenIn, at the least");
    return;
  }
  if (field->kind != OX_FIELD_NUMBER && field->kind != OX_FIELD_STRING) {
    complain(r, "/limitPrice", "WRONG_TYPE", "must be a number or a decimal string");
    return;
  }
  bool whole = out->token_in && out->token_out && out->amount > 0;
  struct amount in = {whole ? out->amount : 1, whole ? out->token_in->decimals : 0};
  unsigned decimals = whole ? out->token_out->decimals : 0;
  struct amount_text price = {field->text, field->len};
  enum amount_result result = amount_at_price(price, in, decimals, &out->limit_out);
  if (!whole && result == AMOUNT_TOO_LARGE) return; /* nobody can say */
  complain_of_limit(r, result, out->limit_out == 0);
}

static void read_launch(struct reader *r, struct payload *out)
{
  const char *at = "/launchToken";
  const struct ox_field *field = ox_order_field(r->order, "launchToken");
  const struct ox_field *in = ox_order_field(r->order, "tokenIn");
  if (!field) {
    complain(r, at, "REQUIRED", "is missing: the symbol of the token to wait for");
  } else if (!is_symbol(field)) {
    complain(r, at, "WRONG_TYPE", "must be the symbol of a token: 1 to 15 ASCII characters");
  } else if ((out->symbol_out && strcmp(out->symbol_out, field->text) == 0) ||
             (in && strcmp(in->text, field->text) == 0)) {
    out->launch_token = field->text;
  } else {
    complain(r, at, "NOT_OF_THE_PAIR", "must be tokenIn or tokenOut");
  }
}

static void read_expiry(struct reader *r, struct payload *out)
{
  const struct ox_field *field = ox_order_field(r->order, "expiresAt");
  if (!field) return;
  if (field->kind != OX_FIELD_STRING ||
      !rfc3339_parse(field->text, field->len, &out->expires_at_ms))
    complain(r, "/expiresAt", "NOT_A_TIME", "must be a time as \"2026-01-31T10:30:00Z\"");
  else if (r->errors && out->expires_at_ms <= r->order->created_at_ms)
    complain(r, "/expiresAt", "EXPIRED", "is over already");
}

/* ── the whole ──────────────────────────────────────────────────────────────────────────────── */

struct field_of {
  const char *name;
  const char *type; /* NULL: of all */
};

static bool is_known(const struct reader *r, const char *name)
{
  static const struct field_of known[] = {
      {"tokenIn", NULL},         {"tokenOut", NULL},     {"amount", NULL},
      {"slippage", NULL},        {"slippageBps", NULL},  {"limitPrice", "limit"},
      {"launchToken", "sniper"}, {"expiresAt", "limit"}, {"expiresAt", "sniper"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].name, name) == 0 && (!known[i].type || is_type(r, known[i].type)))
      return true;
  return false;
}

static void refuse_unknown(struct reader *r)
{
  for (size_t i = 0; i < r->order->n_fields; i++) {
    const char *name = r->order->fields[i].name;
    if (is_known(r, name)) continue;
    char pointer[128] = "";
    pointer_add(pointer, sizeof pointer, name);
    complain(r, pointer, "UNKNOWN_FIELD", "is not a field of this type of order");
  }
}

bool payload_read(const struct ox_order *order, const struct tokens *tokens,
                  struct ox_errors *errors, struct payload *out)
{
  struct reader r = {order, tokens, errors, false};
  *out = (struct payload){0};
  read_tokens(&r, out);
  read_amount(&r, out);
  read_slippage(&r, out);
  if (is_type(&r, "limit")) read_limit(&r, out);
  if (is_type(&r, "sniper")) read_launch(&r, out);
  if (is_type(&r, "limit") || is_type(&r, "sniper")) read_expiry(&r, out);
  refuse_unknown(&r);
  return !r.wrong;
}
