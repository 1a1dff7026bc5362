/* cors.c - the allow-list of origins; see cors.h. */
#include "http/cors.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

static const char separators[] = ", \t";

void cors_init(struct cors *cors, const char *list)
{
  *cors = (struct cors){0};
  if (!list || !*list) return;
  cors->text = mem_strdup(list);
  char *at = cors->text + strspn(cors->text, separators);
  while (*at) {
    char *end = at + strcspn(at, separators);
    char *next = end + strspn(end, separators);
    *end = '\0';
    cors->origins = mem_resize(cors->origins, (cors->n + 1) * sizeof *cors->origins);
    cors->origins[cors->n++] = at;
    at = next;
  }
}

void cors_deinit(struct cors *cors)
{
  free(cors->origins);
  free(cors->text);
  *cors = (struct cors){0};
}

const char *cors_find(const struct cors *cors, const char *origin)
{
  for (size_t i = 0; origin && i < cors->n; i++)
    if (strcmp(cors->origins[i], origin) == 0) return cors->origins[i];
  return NULL;
}

bool cors_same_origin(const char *origin, const char *host)
{
  if (!host || !*host) return false;
  if (strncmp(origin, "http://", 7) == 0) return strcasecmp(origin + 7, host) == 0;
  if (strncmp(origin, "https://", 8) == 0) return strcasecmp(origin + 8, host) == 0;
  return false;
}
