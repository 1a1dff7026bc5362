/* query.c - see query.h. */
#include "ctl/query.h"

#include <string.h>

void query_encode(struct buf *out, const char *text)
{
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.';
    if (plain)
      buf_append_char(out, *text);
    else
      buf_appendf(out, "%%%02X", c);
  }
}

void query_add(struct buf *path, const char *name, const char *value)
{
  if (!value) return;
  buf_append_char(path, memchr(path->data, '?', path->len) ? '&' : '?');
  buf_append_str(path, name);
  buf_append_char(path, '=');
  query_encode(path, value);
}

void query_order(struct buf *path, const char *id, const char *suffix)
{
  buf_init(path, QUERY_MAX);
  buf_append_str(path, "/api/orders/");
  query_encode(path, id);
  buf_append_str(path, suffix);
}
