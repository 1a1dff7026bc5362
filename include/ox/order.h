/*
 * order.h - an order as a plugin sees it: its envelope, its payload's fields, and how to say what
 * is wrong with them. Everything here is borrowed for the length of the call and read-only.
 * Structs carry their size and grow only at the end.
 */
#ifndef OX_ORDER_H
#define OX_ORDER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* OX_HAS() is whether a struct that carries its size reaches as far as member. */
#define OX_HAS(object, member)                                                                     \
  ((object)->size >=                                                                               \
   (size_t)((const char *)&(object)->member - (const char *)(object)) + sizeof((object)->member))

/* The phases every type of order shares; a type's own states are mapped onto them. */
enum ox_phase { OX_QUEUED, OX_ACTIVE, OX_SUCCEEDED, OX_FAILED, OX_CANCELLED };

enum ox_field_kind {
  OX_FIELD_STRING, /* text is the string, unescaped, valid UTF-8, without U+0000 */
  OX_FIELD_NUMBER, /* text is the number exactly as the client wrote it: never a double */
  OX_FIELD_BOOL,   /* text is true or false */
  OX_FIELD_NULL,   /* text is null */
  OX_FIELD_JSON,   /* text is an array or an object, valid JSON */
};

/* One top-level member of the payload. text is NUL-terminated; len does not count the NUL. */
struct ox_field {
  const char *name;
  const char *text;
  size_t len;
  enum ox_field_kind kind;
};

struct ox_order {
  uint32_t size;
  uint32_t attempt;            /* 1, 2, … */
  const char *order_id;        /* ord_… */
  const char *client_order_id; /* NULL when the client gave none */
  const char *type;
  const char *status;            /* the type's own word */
  const struct ox_field *fields; /* the payload, without the envelope's members */
  size_t n_fields;
  const void *state; /* what ox_host.keep saved in an earlier run; NULL when nothing */
  size_t state_len;
  int64_t created_at_ms; /* Unix time, milliseconds */
};

/* ox_order_field() returns the member called name, or NULL. */
static inline const struct ox_field *ox_order_field(const struct ox_order *order, const char *name)
{
  for (size_t i = 0; i < order->n_fields; i++)
    if (strcmp(order->fields[i].name, name) == 0) return &order->fields[i];
  return NULL;
}

/*
 * What validate() says of a payload. pointer is an RFC 6901 pointer ("/amount"), code a stable
 * upper-snake word (AMOUNT_NOT_POSITIVE), detail a sentence for a person. Each call adds one; the
 * client is shown all of them. The strings are copied. A field that is needed and not there is
 * REQUIRED, or a word that ends in it: such an order makes a whole batch invalid, not itself alone.
 */
struct ox_errors {
  uint32_t size;
  void (*add)(struct ox_errors *errors, const char *pointer, const char *code, const char *detail);
};

#endif
