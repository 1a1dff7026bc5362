/* scope.c - see scope.h. */
#include "auth/scope.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *word;
  unsigned bit;
} names[] = {{"orders:read", SCOPE_READ}, {"orders:write", SCOPE_WRITE}, {"admin", SCOPE_ADMIN}};
enum { NAMES = sizeof names / sizeof *names };

static unsigned bit_of(const char *word, size_t len)
{
  for (size_t i = 0; i < NAMES; i++)
    if (strlen(names[i].word) == len && memcmp(names[i].word, word, len) == 0) return names[i].bit;
  return 0;
}

bool scopes_parse(const char *text, const char *separators, unsigned *out)
{
  unsigned scopes = 0;
  for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
    size_t len = strcspn(text, separators);
    unsigned bit = bit_of(text, len);
    if (!bit || scopes & bit) return false;
    scopes |= bit;
    text += len;
  }
  if (!scopes) return false;
  *out = scopes;
  return true;
}

void scopes_format(unsigned scopes, char *out)
{
  size_t len = 0;
  *out = '\0';
  for (size_t i = 0; i < NAMES; i++)
    if (scopes & names[i].bit)
      len +=
          (size_t)snprintf(out + len, SCOPES_TEXT_MAX - len, "%s%s", len ? " " : "", names[i].word);
}
