/*
 * csv.h - records of a CSV (RFC 4180): commas, quotes doubled inside quotes, CR LF or LF. Pure; not
 * shared between threads.
 */
#ifndef CTL_CSV_H
#define CTL_CSV_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

enum { CSV_FIELDS_MAX = 64 };

struct csv {
  const char *at, *end;
  int64_t line, next_line; /* the first of the record that was read; where the next one begins */
  struct buf text;         /* the fields of it, each with a NUL */
  const char *fields[CSV_FIELDS_MAX];
  size_t n_fields;
  const char *error;
};

void csv_init(struct csv *c, const char *text, size_t len); /* borrows text */
void csv_deinit(struct csv *c);

/* csv_next() reads a record; empty lines are none. ST_NOT_FOUND: there are no more. ST_INVALID:
 * error says why; the next call goes on behind it. */
enum status csv_next(struct csv *c) MUST_CHECK;

#endif
