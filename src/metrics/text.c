/*
 * text.c - metrics_write(): https://prometheus.io/docs/instrumenting/exposition_formats/ and
 * https://openmetrics.io. They differ in the name of a counter's family and in the end. A
 * histogram's count is the sum of its buckets as they were read, so the two always agree.
 */
#include <inttypes.h>
#include <string.h>

#include "metrics/internal.h"

static const char total[] = "_total";

/* The line is in quotes or not; both formats escape a quote where it could end something. */
static void write_escaped(struct buf *out, const char *text)
{
  for (; *text; text++) {
    if (*text == '\n')
      buf_append_str(out, "\\n");
    else if (*text == '\\' || *text == '"')
      buf_appendf(out, "\\%c", *text);
    else
      buf_append_char(out, *text);
  }
}

/* What the family is called: in OpenMetrics a counter's samples alone end in _total. */
static int family_len(const struct metric_family *f, enum metrics_format format)
{
  size_t len = strlen(f->name);
  bool counter = strcmp(metric_kinds[f->kind].type, "counter") == 0;
  return (int)(counter && format == METRICS_OPENMETRICS ? len - (sizeof total - 1) : len);
}

static void write_head(struct buf *out, const struct metric_family *f, enum metrics_format format)
{
  int len = family_len(f, format);
  buf_appendf(out, "# HELP %.*s %s\n", len, f->name, f->help);
  buf_appendf(out, "# TYPE %.*s %s\n", len, f->name, metric_kinds[f->kind].type);
}

static void write_number(struct buf *out, bool seconds, int64_t value)
{
  if (seconds)
    buf_appendf(out, "%" PRId64 ".%06" PRId64, value / 1000000, value % 1000000);
  else
    buf_append_int(out, value);
}

/* As OpenMetrics writes floating-point numbers: with a point. */
static void write_bound(struct buf *out, const struct metric_kind *kind, size_t i)
{
  if (i == kind->n_bounds) {
    buf_append_str(out, "+Inf");
    return;
  }
  int64_t unit = kind->seconds ? 1000000 : 1, bound = kind->bounds[i];
  if (bound % unit == 0)
    buf_appendf(out, "%" PRId64 ".0", bound / unit);
  else
    buf_appendf(out, "%.7g", (double)bound / (double)unit);
}

/* name{labels,le="…"} and a blank; bucket -1: without le. */
static void write_name(struct buf *out, const struct metric_family *f,
                       const struct metric_series *s, const char *suffix, int bucket)
{
  const struct metric_kind *kind = &metric_kinds[f->kind];
  const char *label = f->labels, *before = "{";
  buf_appendf(out, "%s%s", f->name, suffix);
  for (int i = 0; i < METRIC_LABELS_MAX && s->values[i]; i++) {
    int len = (int)strcspn(label, ",");
    buf_appendf(out, "%s%.*s=\"", before, len, label);
    write_escaped(out, s->values[i]);
    buf_append_char(out, '"');
    label += len + (label[len] == ',');
    before = ",";
  }
  if (bucket >= 0) {
    buf_appendf(out, "%sle=\"", before);
    write_bound(out, kind, (size_t)bucket);
    buf_append_char(out, '"');
    before = ",";
  }
  buf_append_str(out, *before == ',' ? "} " : " ");
}

static int64_t read_value(const _Atomic int64_t *value)
{
  return atomic_load_explicit(value, memory_order_relaxed);
}

static void write_histogram(struct buf *out, const struct metric_family *f,
                            const struct metric_series *s)
{
  const struct metric_kind *kind = &metric_kinds[f->kind];
  int64_t count = 0;
  for (size_t i = 0; i <= kind->n_bounds; i++) {
    count += read_value(&s->buckets[i]);
    write_name(out, f, s, "_bucket", (int)i);
    buf_appendf(out, "%" PRId64 "\n", count);
  }
  write_name(out, f, s, "_sum", -1);
  write_number(out, kind->seconds, read_value(&s->value));
  buf_append_char(out, '\n');
  write_name(out, f, s, "_count", -1);
  buf_appendf(out, "%" PRId64 "\n", count);
}

static void write_series(struct buf *out, const struct metric_family *f,
                         const struct metric_series *s)
{
  if (!atomic_load_explicit(&s->shown, memory_order_relaxed)) return;
  if (metric_kinds[f->kind].bounds) {
    write_histogram(out, f, s);
    return;
  }
  write_name(out, f, s, "", -1);
  write_number(out, metric_kinds[f->kind].seconds, read_value(&s->value));
  buf_append_char(out, '\n');
}

/* One without labels is there from the start, at 0; others when they first happen. */
static void write_family(struct buf *out, enum metric m, enum metrics_format format)
{
  const struct metric_family *f = &metric_families[m];
  write_head(out, f, format);
  if (!*f->labels) metric_series(m, NULL, NULL, NULL);
  for (const struct metric_series *s = atomic_load(&f->series); s; s = s->next)
    write_series(out, f, s);
}

void metrics_write(struct buf *out, enum metrics_format format)
{
  for (enum metric m = 0; m < METRICS_N; m++) write_family(out, m, format);
  if (format == METRICS_OPENMETRICS) buf_append_str(out, "# EOF\n");
}
