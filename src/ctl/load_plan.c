/* load_plan.c - see load_plan.h. */
#include "ctl/load_plan.h"

#include <string.h>

static const double default_rate = 100.0 / 60;
enum { DEFAULT_MS = 180 * 1000, BURST_ORDERS = 1000 };

static void add(struct load_plan *plan, double per_s, int64_t orders)
{
  plan->steps[plan->n_steps++] = (struct load_step){per_s, orders};
  plan->orders += orders;
}

static int64_t orders_in(double per_s, int64_t ms)
{
  return (int64_t)(per_s * (double)ms / 1e3 + 0.5);
}

/* "100/min:1m,200/min:1m" */
static bool read_steps(const char *text, struct load_plan *plan)
{
  for (;; text++) {
    char rate[32], time[32];
    double per_s;
    int64_t ms;
    size_t len = strcspn(text, ":"), rest = len + strcspn(text + len, ",");
    if (plan->n_steps == LOAD_STEPS_MAX || text[len] != ':' || len >= sizeof rate ||
        rest - len - 1 >= sizeof time)
      return false;
    snprintf(rate, sizeof rate, "%.*s", (int)len, text);
    snprintf(time, sizeof time, "%.*s", (int)(rest - len - 1), text + len + 1);
    if (!option_rate(rate, &per_s) || !option_duration(time, &ms)) return false;
    add(plan, per_s, orders_in(per_s, ms));
    text += rest;
    if (!*text) return true;
  }
}

static enum status say(char *error, size_t error_len, const char *text)
{
  snprintf(error, error_len, "%s", text);
  return ST_INVALID;
}

static void read_rate(const struct arguments *a, struct load_plan *plan)
{
  double per_s = default_rate;
  const char *rate = arguments_text(a, "rate");
  if (rate && !option_rate(rate, &per_s)) per_s = default_rate; /* it was checked */
  int64_t ms = arguments_ms(a, "duration", DEFAULT_MS);
  add(plan, per_s, arguments_int(a, "count", orders_in(per_s, ms)));
}

enum status load_plan_read(const struct arguments *a, struct load_plan *out, char *error,
                           size_t error_len)
{
  struct load_plan plan = {0};
  const char *scenario = arguments_text(a, "scenario"), *steps = arguments_text(a, "steps");
  bool at_once = arguments_on(a, "at-once");
  bool rate = arguments_on(a, "rate") || arguments_on(a, "duration") || arguments_on(a, "count");
  if ((scenario != NULL) + (steps != NULL) + at_once + rate > 1)
    return say(error, error_len,
               "one of --scenario, --steps, --at-once and --rate (with --duration or --count)");
  if (arguments_on(a, "duration") && arguments_on(a, "count"))
    return say(error, error_len, "--duration or --count, not both");
  if (steps && !read_steps(steps, &plan))
    return say(error, error_len, "--steps must be as 100/min:1m,200/min:1m; at most 16 of them");
  if (at_once)
    add(&plan, 0, arguments_int(a, "at-once", 1));
  else if (scenario && strcmp(scenario, "burst") == 0)
    add(&plan, 0, BURST_ORDERS);
  else if (!steps)
    read_rate(a, &plan);
  if (plan.orders < 1 || plan.orders > LOAD_ORDERS_MAX)
    return say(error, error_len, "that is not 1 to 1000000 orders");
  *out = plan;
  return ST_OK;
}

int64_t load_plan_due(const struct load_plan *plan, int64_t i)
{
  double at_s = 0;
  for (size_t k = 0; k < plan->n_steps; k++) {
    const struct load_step *step = &plan->steps[k];
    if (i < step->orders || k + 1 == plan->n_steps)
      return (int64_t)((at_s + (step->per_s > 0 ? (double)i / step->per_s : 0)) * 1e9 + 0.5);
    i -= step->orders;
    if (step->per_s > 0) at_s += (double)step->orders / step->per_s;
  }
  return 0;
}
