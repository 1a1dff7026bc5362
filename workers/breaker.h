/*
 * breaker.h - whether a venue is asked at all. Pure: time is an argument, monotonic milliseconds.
 *
 *               N failures in a row within a window
 *     closed ───────────────────────────────────────▶ open ◀──────────┐
 *       ▲                                              │ after open_ms │ the probe fails
 *       │            the probe succeeds                ▼               │
 *       └────────────────────────────────────────── half-open ─────────┘
 *
 * DESIGN. Only quotes probe: they can be asked in vain, a submit cannot. Quotes and submits are
 * counted apart, so that good quotes do not hide that nothing can be sent; what a probe proves is
 * that quotes are well, so a venue whose submits still fail is open again after the next failing
 * one. A probe that never comes back is forgotten after open_ms. Lookups ask no breaker: a
 * transaction that is open has to end.
 */
#ifndef WORKERS_BREAKER_H
#define WORKERS_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BREAKER_FAILURES_MAX = 100 };

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
enum breaker_call { BREAKER_QUOTE, BREAKER_SUBMIT, BREAKER_CALLS };

struct breaker_options {
  size_t failures; /* 1 to BREAKER_FAILURES_MAX */
  int64_t window_ms;
  int64_t open_ms;
};

struct breaker {
  const struct breaker_options *options;
  enum breaker_state state;
  int64_t since_ms; /* of open: when it opened; of half-open: when the probe left */
  struct {
    size_t n; /* failures in a row; when[] is a ring of the last ones */
    int64_t when[BREAKER_FAILURES_MAX];
  } runs[BREAKER_CALLS];
};

void breaker_init(struct breaker *b, const struct breaker_options *options);

/* breaker_allows() says whether to make the call; true makes a quote the probe where one is due. */
bool breaker_allows(struct breaker *b, enum breaker_call call, int64_t now_ms);

/* breaker_report() is told how each call went, also one that was allowed long ago. */
void breaker_report(struct breaker *b, enum breaker_call call, bool failed, int64_t now_ms);

/* breaker_reset() closes it, whatever was. */
void breaker_reset(struct breaker *b);

/* breaker_failures() is the longer of the runs of failures, as far as they are remembered. */
size_t breaker_failures(const struct breaker *b);

/* breaker_probe_ms() is how long until a quote may probe; 0: now, or there is no need. */
int64_t breaker_probe_ms(const struct breaker *b, int64_t now_ms);

const char *breaker_state_name(enum breaker_state state); /* "half-open" */

#endif
