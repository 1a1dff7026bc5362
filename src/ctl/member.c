/* member.c - see member.h. */
#include "ctl/member.h"

#include <stdlib.h>
#include <string.h>

enum { ERROR_MAX = 160, ITEMS_MAX = 100000 };

bool member_parse(const char *text, size_t len, struct json_object *out)
{
  char error[ERROR_MAX];
  return text && json_object_parse(text, len, out, error, sizeof error) == ST_OK;
}

const struct ox_field *member(const struct json_object *o, const char *name)
{
  for (size_t i = 0; i < o->n_fields; i++)
    if (strcmp(o->fields[i].name, name) == 0) return &o->fields[i];
  return NULL;
}

bool member_object(const struct json_object *o, const char *name, struct json_object *out)
{
  const struct ox_field *f = member(o, name);
  return f && f->kind == OX_FIELD_JSON && member_parse(f->text, f->len, out);
}

bool member_items(const struct json_object *o, const char *name, struct json_items *out)
{
  const struct ox_field *f = member(o, name);
  *out = (struct json_items){0};
  return f && f->kind == OX_FIELD_JSON && f->text[0] == '[' &&
         json_items_split(f->text, f->len, ITEMS_MAX, out) == ST_OK;
}

const char *member_text(const struct json_object *o, const char *name)
{
  const struct ox_field *f = member(o, name);
  return f && f->kind != OX_FIELD_NULL ? f->text : NULL;
}

const char *member_or(const struct json_object *o, const char *name, const char *otherwise)
{
  const char *text = member_text(o, name);
  return text ? text : otherwise;
}

int64_t member_int(const struct json_object *o, const char *name, int64_t otherwise)
{
  const char *text = member_text(o, name);
  char *end;
  if (!text || !*text) return otherwise;
  long long value = strtoll(text, &end, 10);
  return *end == '\0' ? value : otherwise;
}

bool member_true(const struct json_object *o, const char *name)
{
  return strcmp(member_or(o, name, ""), "true") == 0;
}
