/*
 * faults.c - sets of faults: read, written, and asked whether one strikes. Pure; any thread.
 */
#include "faults.h"

#include <ox/venue.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "form.h"

enum { PPM = 1000000, NTH_MAX = INT32_MAX, WINDOW_MAX_MS = 86400000 };

enum { AT_ANY = -1, ANY_CALL = 1 << FAULT_AT_QUOTE | 1 << FAULT_AT_SUBMIT | 1 << FAULT_AT_LOOKUP };

static const struct {
  const char *name;
  unsigned points; /* a bit for each; 0: the fault itself says where */
} kinds[FAULT_KINDS] = {
    [FAULT_NONE] = {"", 0},
    [FAULT_QUOTE_TIMEOUT] = {"quote_timeout", 1 << FAULT_AT_QUOTE},
    [FAULT_STALE_QUOTE] = {"stale_quote", 1 << FAULT_AT_QUOTE},
    [FAULT_NO_LIQUIDITY] = {"no_liquidity", 1 << FAULT_AT_QUOTE},
    [FAULT_RATE_LIMITED] = {"rate_limited", 1 << FAULT_AT_QUOTE | 1 << FAULT_AT_SUBMIT},
    [FAULT_LOST_BEFORE_LANDING] = {"lost_before_landing", 1 << FAULT_AT_SUBMIT},
    [FAULT_ACK_LOST_AFTER_LANDING] = {"ack_lost_after_landing", 1 << FAULT_AT_SUBMIT},
    [FAULT_LATE_LANDING] = {"late_landing", 1 << FAULT_AT_SUBMIT},
    [FAULT_EXPIRED] = {"expired", 1 << FAULT_AT_BUILD},
    [FAULT_LOOKUP_LAGGING] = {"lookup_lagging", 1 << FAULT_AT_LOOKUP},
    [FAULT_HALTED] = {"halted", ANY_CALL},
    [FAULT_CRASH] = {"crash", 0},
};

static const char *const points[FAULT_POINTS] = {
    [FAULT_AT_QUOTE] = "quote",
    [FAULT_AT_SUBMIT] = "submit",
    [FAULT_AT_SENT] = "sent",
    [FAULT_AT_LOOKUP] = "lookup",
};

/* A condition that is missing is below 0. */
struct fault {
  const char *venue; /* one of those given to faults_read() */
  enum fault_kind kind;
  int point; /* AT_ANY: the kind says where */
  int64_t probability_ppm, nth, window_ms;
  _Atomic int64_t calls;
};

struct faults {
  _Atomic unsigned users;
  size_t n;
  int64_t begun_ms;
  bool spent;
  struct fault items[];
};

/* ── reading ─────────────────────────────────────────────────────────────────────────────────── */

static void read_venue(struct form *form, const char *const *venues, struct fault *fault)
{
  const char *name = form_text(form, "venue", OX_NAME_MAX);
  for (size_t i = 0; name && venues[i] && !fault->venue; i++)
    if (strcmp(venues[i], name) == 0) fault->venue = venues[i];
  if (name && !fault->venue)
    form_complain(form, "venue", "UNKNOWN_VENUE", "is not the name of a simulated venue");
}

static void read_kind(struct form *form, struct fault *fault)
{
  const char *name = form_text(form, "kind", OX_NAME_MAX);
  for (int kind = 1; name && kind < FAULT_KINDS; kind++)
    if (strcmp(kinds[kind].name, name) == 0) fault->kind = (enum fault_kind)kind;
  if (name && fault->kind == FAULT_NONE)
    form_complain(form, "kind", "UNKNOWN_KIND",
                  "must be quote_timeout, stale_quote, no_liquidity, rate_limited, "
                  "lost_before_landing, ack_lost_after_landing, late_landing, expired, "
                  "lookup_lagging, halted or crash");
}

static void read_point(struct form *form, struct fault *fault)
{
  fault->point = fault->kind == FAULT_CRASH ? FAULT_AT_SENT : AT_ANY;
  if (!form_has(form, "point") || fault->kind == FAULT_NONE) return;
  if (fault->kind != FAULT_CRASH) {
    form_complain(form, "point", "CONFLICTING_FIELDS", "is for a crash only");
    return;
  }
  const char *name = json_string_value(json_object_get(form->object, "point"));
  for (int i = 0; name && i < FAULT_POINTS; i++)
    if (points[i] && strcmp(points[i], name) == 0) {
      fault->point = i;
      return;
    }
  form_complain(form, "point", "UNKNOWN_POINT", "must be quote, submit, sent or lookup");
}

/* The one number that is read as a binary fraction: no money depends on it. */
static void read_probability(struct form *form, struct fault *fault)
{
  const json_t *value = json_object_get(form->object, "probability");
  fault->probability_ppm = -1;
  if (!form_has(form, "probability")) return;
  double given = json_number_value(value);
  if (!json_is_number(value)) {
    form_complain(form, "probability", "WRONG_TYPE", "must be a number, or null");
  } else if (!(given >= 0 && given <= 1)) {
    form_complain(form, "probability", "PROBABILITY_OUT_OF_RANGE", "must be 0 to 1");
  } else {
    fault->probability_ppm = (int64_t)(given * PPM + 0.5);
    double off = given * PPM - (double)fault->probability_ppm;
    if (off > 1e-6 || off < -1e-6)
      form_complain(form, "probability", "TOO_MANY_DECIMALS", "must have at most 6 decimals");
  }
}

static int64_t read_count(struct form *form, const char *member, int64_t max)
{
  return form_has(form, member) ? form_int(form, member, 1, max) : -1;
}

