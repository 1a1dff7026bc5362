/* histogram.c - see histogram.h. */
#include "ctl/histogram.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Values below 2 * LINEAR have a bucket each; from there on each doubling has LINEAR of them. */
enum { LINEAR_BITS = 7, LINEAR = 1 << LINEAR_BITS, VALUE_BITS = 40 };
enum { BUCKETS = (VALUE_BITS - LINEAR_BITS + 2) * LINEAR };

struct histogram {
  int64_t n, max;
  double sum;
  int64_t buckets[BUCKETS];
};

static int shift_of(uint64_t value)
{
  int bits = 64 - __builtin_clzll(value | 1);
  return bits > LINEAR_BITS + 1 ? bits - LINEAR_BITS - 1 : 0;
}

static int bucket_of(uint64_t value)
{
  int shift = shift_of(value);
  return shift * LINEAR + (int)(value >> shift);
}

/* The largest value of a bucket. */
static int64_t end_of(int bucket)
{
  int shift = bucket < 2 * LINEAR ? 0 : bucket / LINEAR - 1;
  return (int64_t)((((uint64_t)(bucket - shift * LINEAR) + 1) << shift) - 1);
}

struct histogram *histogram_create(void)
{
  return mem_alloc(sizeof(struct histogram));
}

void histogram_destroy(struct histogram *h)
{
  free(h);
}

void histogram_record(struct histogram *h, int64_t value)
{
  const int64_t most = INT64_C(1) << VALUE_BITS;
  if (value < 0) value = 0;
  if (value > most) value = most;
  h->buckets[bucket_of((uint64_t)value)]++;
  h->n++;
  h->sum += (double)value;
  if (value > h->max) h->max = value;
}

int64_t histogram_count(const struct histogram *h)
{
  return h->n;
}

int64_t histogram_max(const struct histogram *h)
{
  return h->max;
}

double histogram_mean(const struct histogram *h)
{
  return h->n ? h->sum / (double)h->n : 0;
}

int64_t histogram_at(const struct histogram *h, double share)
{
  int64_t wanted = (int64_t)ceil(share * (double)h->n), seen = 0;
  if (wanted < 1) wanted = 1;
  for (int i = 0; i < BUCKETS; i++) {
    seen += h->buckets[i];
    if (seen >= wanted) return end_of(i) < h->max ? end_of(i) : h->max;
  }
  return h->max;
}
