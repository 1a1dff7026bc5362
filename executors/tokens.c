/*
 * tokens.c - the tokens that can be traded. Loaded once, constant afterwards.
 */
#include "tokens.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amount.h"
#include "datafile.h"

struct tokens {
  size_t n;
  struct token items[];
};

static bool add(struct tokens *tokens, const json_t *item)
{
  struct token *token = &tokens->items[tokens->n];
  int64_t decimals;
  if (!datafile_text(item, "symbol", token->symbol, sizeof token->symbol) ||
      !datafile_int(item, "decimals", 0, AMOUNT_DECIMALS_MAX, &decimals) ||
      tokens_find(tokens, token->symbol))
    return false;
  token->decimals = (unsigned)decimals;
  tokens->n++;
  return true;
}

struct tokens *tokens_load(const char *dir, char *error, size_t error_len)
{
  json_t *array = datafile_load(dir, "tokens.json", "tokens", TOKENS_MAX, error, error_len);
  if (!array) return NULL;
  size_t n = json_array_size(array);
  struct tokens *tokens = calloc(1, sizeof *tokens + n * sizeof *tokens->items);
  if (!tokens) snprintf(error, error_len, "out of memory");
  for (size_t i = 0; tokens && i < n; i++) {
    if (add(tokens, json_array_get(array, i))) continue;
    snprintf(error, error_len, "tokens.json: token %zu needs a symbol of its own and decimals", i);
    tokens_destroy(tokens);
    tokens = NULL;
  }
  json_decref(array);
  return tokens;
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
