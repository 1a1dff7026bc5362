/*
 * budget.h - how often a call may be made a second time: each first call earns a share of a retry,
 * and a few may be saved up. So retries never add more than that share to what a venue in trouble
 * is asked anyway. Pure; whoever shares one locks it.
 */
#ifndef WORKERS_BUDGET_H
#define WORKERS_BUDGET_H

#include <stdbool.h>

enum { BUDGET_SAVED_MAX = 10 };

struct budget {
  int percent; /* retries to a hundred first calls */
  int saved;   /* hundredths of a retry */
};

/* budget_init() starts with one retry, unless there are to be none. */
static inline void budget_init(struct budget *b, int percent)
{
  *b = (struct budget){percent, percent > 0 ? 100 : 0};
}

static inline void budget_earn(struct budget *b)
{
  b->saved += b->percent;
  if (b->saved > 100 * BUDGET_SAVED_MAX) b->saved = 100 * BUDGET_SAVED_MAX;
}

static inline bool budget_spend(struct budget *b)
{
  if (b->saved < 100) return false;
  b->saved -= 100;
  return true;
}

#endif
