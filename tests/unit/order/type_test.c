/* State tables: every pair of states against a matrix written by hand, and every way in which a
 * table can be unsound. */
#include "order/type.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "order/order.h"

/* ── a table such as market's ────────────────────────────────────────────────────────────────── */

static const char *const from_pending[] = {"routing", "failed", "cancelled", NULL};
static const char *const from_routing[] = {"routing", "building", "failed", "cancelled", NULL};
static const char *const from_building[] = {"routing", "submitted", "failed", "cancelled", NULL};
static const char *const from_submitted[] = {"routing", "confirmed", "failed", NULL};

static const struct ox_state market_states[] = {
    {"pending", OX_QUEUED, OX_STATE_INITIAL, from_pending},
    {"routing", OX_ACTIVE, OX_STATE_ON_CLAIM, from_routing},
    {"building", OX_ACTIVE, 0, from_building},
    {"submitted", OX_ACTIVE, 0, from_submitted},
    {"confirmed", OX_SUCCEEDED, 0, NULL},
    {"failed", OX_FAILED, OX_STATE_ON_FAIL, NULL},
    {"cancelled", OX_CANCELLED, OX_STATE_ON_CANCEL, NULL},
};

enum { N_MARKET = sizeof market_states / sizeof market_states[0] };

static const struct order_type market = {"market", market_states, N_MARKET, NULL};

static const char *const names[N_MARKET] = {"pending",   "routing", "building", "submitted",
                                            "confirmed", "failed",  "cancelled"};

/* Rows: from; columns: to, in the order of names. */
static const char *const matrix[N_MARKET] = {
    ".r...fc", /* pending */
    ".rb..fc", /* routing */
    ".r.s.fc", /* building */
    ".r..Cf.", /* submitted */
    ".......", /* confirmed */
    ".......", /* failed */
    ".......", /* cancelled */
};

Test(type, every_edge_legal_or_not)
{
  for (size_t from = 0; from < N_MARKET; from++)
    for (size_t to = 0; to < N_MARKET; to++)
      cr_assert_eq(order_type_may_move(&market, names[from], names[to]), matrix[from][to] != '.',
                   "%s to %s", names[from], names[to]);
}

Test(type, states_that_are_none)
{
  static const char *const none[] = {"", "Pending", "pending ", "rout", "routings", "null"};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    cr_assert_null(order_type_state(&market, none[i]));
    for (size_t j = 0; j < N_MARKET; j++) {
      cr_assert_not(order_type_may_move(&market, none[i], names[j]));
      cr_assert_not(order_type_may_move(&market, names[j], none[i]));
    }
  }
}

Test(type, states_by_name_and_flag)
{
  for (size_t i = 0; i < N_MARKET; i++)
    cr_assert_eq(order_type_state(&market, names[i]), &market_states[i]);
  cr_assert_str_eq(order_type_flagged(&market, OX_STATE_INITIAL)->name, "pending");
  cr_assert_str_eq(order_type_flagged(&market, OX_STATE_ON_CLAIM)->name, "routing");
  cr_assert_str_eq(order_type_flagged(&market, OX_STATE_ON_FAIL)->name, "failed");
  cr_assert_str_eq(order_type_flagged(&market, OX_STATE_ON_CANCEL)->name, "cancelled");
  cr_assert_null(order_type_flagged(&market, 64));
}

/* ── sound or not ────────────────────────────────────────────────────────────────────────────── */

Test(type, the_market_table_is_sound)
{
  char error[200];
  cr_assert_eq(order_type_check(&market, error, sizeof error), ST_OK);
}

Test(type, one_flag_state_may_be_all_there_is)
{
  static const char *const next[] = {"b", NULL};
  static const struct ox_state states[] = {{"a", OX_QUEUED, OX_STATE_INITIAL, next},
                                           {"b", OX_FAILED, OX_STATE_ON_FAIL, NULL}};
  const struct order_type t = {"least", states, 2, NULL};
  char error[200];
  cr_assert_eq(order_type_check(&t, error, sizeof error), ST_OK);
}

