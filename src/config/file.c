/*
 * file.c - reading a small text file, whole. Blocks: only at the start, before the loop runs.
 */
#include "config/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { FILE_MAX = 64 * 1024 };

char *file_read(const char *path, const char **wrong)
{
  FILE *f = fopen(path, "re");
  if (!f) {
    *wrong = strerror(errno);
    return NULL;
  }
  char *text = mem_alloc(FILE_MAX + 2);
  errno = 0;
  size_t len = fread(text, 1, FILE_MAX + 1, f);
  int failed = ferror(f) ? errno : 0;
  fclose(f);
  if (!failed && len <= FILE_MAX && !memchr(text, '\0', len)) return text;

  *wrong = failed ? strerror(failed) : len > FILE_MAX ? "it is over 64 KiB" : "it is not text";
  free(text);
  errno = failed ? failed : EINVAL;
  return NULL;
}
