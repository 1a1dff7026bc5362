/* Whether requests wait for those that are about to come. */
#include "journal/company.h"

#include <criterion/criterion.h>

enum { TOLD = 10, LEARNT = 40 };

static const int64_t us = 1000;

static uv_loop_t loop;
static struct company company;
static int64_t now_ns;

static void start(void)
{
  uv_loop_init(&loop);
  company_init(&company, &loop);
  now_ns = 1;
}

static void stop(void)
{
  company_close(&company, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&loop), 0);
}

/* Time after time TOLD are told, and so many of them are back so long after. */
static void lately(size_t back, int64_t after_ns)
{
  for (int i = 0; i < LEARNT; i++) {
    company_told(&company, TOLD, now_ns);
    now_ns += after_ns;
    for (size_t k = 0; k < back; k++) company_came(&company, now_ns);
    now_ns += 2000 * us;
  }
}

static bool awaited(size_t back)
{
  company_told(&company, TOLD, now_ns);
  for (size_t k = 0; k < back; k++) company_came(&company, now_ns);
  return company_awaited(&company, now_ns);
}

TestSuite(company, .init = start, .fini = stop);

Test(company, nobody_is_awaited_of_whom_nothing_is_known)
{
  cr_assert_not(company_awaited(&company, now_ns));
  cr_assert_not(awaited(1));
}

Test(company, who_came_at_once_lately_is_awaited_until_nearly_all_are_here)
{
  lately(TOLD, 500 * us);
  company_told(&company, TOLD, now_ns);
  for (size_t back = 0; back < TOLD - 1; back++) {
    cr_assert(company_awaited(&company, now_ns), "%zu", back);
    company_came(&company, now_ns);
  }
  cr_assert_not(company_awaited(&company, now_ns));
}

Test(company, who_came_late_is_not_awaited)
{
  lately(TOLD, 2100 * us);
  cr_assert_not(awaited(0));
}

/* The first may take longer, the others come with him or not at all. */
Test(company, after_the_first_the_others_are_not_waited_for_as_long)
{
  lately(TOLD, 1500 * us);
  cr_assert(awaited(1));
  cr_assert(company_awaited(&company, now_ns + 999 * us));
  cr_assert_not(company_awaited(&company, now_ns + 1000 * us));
}

Test(company, who_come_one_after_the_other_are_not_awaited)
{
  for (int i = 0; i < LEARNT; i++) {
    company_told(&company, TOLD, now_ns);
    company_came(&company, now_ns);
    for (int k = 1; k < TOLD; k++) company_came(&company, now_ns + 1100 * us);
    now_ns += 3000 * us;
  }
  cr_assert_not(awaited(0));
}

Test(company, claims_on_their_way_are_awaited_whoever_else_is)
{
  company_expects_claims(&company, true, now_ns);
  cr_assert(company_awaited(&company, now_ns + 999 * us));
  cr_assert_not(company_awaited(&company, now_ns + 1000 * us), "they are late");
  company_expects_claims(&company, true, now_ns);
  company_expects_claims(&company, false, now_ns);
  cr_assert_not(company_awaited(&company, now_ns), "they are here");
}

Test(company, where_half_came_nobody_is_awaited)
{
  lately(TOLD, 500 * us);
  lately(TOLD / 2, 500 * us);
  cr_assert_not(awaited(0));
}

Test(company, more_than_were_told_count_as_all)
{
  lately(0, 500 * us);
  company_told(&company, TOLD, now_ns);
  for (int i = 0; i < TOLD * 100; i++) company_came(&company, now_ns);
  cr_assert_not(awaited(0));
}

Test(company, a_single_one_is_awaited)
{
  lately(TOLD, 500 * us);
  company_told(&company, 1, now_ns);
  cr_assert(company_awaited(&company, now_ns));
  company_came(&company, now_ns);
  cr_assert_not(company_awaited(&company, now_ns));
}

Test(company, telling_nobody_changes_nothing)
{
  lately(TOLD, 500 * us);
  cr_assert(awaited(0));
  company_told(&company, 0, now_ns + 1900 * us);
  cr_assert(company_awaited(&company, now_ns));
  cr_assert_not(company_awaited(&company, now_ns + 2000 * us));
}

/* Without it the loop would sleep on what has gathered. */
Test(company, the_wait_ends_with_a_turn_of_the_loop)
{
  lately(TOLD, 500 * us);
  cr_assert_not(uv_loop_alive(&loop));
  cr_assert(awaited(0));
  cr_assert(uv_loop_alive(&loop));
  cr_assert(company_awaited(&company, now_ns), "who asks again does not wait longer");
  uv_run(&loop, UV_RUN_ONCE);
  cr_assert_not(uv_loop_alive(&loop));
}
