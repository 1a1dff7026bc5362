/* scenario.c - see scenario.h. */
#include "scenario.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amount.h"
#include "form.h"
#include "price.h"

static const char *const kinds[SCENARIO_KINDS] = {"faults", "price", "pool"};
static const char *const venues[] = {"raydium", "meteora", NULL}; /* where pools are */
static const char *const struck[] = {"raydium", "meteora", "raydium+meteora", NULL};

/* ── life ────────────────────────────────────────────────────────────────────────────────────── */

struct scenario *scenario_load(const char *dir, int32_t bin_shift, char *error, size_t error_len)
{
  struct scenario *s = calloc(1, sizeof *s);
  json_t *none = json_array();
  if (s) {
    s->users = 1;
    s->bin_shift = bin_shift;
    s->faults = faults_read(none, struck, NULL);
    if (s->faults) s->tokens = tokens_load(dir, error, error_len);
    if (s->tokens) s->pools = pools_load(dir, s->tokens, bin_shift, error, error_len);
  }
  json_decref(none);
  if (!s || !s->faults) snprintf(error, error_len, "out of memory");
  if (s && s->pools) return s;
  scenario_drop(s);
  return NULL;
}

struct scenario *scenario_copy(const struct scenario *base)
{
  struct scenario *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->users = 1;
  s->version = base->version;
  s->bin_shift = base->bin_shift;
  s->faults = faults_hold(base->faults);
  s->tokens = tokens_copy(base->tokens);
  s->pools = pools_copy(base->pools);
  if (s->tokens && s->pools) return s;
  scenario_drop(s);
  return NULL;
}

struct scenario *scenario_hold(struct scenario *s)
{
  atomic_fetch_add(&s->users, 1);
  return s;
}

void scenario_drop(struct scenario *s)
{
  if (!s || atomic_fetch_sub(&s->users, 1) > 1) return;
  faults_drop(s->faults);
  pools_destroy(s->pools);
  tokens_destroy(s->tokens);
  free(s);
}

/* ── changes ─────────────────────────────────────────────────────────────────────────────────── */

static bool put_faults(struct scenario *s, json_t *body, const struct scenario_mark *mark,
                       struct ox_errors *errors)
{
  static const char *const known[] = {"faults", NULL};
  struct form form = form_of(body, errors, "");
  const json_t *array = json_object_get(body, "faults");
  form_only(&form, known);
  struct faults *faults = NULL;
  if (array)
    faults = faults_read(array, struck, errors);
  else
    form_complain(&form, "faults", "REQUIRED", "is missing: an array of faults, [] for none");
  if (!faults || form.wrong) {
    faults_drop(faults);
    return false;
  }
  faults_begin(faults, mark->at_ms, mark->spent);
  faults_drop(s->faults);
  s->faults = faults;
  return true;
}

static const struct token *read_token(struct form *form, const struct scenario *s,
                                      const char *member)
{
  const char *symbol = form_text(form, member, TOKEN_SYMBOL_MAX - 1);
  const struct token *token = symbol ? tokens_find(s->tokens, symbol) : NULL;
  if (symbol && !token)
    form_complain(form, member, "UNKNOWN_TOKEN", "is not the symbol of a token known here");
  return token;
}

static uint64_t read_price(struct form *form)
{
  uint64_t units = 0;
  const char *text = json_string_value(json_object_get(form->object, "price"));
  if (!json_object_get(form->object, "price")) {
    form_complain(form, "price", "REQUIRED", "is missing: what one tokenIn is worth in tokenOut");
    return 0;
  }
  switch (text ? amount_parse(text, strlen(text), PRICE_DECIMALS, &units) : AMOUNT_SYNTAX) {
  case AMOUNT_SYNTAX:
    form_complain(form, "price", "NOT_A_NUMBER", "must be a decimal number, as 150.5 or \"150.5\"");
    return 0;
  case AMOUNT_TOO_MANY_DECIMALS:
    form_complain(form, "price", "TOO_MANY_DECIMALS", "must have at most 12 decimals");
    return 0;
  case AMOUNT_TOO_LARGE:
    form_complain(form, "price", "PRICE_OUT_OF_RANGE", "must be at most 9223372");
    return 0;
  case AMOUNT_NEGATIVE:
  case AMOUNT_OK:
    break;
  }
  if (units == 0) form_complain(form, "price", "PRICE_OUT_OF_RANGE", "must be greater than 0");
  return units;
}

