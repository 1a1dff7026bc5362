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

bool datafile_text(const json_t *item, const char *key, char *out, size_t out_len)
{
  const char *text = json_string_value(json_object_get(item, key));
  if (!text || !*text || strlen(text) >= out_len) return false;
  memcpy(out, text, strlen(text) + 1);
  return true;
}

bool datafile_int(const json_t *item, const char *key, int64_t min, int64_t max, int64_t *out)
{
  const json_t *value = json_object_get(item, key);
  if (!json_is_integer(value)) return false;
  *out = json_integer_value(value);
  return *out >= min && *out <= max;
}
