/* fields.c - see fields.h. */
#include "fields.h"

#include "amount.h"
#include "pointer.h"
#include "rfc3339.h"

enum { POINTER_MAX = 128, AMOUNT_TEXT_MAX = 40 };

static const uint64_t year_10000_ms = 253402300800000;

void fields_complain(const struct fields *f, const char *name, const char *code, const char *detail)
{
  char pointer[POINTER_MAX] = "";
  pointer_add(pointer, sizeof pointer, name);
  f->errors->add(f->errors, pointer, code, detail);
}

static bool among(const char *name, const char *const *known)
{
  while (*known && strcmp(*known, name) != 0) known++;
  return *known != NULL;
}

void fields_only(const struct fields *f, const char *const *known)
{
  for (size_t i = 0; i < f->order->n_fields; i++)
    if (!among(f->order->fields[i].name, known))
      fields_complain(f, f->order->fields[i].name, "UNKNOWN_FIELD",
                      "is not a field of this type of order");
}

const struct ox_field *fields_need(const struct fields *f, const char *name)
{
  const struct ox_field *field = ox_order_field(f->order, name);
  if (!field) fields_complain(f, name, "REQUIRED", "is missing");
  return field;
}

/* Nobody knows how many decimals are too many here: read as a whole number, and no more of it said
 * than whether there is anything above zero. */
void fields_amount(const struct fields *f, const char *name)
{
  const struct ox_field *field = fields_need(f, name);
  uint64_t units = 1;
  if (!field) return;
  if (field->kind != OX_FIELD_NUMBER && field->kind != OX_FIELD_STRING) {
    fields_complain(f, name, "WRONG_TYPE", "must be a number or a decimal string");
    return;
  }
  enum amount_result result = amount_parse(field->text, field->len, 0, &units);
  if (result == AMOUNT_SYNTAX)
    fields_complain(f, name, "NOT_A_NUMBER", "must be a decimal number, as \"19.90\"");
  else if (result == AMOUNT_NEGATIVE || units == 0)
    fields_complain(f, name, "AMOUNT_NOT_POSITIVE", "must be greater than 0");
  else if (result == AMOUNT_TOO_LARGE || field->len > AMOUNT_TEXT_MAX)
    fields_complain(f, name, "AMOUNT_TOO_LARGE", "is over 2^63-1, or longer than 40 characters");
}

static bool is_epoch_ms(const struct ox_field *field)
{
  uint64_t ms;
  return field->kind == OX_FIELD_NUMBER &&
         amount_parse(field->text, field->len, 0, &ms) == AMOUNT_OK && ms < year_10000_ms;
}

static bool is_rfc3339(const struct ox_field *field)
{
  int64_t ms;
  return field->kind == OX_FIELD_STRING && rfc3339_parse(field->text, field->len, &ms);
}

void fields_time(const struct fields *f, const char *name)
{
  const struct ox_field *field = ox_order_field(f->order, name);
  if (!field || is_epoch_ms(field) || is_rfc3339(field)) return;
  fields_complain(f, name, "INVALID_TIME",
                  "must be a time: epoch milliseconds, or as \"2026-01-31T10:30:00Z\"");
}
