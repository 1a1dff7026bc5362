/* negotiate.c - see negotiate.h. The range that says most about a type decides on it. */
#include "http/negotiate.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { Q_ONE = 1000 };

/* What a header says of one type: how exactly, and how much it is liked. */
struct liking {
  int exact; /* 0: not at all, 1: all types, 2: all of this main type, 3: this type */
  int q;     /* in thousandths */
};

static size_t trim(const char **text, size_t len)
{
  while (len > 0 && strchr(" \t", **text)) (*text)++, len--;
  while (len > 0 && strchr(" \t", (*text)[len - 1])) len--;
  return len;
}

/* "0.5", of up to three digits behind the point, in thousandths; -1: it is no weight. */
static int read_q(const char *text, size_t len)
{
  if (len == 0 || len > 5 || (text[0] != '0' && text[0] != '1')) return -1;
  int q = (text[0] - '0') * Q_ONE, unit = Q_ONE;
  if (len > 1 && text[1] != '.') return -1;
  for (size_t i = 2; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return -1;
    unit /= 10;
    q += (text[i] - '0') * unit;
  }
  return q <= Q_ONE ? q : -1;
}

/* The weight among a range's parameters, ";" before each; -1: it cannot be read. */
static int weight(const char *text, size_t len)
{
  while (len > 0) {
    const char *part = text + 1;
    size_t next = 1;
    while (next < len && text[next] != ';') next++;
    size_t part_len = trim(&part, next - 1);
    if (part_len >= 2 && strncasecmp(part, "q=", 2) == 0) return read_q(part + 2, part_len - 2);
    text += next;
    len -= next;
  }
  return Q_ONE;
}

static int exactness(const char *range, size_t len, const char *type)
{
  size_t main_len = strcspn(type, "/") + 1; /* with the slash */
  if (len == 3 && strncmp(range, "*/*", 3) == 0) return 1;
  if (len == main_len + 1 && range[main_len] == '*' && strncasecmp(range, type, main_len) == 0)
    return 2;
  return len == strlen(type) && strncasecmp(range, type, len) == 0 ? 3 : 0;
}

/* Of two ranges that say as much the kinder counts: they differ in parameters. */
static void consider(const char *range, size_t len, const char *type, struct liking *best)
{
  size_t type_len = 0;
  while (type_len < len && range[type_len] != ';') type_len++;
  const char *name = range;
  size_t name_len = trim(&name, type_len);
  int exact = exactness(name, name_len, type);
  int q = exact > 0 ? weight(range + type_len, len - type_len) : -1;
  if (q < 0 || exact < best->exact || (exact == best->exact && q <= best->q)) return;
  *best = (struct liking){exact, q};
}

static void consider_all(const char *header, const char *type, struct liking *best)
{
  for (;;) {
    size_t len = strcspn(header, ",");
    const char *range = header;
    size_t range_len = trim(&range, len);
    consider(range, range_len, type, best);
    if (header[len] == '\0') return;
    header += len + 1;
  }
}

int negotiate(const struct http_request *request, const char *const *offers, size_t n)
{
  int best = -1, best_q = 0;
  bool asked = false;
  for (size_t i = 0; i < n; i++) {
    struct liking liking = {0, 0};
    for (size_t h = 0; h < request->n_headers; h++) {
      if (strcasecmp(request->headers[h].name, "Accept") != 0) continue;
      asked = true;
      consider_all(request->headers[h].value, offers[i], &liking);
    }
    if (liking.q > best_q) best = (int)i, best_q = liking.q;
  }
  return asked ? best : 0;
}
