/*
 * dotenv.c - the file .env. It is read whole, then line by line; a value does not go on in the next
 * line.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "config/file.h"
#include "config/pairs.h"

static const char *skip_blank(const char *p)
{
  return p + strspn(p, " \t\r");
}

static bool name_char(char c, bool first)
{
  if (c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return !first && c >= '0' && c <= '9';
}

static bool ends_here(const char *p)
{
  const char *rest = skip_blank(p);
  return *rest == '\0' || (*rest == '#' && rest > p);
}

/* p is behind the opening quote. NULL: it is not closed, or something follows. */
static char *read_quoted(const char *p, char quote)
{
  char *value = mem_alloc(strlen(p) + 1), *out = value;
  for (; *p && *p != quote; p++) {
    bool escaped = quote == '"' && *p == '\\' && p[1] && strchr("n\"\\$", p[1]);
    if (escaped) p++;
    *out++ = (char)(escaped && *p == 'n' ? '\n' : *p);
  }
  if (*p == quote && ends_here(p + 1)) return value;
  free(value);
  return NULL;
}

/* Up to a comment, without the blanks at its end. */
static char *read_plain(const char *p)
{
  size_t len = 0;
  for (size_t i = 0; p[i] && !(p[i] == '#' && (i == 0 || strchr(" \t", p[i - 1]))); i++)
    if (!strchr(" \t\r", p[i])) len = i + 1;
  return mem_strndup(p, len);
}

/* NULL when the line is fine; else what is wrong with it. */
static const char *read_line(const char *line, struct pairs *out)
{
  const char *p = skip_blank(line);
  if (*p == '\0' || *p == '#') return NULL;
  if (strncmp(p, "export", 6) == 0 && strchr(" \t", p[6]) && p[6]) p = skip_blank(p + 6);
  const char *name = p;
  while (name_char(*p, p == name)) p++;
  size_t name_len = (size_t)(p - name);
  p = skip_blank(p);
  if (name_len == 0 || *p != '=') return "KEY=value was expected";
  p = skip_blank(p + 1);
  char *value = *p == '"' || *p == '\'' ? read_quoted(p + 1, *p) : read_plain(p);
  if (!value) return "the quotes do not end where the value does";
  pairs_add(out, mem_strndup(name, name_len), value);
  return NULL;
}

enum status dotenv_read(const char *path, struct pairs *out, struct buf *errors)
{
  const char *wrong = NULL;
  char *text = file_read(path, &wrong);
  if (!text && errno == ENOENT) return ST_OK;
  if (!text) {
    buf_appendf(errors, "%s: %s\n", path, wrong);
    return ST_INVALID;
  }
  enum status status = ST_OK;
  int number = 1;
  for (char *line = text, *end; line; line = end, number++) {
    end = strchr(line, '\n');
    if (end) *end++ = '\0';
    wrong = read_line(line, out);
    if (!wrong) continue;
    buf_appendf(errors, "%s, line %d: %s\n", path, number, wrong);
    status = ST_INVALID;
  }
  free(text);
  return status;
}
