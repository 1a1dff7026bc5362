#include "net/ws_queue.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void push(struct ws_queue *q, int n)
{
  char text[16];
  int len = snprintf(text, sizeof text, "%d", n);
  struct ws_message *m = ws_message_create(text, (size_t)len);
  ws_queue_push(q, m);
  ws_message_unref(m);
}

static void pop(struct ws_queue *q, int n)
{
  char text[16];
  snprintf(text, sizeof text, "%d", n);
  struct ws_message *m = ws_queue_pop(q);
  cr_assert_not_null(m);
  cr_assert_str_eq(m->text, text);
  ws_message_unref(m);
}

Test(ws_queue, is_first_in_first_out)
{
  struct ws_queue q = {0};
  cr_assert_null(ws_queue_pop(&q));
  int in = 0, out = 0;
  /* Every length, with the start everywhere: it grows while wrapped around. */
  for (int round = 1; round < 40; round++) {
    for (int i = 0; i < round; i++) push(&q, in++);
    for (int i = 0; i < round - 1; i++) pop(&q, out++);
    cr_assert_eq(q.len, (size_t)(in - out));
  }
  while (out < in) pop(&q, out++);
  cr_assert_null(ws_queue_pop(&q));
  ws_queue_clear(&q);
}

Test(ws_queue, gives_back_its_memory)
{
  struct ws_queue q = {0};
  for (int i = 0; i < 100; i++) push(&q, i);
  for (int i = 0; i < 100; i++) pop(&q, i);
  cr_assert_null(q.slots);
  for (int i = 0; i < 100; i++) push(&q, i);
  pop(&q, 0);
  ws_queue_clear(&q);
  cr_assert_null(q.slots);
  cr_assert_eq(q.len, 0);
}

Test(ws_queue, shares_messages)
{
  struct ws_queue a = {0}, b = {0};
  struct ws_message *m = ws_message_create("x", 1);
  ws_queue_push(&a, m);
  ws_queue_push(&b, m);
  cr_assert_eq(m->refs, 3);
  ws_queue_clear(&a);
  cr_assert_eq(ws_queue_pop(&b), m);
  cr_assert_eq(m->refs, 2);
  ws_message_unref(m);
  ws_message_unref(m);
  ws_queue_clear(&b);
}