/* False: something is wrong. */
static bool read_fault(struct form *form, const char *const *venues, struct fault *fault)
{
  static const char *const known[] = {"venue",    "kind",  "probability", "nth",
                                      "windowMs", "point", NULL};
  if (!json_is_object(form->object)) {
    form_complain(form, NULL, "WRONG_TYPE", "must be an object");
    return false;
  }
  read_venue(form, venues, fault);
  read_kind(form, fault);
  read_point(form, fault);
  read_probability(form, fault);
  fault->nth = read_count(form, "nth", NTH_MAX);
  fault->window_ms = read_count(form, "windowMs", WINDOW_MAX_MS);
  form_only(form, known);
  return !form->wrong;
}

/* NULL: it is no array of at most FAULTS_MAX. */
static struct faults *read_array(const json_t *array, struct ox_errors *errors)
{
  struct form whole = form_of(NULL, errors, "/faults");
  size_t n = json_array_size(array);
  if (!json_is_array(array))
    form_complain(&whole, NULL, "WRONG_TYPE", "must be an array of faults");
  else if (n > FAULTS_MAX)
    form_complain(&whole, NULL, "TOO_MANY_FAULTS", "must have at most 64 faults");
  if (whole.wrong) return NULL;
  struct faults *set = calloc(1, sizeof *set + n * sizeof *set->items);
  if (!set) return NULL;
  set->users = 1;
  set->n = n;
  return set;
}

struct faults *faults_read(const json_t *array, const char *const *venues, struct ox_errors *errors)
{
  struct faults *set = read_array(array, errors);
  bool good = true;
  for (size_t i = 0; set && i < set->n; i++) {
    char at[32];
    snprintf(at, sizeof at, "/faults/%zu", i);
    struct form form = form_of(json_array_get(array, i), errors, at);
    good &= read_fault(&form, venues, &set->items[i]);
  }
  if (good) return set;
  faults_drop(set);
  return NULL;
}

struct faults *faults_hold(struct faults *set)
{
  atomic_fetch_add(&set->users, 1);
  return set;
}

void faults_drop(struct faults *set)
{
  if (set && atomic_fetch_sub(&set->users, 1) == 1) free(set);
}

void faults_begin(struct faults *set, int64_t at_ms, bool spent)
{
  set->begun_ms = at_ms;
  set->spent = spent;
}

bool faults_any(const struct faults *set)
{
  return set->n > 0;
}

/* ── striking ────────────────────────────────────────────────────────────────────────────────── */

/* name is venue, or a part of it: of "raydium+meteora" either. */
static bool concerns(const char *name, const char *venue)
{
  size_t len = strlen(name);
  for (const char *part = venue; part; part = strchr(part, '+')) {
    part += *part == '+';
    if (strncmp(part, name, len) == 0 && (part[len] == '\0' || part[len] == '+')) return true;
  }
  return strcmp(name, venue) == 0;
}

static bool drawn(const struct fault *fault, const struct fault_call *call, int64_t number)
{
  if (fault->probability_ppm < 0) return true;
  struct draw draw = {call->seed, call->venue, call->key, call->attempt};
  if (call->point == FAULT_AT_LOOKUP) draw.attempt = (uint32_t)number;
  return draw_between(&draw, kinds[fault->kind].name, 0, PPM - 1) < fault->probability_ppm;
}

static bool strikes(struct faults *set, struct fault *fault, const struct fault_call *call)
{
  unsigned where = fault->point == AT_ANY ? kinds[fault->kind].points : 1u << fault->point;
  if (!(where & 1u << call->point) || !concerns(fault->venue, call->venue)) return false;
  int64_t number = atomic_fetch_add(&fault->calls, 1) + 1;
  if (fault->nth >= 0 && (set->spent || number != fault->nth)) return false;
  if (fault->window_ms >= 0 && call->now_ms - set->begun_ms > fault->window_ms) return false;
  return drawn(fault, call, number);
}

enum fault_kind faults_strike(struct faults *set, const struct fault_call *call)
{
  enum fault_kind first = FAULT_NONE;
  for (size_t i = 0; i < set->n; i++)
    if (strikes(set, &set->items[i], call) && first == FAULT_NONE) first = set->items[i].kind;
  return first;
}

/* ── writing ─────────────────────────────────────────────────────────────────────────────────── */

static void write_count(struct writer *w, const char *key, int64_t count)
{
  if (count < 0)
    writer_str(w, key, NULL);
  else
    writer_int(w, key, count);
}

/* 100000 millionths as 0.1. */
static void write_probability(struct writer *w, int64_t ppm)
{
  char text[16];
  if (ppm < 0) {
    writer_str(w, "probability", NULL);
    return;
  }
  snprintf(text, sizeof text, "%d.%06d", (int)(ppm / PPM), (int)(ppm % PPM));
  size_t len = strlen(text);
  while (text[len - 1] == '0') len--;
  if (text[len - 1] == '.') len--;
  text[len] = '\0';
  writer_number(w, "probability", text);
}

void faults_write(const struct faults *set, struct writer *w)
{
  writer_begin_array(w, "faults");
  for (size_t i = 0; i < set->n; i++) {
    const struct fault *fault = &set->items[i];
    writer_begin(w, NULL);
    writer_str(w, "venue", fault->venue);
    writer_str(w, "kind", kinds[fault->kind].name);
    if (fault->kind == FAULT_CRASH) writer_str(w, "point", points[fault->point]);
    write_probability(w, fault->probability_ppm);
    write_count(w, "nth", fault->nth);
    write_count(w, "windowMs", fault->window_ms);
    writer_end(w);
  }
  writer_end_array(w);
}
