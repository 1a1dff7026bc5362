/*
 * batch_file.h - a file of orders, NDJSON or CSV, as the JSON of each, and in chunks of which each
 * is one request. The same file gives the same chunks, always. Pure but for reading it.
 */
#ifndef CTL_BATCH_FILE_H
#define CTL_BATCH_FILE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

enum { BATCH_CHUNK_MAX = 1000 };

struct batch_order {
  int64_t line; /* in the file, from 1 */
  char *json;   /* NULL: it is none, and error says why */
  const char *error;
  long chunk; /* -1: json is NULL */
};

struct batch_file {
  struct batch_order *orders;
  size_t n;
  long chunks;
  uint64_t hash; /* of the bytes of the file */
};

enum batch_format { BATCH_GUESS, BATCH_NDJSON, BATCH_CSV };

/* batch_file_read() reads path ("-": stdin). ST_INVALID: error says why not. On success
 * batch_file_deinit() it. */
enum status batch_file_read(struct batch_file *out, const char *path, enum batch_format format,
                            char *error, size_t error_len) MUST_CHECK;
/* The same of text. */
enum status batch_file_parse(struct batch_file *out, const char *text, size_t len,
                             enum batch_format format, char *error, size_t error_len) MUST_CHECK;
void batch_file_deinit(struct batch_file *f);

/* batch_file_chunk() splits what was read, size orders to a chunk; less when the body would be
 * larger than the server takes. */
void batch_file_chunk(struct batch_file *f, size_t size);

#endif
