/* A load without a network: when orders are due, and what the book says of what it saw. */
#include <criterion/criterion.h>
#include <string.h>

#include "ctl/load_book.h"
#include "ctl/load_plan.h"
#include "ctl/load_report.h"

/* ── the plan ───────────────────────────────────────────────────────────────────────────────── */

static const struct option options[] = {{"scenario", OPTION_TEXT, "", ""},
                                        {"rate", OPTION_TEXT, "", ""},
                                        {"duration", OPTION_TEXT, "", ""},
                                        {"count", OPTION_TEXT, "", ""},
                                        {"at-once", OPTION_TEXT, "", ""},
                                        {"steps", OPTION_TEXT, "", ""},
                                        {0}};
static struct load_plan plan;

static bool planned(int argc, const char *const *argv)
{
  struct arguments a = {.tables = {options, NULL}};
  char error[200];
  cr_assert_eq(arguments_read(&a, argc, (char *const *)argv, error, sizeof error), ST_OK);
  return load_plan_read(&a, &plan, error, sizeof error) == ST_OK;
}
#define PLANNED(...)                                                                               \
  planned(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                                  \
          (const char *const[]){__VA_ARGS__})

static int64_t due_ms(int64_t i)
{
  return load_plan_due(&plan, i) / 1000000;
}

Test(load_plan, is_100_a_minute_if_not_told)
{
  cr_assert(planned(0, NULL));
  cr_assert_eq(plan.orders, 300);
  cr_assert_eq(due_ms(0), 0);
  cr_assert_eq(due_ms(100), 60000);
  cr_assert(PLANNED("--scenario", "steady"));
  cr_assert_eq(plan.orders, 300);
  cr_assert(PLANNED("--scenario", "burst"));
  cr_assert_eq(plan.orders, 1000);
  cr_assert_eq(due_ms(999), 0);
}

Test(load_plan, rates_and_steps)
{
  cr_assert(PLANNED("--rate", "1000/s", "--duration", "2s"));
  cr_assert_eq(plan.orders, 2000);
  cr_assert_eq(due_ms(1999), 1999);
  cr_assert(PLANNED("--rate", "10/s", "--count", "7"));
  cr_assert_eq(plan.orders, 7);
  cr_assert(PLANNED("--steps", "10/s:2s,100/s:1s"));
  cr_assert_eq(plan.orders, 120);
  cr_assert_eq(due_ms(19), 1900);
  cr_assert_eq(due_ms(20), 2000);
  cr_assert_eq(due_ms(21), 2010);
  cr_assert_eq(due_ms(119), 2990);
}

Test(load_plan, what_does_not_go_together)
{
  cr_assert_not(PLANNED("--rate", "1/s", "--at-once", "5"));
  cr_assert_not(PLANNED("--rate", "1/s", "--count", "5", "--duration", "1s"));
  cr_assert_not(PLANNED("--scenario", "burst", "--count", "5"));
  cr_assert_not(PLANNED("--rate", "1/h", "--duration", "1s"));
  cr_assert_not(PLANNED("--steps", "10/s"));
  cr_assert_not(PLANNED("--steps", "10/s:1s,"));
  cr_assert_not(PLANNED("--steps", "10/s:1s:1s"));
}

/* ── the book ───────────────────────────────────────────────────────────────────────────────── */

static const char A[] = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", B[] = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAW";
static struct load_book book;

static void see(const char *id, int seq, const char *status, const char *phase, int attempt)
{
  char text[300];
  struct event e;
  snprintf(text, sizeof text,
           "{\"orderId\":\"%s\",\"seq\":%d,\"status\":\"%s\",\"phase\":\"%s\",\"attempt\":%d,"
           "\"timestamp\":\"1970-01-01T00:00:01.%03dZ\"}",
           id, seq, status, phase, attempt, seq * 10);
  cr_assert(event_parse(text, strlen(text), &e));
  load_book_event(&book, &e, true, 1000 + seq * 10 + 3);
  event_deinit(&e);
}

static void see_all(const char *id)
{
  see(id, 1, "pending", "queued", 1);
  see(id, 2, "routing", "active", 1);
  see(id, 3, "confirmed", "succeeded", 1);
}

static void expect_wrong(enum load_wrong how)
{
  load_book_close(&book);
  for (int i = 0; i < LOAD_WRONGS; i++)
    cr_assert_eq(book.counts.wrong[i], i == (int)how, "%s", load_wrong_names[i]);
  if (how < LOAD_WRONGS) cr_assert_str_eq(book.examples[how][0], A);
  load_book_deinit(&book);
}

static void setup(void)
{
  load_book_init(&book);
}

TestSuite(load_book, .init = setup);

Test(load_book, right)
{
  cr_assert(load_book_accepted(&book, A));
  see_all(A);
  see_all(B); /* before its 201 */
  cr_assert_eq(book.counts.ended, 1);
  cr_assert(load_book_accepted(&book, B));
  cr_assert_not(load_book_accepted(&book, B), "no two POSTs give one order");
  cr_assert_eq(book.counts.ended, 2);
  cr_assert_eq(book.counts.succeeded, 2);
  load_book_close(&book);
  cr_assert_eq(histogram_max(book.listener), 3000);
  cr_assert_eq(histogram_count(book.states[0].since_accept), 0);
  cr_assert_eq(histogram_count(book.states[1].since_accept), 2);
  cr_assert_eq(histogram_max(book.states[2].since_accept), 20000);
  cr_assert_eq(histogram_max(book.end), 20000);
  cr_assert_eq(book.counts.events, 6);
  for (int i = 0; i < LOAD_WRONGS; i++) cr_assert_eq(book.counts.wrong[i], 0);
  load_book_deinit(&book);
}

