/*
 * member.h - the members of what the server answers, by name. Numbers stay text. Pure; any thread.
 */
#ifndef CTL_MEMBER_H
#define CTL_MEMBER_H

#include "base/json.h"

/* member_parse() reads an object; false: it is none. On success json_object_deinit() it. */
bool member_parse(const char *text, size_t len, struct json_object *out) MUST_CHECK;
bool member_object(const struct json_object *o, const char *name,
                   struct json_object *out) MUST_CHECK;
/* member_items() splits an array; false: it is not there. On success json_items_deinit() it. */
bool member_items(const struct json_object *o, const char *name, struct json_items *out) MUST_CHECK;

const struct ox_field *member(const struct json_object *o, const char *name); /* or NULL */
const char *member_text(const struct json_object *o, const char *name);       /* NULL: none, null */
const char *member_or(const struct json_object *o, const char *name, const char *otherwise);
int64_t member_int(const struct json_object *o, const char *name, int64_t otherwise);
bool member_true(const struct json_object *o, const char *name);

#endif
