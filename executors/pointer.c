/* pointer.c - see pointer.h. */
#include "pointer.h"

#include <assert.h>
#include <string.h>

void pointer_add(char *pointer, size_t cap, const char *name)
{
  size_t n = strlen(pointer);
  assert(n + 4 < cap);
  pointer[n++] = '/';
  for (; *name && n + 3 < cap; name++) {
    if (*name == '~' || *name == '/') {
      pointer[n++] = '~';
      pointer[n++] = *name == '~' ? '0' : '1';
    } else {
      pointer[n++] = *name;
    }
  }
  if (*name && ((unsigned char)*name & 0xc0) == 0x80) {
    while (((unsigned char)pointer[n - 1] & 0xc0) == 0x80) n--;
    n--;
  }
  pointer[n] = '\0';
}
