/* breaker.c - see breaker.h. Pure; whoever shares one locks it. */
#include "workers/breaker.h"

#include <assert.h>

void breaker_init(struct breaker *b, const struct breaker_options *options)
{
  assert(options->failures >= 1 && options->failures <= BREAKER_FAILURES_MAX);
  *b = (struct breaker){.options = options};
}

static void enter(struct breaker *b, enum breaker_state state, int64_t now_ms)
{
  b->state = state;
  b->since_ms = now_ms;
}

bool breaker_allows(struct breaker *b, enum breaker_call call, int64_t now_ms)
{
  if (b->state == BREAKER_CLOSED) return true;
  if (call != BREAKER_QUOTE || breaker_probe_ms(b, now_ms) > 0) return false;
  enter(b, BREAKER_HALF_OPEN, now_ms);
  return true;
}

/* Whether this failure is the last of as many as it takes, in a row and within the window. */
static bool run_is_full(struct breaker *b, enum breaker_call call, int64_t now_ms)
{
  size_t most = b->options->failures;
  b->runs[call].when[b->runs[call].n++ % most] = now_ms;
  size_t n = b->runs[call].n;
  return n >= most && now_ms - b->runs[call].when[n % most] <= b->options->window_ms;
}

void breaker_report(struct breaker *b, enum breaker_call call, bool failed, int64_t now_ms)
{
  bool probe = b->state == BREAKER_HALF_OPEN && call == BREAKER_QUOTE;
  if (!failed) {
    b->runs[call].n = 0;
    if (probe) enter(b, BREAKER_CLOSED, now_ms);
    return;
  }
  bool full = run_is_full(b, call, now_ms);
  if (probe || (b->state == BREAKER_CLOSED && full)) enter(b, BREAKER_OPEN, now_ms);
}

void breaker_reset(struct breaker *b)
{
  breaker_init(b, b->options);
}

size_t breaker_failures(const struct breaker *b)
{
  size_t quotes = b->runs[BREAKER_QUOTE].n, submits = b->runs[BREAKER_SUBMIT].n;
  return quotes > submits ? quotes : submits;
}

int64_t breaker_probe_ms(const struct breaker *b, int64_t now_ms)
{
  if (b->state == BREAKER_CLOSED) return 0;
  int64_t due_ms = b->since_ms + b->options->open_ms;
  return due_ms > now_ms ? due_ms - now_ms : 0;
}

const char *breaker_state_name(enum breaker_state state)
{
  static const char *const names[] = {"closed", "open", "half-open"};
  return names[state];
}
