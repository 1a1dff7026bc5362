/*
 * histogram.h - how long things took: counts in log-linear buckets, as HdrHistogram has them. What
 * is read back is at most 1/128 more than what was recorded. Not shared between threads.
 */
#ifndef CTL_HISTOGRAM_H
#define CTL_HISTOGRAM_H

#include <stdint.h>

struct histogram;

struct histogram *histogram_create(void);
void histogram_destroy(struct histogram *h);

/* histogram_record() takes any value; below 0 is 0, and what is over 2^40 counts as that. */
void histogram_record(struct histogram *h, int64_t value);

int64_t histogram_count(const struct histogram *h);
int64_t histogram_max(const struct histogram *h); /* exact; 0 when nothing was recorded */
double histogram_mean(const struct histogram *h);

/* histogram_at() is a value that share (0 to 1) of those recorded do not exceed. */
int64_t histogram_at(const struct histogram *h, double share);

#endif