/* The market table with state i changed to s: refused with a sentence that has all of why. */
static void refuse(size_t i, struct ox_state s, const char *why)
{
  struct ox_state states[N_MARKET];
  memcpy(states, market_states, sizeof states);
  states[i] = s;
  const struct order_type t = {"market", states, N_MARKET, NULL};
  char error[200] = "";
  cr_assert_eq(order_type_check(&t, error, sizeof error), ST_INVALID, "%s", why);
  cr_assert_not_null(strstr(error, why), "%s\nnot: %s", why, error);
  cr_assert_eq(strncmp(error, "order type 'market': ", 21), 0);
}

static struct ox_state changed(size_t i, enum ox_phase phase, unsigned flags)
{
  struct ox_state s = market_states[i];
  s.phase = phase;
  s.flags = flags;
  return s;
}

Test(type, flags_that_are_wrong)
{
  refuse(0, changed(0, OX_QUEUED, 0), "no state is its initial state");
  refuse(0, changed(0, OX_ACTIVE, OX_STATE_INITIAL), "phase must be queued");
  refuse(1, changed(1, OX_QUEUED, OX_STATE_INITIAL), "both 'pending' and 'routing'");
  refuse(1, changed(1, OX_QUEUED, OX_STATE_ON_CLAIM), "phase must be active");
  refuse(2, changed(2, OX_ACTIVE, OX_STATE_ON_CLAIM), "both 'routing' and 'building'");
  refuse(5, changed(5, OX_FAILED, 0), "no state is its state on failure");
  refuse(5, changed(5, OX_CANCELLED, OX_STATE_ON_FAIL), "phase must be failed");
  refuse(4, changed(4, OX_FAILED, OX_STATE_ON_FAIL), "both 'confirmed' and 'failed'");
  refuse(6, changed(6, OX_FAILED, OX_STATE_ON_CANCEL), "phase must be cancelled");
  refuse(4, changed(4, OX_CANCELLED, OX_STATE_ON_CANCEL), "both 'confirmed' and 'cancelled'");
}

Test(type, phases_and_edges_that_are_wrong)
{
  static const char *const nowhere[] = {NULL};
  static const char *const strange[] = {"routing", "nirvana", NULL};
  static const char *const back[] = {"pending", NULL};
  refuse(2, (struct ox_state){"building", (enum ox_phase)9, 0, from_building}, "no known phase");
  refuse(2, (struct ox_state){"building", (enum ox_phase) - 1, 0, from_building}, "no known phase");
  refuse(4, (struct ox_state){"confirmed", OX_SUCCEEDED, 0, back},
         "'confirmed' is terminal but moves on to 'pending'");
  refuse(2, (struct ox_state){"building", OX_ACTIVE, 0, NULL}, "leads nowhere");
  refuse(2, (struct ox_state){"building", OX_ACTIVE, 0, nowhere}, "leads nowhere");
  refuse(2, (struct ox_state){"building", OX_ACTIVE, 0, strange}, "'nirvana', which is none");
}

Test(type, a_terminal_state_may_have_an_empty_list)
{
  static const char *const nowhere[] = {NULL};
  struct ox_state states[N_MARKET];
  memcpy(states, market_states, sizeof states);
  states[4].next = nowhere;
  const struct order_type t = {"market", states, N_MARKET, NULL};
  char error[200];
  cr_assert_eq(order_type_check(&t, error, sizeof error), ST_OK);
}

Test(type, states_that_are_never_reached)
{
  static const char *const not_built[] = {"routing", "failed", "cancelled", NULL};
  refuse(1, (struct ox_state){"routing", OX_ACTIVE, OX_STATE_ON_CLAIM, not_built},
         "'building' is never reached");
  static const char *const itself[] = {"pending", NULL};
  refuse(0, (struct ox_state){"pending", OX_QUEUED, OX_STATE_INITIAL, itself},
         "'routing' is never reached");
}

