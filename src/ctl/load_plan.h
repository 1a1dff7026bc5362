/*
 * load_plan.h - when each order of a load is due. It depends on nothing that the server does: that
 * is what makes the load open-loop. Pure; any thread.
 */
#ifndef CTL_LOAD_PLAN_H
#define CTL_LOAD_PLAN_H

#include "ctl/option.h"

enum { LOAD_STEPS_MAX = 16, LOAD_ORDERS_MAX = 1000000 };

struct load_plan {
  struct load_step {
    double per_s; /* 0: all at once */
    int64_t orders;
  } steps[LOAD_STEPS_MAX];
  size_t n_steps;
  int64_t orders;
};

/* load_plan_read() reads --scenario, --rate, --duration, --count, --at-once and --steps.
 * ST_INVALID: error says what does not go together. */
enum status load_plan_read(const struct arguments *a, struct load_plan *out, char *error,
                           size_t error_len) MUST_CHECK;

/* load_plan_due() is when order i is due, in ns from the start. */
int64_t load_plan_due(const struct load_plan *plan, int64_t i);

#endif
