/*
 * tokens.c - the tokens that can be traded. Constant once they are shared.
 */
#include "tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amount.h"
#include "datafile.h"
#include "form.h"

struct tokens {
  size_t n;
  struct token items[TOKENS_MAX];
};

bool tokens_add(struct tokens *tokens, const json_t *item, const char *at, struct ox_errors *errors)
{
  static const char *const known[] = {"symbol", "decimals", NULL};
  struct form form = form_of(item, errors, at);
  const char *symbol = form_text(&form, "symbol", TOKEN_SYMBOL_MAX - 1);
  int64_t decimals = form_int(&form, "decimals", 0, AMOUNT_DECIMALS_MAX);
  form_only(&form, known);
  if (symbol && tokens_find(tokens, symbol))
    form_complain(&form, "symbol", "TOKEN_EXISTS", "is the symbol of a token already known");
  if (tokens->n == TOKENS_MAX)
    form_complain(&form, NULL, "TOO_MANY_TOKENS", "there is no room for another token");
  if (form.wrong) return false;
  struct token *token = &tokens->items[tokens->n++];
  snprintf(token->symbol, sizeof token->symbol, "%s", symbol);
  token->decimals = (unsigned)decimals;
  return true;
}

struct tokens *tokens_load(const char *dir, char *error, size_t error_len)
{
  json_t *array = datafile_load(dir, "tokens.json", "tokens", TOKENS_MAX, error, error_len);
  if (!array) return NULL;
  struct tokens *tokens = calloc(1, sizeof *tokens);
  if (!tokens) snprintf(error, error_len, "out of memory");
  for (size_t i = 0; tokens && i < json_array_size(array); i++) {
    struct datafile_error said;
    if (tokens_add(tokens, json_array_get(array, i), "", datafile_error_init(&said))) continue;
    snprintf(error, error_len, "tokens.json: token %zu: %s", i, said.text);
    tokens_destroy(tokens);
    tokens = NULL;
  }
  json_decref(array);
  return tokens;
}

struct tokens *tokens_copy(const struct tokens *tokens)
{
  struct tokens *copy = malloc(sizeof *copy);
  if (copy) *copy = *tokens;
  return copy;
}

void tokens_destroy(struct tokens *tokens)
{
  free(tokens);
}

const struct token *tokens_find(const struct tokens *tokens, const char *symbol)
{
  for (size_t i = 0; i < tokens->n; i++)
    if (strcmp(tokens->items[i].symbol, symbol) == 0) return &tokens->items[i];
  return NULL;
}
