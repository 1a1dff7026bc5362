/* form.c - see form.h. */
#include "form.h"

#include <stdio.h>
#include <string.h>

#include "pointer.h"

struct form form_of(const json_t *object, struct ox_errors *errors, const char *at)
{
  struct form form = {.object = object, .errors = errors};
  snprintf(form.at, sizeof form.at, "%s", at);
  return form;
}

void form_complain(struct form *form, const char *member, const char *code, const char *detail)
{
  char pointer[FORM_POINTER_MAX + 64];
  form->wrong = true;
  if (!form->errors) return;
  memcpy(pointer, form->at, sizeof form->at);
  if (member) pointer_add(pointer, sizeof pointer, member);
  form->errors->add(form->errors, pointer, code, detail);
}

bool form_has(const struct form *form, const char *member)
{
  const json_t *value = json_object_get(form->object, member);
  return value && !json_is_null(value);
}

const char *form_text(struct form *form, const char *member, size_t max)
{
  const json_t *value = json_object_get(form->object, member);
  const char *text = json_string_value(value);
  char detail[64];
  if (!value) {
    form_complain(form, member, "REQUIRED", "is missing");
  } else if (!text) {
    form_complain(form, member, "WRONG_TYPE", "must be a string");
  } else if (!*text || strlen(text) > max) {
    snprintf(detail, sizeof detail, "must be a string of 1 to %zu bytes", max);
    form_complain(form, member, "OUT_OF_RANGE", detail);
    text = NULL;
  }
  return text;
}

int64_t form_int(struct form *form, const char *member, int64_t min, int64_t max)
{
  const json_t *value = json_object_get(form->object, member);
  int64_t number = json_integer_value(value);
  if (json_is_integer(value) && number >= min && number <= max) return number;
  char detail[96];
  snprintf(detail, sizeof detail, "must be a whole number from %lld to %lld", (long long)min,
           (long long)max);
  if (!value)
    form_complain(form, member, "REQUIRED", "is missing");
  else
    form_complain(form, member, json_is_number(value) ? "OUT_OF_RANGE" : "WRONG_TYPE", detail);
  return min;
}

static bool among(const char *name, const char *const *known)
{
  while (*known && strcmp(*known, name) != 0) known++;
  return *known != NULL;
}

void form_only(struct form *form, const char *const *known)
{
  for (void *i = json_object_iter((json_t *)form->object); i;
       i = json_object_iter_next((json_t *)form->object, i))
    if (!among(json_object_iter_key(i), known))
      form_complain(form, json_object_iter_key(i), "UNKNOWN_FIELD", "is not a member of this");
}
