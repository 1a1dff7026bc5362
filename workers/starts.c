/*
 * starts.c - see starts.h. A ring of as many times as the limit has starts: one more may begin when
 * the oldest of them is more than a window ago.
 */
#include "workers/starts.h"

#include <assert.h>

#include "base/alloc.h"

struct starts {
  int64_t window_ms;
  size_t limit, oldest;
  int64_t free_ms[]; /* when each has left the window; 0: never used */
};

struct starts *starts_create(size_t limit, int64_t window_ms)
{
  assert(limit > 0 && window_ms > 0);
  struct starts *s = mem_alloc(sizeof *s + limit * sizeof *s->free_ms);
  s->window_ms = window_ms;
  s->limit = limit;
  return s;
}

void starts_destroy(struct starts *s)
{
  free(s);
}

/* Rounded down, now_ms may be almost a millisecond ago. */
void starts_note(struct starts *s, int64_t now_ms)
{
  s->free_ms[s->oldest] = now_ms + s->window_ms + 1;
  s->oldest = (s->oldest + 1) % s->limit;
}

size_t starts_allowed(const struct starts *s, int64_t now_ms, size_t wanted)
{
  size_t n = 0, most = wanted < s->limit ? wanted : s->limit;
  while (n < most && s->free_ms[(s->oldest + n) % s->limit] <= now_ms) n++;
  return n;
}

int64_t starts_wait_ms(const struct starts *s, int64_t now_ms)
{
  int64_t free_ms = s->free_ms[s->oldest];
  return free_ms > now_ms ? free_ms - now_ms : 0;
}
