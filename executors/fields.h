/*
 * fields.h - reading an order's fields one by one, and saying all that is wrong with them. Pure.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <ox/order.h>
#include <stdbool.h>

struct fields {
  const struct ox_order *order;
  struct ox_errors *errors;
};

void fields_complain(const struct fields *f, const char *name, const char *code,
                     const char *detail);

/* fields_only() complains of every field that is not among known, which is NULL-terminated. */
void fields_only(const struct fields *f, const char *const *known);

/* fields_need() gives a field that has to be there. */
const struct ox_field *fields_need(const struct fields *f, const char *name);

/* fields_amount() wants a positive decimal, as a number or a string, of at most 40 characters. */
void fields_amount(const struct fields *f, const char *name);

/* fields_time() takes a time as epoch milliseconds or RFC 3339, if the field is there. */
void fields_time(const struct fields *f, const char *name);

#endif
