/*
 * table.h - rows of text in columns, for people. What a server sends may hold control characters:
 * they never reach the terminal. Not shared between threads.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ctl/terminal.h"

struct table_column {
  const char *title;
  bool right;                            /* for numbers */
  bool cut;                              /* may be cut when the terminal is too narrow */
  enum style (*style)(const char *text); /* NULL: none */
};

struct table;

enum { TABLE_COLUMNS_MAX = 12 };

struct table *table_create(const struct table_column *columns, size_t n); /* borrows columns */
void table_destroy(struct table *t);
void table_add(struct table *t, const char *const *cells); /* one for each column; NULL: "" */
size_t table_rows(const struct table *t);
/* table_print() writes titles and rows; at most width columns wide, as far as cutting helps; 0: as
 * wide as it gets. */
void table_print(const struct table *t, int width, FILE *out);

/* table_put() writes text with a ? for each control character. */
void table_put(const char *text, FILE *out);
size_t table_width(const char *text); /* characters of UTF-8 */

/* table_pair() writes a line "name  value" of a list of such; NULL writes none. */
void table_pair(const char *name, const char *value, FILE *out);

#endif
