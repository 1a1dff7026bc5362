/* tokens_test.c - the token table, and what is wrong with bad ones. */
#include "executors/tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[96], error[512];

static void setup(void)
{
  snprintf(dir, sizeof dir, "/tmp/tokens_test.XXXXXX");
  cr_assert(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/tokens.json", dir);
}

static void teardown(void)
{
  unlink(path);
  rmdir(dir);
}

static struct tokens *load(const char *text)
{
  FILE *file = fopen(path, "w");
  cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
  return tokens_load(dir, error, sizeof error);
}

static void refuses(const char *text, const char *why)
{
  cr_assert_null(load(text));
  cr_assert(strstr(error, why), "it says: %s", error);
}

TestSuite(tokens, .init = setup, .fini = teardown);

Test(tokens, finds_by_symbol)
{
  struct tokens *tokens = load("{\"tokens\":[{\"symbol\":\"SOL\",\"decimals\":9},"
                               "{\"symbol\":\"X\",\"decimals\":0}]}");
  cr_assert(tokens, "%s", error);
  cr_assert(tokens_find(tokens, "SOL")->decimals == 9);
  cr_assert(tokens_find(tokens, "X")->decimals == 0);
  cr_assert_null(tokens_find(tokens, "sol"));
  cr_assert_null(tokens_find(tokens, "SO"));
  cr_assert_null(tokens_find(tokens, ""));
  tokens_destroy(tokens);
}

Test(tokens, the_shipped_table)
{
  static const struct token expected[] = {{"SOL", 9},  {"USDC", 6}, {"USDT", 6},
                                          {"BONK", 5}, {"RAY", 6},  {"JUP", 6}};
  struct tokens *tokens = tokens_load("executors", error, sizeof error);
  cr_assert(tokens, "%s", error);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    const struct token *token = tokens_find(tokens, expected[i].symbol);
    cr_assert(token && token->decimals == expected[i].decimals, "%s", expected[i].symbol);
  }
  tokens_destroy(tokens);
}

Test(tokens, refuses_bad_files)
{
  refuses("", "line 1");
  refuses("{", "line 1");
  refuses("[]", "not an array of 1 to 256 objects");
  refuses("{\"tokens\":{}}", "not an array of 1 to 256 objects");
  refuses("{\"tokens\":[]}", "not an array of 1 to 256 objects");
  refuses("{\"tokens\":[1]}", "not an array of 1 to 256 objects");
  refuses("{\"tokens\":[],\"tokens\":[]}", "duplicate");
}

Test(tokens, refuses_bad_tokens)
{
  refuses("{\"tokens\":[{\"symbol\":\"SOL\"}]}", "token 0");
  refuses("{\"tokens\":[{\"decimals\":9}]}", "token 0");
  refuses("{\"tokens\":[{\"symbol\":\"\",\"decimals\":9}]}", "token 0");
  refuses("{\"tokens\":[{\"symbol\":7,\"decimals\":9}]}", "token 0");
  refuses("{\"tokens\":[{\"symbol\":\"A\",\"decimals\":13}]}", "token 0");
  refuses("{\"tokens\":[{\"symbol\":\"A\",\"decimals\":-1}]}", "token 0");
  refuses("{\"tokens\":[{\"symbol\":\"A\",\"decimals\":1.0}]}", "token 0");
  refuses("{\"tokens\":[{\"symbol\":\"ABCDEFGHIJKLMNOP\",\"decimals\":1}]}", "token 0");
  refuses("{\"tokens\":[{\"symbol\":\"A\",\"decimals\":1},{\"symbol\":\"A\",\"decimals\":2}]}",
          "token 1");
}

static char said[512];

static void add(struct ox_errors *errors, const char *pointer, const char *code, const char *detail)
{
  (void)errors;
  cr_assert(strlen(detail) > 8);
  size_t len = strlen(said);
  snprintf(said + len, sizeof said - len, "%s %s;", pointer, code);
}

static void adds(struct tokens *tokens, const char *json, const char *expected)
{
  struct ox_errors errors = {.size = sizeof errors, .add = add};
  json_t *item = json_loads(json, 0, NULL);
  said[0] = '\0';
  cr_assert(tokens_add(tokens, item, "/tokens/0", &errors) == (*expected == '\0'));
  cr_assert_str_eq(said, expected, "%s", said);
  cr_assert(!tokens_add(tokens, item, "", NULL), "a second time it is there already");
  json_decref(item);
}

Test(tokens, others_are_added_to_a_copy)
{
  struct tokens *tokens = tokens_load("executors", error, sizeof error);
  struct tokens *copy = tokens_copy(tokens);
  adds(copy, "{\"symbol\":\"NEW\",\"decimals\":4}", "");
  cr_assert(tokens_find(copy, "NEW")->decimals == 4 && !tokens_find(tokens, "NEW"));
  adds(copy, "{\"symbol\":\"SOL\",\"decimals\":9}", "/tokens/0/symbol TOKEN_EXISTS;");
  adds(copy, "{\"decimals\":13,\"name\":1}",
       "/tokens/0/symbol REQUIRED;/tokens/0/decimals OUT_OF_RANGE;/tokens/0/name UNKNOWN_FIELD;");
  tokens_destroy(copy);
  tokens_destroy(tokens);
}

Test(tokens, there_is_an_end_to_how_many)
{
  struct tokens *tokens = tokens_load("executors", error, sizeof error);
  int n = 0;
  for (bool added = true; added; n += added) {
    json_t *item = json_pack("{s:o,s:i}", "symbol", json_sprintf("T%d", n), "decimals", 1);
    added = tokens_add(tokens, item, "", NULL);
    json_decref(item);
  }
  cr_assert(n == TOKENS_MAX - 6, "%d", n);
  tokens_destroy(tokens);
}

Test(tokens, refuses_what_is_not_there)
{
  cr_assert_null(tokens_load("/nowhere", error, sizeof error));
  cr_assert(strstr(error, "/nowhere/tokens.json"), "it says: %s", error);
}

Test(tokens, refuses_a_path_that_is_too_long)
{
  static char deep[5000];
  memset(deep, 'd', sizeof deep - 1);
  cr_assert_null(tokens_load(deep, error, sizeof error));
  cr_assert(strstr(error, "too long"), "it says: %s", error);
}

Test(tokens, destroys_nothing)
{
  tokens_destroy(NULL);
}
