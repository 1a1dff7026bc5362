/* load_report.h - what came of a load, for people and as JSON. Pure; any thread. */
#ifndef CTL_LOAD_REPORT_H
#define CTL_LOAD_REPORT_H

#include "ctl/load_book.h"
#include "ctl/load_plan.h"

struct load_limits { /* -1: none */
  int64_t p99_ms, end_p99_ms, failed;
};

struct load_run {
  const struct load_plan *plan;
  const struct load_book *book;
  struct load_limits limits;
  const char *listener; /* ws, sse or none */
  int64_t began_ms;     /* Unix time */
  int64_t posting_ms, whole_ms;
  bool complete; /* false: it was interrupted */
};

/* load_passed() is whether it kept its limits, and every order was right as far as was listened. */
bool load_passed(const struct load_run *run);

void load_report_text(const struct load_run *run, FILE *out);
void load_report_json(const struct load_run *run, struct buf *out); /* one line */

#endif
