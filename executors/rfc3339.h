/* rfc3339.h - times as text. Pure. */
#ifndef RFC3339_H
#define RFC3339_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* rfc3339_parse() reads a time as RFC 3339 writes them, "2026-01-31T10:30:00.123Z" or with an
 * offset as +01:00, of the years 1970 to 9999. What is below a millisecond is cut off; a leap
 * second is not a time. */
bool rfc3339_parse(const char *text, size_t len, int64_t *unix_ms);

#endif
