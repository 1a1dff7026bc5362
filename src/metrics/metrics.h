/*
 * metrics.h - what this process counts and times. What there is to count: catalogue.h.
 *
 * DESIGN. A metric has a series for each combination of its labels' values, made when it is first
 * asked for and kept for good. Recording is one or two atomic additions, on any thread, without a
 * lock; so the loop keeps the series it needs often. Histograms have fixed buckets. All times are
 * recorded in µs, and shown in seconds. A metric with too many series has one more, "other", for
 * what follows.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "metrics/catalogue.h"

enum metric {
#define X(id, kind, name, labels, help) METRIC_##id,
  METRICS(X)
#undef X
      METRICS_N
};

enum { METRIC_LABELS_MAX = 3, METRIC_SERIES_MAX = 1000 };

struct metric_series;

/* metric_series() finds or makes the series; as many values as the metric has labels, NULL for the
 * rest. Copied. It never fails. */
struct metric_series *metric_series(enum metric m, const char *a, const char *b, const char *c);

void metric_add(struct metric_series *s, int64_t n);            /* counters */
void metric_set(struct metric_series *s, int64_t value);        /* gauges; seconds: in µs */
void metric_observe(struct metric_series *s, int64_t value);    /* histograms; times: in µs */
void metric_observe_since(struct metric_series *s, int64_t ns); /* since clock_mono_ns() was that */

/* The same for a metric without labels. */
void metrics_inc(enum metric m);
void metrics_set(enum metric m, int64_t value);
void metrics_observe(enum metric m, int64_t value);
void metrics_observe_since(enum metric m, int64_t ns);

/* metrics_hide() leaves a gauge out until it is set again: it is not known. */
void metrics_hide(enum metric m);

/* metrics_write() appends all of it: Prometheus' text format 0.0.4, or OpenMetrics 1.0.0. */
enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS };
void metrics_write(struct buf *out, enum metrics_format format);

#endif
