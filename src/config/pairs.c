/*
 * pairs.c - a short list of names with values, which it owns.
 */
#include "config/pairs.h"

#include <string.h>

#include "base/alloc.h"

void pairs_add(struct pairs *p, char *name, char *value)
{
  p->list = mem_resize(p->list, (p->n + 1) * sizeof p->list[0]);
  p->list[p->n++] = (struct pair){name, value};
}

const char *pairs_get(const struct pairs *p, const char *name)
{
  for (size_t i = p->n; i-- > 0;)
    if (strcmp(p->list[i].name, name) == 0) return p->list[i].value;
  return NULL;
}

void pairs_deinit(struct pairs *p)
{
  for (size_t i = 0; i < p->n; i++) {
    free(p->list[i].name);
    free(p->list[i].value);
  }
  free(p->list);
  *p = (struct pairs){0};
}
