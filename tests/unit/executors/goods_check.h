/* goods_check.h - tables and validation of an executor, as a test expects them. */
#ifndef TESTS_UNIT_EXECUTORS_GOODS_CHECK_H
#define TESTS_UNIT_EXECUTORS_GOODS_CHECK_H

#include <criterion/criterion.h>
#include <ox/executor.h>
#include <stdio.h>
#include <string.h>

#define FIELD(name, kind, text) ((struct ox_field){name, text, strlen(text), OX_FIELD_##kind})

struct said {
  struct ox_errors base;
  char text[4096];
};

static inline void note_error(struct ox_errors *errors, const char *pointer, const char *code,
                              const char *detail)
{
  struct said *said = (struct said *)errors;
  size_t len = strlen(said->text);
  cr_assert(*detail);
  snprintf(said->text + len, sizeof said->text - len, "%s%s %s", len ? "; " : "", pointer, code);
}

static inline void check_errors(const struct ox_executor *e, const char *expected,
                                const struct ox_field *fields, size_t n)
{
  struct said said = {.base = {sizeof said.base, note_error}};
  struct ox_order order = {.size = sizeof order, .type = e->type, .fields = fields, .n_fields = n};
  e->validate(&order, &said.base);
  cr_assert_str_eq(said.text, expected, "%s, not %s", said.text, expected);
}

#define expect_errors_of(executor, expected, ...)                                                  \
  do {                                                                                             \
    const struct ox_field given_[] = {__VA_ARGS__};                                                \
    check_errors(executor, expected, given_, sizeof given_ / sizeof *given_);                      \
  } while (0)

static inline bool has_edge(const struct ox_state *from, const char *to)
{
  for (const char *const *next = from->next; next && *next; next++)
    if (strcmp(*next, to) == 0) return true;
  return false;
}

/* Of all pairs of states the legal ones, "A B", are moves, and no other is. */
static inline void expect_edges(const struct ox_executor *e, const char *const *states, size_t n,
                                const char *const *legal)
{
  cr_assert_eq(e->n_states, n);
  for (size_t i = 0; i < n; i++) {
    cr_assert_str_eq(e->states[i].name, states[i]);
    for (size_t k = 0; k < n; k++) {
      char pair[80];
      bool wanted = false;
      snprintf(pair, sizeof pair, "%s %s", states[i], states[k]);
      for (const char *const *l = legal; *l; l++) wanted |= strcmp(*l, pair) == 0;
      cr_assert_eq(has_edge(&e->states[i], states[k]), wanted, "%s", pair);
    }
  }
}

#endif
