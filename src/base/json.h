/*
 * json.h - JSON out (a writer on a buf) and in (the top-level members of an object with the text
 * of their numbers kept). Parsing is jansson's: strict UTF-8, no duplicates, no trailing bytes, no
 * U+0000, nesting up to 16.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <ox/order.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

/* The writer puts the commas; whoever calls it closes what was opened. key NULL inside arrays and
 * for the root. */
struct json_writer {
  struct buf *out;
  bool comma;
};

void json_writer_init(struct json_writer *w, struct buf *out);
void json_begin(struct json_writer *w, const char *key);       /* { */
void json_end(struct json_writer *w);                          /* } */
void json_begin_array(struct json_writer *w, const char *key); /* [ */
void json_end_array(struct json_writer *w);
void json_str(struct json_writer *w, const char *key, const char *text); /* NULL: null */
void json_strn(struct json_writer *w, const char *key, const char *text, size_t len);
void json_int(struct json_writer *w, const char *key, int64_t value);
void json_uint_str(struct json_writer *w, const char *key, uint64_t value); /* "123" */
void json_fixed(struct json_writer *w, const char *key, double value);      /* three decimals */
void json_bool(struct json_writer *w, const char *key, bool value);
void json_nil(struct json_writer *w, const char *key); /* null; json_null() is jansson's */
void json_time(struct json_writer *w, const char *key, int64_t unix_ms); /* RFC 3339; 0: null */
void json_raw(struct json_writer *w, const char *key, const char *json, size_t len);
/* json_raw_ends_itself() is true when text, written raw where a value may stand, is one value, or
 * what is written is not valid JSON: nothing of it can become a member or an element beside. */
bool json_raw_ends_itself(const char *text, size_t len);
/* json_members() adds the members of object (text of a valid JSON object; another kind of JSON adds
 * nothing) to the one being written. */
void json_members(struct json_writer *w, const char *object, size_t len);

/* The top-level members of a JSON object, in the order they came. */
struct json_object {
  struct ox_field *fields;
  size_t n_fields;
  void *tree; /* what the texts point into */
};

/* json_object_parse() reads text (len bytes). ST_INVALID: error (error_len bytes with the NUL)
 * says what and where. On success deinit it; the text is not borrowed. */
enum status json_object_parse(const char *text, size_t len, struct json_object *out, char *error,
                              size_t error_len) MUST_CHECK;
void json_object_deinit(struct json_object *o);

/* The elements of a JSON array, as text. */
struct json_items {
  struct json_slice {
    const char *text; /* points into what was split */
    size_t len;
  } * items;
  size_t n;
  const char *error;
};

/* json_items_split() finds the elements of an array, max at the most, without reading them: each is
 * to be parsed by itself. ST_INVALID: it is no array, or is malformed around them; error says what.
 * ST_FULL: there are more. On success deinit it. */
enum status json_items_split(const char *text, size_t len, size_t max,
                             struct json_items *out) MUST_CHECK;
void json_items_deinit(struct json_items *items);

/* json_field_write() writes one field as it came. */
void json_field_write(struct json_writer *w, const struct ox_field *field);

#endif
