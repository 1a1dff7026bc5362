/*
 * option.h - what a command may be told on the command line. One table says it: arguments are read,
 * help is written and shells complete by it. The texts read are borrowed from argv.
 */
#ifndef CTL_OPTION_H
#define CTL_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

enum option_kind {
  OPTION_SWITCH,
  OPTION_TEXT,
  OPTION_WORD,     /* one of those in value: "asc|desc" */
  OPTION_INT,      /* value is N, or the range: "1-200" */
  OPTION_DECIMAL,  /* 0.01: digits, and perhaps a point with more of them */
  OPTION_DURATION, /* 500ms 30s 5m 2h; a bare number is seconds */
  OPTION_RATE,     /* 100/min 50/s 2/h */
  OPTION_FILE,
};

struct option {
  const char *name; /* without the dashes; NULL ends a table */
  enum option_kind kind;
  const char *value; /* what stands for it in the help; NULL for a switch */
  const char *help;
};

enum { OPTIONS_MAX = 40, OPERANDS_MAX = 4 };

struct arguments {
  const struct option *tables[2]; /* the command's own, and those of every command */
  const char *values[OPTIONS_MAX];
  const char *operands[OPERANDS_MAX];
  size_t n_operands;
};

/* arguments_read() reads argv. ST_INVALID: error says what is wrong. A value that was asked for
 * here is one of its kind. */
enum status arguments_read(struct arguments *a, int argc, char *const *argv, char *error,
                           size_t error_len) MUST_CHECK;

/* The name must be in one of the tables. */
const char *arguments_text(const struct arguments *a, const char *name); /* NULL: not given */
bool arguments_on(const struct arguments *a, const char *name);
int64_t arguments_int(const struct arguments *a, const char *name, int64_t otherwise);
int64_t arguments_ms(const struct arguments *a, const char *name, int64_t otherwise);

/* Each returns false when text is none. */
bool option_int(const char *text, int64_t *out);
bool option_decimal(const char *text);
bool option_duration(const char *text, int64_t *ms);
bool option_rate(const char *text, double *per_s); /* more than 0 */

/* option_help() writes a line or more for each option of a table. */
void option_help(const struct option *table, FILE *out);

#endif
