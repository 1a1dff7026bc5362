/* budget_test.c - retries are a share of first calls, whatever happens. */
#include "workers/budget.h"

#include <criterion/criterion.h>

Test(budget, one_retry_to_begin_with)
{
  struct budget b;
  budget_init(&b, 10);
  cr_assert(budget_spend(&b));
  cr_assert_not(budget_spend(&b));
}

Test(budget, none_at_all)
{
  struct budget b;
  budget_init(&b, 0);
  for (int i = 0; i < 1000; i++) budget_earn(&b);
  cr_assert_not(budget_spend(&b));
}

Test(budget, a_share_of_the_calls_and_no_more)
{
  for (int percent = 1; percent <= 100; percent++) {
    struct budget b;
    int retries = 0;
    budget_init(&b, percent);
    for (int i = 0; i < 10000; i++) {
      budget_earn(&b);
      retries += budget_spend(&b);
    }
    cr_assert_eq(retries, percent == 100 ? 10000 : percent * 100 + 1, "%d %%: %d", percent,
                 retries);
  }
}

Test(budget, only_a_few_are_saved)
{
  struct budget b;
  int retries = 0;
  budget_init(&b, 100);
  for (int i = 0; i < 10000; i++) budget_earn(&b);
  while (budget_spend(&b)) retries++;
  cr_assert_eq(retries, BUDGET_SAVED_MAX);
}
