/*
 * metrics.c - series and recording; see metrics.h. Any thread. A family's list of series grows at
 * its head under a lock and is read without one; nothing is ever taken from it.
 */
#include "metrics/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "metrics/internal.h"

#define FAST_BOUNDS                                                                                \
  {                                                                                                \
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,     \
        2500000, 5000000, 10000000                                                                 \
  }
#define SLOW_BOUNDS                                                                                \
  {                                                                                                \
    1000, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,  \
        30000000, 60000000, 300000000, 900000000, 3600000000                                       \
  }
#define SIZE_BOUNDS                                                                                \
  {                                                                                                \
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000                                                       \
  }

static const int64_t fast[] = FAST_BOUNDS, slow[] = SLOW_BOUNDS, size[] = SIZE_BOUNDS;

#define BOUNDS(of) of, sizeof of / sizeof *of
const struct metric_kind metric_kinds[] = {
    [KIND_COUNTER] = {"counter", false, NULL, 0},
    [KIND_COUNTER_SECONDS] = {"counter", true, NULL, 0},
    [KIND_GAUGE] = {"gauge", false, NULL, 0},
    [KIND_GAUGE_SECONDS] = {"gauge", true, NULL, 0},
    [KIND_DURATION] = {"histogram", true, BOUNDS(fast)},
    [KIND_WAIT] = {"histogram", true, BOUNDS(slow)},
    [KIND_SIZE] = {"histogram", false, BOUNDS(size)},
};

struct metric_family metric_families[METRICS_N] = {
#define X(id, kind, name, labels, help) {KIND_##kind, name, labels, help, NULL, 0},
    METRICS(X)
#undef X
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all lists' heads */

/* ── series ─────────────────────────────────────────────────────────────────────────────────── */

static bool has_values(const struct metric_series *s, const char *const *values)
{
  for (int i = 0; i < METRIC_LABELS_MAX; i++) {
    if (!s->values[i] != !values[i]) return false;
    if (values[i] && strcmp(s->values[i], values[i]) != 0) return false;
  }
  return true;
}

static struct metric_series *find(struct metric_family *f, const char *const *values)
{
  for (struct metric_series *s = atomic_load(&f->series); s; s = s->next)
    if (has_values(s, values)) return s;
  return NULL;
}

static struct metric_series *create(struct metric_family *f, const char *const *values)
{
  size_t bounds = metric_kinds[f->kind].n_bounds;
  struct metric_series *s = mem_alloc(sizeof *s + (bounds + 1) * sizeof *s->buckets);
  s->kind = f->kind;
  for (int i = 0; i < METRIC_LABELS_MAX && values[i]; i++) s->values[i] = mem_strdup(values[i]);
  atomic_store(&s->shown, f->kind != KIND_GAUGE && f->kind != KIND_GAUGE_SECONDS);
  s->next = atomic_load(&f->series);
  f->n_series++;
  atomic_store(&f->series, s);
  return s;
}

static struct metric_series *make(struct metric_family *f, const char *const *values)
{
  static const char *const other[METRIC_LABELS_MAX] = {"other", "other", "other"};
  const char *rest[METRIC_LABELS_MAX] = {NULL};
  pthread_mutex_lock(&lock);
  struct metric_series *s = find(f, values);
  if (!s && f->n_series >= METRIC_SERIES_MAX) {
    for (int i = 0; i < METRIC_LABELS_MAX && values[i]; i++) rest[i] = other[i];
    values = rest;
    s = find(f, values);
  }
  if (!s) s = create(f, values);
  pthread_mutex_unlock(&lock);
  return s;
}

struct metric_series *metric_series(enum metric m, const char *a, const char *b, const char *c)
{
  const char *const values[METRIC_LABELS_MAX] = {a, b, c};
  struct metric_family *f = &metric_families[m];
  struct metric_series *s = find(f, values);
  return s ? s : make(f, values);
}

static struct metric_series *only(enum metric m)
{
  return metric_series(m, NULL, NULL, NULL);
}

/* ── recording ──────────────────────────────────────────────────────────────────────────────── */

static void add(_Atomic int64_t *to, int64_t n)
{
  atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void metric_add(struct metric_series *s, int64_t n)
{
  assert(n >= 0);
  add(&s->value, n);
}

void metric_set(struct metric_series *s, int64_t value)
{
  atomic_store_explicit(&s->value, value, memory_order_relaxed);
  atomic_store_explicit(&s->shown, true, memory_order_relaxed);
}

void metric_observe(struct metric_series *s, int64_t value)
{
  const struct metric_kind *kind = &metric_kinds[s->kind];
  if (value < 0) value = 0; /* two clocks that differ */
  size_t i = 0;
  while (i < kind->n_bounds && value > kind->bounds[i]) i++;
  add(&s->buckets[i], 1);
  add(&s->value, value);
}

void metric_observe_since(struct metric_series *s, int64_t ns)
{
  metric_observe(s, (clock_mono_ns() - ns) / 1000);
}

void metrics_inc(enum metric m)
{
  metric_add(only(m), 1);
}

void metrics_set(enum metric m, int64_t value)
{
  metric_set(only(m), value);
}

void metrics_observe(enum metric m, int64_t value)
{
  metric_observe(only(m), value);
}

void metrics_observe_since(enum metric m, int64_t ns)
{
  metric_observe_since(only(m), ns);
}

void metrics_hide(enum metric m)
{
  for (struct metric_series *s = atomic_load(&metric_families[m].series); s; s = s->next)
    atomic_store_explicit(&s->shown, false, memory_order_relaxed);
}