Test(type, names_that_are_wrong)
{
  refuse(3, (struct ox_state){"building", OX_ACTIVE, 0, from_submitted},
         "'building' is there twice");
  refuse(3, (struct ox_state){"", OX_ACTIVE, 0, from_submitted}, "the name of state 3");
  refuse(3, (struct ox_state){NULL, OX_ACTIVE, 0, from_submitted}, "the name of state 3");
  char name[ORDER_STATUS_MAX + 1];
  memset(name, 'x', sizeof name);
  name[ORDER_STATUS_MAX] = '\0';
  refuse(3, (struct ox_state){name, OX_ACTIVE, 0, from_submitted}, "must have 1 to 31 bytes");
}

Test(type, types_that_are_wrong)
{
  static const struct {
    struct order_type type;
    const char *why;
  } cases[] = {
      {{NULL, market_states, N_MARKET, NULL}, "its name"},
      {{"", market_states, N_MARKET, NULL}, "its name"},
      {{"a-name-that-is-far-too-long-to-keep", market_states, N_MARKET, NULL}, "its name"},
      {{"market", NULL, N_MARKET, NULL}, "1 to 64 states"},
      {{"market", market_states, 0, NULL}, "1 to 64 states"},
      {{"market", market_states, 65, NULL}, "1 to 64 states"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char error[200] = "";
    cr_assert_eq(order_type_check(&cases[i].type, error, sizeof error), ST_INVALID);
    cr_assert_not_null(strstr(error, cases[i].why), "%s", error);
  }
}

/* A chain of n states, s0 to the last one, which is failed. */
static enum status check_chain(size_t n)
{
  static char state_names[65][24];
  static const char *nexts[65][2];
  static struct ox_state states[65];
  for (size_t i = 0; i < n; i++) {
    snprintf(state_names[i], sizeof state_names[i], "s%zu", i);
    states[i] = (struct ox_state){state_names[i], OX_QUEUED, 0, nexts[i]};
    if (i > 0) nexts[i - 1][0] = state_names[i];
  }
  states[0].flags = OX_STATE_INITIAL;
  states[n - 1] = (struct ox_state){state_names[n - 1], OX_FAILED, OX_STATE_ON_FAIL, NULL};
  const struct order_type t = {"chain", states, n, NULL};
  char error[200];
  return order_type_check(&t, error, sizeof error);
}

Test(type, as_many_states_as_there_may_be)
{
  cr_assert_eq(check_chain(64), ST_OK);
  cr_assert_eq(check_chain(65), ST_INVALID);
}

Test(type, an_error_fits_its_room)
{
  const struct order_type t = {"market", market_states, 0, NULL};
  for (size_t len = 1; len < 60; len++) {
    char error[60];
    memset(error, 'x', sizeof error);
    cr_assert_eq(order_type_check(&t, error, len), ST_INVALID);
    cr_assert_lt(strlen(error), len);
  }
}

/* ── phases ──────────────────────────────────────────────────────────────────────────────────── */

Test(type, phases)
{
  static const struct {
    enum ox_phase phase;
    const char *name;
    bool terminal;
  } phases[] = {{OX_QUEUED, "queued", false},
                {OX_ACTIVE, "active", false},
                {OX_SUCCEEDED, "succeeded", true},
                {OX_FAILED, "failed", true},
                {OX_CANCELLED, "cancelled", true}};
  for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
    enum ox_phase phase = (enum ox_phase)77;
    cr_assert_str_eq(order_phase_name(phases[i].phase), phases[i].name);
    cr_assert_eq(order_phase_terminal(phases[i].phase), phases[i].terminal);
    cr_assert(order_phase_parse(phases[i].name, &phase));
    cr_assert_eq(phase, phases[i].phase);
  }
  enum ox_phase phase = OX_ACTIVE;
  cr_assert_not(order_phase_parse("Queued", &phase));
  cr_assert_not(order_phase_parse("", &phase));
  cr_assert_eq(phase, OX_ACTIVE, "left alone");
  cr_assert_str_eq(order_phase_name((enum ox_phase)5), "unknown");
  cr_assert_str_eq(order_phase_name((enum ox_phase) - 1), "unknown");
}
