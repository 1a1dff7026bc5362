/* The intrusive list. */
#include "base/list.h"

#include <criterion/criterion.h>

struct thing {
  int number;
  struct list_node node;
};

static int number_of(const struct list_node *n)
{
  return container_of(n, struct thing, node)->number;
}

/* The numbers of l in order, as one: 1, 2, 3 is 123. */
static int sum_up(const struct list *l)
{
  int digits = 0;
  size_t n = 0;
  list_each(node, l)
  {
    digits = digits * 10 + number_of(node);
    n++;
  }
  cr_assert_eq(n, l->len);
  return digits;
}

Test(list, empty)
{
  struct list l;
  list_init(&l);
  cr_assert(list_empty(&l));
  cr_assert_null(list_first(&l));
  cr_assert_null(list_pop(&l));
  cr_assert_eq(sum_up(&l), 0);
}

Test(list, both_ends_and_the_middle)
{
  struct list l;
  struct thing a = {1, {0}}, b = {2, {0}}, c = {3, {0}};
  list_init(&l);
  cr_assert_not(list_linked(&a.node));
  list_append(&l, &b.node);
  list_append(&l, &c.node);
  list_prepend(&l, &a.node);
  cr_assert(list_linked(&a.node));
  cr_assert_eq(sum_up(&l), 123);
  cr_assert_eq(list_first(&l), &a.node);
  list_remove(&l, &b.node);
  cr_assert_not(list_linked(&b.node));
  cr_assert_eq(sum_up(&l), 13);
  cr_assert_eq(list_pop(&l), &a.node);
  cr_assert_eq(list_pop(&l), &c.node);
  cr_assert(list_empty(&l));
}

Test(list, the_current_node_may_be_removed_on_the_way)
{
  struct list l;
  struct thing things[9];
  list_init(&l);
  for (int i = 0; i < 9; i++) {
    things[i].number = i + 1;
    list_append(&l, &things[i].node);
  }
  list_each(node, &l)
  {
    if (number_of(node) % 2 == 0) list_remove(&l, node);
  }
  cr_assert_eq(sum_up(&l), 13579);
}

Test(list, move_all_appends_in_order)
{
  struct list to, from;
  struct thing a = {1, {0}}, b = {2, {0}}, c = {3, {0}};
  list_init(&to);
  list_init(&from);
  list_move_all(&to, &from);
  cr_assert(list_empty(&to));
  list_append(&to, &a.node);
  list_append(&from, &b.node);
  list_append(&from, &c.node);
  list_move_all(&to, &from);
  cr_assert_eq(sum_up(&to), 123);
  cr_assert(list_empty(&from));
}
