/* table.c - see table.h. */
#include "ctl/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { GAP = 2, LEAST_CUT = 6, PAIR_WIDTH = 24 };

struct table {
  const struct table_column *columns;
  size_t n_columns;
  char **cells; /* row by row */
  size_t n_cells, room;
};

/* ── text ───────────────────────────────────────────────────────────────────────────────────── */

static bool continues(char c)
{
  return ((unsigned char)c & 0xc0) == 0x80;
}

/* C0, DEL, and C1 (which is U+0080 to U+009F). */
static bool is_control(const char *p)
{
  unsigned char c = (unsigned char)*p;
  return c < 0x20 || c == 0x7f ||
         (c == 0xc2 && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] < 0xa0);
}

size_t table_width(const char *text)
{
  size_t n = 0;
  for (; *text; text++) n += !continues(*text);
  return n;
}

/* Writes at most width characters. */
static void put(const char *text, size_t width, FILE *out)
{
  for (size_t n = 0; *text; text++) {
    bool control = is_control(text);
    if (!continues(*text) && n++ == width) return;
    fputc(control ? '?' : *text, out);
    if (control && continues(text[1])) text++;
  }
}

void table_put(const char *text, FILE *out)
{
  put(text, strlen(text), out);
}

static void put_spaces(size_t n, FILE *out)
{
  fprintf(out, "%*s", (int)n, "");
}

void table_pair(const char *name, const char *value, FILE *out)
{
  if (!value) return;
  size_t width = table_width(name);
  terminal_style(STYLE_DIM, out);
  fputs(name, out);
  terminal_style(STYLE_NONE, out);
  put_spaces(width < PAIR_WIDTH ? PAIR_WIDTH - width : 1, out);
  table_put(value, out);
  fputc('\n', out);
}

/* ── the table ──────────────────────────────────────────────────────────────────────────────── */

struct table *table_create(const struct table_column *columns, size_t n)
{
  assert(n <= TABLE_COLUMNS_MAX);
  struct table *t = mem_alloc(sizeof *t);
  t->columns = columns;
  t->n_columns = n;
  return t;
}

void table_destroy(struct table *t)
{
  if (!t) return;
  for (size_t i = 0; i < t->n_cells; i++) free(t->cells[i]);
  free(t->cells);
  free(t);
}

void table_add(struct table *t, const char *const *cells)
{
  if (t->n_cells + t->n_columns > t->room) {
    t->room = 2 * t->room + 16 * t->n_columns;
    t->cells = mem_resize(t->cells, t->room * sizeof *t->cells);
  }
  for (size_t i = 0; i < t->n_columns; i++)
    t->cells[t->n_cells++] = mem_strdup(cells[i] ? cells[i] : "");
}

size_t table_rows(const struct table *t)
{
  return t->n_cells / t->n_columns;
}

static size_t measure(const struct table *t, size_t widths[TABLE_COLUMNS_MAX])
{
  size_t total = (t->n_columns - 1) * GAP;
  for (size_t c = 0; c < t->n_columns; c++) {
    widths[c] = table_width(t->columns[c].title);
    for (size_t i = c; i < t->n_cells; i += t->n_columns) {
      size_t width = table_width(t->cells[i]);
      if (width > widths[c]) widths[c] = width;
    }
    total += widths[c];
  }
  return total;
}

/* Takes from the widest that may be cut, one at a time, until it fits or nothing can be taken. */
static void fit(const struct table *t, size_t widths[TABLE_COLUMNS_MAX], size_t total, size_t width)
{
  for (; total > width; total--) {
    size_t widest = TABLE_COLUMNS_MAX;
    for (size_t c = 0; c < t->n_columns; c++)
      if (t->columns[c].cut && widths[c] > LEAST_CUT &&
          (widest == TABLE_COLUMNS_MAX || widths[c] > widths[widest]))
        widest = c;
    if (widest == TABLE_COLUMNS_MAX) return;
    widths[widest]--;
  }
}

static void put_cell(const struct table_column *column, const char *text, size_t width, bool last,
                     FILE *out)
{
  size_t len = table_width(text);
  size_t spaces = len < width ? width - len : 0;
  if (column->right) put_spaces(spaces, out);
  if (len > width) {
    put(text, width - 1, out);
    fputs("…", out);
  } else {
    put(text, width, out);
  }
  if (!column->right && !last) put_spaces(spaces, out);
}

void table_print(const struct table *t, int width, FILE *out)
{
  size_t widths[TABLE_COLUMNS_MAX];
  size_t total = measure(t, widths);
  if (width > 0) fit(t, widths, total, (size_t)width);
  terminal_style(STYLE_BOLD, out);
  for (size_t c = 0; c < t->n_columns; c++) {
    bool last = c + 1 == t->n_columns;
    put_cell(&t->columns[c], t->columns[c].title, widths[c], last, out);
    if (!last) put_spaces(GAP, out);
  }
  terminal_style(STYLE_NONE, out);
  fputc('\n', out);
  for (size_t i = 0; i < t->n_cells; i++) {
    const struct table_column *column = &t->columns[i % t->n_columns];
    bool last = (i + 1) % t->n_columns == 0;
    if (column->style) terminal_style(column->style(t->cells[i]), out);
    put_cell(column, t->cells[i], widths[i % t->n_columns], last, out);
    if (column->style) terminal_style(STYLE_NONE, out);
    if (last)
      fputc('\n', out);
    else
      put_spaces(GAP, out);
  }
}
