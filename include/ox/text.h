/*
 * ox/text.h - short texts into the fields of fixed size that these structs have. Pure; any thread.
 */
#ifndef OX_TEXT_H
#define OX_TEXT_H

#include <stdbool.h>
#include <string.h>

/* ox_text_copy() copies up to size - 1 bytes of from, and a NUL. False: there was more. size is not
 * 0. */
static inline bool ox_text_copy(char *to, size_t size, const char *from)
{
  size_t len = strnlen(from, size - 1);
  memcpy(to, from, len);
  to[len] = '\0';
  return from[len] == '\0';
}

#endif
