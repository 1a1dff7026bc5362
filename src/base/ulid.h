/*
 * ulid.h - 128-bit identifiers that sort by time (48 bits of Unix milliseconds, 80 of randomness),
 * monotonic within a process. Stored as uuid, printed in Crockford's base 32 as ord_01J….
 * https://github.com/ulid/spec
 */
#ifndef BASE_ULID_H
#define BASE_ULID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ulid {
  uint8_t bytes[16]; /* big-endian: memcmp() orders by time */
};

enum { ULID_LEN = 26, ULID_ORDER_LEN = 4 + ULID_LEN };

/* ulid_make() never gives the same or a smaller one again in this process. Any thread. */
struct ulid ulid_make(void);
void ulid_format(const struct ulid *id, char out[ULID_LEN + 1]);
bool ulid_parse(const char *text, size_t len, struct ulid *out); /* either case; false: not one */
int ulid_compare(const struct ulid *a, const struct ulid *b);

/* The same with the prefix ord_, which is lower case. */
void ulid_format_order(const struct ulid *id, char out[ULID_ORDER_LEN + 1]);
bool ulid_parse_order(const char *text, size_t len, struct ulid *out);

#endif
