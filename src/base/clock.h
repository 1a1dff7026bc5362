/*
 * clock.h - the times. Intervals are measured on the monotonic clock; what people read is Unix
 * time. Facts carry PostgreSQL's time, never this machine's. Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ns(void);
int64_t clock_mono_ms(void);
int64_t clock_unix_ms(void);

/* clock_set_unix_offset() moves clock_unix_ms() by ms: for tests of a wrong clock. */
void clock_set_unix_offset(int64_t ms);

enum { CLOCK_RFC3339_LEN = 24 }; /* 2026-01-31T10:30:00.123Z */

/* clock_rfc3339() writes unix_ms as RFC 3339 UTC with milliseconds, and a NUL. Years 0 to 9999. */
void clock_rfc3339(int64_t unix_ms, char out[CLOCK_RFC3339_LEN + 1]);

/* clock_rfc3339_parse() reads a time as RFC 3339 writes them, with Z or an offset, from 1970 on;
 * what is below a millisecond is cut off. */
bool clock_rfc3339_parse(const char *text, int64_t *unix_ms);

#endif
