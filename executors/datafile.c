/*
 * datafile.c - the JSON files beside the plugins, read once while a plugin opens.
 */
#include "datafile.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool all_objects(const json_t *array)
{
  for (size_t i = 0; i < json_array_size(array); i++)
    if (!json_is_object(json_array_get(array, i))) return false;
  return true;
}

json_t *datafile_load(const char *dir, const char *name, const char *member, size_t max,
                      char *error, size_t error_len)
{
  char path[PATH_MAX];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path) {
    snprintf(error, error_len, "the path of %s is too long", name);
    return NULL;
  }
  json_error_t parse;
  json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &parse);
  if (!file) {
    snprintf(error, error_len, "%s: %s (line %d)", path, parse.text, parse.line);
    return NULL;
  }
  json_t *array = json_object_get(file, member);
  size_t n = json_array_size(array);
  if (n == 0 || n > max || !all_objects(array)) {
    snprintf(error, error_len, "%s: \"%s\" is not an array of 1 to %zu objects", path, member, max);
    array = NULL;
  }
  json_incref(array);
  json_decref(file);
  return array;
}

static void remember(struct ox_errors *errors, const char *pointer, const char *code,
                     const char *detail)
{
  struct datafile_error *error = (struct datafile_error *)errors; /* its first member */
  (void)code;
  if (error->text[0]) return;
  snprintf(error->text, sizeof error->text, "%s %s", *pointer ? pointer + 1 : "it:", detail);
}

struct ox_errors *datafile_error_init(struct datafile_error *error)
{
  *error = (struct datafile_error){.base = {.size = sizeof error->base, .add = remember}};
  return &error->base;
}
