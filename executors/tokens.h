/*
 * tokens.h - the tokens that can be traded, from tokens.json. Loaded when a plugin opens, constant
 * afterwards: look up from any thread.
 */
#ifndef TOKENS_H
#define TOKENS_H

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
void tokens_destroy(struct tokens *tokens);

/* tokens_find() gives the token called symbol, or NULL. */
const struct token *tokens_find(const struct tokens *tokens, const char *symbol);

#endif
