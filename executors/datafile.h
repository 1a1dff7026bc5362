/*
 * datafile.h - the JSON files beside the plugins: a file is an object with one array of objects.
 * Used while a plugin opens.
 */
#ifndef DATAFILE_H
#define DATAFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* datafile_load() reads dir/name and gives the array called member, with at least one and at most
 * max items, each an object; json_decref() it. NULL: error got one sentence. */
json_t *datafile_load(const char *dir, const char *name, const char *member, size_t max,
                      char *error, size_t error_len);

/* Members of an item; false when it is missing, of another type or outside the bounds. */
bool datafile_text(const json_t *item, const char *key, char *out, size_t out_len);
bool datafile_int(const json_t *item, const char *key, int64_t min, int64_t max, int64_t *out);

#endif
