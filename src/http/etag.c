/* etag.c - see etag.h. */
#include "http/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void etag_of(const struct order *o, char out[ETAG_MAX])
{
  snprintf(out, ETAG_MAX, "W/\"%" PRId32 "-%" PRIx32 "\"", o->ver, (uint32_t)o->version);
}

/* The tag without its W/, and what follows it; NULL: no tag. */
static const char *opaque(const char *at, size_t *len)
{
  if (strncmp(at, "W/", 2) == 0) at += 2;
  if (*at != '"') return NULL;
  const char *end = strchr(at + 1, '"');
  if (!end) return NULL;
  *len = (size_t)(end + 1 - at);
  return at;
}

bool etag_matches(const char *if_none_match, const char *etag)
{
  size_t wanted_len, len;
  const char *wanted = opaque(etag, &wanted_len);
  const char *at = if_none_match + strspn(if_none_match, " \t,");
  if (strcmp(at, "*") == 0) return true;
  while (*at) {
    const char *tag = opaque(at, &len);
    if (!tag) return false;
    if (len == wanted_len && memcmp(tag, wanted, len) == 0) return true;
    at = tag + len;
    at += strspn(at, " \t,");
  }
  return false;
}
