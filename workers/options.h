/* options.h - what is configured about running orders. Const before any thread starts. */
#ifndef WORKERS_OPTIONS_H
#define WORKERS_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct workers_options {
  const char *database_url; /* of the session */
  size_t concurrency;       /* 1 to 1024 */
  int64_t rate_limit;       /* starts in a window, for all processes; 0: off */
  int64_t rate_window_ms;
  int64_t lease_ms;
  int64_t attempts;   /* executions, at the most */
  int64_t backoff_ms; /* doubled with each attempt */
  int64_t takeovers;  /* from dead workers, at the most */
  int64_t job_deadline_ms;
  int64_t park_recheck_ms; /* a parked order is looked at again by then */
  uint64_t seed;
};

#endif