Test(load_book, strangers_do_not_count)
{
  see(A, 3, "routing", "active", 1);
  cr_assert_eq(book.counts.ended, 0);
  load_book_close(&book);
  cr_assert_eq(book.counts.events, 0);
  cr_assert_eq(histogram_count(book.listener), 0);
  expect_wrong(LOAD_WRONGS);
}

Test(load_book, a_retry_goes_through_its_states_again)
{
  load_book_accepted(&book, A);
  see(A, 1, "pending", "queued", 1);
  see(A, 2, "routing", "active", 1);
  see(A, 3, "routing", "active", 2);
  see(A, 4, "failed", "failed", 2);
  cr_assert_eq(book.counts.failed, 1);
  expect_wrong(LOAD_WRONGS);
}

Test(load_book, not_ended)
{
  load_book_accepted(&book, A);
  see(A, 1, "pending", "queued", 1);
  expect_wrong(LOAD_NOT_ENDED);
}

Test(load_book, missing)
{
  load_book_accepted(&book, A);
  see(A, 1, "pending", "queued", 1);
  see(A, 3, "confirmed", "succeeded", 1);
  expect_wrong(LOAD_MISSING);
}

Test(load_book, disorder)
{
  load_book_accepted(&book, A);
  see(A, 1, "pending", "queued", 1);
  see(A, 2, "routing", "active", 1);
  see(A, 2, "building", "active", 1);
  see(A, 3, "confirmed", "succeeded", 1);
  expect_wrong(LOAD_DISORDER);
}

Test(load_book, repeated)
{
  load_book_accepted(&book, A);
  see(A, 1, "pending", "queued", 1);
  see(A, 2, "routing", "active", 1);
  see(A, 3, "building", "active", 1);
  see(A, 4, "building", "active", 1);
  see(A, 5, "confirmed", "succeeded", 1);
  expect_wrong(LOAD_REPEATED);
}

Test(load_book, who_is_taken_over_begins_again)
{
  load_book_accepted(&book, A);
  see(A, 1, "pending", "queued", 1);
  see(A, 2, "routing", "active", 1);
  see(A, 3, "building", "active", 1);
  see(A, 4, "routing", "active", 1);
  see(A, 5, "building", "active", 1);
  see(A, 6, "confirmed", "succeeded", 1);
  load_book_close(&book);
  cr_assert_eq(book.counts.taken_over, 1);
  for (int i = 0; i < LOAD_WRONGS; i++) cr_assert_eq(book.counts.wrong[i], 0);
  load_book_deinit(&book);
}

Test(load_book, the_first_state_twice_is_not_taken_over)
{
  load_book_accepted(&book, A);
  see(A, 1, "pending", "queued", 1);
  see(A, 2, "routing", "active", 1);
  see(A, 2, "routing", "active", 1);
  see(A, 3, "confirmed", "succeeded", 1);
  load_book_close(&book);
  cr_assert_eq(book.counts.taken_over, 0);
  cr_assert_eq(book.counts.wrong[LOAD_REPEATED], 1);
  cr_assert_eq(book.counts.wrong[LOAD_DISORDER], 1);
  load_book_deinit(&book);
}

Test(load_book, after_the_end)
{
  load_book_accepted(&book, A);
  see_all(A);
  see(A, 4, "failed", "failed", 1);
  expect_wrong(LOAD_AFTER_END);
}

Test(load_book, many_orders)
{
  enum { N = 5000 };
  for (int i = 0; i < N; i++) {
    char id[ULID_ORDER_LEN + 1];
    struct ulid made = ulid_make();
    ulid_format_order(&made, id);
    see_all(id);
    cr_assert(load_book_accepted(&book, id));
  }
  cr_assert_eq(book.counts.ended, N);
  expect_wrong(LOAD_WRONGS);
}

/* ── the judgement ──────────────────────────────────────────────────────────────────────────── */

static bool passes(struct load_limits limits)
{
  const struct load_run run = {
      .plan = &plan, .book = &book, .limits = limits, .listener = "ws", .complete = true};
  return load_passed(&run);
}

Test(load_book, limits)
{
  load_book_accepted(&book, A);
  see_all(A);
  histogram_record(book.post, 50000);
  book.counts.refused = 2;
  histogram_record(book.end, 20000);
  cr_assert(passes((struct load_limits){-1, -1, -1}));
  cr_assert(passes((struct load_limits){50, 20, 2}));
  cr_assert_not(passes((struct load_limits){49, -1, -1}));
  cr_assert_not(passes((struct load_limits){-1, 19, -1}));
  cr_assert_not(passes((struct load_limits){-1, -1, 1}));
  load_book_accepted(&book, B);
  load_book_close(&book);
  cr_assert_not(passes((struct load_limits){-1, -1, -1}), "one has not ended");
  load_book_deinit(&book);
}
