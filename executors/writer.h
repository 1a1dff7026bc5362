/*
 * writer.h - JSON into a buffer of fixed size: what executors put into events. It places the commas
 * and escapes; whoever calls it closes what was opened. Past the end of the buffer nothing more is
 * written and writer_text() gives NULL. Pure; a writer belongs to one thread.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
  char *data;
  size_t len, cap;
  bool comma;
  bool overflow;
};

void writer_init(struct writer *w, char *data, size_t cap);

/* key is NULL inside arrays and for the root. */
void writer_begin(struct writer *w, const char *key); /* { */
void writer_end(struct writer *w);
void writer_begin_array(struct writer *w, const char *key); /* [ */
void writer_end_array(struct writer *w);
void writer_str(struct writer *w, const char *key, const char *text); /* NULL: null */
void writer_int(struct writer *w, const char *key, int64_t value);
void writer_bool(struct writer *w, const char *key, bool value);
void writer_number(struct writer *w, const char *key, const char *text); /* 0.1, as it stands */
void writer_units(struct writer *w, const char *key, uint64_t units);    /* "123": base units */
/* writer_time(): "2026-01-31T10:30:00.123Z", from March of the year 0 to the end of 9999: what is
 * before or after that is written as the first or the last moment of it. */
void writer_time(struct writer *w, const char *key, int64_t unix_ms);

/* writer_text() is what was written, with a NUL; NULL when it did not fit. */
const char *writer_text(struct writer *w);

#endif
