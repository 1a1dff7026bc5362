/*
 * list.h - an intrusive doubly linked list. The list owns nothing. An unlinked node has
 * next == NULL.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
  struct list_node *next, *prev;
};

struct list {
  struct list_node head;
  size_t len;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
  l->head.next = l->head.prev = &l->head;
  l->len = 0;
}

static inline bool list_linked(const struct list_node *n)
{
  return n->next != NULL;
}

static inline bool list_empty(const struct list *l)
{
  return l->len == 0;
}

static inline void list_append(struct list *l, struct list_node *n)
{
  n->prev = l->head.prev;
  n->next = &l->head;
  l->head.prev->next = n;
  l->head.prev = n;
  l->len++;
}

static inline void list_prepend(struct list *l, struct list_node *n)
{
  n->next = l->head.next;
  n->prev = &l->head;
  l->head.next->prev = n;
  l->head.next = n;
  l->len++;
}

static inline void list_remove(struct list *l, struct list_node *n)
{
  n->prev->next = n->next;
  n->next->prev = n->prev;
  n->next = n->prev = NULL;
  l->len--;
}

static inline struct list_node *list_first(const struct list *l)
{
  return l->len ? l->head.next : NULL;
}

static inline struct list_node *list_pop(struct list *l)
{
  struct list_node *n = list_first(l);
  if (n) list_remove(l, n);
  return n;
}

/* list_move_all() appends everything of from to to, and leaves from empty. */
static inline void list_move_all(struct list *to, struct list *from)
{
  for (struct list_node *n; (n = list_pop(from)) != NULL;) list_append(to, n);
}

/* list_each() walks l; the current node may be removed. */
#define list_each(node, l)                                                                         \
  for (struct list_node *node = (l)->head.next, *node##_next = node->next; node != &(l)->head;     \
       node = node##_next, node##_next = node->next)

#endif
