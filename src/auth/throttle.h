/*
 * throttle.h - how often somebody may do something: so many in a window, and they come back evenly
 * over it (the generic cell rate algorithm: one number for each key). The table is bounded: when it
 * is full, who was longest not seen is forgotten. Loop thread only, in memory, of this process.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THROTTLE_KEY_MAX = 96 };

struct throttle;

struct throttle_state {
  int64_t limit;
  int64_t remaining; /* how many more are let through at once */
  int64_t reset_ms;  /* until all of limit are */
  int64_t retry_ms;  /* until the next one is; 0: now */
};

struct throttle *throttle_create(size_t capacity, int64_t limit, int64_t window_ms);
void throttle_destroy(struct throttle *t);

/* throttle_take() counts one for key, of which the first THROTTLE_KEY_MAX bytes count. false: it is
 * one too many, and nothing was counted. out may be NULL. */
bool throttle_take(struct throttle *t, const char *key, int64_t now_ms, struct throttle_state *out);

/* throttle_look() says what a take would, and counts nothing. */
bool throttle_look(const struct throttle *t, const char *key, int64_t now_ms,
                   struct throttle_state *out);

#endif