/* Moves every pool of the two tokens; all or none can hold the price. */
static void move_pools(struct scenario *s, struct form *form, const struct token *in,
                       const struct token *out, uint64_t units)
{
  size_t found = 0;
  for (size_t i = 0; i < pools_count(s->pools); i++) {
    struct pool *pool = pools_at(s->pools, i);
    bool in_is_x = strcmp(pool->x, in->symbol) == 0 && strcmp(pool->y, out->symbol) == 0;
    if (!in_is_x && (strcmp(pool->y, in->symbol) != 0 || strcmp(pool->x, out->symbol) != 0))
      continue;
    struct price price = price_of(units, in->decimals, out->decimals, in_is_x);
    found++;
    if (price_move(&price, s->bin_shift, pool)) continue;
    form_complain(form, "price", "PRICE_OUT_OF_RANGE", "is beyond what a pool of the two can hold");
    return;
  }
  if (found == 0)
    form_complain(form, "tokenOut", "PAIR_NOT_LISTED", "no venue has a pool of it and tokenIn");
}

static bool put_price(struct scenario *s, json_t *body, struct ox_errors *errors)
{
  static const char *const known[] = {"tokenIn", "tokenOut", "price", NULL};
  struct form form = form_of(body, errors, "");
  const struct token *in = read_token(&form, s, "tokenIn");
  const struct token *out = read_token(&form, s, "tokenOut");
  uint64_t units = read_price(&form);
  form_only(&form, known);
  if (in && in == out)
    form_complain(&form, "tokenOut", "SAME_TOKEN", "must be another token than tokenIn");
  if (!form.wrong) move_pools(s, &form, in, out, units);
  return !form.wrong;
}

static bool add_tokens(struct scenario *s, struct form *form, const json_t *tokens)
{
  if (!tokens) return true;
  if (!json_is_array(tokens)) {
    form_complain(form, "tokens", "WRONG_TYPE", "must be an array of tokens");
    return false;
  }
  bool good = true;
  for (size_t i = 0; i < json_array_size(tokens) && i < TOKENS_MAX; i++) {
    char at[32];
    snprintf(at, sizeof at, "/tokens/%zu", i);
    good &= tokens_add(s->tokens, json_array_get(tokens, i), at, form->errors);
  }
  return good;
}

static void check_venue(struct form *form)
{
  const char *venue = json_string_value(json_object_get(form->object, "venue"));
  for (size_t i = 0; venue && venues[i]; i++)
    if (strcmp(venues[i], venue) == 0) return;
  if (venue) form_complain(form, "venue", "UNKNOWN_VENUE", "must be raydium or meteora");
}

/* The pool is what is left of body without the tokens. */
static bool list_pool(struct scenario *s, json_t *body, struct ox_errors *errors)
{
  struct form form = form_of(body, errors, "");
  json_t *pool = json_copy(body);
  check_venue(&form);
  bool good = add_tokens(s, &form, json_object_get(body, "tokens")) && !form.wrong;
  json_object_del(pool, "tokens");
  good &= pools_add(s->pools, pool, s->tokens, s->bin_shift, errors);
  json_decref(pool);
  return good;
}

bool scenario_apply(struct scenario *s, enum scenario_kind kind, json_t *body,
                    const struct scenario_mark *mark, struct ox_errors *errors)
{
  s->version = mark->version;
  switch (kind) {
  case SCENARIO_FAULTS:
    return put_faults(s, body, mark, errors);
  case SCENARIO_PRICE:
    return put_price(s, body, errors);
  case SCENARIO_POOL:
    return list_pool(s, body, errors);
  case SCENARIO_KINDS:
    break;
  }
  return false;
}

/* ── names ───────────────────────────────────────────────────────────────────────────────────── */

const char *scenario_kind_name(enum scenario_kind kind)
{
  return kinds[kind];
}

enum scenario_kind scenario_kind_of(const char *name)
{
  int kind = 0;
  while (kind < SCENARIO_KINDS && strcmp(kinds[kind], name) != 0) kind++;
  return (enum scenario_kind)kind;
}

static const char *word(const json_t *body, const char *member)
{
  const char *text = json_string_value(json_object_get(body, member));
  return text ? text : "";
}

/* A price is of two tokens, whichever way round it is given. */
void scenario_name(enum scenario_kind kind, const json_t *body, char name[SCENARIO_NAME_MAX])
{
  const char *a = word(body, kind == SCENARIO_PRICE ? "tokenIn" : "x");
  const char *b = word(body, kind == SCENARIO_PRICE ? "tokenOut" : "y");
  const char *first = strcmp(a, b) < 0 ? a : b, *second = first == a ? b : a;
  name[0] = '\0';
  if (kind == SCENARIO_PRICE) snprintf(name, SCENARIO_NAME_MAX, "%s/%s", first, second);
  if (kind == SCENARIO_POOL)
    snprintf(name, SCENARIO_NAME_MAX, "%s %s/%s", word(body, "venue"), first, second);
}

size_t scenario_trading(const struct scenario *s, const char *token)
{
  size_t n = 0;
  for (size_t i = 0; i < pools_count(s->pools); i++) {
    const struct pool *pool = pools_at(s->pools, i);
    n += strcmp(pool->x, token) == 0 || strcmp(pool->y, token) == 0;
  }
  return n;
}
