/* Whom the steps wait for that have gathered. */
#include "journal/step.h"

#include <criterion/criterion.h>
#include <ox/executor.h>

#include "journal/internal.h"

static const struct ox_state routing = {.name = "routing", .phase = OX_ACTIVE};
static const struct ox_state confirmed = {.name = "confirmed", .phase = OX_SUCCEEDED};

static struct journal journal;

static void start(void)
{
  list_init(&journal.orders);
}

TestSuite(step_awaits, .init = start);

/* An order that has come, whose worker was told of that, with one entry waiting. */
static struct journal_order *come(struct journal_order *o, enum told_of told,
                                  struct journal_entry *entry)
{
  *o = (struct journal_order){.told = told};
  list_init(&o->waiting);
  list_append(&o->waiting, &entry->node);
  list_append(&journal.orders, &o->node);
  return o;
}

Test(step_awaits, nobody_where_nothing_has_gathered)
{
  cr_assert_eq(step_awaits(&journal), 0);
}

Test(step_awaits, who_goes_on_waits_for_those_who_were_told_the_same)
{
  struct journal_order begins, goes_on;
  struct journal_entry first = {.state = &routing}, next = {.state = &routing};
  come(&begins, TOLD_OF_CLAIM, &first);
  cr_assert_eq(step_awaits(&journal), 1u << TOLD_OF_CLAIM);
  come(&goes_on, TOLD_OF_STEP, &next);
  cr_assert_eq(step_awaits(&journal), COMPANY_ALL);
  list_remove(&journal.orders, &begins.node);
  cr_assert_eq(step_awaits(&journal), 1u << TOLD_OF_STEP);
}

Test(step_awaits, who_ends_waits_for_all)
{
  struct journal_order order;
  struct journal_entry submitted = {.state = &routing}, end = {.state = &confirmed};
  come(&order, TOLD_OF_CLAIM, &submitted);
  list_append(&order.waiting, &end.node);
  cr_assert_eq(step_awaits(&journal), COMPANY_ALL);
}

Test(step_awaits, who_gives_his_order_up_waits_for_all)
{
  struct journal_order order;
  struct journal_entry retry = {.state = &routing, .hold = JOURNAL_RETRY};
  come(&order, TOLD_OF_STEP, &retry);
  cr_assert_eq(step_awaits(&journal), COMPANY_ALL);
}
