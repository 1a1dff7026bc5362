/* csv.c - see csv.h. */
#include "ctl/csv.h"

#include <string.h>

enum { RECORD_MAX = 1 << 20 };

void csv_init(struct csv *c, const char *text, size_t len)
{
  static const char mark[] = "\xef\xbb\xbf"; /* that some programs put first */
  *c = (struct csv){.at = text, .end = text + len, .next_line = 1};
  if (len >= 3 && memcmp(text, mark, 3) == 0) c->at += 3;
  buf_init(&c->text, RECORD_MAX);
}

void csv_deinit(struct csv *c)
{
  buf_deinit(&c->text);
}

static void skip_line(struct csv *c)
{
  const char *end = memchr(c->at, '\n', (size_t)(c->end - c->at));
  c->at = end ? end + 1 : c->end;
  c->next_line++;
}

static enum status fail(struct csv *c, const char *error)
{
  c->error = error;
  skip_line(c);
  return ST_INVALID;
}

/* at is behind the opening quote; false: there is no closing one. */
static bool read_quoted(struct csv *c)
{
  for (;; c->at++) {
    const char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
    if (!quote) return false;
    for (const char *p = c->at; p < quote; p++) c->next_line += *p == '\n';
    buf_append(&c->text, c->at, (size_t)(quote - c->at));
    c->at = quote + 1;
    if (c->at == c->end || *c->at != '"') return true;
    buf_append_char(&c->text, '"');
  }
}

static void read_plain(struct csv *c)
{
  const char *from = c->at;
  while (c->at < c->end && *c->at != ',' && *c->at != '\n' && *c->at != '\r') c->at++;
  buf_append(&c->text, from, (size_t)(c->at - from));
}

static bool at_line_end(const struct csv *c)
{
  return c->at == c->end || *c->at == '\n' ||
         (*c->at == '\r' && (c->at + 1 == c->end || c->at[1] == '\n'));
}

/* Fields are kept as places until the text has stopped moving. */
static enum status read_record(struct csv *c, size_t places[CSV_FIELDS_MAX])
{
  for (;;) {
    if (c->n_fields == CSV_FIELDS_MAX) return fail(c, "more than 64 fields");
    places[c->n_fields++] = c->text.len;
    if (c->at < c->end && *c->at == '"') {
      c->at++;
      if (!read_quoted(c)) {
        c->at = c->end;
        c->error = "a quote is not closed";
        return ST_INVALID;
      }
    } else {
      read_plain(c);
    }
    buf_append_char(&c->text, '\0');
    if (c->text.overflow) return fail(c, "longer than 1 MiB");
    if (at_line_end(c)) break;
    if (*c->at != ',')
      return fail(c, "something stands behind a closing quote, or a CR in a field without quotes");
    c->at++;
  }
  skip_line(c);
  return ST_OK;
}

enum status csv_next(struct csv *c)
{
  size_t places[CSV_FIELDS_MAX];
  while (c->at < c->end && at_line_end(c)) skip_line(c);
  if (c->at == c->end) return ST_NOT_FOUND;
  c->line = c->next_line;
  c->n_fields = 0;
  c->error = NULL;
  buf_clear(&c->text);
  enum status status = read_record(c, places);
  if (status != ST_OK) return status;
  for (size_t i = 0; i < c->n_fields; i++) c->fields[i] = c->text.data + places[i];
  return ST_OK;
}
