/*
 * form.h - reading a JSON object member by member, and saying all that is wrong with it. Pure.
 */
#ifndef FORM_H
#define FORM_H

#include <jansson.h>
#include <ox/order.h>
#include <stdbool.h>
#include <stdint.h>

enum { FORM_POINTER_MAX = 128 };

struct form {
  const json_t *object;
  struct ox_errors *errors;  /* NULL: nobody listens */
  char at[FORM_POINTER_MAX]; /* the pointer of object */
  bool wrong;
};

/* form_of() is a form for object, which is found at the pointer at ("" for a whole body). What is
 * no object has no members. */
struct form form_of(const json_t *object, struct ox_errors *errors, const char *at);

/* form_complain() says what is wrong with a member; NULL: with the whole. */
void form_complain(struct form *form, const char *member, const char *code, const char *detail);

/* form_has() is true of a member that is there and not null. */
bool form_has(const struct form *form, const char *member);

/* Members that have to be there: a string of 1 to max bytes, or NULL; a whole number of min to max,
 * or min. What they complain of is wrong, and the result means nothing. */
const char *form_text(struct form *form, const char *member, size_t max);
int64_t form_int(struct form *form, const char *member, int64_t min, int64_t max);

/* form_only() complains of every member that is not among known, which is NULL-terminated. */
void form_only(struct form *form, const char *const *known);

#endif
