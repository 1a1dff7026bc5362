/*
 * datafile.h - the JSON files beside the plugins: a file is an object with one array of objects.
 * Used while a plugin opens.
 */
#ifndef DATAFILE_H
#define DATAFILE_H

#include <jansson.h>
#include <ox/order.h>
#include <stdbool.h>
#include <stddef.h>

/* datafile_load() reads dir/name and gives the array called member, with at least one and at most
 * max items, each an object; json_decref() it. NULL: error got one sentence. */
json_t *datafile_load(const char *dir, const char *name, const char *member, size_t max,
                      char *error, size_t error_len);

/* The first thing that is wrong with an item, for the sentence that says so. */
struct datafile_error {
  struct ox_errors base;
  char text[256];
};
struct ox_errors *datafile_error_init(struct datafile_error *error);

#endif
