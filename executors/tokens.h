/*
 * tokens.h - the tokens that can be traded: those of tokens.json, and copies of them with others
 * added. Constant once they are shared: look up from any thread.
 */
#ifndef TOKENS_H
#define TOKENS_H

#include <jansson.h>
#include <ox/order.h>
#include <stdbool.h>
#include <stddef.h>

enum { TOKEN_SYMBOL_MAX = 16, TOKENS_MAX = 256 };

struct token {
  char symbol[TOKEN_SYMBOL_MAX];
  unsigned decimals; /* of its base unit: 9 for SOL */
};

struct tokens;

/* tokens_load() reads dir/tokens.json. NULL: error got one sentence. */
struct tokens *tokens_load(const char *dir, char *error, size_t error_len);
struct tokens *tokens_copy(const struct tokens *tokens); /* NULL: no memory */
void tokens_destroy(struct tokens *tokens);

/* tokens_add() adds a token in the form of tokens.json, which is found at the pointer at. False:
 * what is wrong with it was added to errors (may be NULL). */
bool tokens_add(struct tokens *tokens, const json_t *item, const char *at,
                struct ox_errors *errors);

/* tokens_find() gives the token called symbol, or NULL. */
const struct token *tokens_find(const struct tokens *tokens, const char *symbol);

#endif
