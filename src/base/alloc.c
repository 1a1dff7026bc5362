/*
 * alloc.c - the allocator that does not fail: it logs one line and aborts instead. Any thread; the
 * caller owns what it gets. The log needs no memory, so it works here.
 */
#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

#include "base/log.h"

static _Noreturn void out_of_memory(size_t size)
{
  LOG_ERROR("out of memory", LOG_INT("bytes", size > INT64_MAX ? INT64_MAX : (int64_t)size));
  abort();
}

/* Up to this size glibc keeps what a thread frees for its next malloc(); calloc() passes it by. */
enum { KEPT_MAX = 1032 };

void *mem_alloc(size_t size)
{
  if (size > KEPT_MAX) {
    void *p = calloc(1, size);
    if (!p) out_of_memory(size);
    return p;
  }
  void *p = malloc(size ? size : 1);
  if (!p) out_of_memory(size);
  return memset(p, 0, size);
}

void *mem_resize(void *old, size_t size)
{
  void *p = realloc(old, size ? size : 1);
  if (!p) out_of_memory(size);
  return p;
}

char *mem_strdup(const char *text)
{
  return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t len)
{
  len = strnlen(text, len);
  char *copy = malloc(len + 1);
  if (!copy) out_of_memory(len);
  memcpy(copy, text, len);
  copy[len] = '\0';
  return copy;
}
