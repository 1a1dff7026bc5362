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

static void told(size_t n)
{
  company_told(&company, TOLD_OF_STEP, n, now_ns);
}

static void come(size_t n, int64_t at_ns)
{
  for (size_t k = 0; k < n; k++) company_came(&company, TOLD_OF_STEP, at_ns);
}

static bool waits(int64_t at_ns)
{
  return company_awaited(&company, 1u << TOLD_OF_STEP, at_ns);
}

/* Time after time TOLD are told, and so many of them are back so long after. */
static void lately(size_t back, int64_t after_ns)
{
  for (int i = 0; i < LEARNT; i++) {
    told(TOLD);
    now_ns += after_ns;
    come(back, now_ns);
    now_ns += 2000 * us;
  }
}

static bool awaited(size_t back)
{
  told(TOLD);
  come(back, now_ns);
  return waits(now_ns);
}

TestSuite(company, .init = start, .fini = stop);

Test(company, nobody_is_awaited_of_whom_nothing_is_known)
{
  cr_assert_not(waits(now_ns));
  cr_assert_not(awaited(1));
}

Test(company, who_came_at_once_lately_is_awaited_until_all_are_here)
{
  lately(TOLD, 500 * us);
  told(TOLD);
  for (size_t back = 0; back < TOLD; back++) {
    cr_assert(waits(now_ns), "%zu", back);
    come(1, now_ns);
  }
  cr_assert_not(waits(now_ns));
}

/* Nine of ten: the tenth is not worth their wait. */
Test(company, as_many_are_awaited_as_have_come_lately)
{
  lately(TOLD - 1, 500 * us);
  cr_assert(awaited(TOLD - 2));
  come(1, now_ns);
  cr_assert_not(waits(now_ns));
}

Test(company, who_was_told_before_and_may_still_come_is_awaited_too)
{
  lately(TOLD, 500 * us);
  told(TOLD - 1);
  come(2, now_ns);
  now_ns += 900 * us;
  told(1);
  come(TOLD - 3, now_ns);
  cr_assert(waits(now_ns), "one is missing");
  come(1, now_ns);
  cr_assert_not(waits(now_ns));
}

Test(company, who_was_told_long_before_is_not)
{
  lately(TOLD, 500 * us);
  told(TOLD);
  now_ns += 2000 * us;
  told(1);
  cr_assert(waits(now_ns));
  come(1, now_ns);
  cr_assert_not(waits(now_ns));
}

/* Who begins need not wait for who ends, nor the other way round: that is up to whoever asks. */
Test(company, the_kinds_are_told_apart)
{
  const unsigned claim = 1u << TOLD_OF_CLAIM, step = 1u << TOLD_OF_STEP;
  lately(TOLD, 500 * us);
  told(TOLD);
  company_told(&company, TOLD_OF_CLAIM, TOLD, now_ns);
  company_came(&company, TOLD_OF_CLAIM, now_ns);
  cr_assert(company_awaited(&company, step, now_ns));
  cr_assert(company_awaited(&company, COMPANY_ALL, now_ns));
  cr_assert_not(company_awaited(&company, claim, now_ns), "nothing is known of them");
  cr_assert_not(company_awaited(&company, 0, now_ns));
  come(TOLD, now_ns);
  cr_assert_not(company_awaited(&company, COMPANY_ALL, now_ns));
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
  cr_assert(waits(now_ns + 999 * us));
  cr_assert_not(waits(now_ns + 1000 * us));
}

Test(company, who_come_one_after_the_other_are_not_awaited)
{
  for (int i = 0; i < LEARNT; i++) {
    told(TOLD);
    come(1, now_ns);
    come(TOLD - 1, now_ns + 1100 * us);
    now_ns += 3000 * us;
  }
  cr_assert_not(awaited(0));
}

Test(company, claims_on_their_way_are_awaited_whoever_else_is)
{
  company_expects_claims(&company, true, now_ns);
  cr_assert(waits(now_ns + 999 * us));
  cr_assert_not(waits(now_ns + 1000 * us), "they are late");
  company_expects_claims(&company, true, now_ns);
  company_expects_claims(&company, false, now_ns);
  cr_assert_not(waits(now_ns), "they are here");
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
  told(TOLD);
  come(TOLD * 100, now_ns);
  cr_assert_not(awaited(0));
}

Test(company, a_single_one_is_awaited)
{
  lately(TOLD, 500 * us);
  told(1);
  cr_assert(waits(now_ns));
  come(1, now_ns);
  cr_assert_not(waits(now_ns));
}

Test(company, telling_nobody_changes_nothing)
{
  lately(TOLD, 500 * us);
  cr_assert(awaited(0));
  company_told(&company, TOLD_OF_STEP, 0, now_ns + 1900 * us);
  cr_assert(waits(now_ns));
  cr_assert_not(waits(now_ns + 2000 * us));
}

/* Without it the loop would sleep on what has gathered. */
Test(company, the_wait_ends_with_a_turn_of_the_loop)
{
  lately(TOLD, 500 * us);
  cr_assert_not(uv_loop_alive(&loop));
  cr_assert(awaited(0));
  cr_assert(uv_loop_alive(&loop));
  cr_assert(waits(now_ns), "who asks again does not wait longer");
  uv_run(&loop, UV_RUN_ONCE);
  cr_assert_not(uv_loop_alive(&loop));
}
