/*
 * internal.h - what recording (metrics.c) and writing (text.c) share. See metrics.h.
 */
#ifndef METRICS_INTERNAL_H
#define METRICS_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "metrics/metrics.h"

enum metric_kind_id {
  KIND_COUNTER,
  KIND_COUNTER_SECONDS,
  KIND_GAUGE,
  KIND_GAUGE_SECONDS,
  KIND_DURATION, /* 50 µs to 10 s */
  KIND_WAIT,     /* 1 ms to an hour */
  KIND_SIZE      /* 1 to 1000 */
};

struct metric_kind {
  const char *type;
  bool seconds;          /* recorded in µs */
  const int64_t *bounds; /* upper, included; NULL: no histogram */
  size_t n_bounds;
};
extern const struct metric_kind metric_kinds[];

struct metric_series {
  struct metric_series *next; /* const once it is in a list */
  enum metric_kind_id kind;
  char *values[METRIC_LABELS_MAX]; /* of the labels */
  _Atomic bool shown;
  _Atomic int64_t value;     /* a histogram's sum */
  _Atomic int64_t buckets[]; /* each by itself; the last has no bound */
};

struct metric_family {
  enum metric_kind_id kind;
  const char *name, *labels, *help;
  _Atomic(struct metric_series *) series;
  size_t n_series; /* under the lock */
};
extern struct metric_family metric_families[METRICS_N];

#endif
