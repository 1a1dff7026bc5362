/* record_test.c - the record: its table, and every field that is wrong. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "executors/goods.h"
#include "tests/unit/executors/goods_check.h"

static const char *const states[] = {"PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"};

Test(record, edges)
{
  static const char *const legal[] = {"PENDING PROCESSING",   "PENDING CANCELLED",
                                      "PROCESSING COMPLETED", "PROCESSING FAILED",
                                      "PROCESSING CANCELLED", NULL};
  expect_edges(&record_executor, states, 5, legal);
}

Test(record, nobody_runs_it)
{
  cr_assert_null(record_executor.execute);
  cr_assert_str_eq(record_executor.known_by, "id");
  cr_assert_str_eq(record_executor.own_id, "id");
}

Test(record, everything_but_the_first_state_is_entered_by_hand)
{
  for (size_t i = 0; i < record_executor.n_states; i++)
    cr_assert_eq(!(record_executor.states[i].flags & OX_STATE_BY_HAND), i == 0);
}

Test(record, what_is_right)
{
  expect_errors_of(&record_executor, "", FIELD("id", STRING, "r-1"),
                   FIELD("amount", NUMBER, "1.50"));
  expect_errors_of(&record_executor, "", FIELD("id", STRING, "r"),
                   FIELD("amount", STRING, "0.000001"), FIELD("createdAt", NUMBER, "1769855400123"),
                   FIELD("updatedAt", STRING, "2026-01-31T10:30:00.123Z"));
  expect_errors_of(&record_executor, "", FIELD("id", STRING, "r"), FIELD("amount", NUMBER, "15e-1"),
                   FIELD("createdAt", STRING, "2026-01-31T10:30:00+01:00"),
                   FIELD("updatedAt", NUMBER, "0"));
}

Test(record, amounts)
{
  static const struct {
    enum ox_field_kind kind;
    const char *text, *code;
  } cases[] = {{OX_FIELD_NUMBER, "0", "AMOUNT_NOT_POSITIVE"},
               {OX_FIELD_NUMBER, "-0.1", "AMOUNT_NOT_POSITIVE"},
               {OX_FIELD_STRING, "0.00", "AMOUNT_NOT_POSITIVE"},
               {OX_FIELD_STRING, "1,5", "NOT_A_NUMBER"},
               {OX_FIELD_STRING, "", "NOT_A_NUMBER"},
               {OX_FIELD_NUMBER, "1e300", "AMOUNT_TOO_LARGE"},
               {OX_FIELD_STRING, "0.00000000000000000000000000000000000000001", "AMOUNT_TOO_LARGE"},
               {OX_FIELD_NULL, "null", "WRONG_TYPE"},
               {OX_FIELD_BOOL, "true", "WRONG_TYPE"},
               {OX_FIELD_JSON, "[]", "WRONG_TYPE"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char expected[64];
    snprintf(expected, sizeof expected, "/amount %s", cases[i].code);
    struct ox_field f = {"amount", cases[i].text, strlen(cases[i].text), cases[i].kind};
    expect_errors_of(&record_executor, expected, FIELD("id", STRING, "r"), f);
  }
}

Test(record, times)
{
  static const struct {
    enum ox_field_kind kind;
    const char *text;
  } cases[] = {{OX_FIELD_NUMBER, "-1"},
               {OX_FIELD_NUMBER, "1.5"},
               {OX_FIELD_NUMBER, "253402300800000"},
               {OX_FIELD_STRING, "1769855400123"},
               {OX_FIELD_STRING, "yesterday"},
               {OX_FIELD_STRING, "2026-02-30T10:30:00Z"},
               {OX_FIELD_NULL, "null"},
               {OX_FIELD_BOOL, "false"},
               {OX_FIELD_JSON, "{}"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct ox_field at = {"createdAt", cases[i].text, strlen(cases[i].text), cases[i].kind};
    expect_errors_of(&record_executor, "/createdAt INVALID_TIME", FIELD("amount", NUMBER, "1"), at);
    at.name = "updatedAt";
    expect_errors_of(&record_executor, "/updatedAt INVALID_TIME", FIELD("amount", NUMBER, "1"), at);
  }
}

Test(record, all_that_is_wrong_at_once)
{
  expect_errors_of(&record_executor,
                   "/amount REQUIRED; /createdAt INVALID_TIME; /a~1b UNKNOWN_FIELD",
                   FIELD("createdAt", STRING, ""), FIELD("a/b", NUMBER, "1"));
}
