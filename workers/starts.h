/*
 * starts.h - the newest starts of this process by its own monotonic clock: whatever Redis' clock
 * does, no process starts more than the limit in any window. The limit of all processes is the
 * queue's. Loop thread only.
 */
#ifndef WORKERS_STARTS_H
#define WORKERS_STARTS_H

#include <stddef.h>
#include <stdint.h>

struct starts;

struct starts *starts_create(size_t limit, int64_t window_ms);
void starts_destroy(struct starts *s);

/* starts_note() takes times in their order. */
void starts_note(struct starts *s, int64_t now_ms);
/* starts_allowed() is how many of wanted may start now. */
size_t starts_allowed(const struct starts *s, int64_t now_ms, size_t wanted);
/* starts_wait_ms() is when the next one may; 0: now. */
int64_t starts_wait_ms(const struct starts *s, int64_t now_ms);

#endif
