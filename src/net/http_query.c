/*
 * http_query.c - the parameters of a query, and percent-decoding. Pure; any thread.
 */
#include "net/http_query.h"

#include <string.h>

#include "net/http.h"

static int escaped_byte(const char *text, size_t len)
{
  if (len < 3) return -1;
  int high = http_query_hex(text[1]), low = http_query_hex(text[2]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

long http_query_decode(const char *text, size_t len, bool plus, char *out, size_t out_len)
{
  size_t n = 0;
  for (size_t i = 0; i < len; i++, n++) {
    int c = plus && text[i] == '+' ? ' ' : text[i];
    if (c == '%') {
      c = escaped_byte(text + i, len - i);
      if (c <= 0) return -1;
      i += 2;
    }
    if (n + 1 >= out_len) return -1;
    out[n] = (char)c;
  }
  if (n >= out_len) return -1;
  out[n] = '\0';
  return (long)n;
}

/* Whether the len bytes of raw, decoded, are name. One that cannot be decoded is not. */
static bool is_named(const char *raw, size_t len, const char *name)
{
  char decoded[128];
  return http_query_decode(raw, len, true, decoded, sizeof decoded) >= 0 &&
         strcmp(decoded, name) == 0;
}

enum status http_query_value(const char *query, const char *name, char *out, size_t out_len)
{
  const char *found = NULL;
  size_t found_len = 0;
  for (const char *at = query; at && *at;) {
    size_t len = strcspn(at, "&");
    size_t name_len = strcspn(at, "=&");
    if (is_named(at, name_len, name)) {
      if (found) return ST_INVALID;
      found = name_len < len ? at + name_len + 1 : at + len;
      found_len = len - (size_t)(found - at);
    }
    at += len;
    if (*at == '&') at++;
  }
  if (!found) return ST_NOT_FOUND;
  return http_query_decode(found, found_len, true, out, out_len) >= 0 ? ST_OK : ST_INVALID;
}
