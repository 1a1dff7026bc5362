/*
 * type.c - state tables. Pure; any thread. Tables belong to their plugins and outlive every use.
 */
#include "order/type.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "order/order.h"

enum { STATES_MAX = 64 }; /* a bit each while looking for unreachable ones */

static const char *const phase_names[] = {
    [OX_QUEUED] = "queued", [OX_ACTIVE] = "active",       [OX_SUCCEEDED] = "succeeded",
    [OX_FAILED] = "failed", [OX_CANCELLED] = "cancelled",
};

enum { N_PHASES = sizeof phase_names / sizeof phase_names[0] };

bool order_phase_terminal(enum ox_phase phase)
{
  return phase == OX_SUCCEEDED || phase == OX_FAILED || phase == OX_CANCELLED;
}

const char *order_phase_name(enum ox_phase phase)
{
  return (size_t)phase < N_PHASES ? phase_names[phase] : "unknown";
}

bool order_phase_parse(const char *name, enum ox_phase *out)
{
  for (size_t i = 0; i < N_PHASES; i++) {
    if (strcmp(phase_names[i], name) != 0) continue;
    *out = (enum ox_phase)i;
    return true;
  }
  return false;
}

bool order_type_executed(const struct order_type *t)
{
  return t->executor && t->executor->execute;
}

const char *order_type_group_by(const struct order_type *t)
{
  return t->executor && OX_HAS(t->executor, group_by) ? t->executor->group_by : NULL;
}

const char *order_type_known_by(const struct order_type *t)
{
  return t->executor && OX_HAS(t->executor, known_by) ? t->executor->known_by : NULL;
}

const char *order_type_own_id(const struct order_type *t)
{
  return t->executor && OX_HAS(t->executor, own_id) ? t->executor->own_id : NULL;
}

const struct ox_state *order_type_state(const struct order_type *t, const char *name)
{
  for (size_t i = 0; i < t->n_states; i++)
    if (strcmp(t->states[i].name, name) == 0) return &t->states[i];
  return NULL;
}

const struct ox_state *order_type_flagged(const struct order_type *t, unsigned flag)
{
  for (size_t i = 0; i < t->n_states; i++)
    if (t->states[i].flags & flag) return &t->states[i];
  return NULL;
}

bool order_type_may_move(const struct order_type *t, const char *from, const char *to)
{
  const struct ox_state *state = order_type_state(t, from);
  if (!state || !state->next) return false;
  for (const char *const *next = state->next; *next; next++)
    if (strcmp(*next, to) == 0) return true;
  return false;
}

/* ── is a table sound? ───────────────────────────────────────────────────────────────────────── */

struct check {
  const struct order_type *type;
  char *error;
  size_t error_len;
};

__attribute__((format(printf, 2, 3))) static bool wrong(const struct check *c, const char *format,
                                                        ...)
{
  va_list args;
  va_start(args, format);
  int len =
      snprintf(c->error, c->error_len, "order type '%s': ", c->type->name ? c->type->name : "");
  if (len >= 0 && (size_t)len < c->error_len)
    vsnprintf(c->error + len, c->error_len - (size_t)len, format, args);
  va_end(args);
  return false;
}

static bool name_sound(const char *name)
{
  return name && *name && strlen(name) < ORDER_STATUS_MAX;
}

static bool names_sound(const struct check *c)
{
  const struct order_type *t = c->type;
  if (!name_sound(t->name))
    return wrong(c, "its name must have 1 to %d bytes", ORDER_STATUS_MAX - 1);
  if (!t->states || t->n_states == 0 || t->n_states > STATES_MAX)
    return wrong(c, "it must have 1 to %d states", STATES_MAX);
  for (size_t i = 0; i < t->n_states; i++) {
    const char *name = t->states[i].name;
    if (!name_sound(name))
      return wrong(c, "the name of state %zu must have 1 to %d bytes", i, ORDER_STATUS_MAX - 1);
    for (size_t j = 0; j < i; j++)
      if (strcmp(t->states[j].name, name) == 0) return wrong(c, "state '%s' is there twice", name);
  }
  return true;
}

static bool edges_sound(const struct check *c, const struct ox_state *s)
{
  bool has_next = s->next && s->next[0];
  if ((unsigned)s->phase >= N_PHASES) return wrong(c, "state '%s' has no known phase", s->name);
  if (order_phase_terminal(s->phase) && has_next)
    return wrong(c, "state '%s' is terminal but moves on to '%s'", s->name, s->next[0]);
  if (!order_phase_terminal(s->phase) && !has_next)
    return wrong(c, "state '%s' is not terminal but leads nowhere", s->name);
  for (const char *const *next = s->next; has_next && *next; next++)
    if (!order_type_state(c->type, *next))
      return wrong(c, "state '%s' moves on to '%s', which is none", s->name, *next);
  return true;
}

struct flag_rule {
  unsigned flag;
  enum ox_phase phase;
  bool required;
  const char *what;
};

static bool flag_sound(const struct check *c, const struct flag_rule *rule)
{
  const struct ox_state *found = NULL;
  for (size_t i = 0; i < c->type->n_states; i++) {
    const struct ox_state *s = &c->type->states[i];
    if (!(s->flags & rule->flag)) continue;
    if (found) return wrong(c, "both '%s' and '%s' are its %s", found->name, s->name, rule->what);
    if (s->phase != rule->phase)
      return wrong(c, "state '%s' is its %s, so its phase must be %s", s->name, rule->what,
                   order_phase_name(rule->phase));
    found = s;
  }
  return found || !rule->required || wrong(c, "no state is its %s", rule->what);
}

static bool flags_sound(const struct check *c)
{
  static const struct flag_rule rules[] = {
      {OX_STATE_INITIAL, OX_QUEUED, true, "initial state"},
      {OX_STATE_ON_CLAIM, OX_ACTIVE, false, "state on claim"},
      {OX_STATE_ON_FAIL, OX_FAILED, true, "state on failure"},
      {OX_STATE_ON_CANCEL, OX_CANCELLED, false, "state on cancel"},
  };
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    if (!flag_sound(c, &rules[i])) return false;
  return true;
}

/* The states one move away from s, as bits. */
static uint64_t next_of(const struct order_type *t, const struct ox_state *s)
{
  uint64_t bits = 0;
  for (const char *const *next = s->next; next && *next; next++)
    bits |= UINT64_C(1) << (order_type_state(t, *next) - t->states);
  return bits;
}

static bool all_reachable(const struct check *c)
{
  const struct order_type *t = c->type;
  uint64_t reached = UINT64_C(1) << (order_type_flagged(t, OX_STATE_INITIAL) - t->states);
  for (uint64_t before = 0; before != reached;) {
    before = reached;
    for (size_t i = 0; i < t->n_states; i++)
      if (before >> i & 1) reached |= next_of(t, &t->states[i]);
  }
  for (size_t i = 0; i < t->n_states; i++)
    if (!(reached >> i & 1)) return wrong(c, "state '%s' is never reached", t->states[i].name);
  return true;
}

enum status order_type_check(const struct order_type *t, char *error, size_t error_len)
{
  const struct check c = {t, error, error_len};
  if (!names_sound(&c)) return ST_INVALID;
  for (size_t i = 0; i < t->n_states; i++)
    if (!edges_sound(&c, &t->states[i])) return ST_INVALID;
  return flags_sound(&c) && all_reachable(&c) ? ST_OK : ST_INVALID;
}
