/*
 * payload.c - what a swap order asks for. Pure; any thread.
 */
#include "payload.h"

#include <string.h>

#include "amount.h"

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
  if (!token) complain(r, pointer, "UNKNOWN_TOKEN", "is not the symbol of a token known here");
  return token;
}

static void read_tokens(struct reader *r, struct payload *out)
{
  out->token_in = read_token(r, "/tokenIn");
  out->token_out = read_token(r, "/tokenOut");
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

/* The RFC 6901 pointer to a member with any name; one that is over-long ends at a whole character.
 */
static void point_to(const char *name, char *pointer, size_t len)
{
  size_t n = 0;
  pointer[n++] = '/';
  for (; *name && n + 3 < len; name++) {
    if (*name == '~' || *name == '/') {
      pointer[n++] = '~';
      pointer[n++] = *name == '~' ? '0' : '1';
    } else {
      pointer[n++] = *name;
    }
  }
  if (*name && ((unsigned char)*name & 0xc0) == 0x80) {
    while (((unsigned char)pointer[n - 1] & 0xc0) == 0x80) n--;
    n--;
  }
  pointer[n] = '\0';
}

static void refuse_unknown(struct reader *r)
{
  static const char *const known[] = {"tokenIn", "tokenOut", "amount", "slippage", "slippageBps"};
  for (size_t i = 0; i < r->order->n_fields; i++) {
    const char *name = r->order->fields[i].name;
    bool found = false;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) found |= strcmp(name, known[k]) == 0;
    if (found) continue;
    char pointer[128];
    point_to(name, pointer, sizeof pointer);
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
  refuse_unknown(&r);
  return !r.wrong;
}
