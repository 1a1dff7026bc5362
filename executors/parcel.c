/* parcel.c - see parcel.h. */
#include "parcel.h"

#include <jansson.h>
#include <stdio.h>

#include "fields.h"

enum { ID_MAX = 64, ITEMS_MAX = 1000, ADDRESS_MAX = 1000 };

static bool is_whole_number(const char *text, size_t len)
{
  return len <= 18 && strspn(text, "0123456789") == len;
}

/* Others' ids are texts or whole numbers. */
static void check_user(const struct fields *f)
{
  const struct ox_field *user = fields_need(f, "user_id");
  if (!user) return;
  if (user->kind == OX_FIELD_NUMBER && is_whole_number(user->text, user->len)) return;
  if (user->kind != OX_FIELD_STRING)
    fields_complain(f, "user_id", "WRONG_TYPE", "must be a string or a whole number");
  else if (user->len == 0 || user->len > ID_MAX)
    fields_complain(f, "user_id", "OUT_OF_RANGE", "must be a string of 1 to 64 bytes");
}

static bool is_item(const json_t *item)
{
  size_t len = json_string_length(item);
  return json_is_string(item) ? len > 0 && len <= ID_MAX
                              : json_is_integer(item) && json_integer_value(item) >= 0;
}

static void check_each(const struct fields *f, const json_t *items)
{
  for (size_t i = 0; i < json_array_size(items); i++) {
    char pointer[32];
    if (is_item(json_array_get(items, i))) continue;
    snprintf(pointer, sizeof pointer, "/item_ids/%zu", i);
    f->errors->add(f->errors, pointer, "INVALID_ITEM_ID",
                   "must be a string of 1 to 64 bytes, or a whole number");
  }
}

static void check_items(const struct fields *f)
{
  const struct ox_field *field = fields_need(f, "item_ids");
  if (!field) return;
  json_t *items = field->kind == OX_FIELD_JSON ? json_loads(field->text, 0, NULL) : NULL;
  size_t n = json_array_size(items);
  if (!json_is_array(items))
    fields_complain(f, "item_ids", "WRONG_TYPE", "must be an array of item ids");
  else if (n == 0 || n > ITEMS_MAX)
    fields_complain(f, "item_ids", "OUT_OF_RANGE", "must have 1 to 1000 items");
  else
    check_each(f, items);
  json_decref(items);
}

static void check_address(const struct fields *f)
{
  const struct ox_field *a = ox_order_field(f->order, "address");
  if (!a || (a->kind == OX_FIELD_JSON && a->text[0] == '{')) return;
  if (a->kind != OX_FIELD_STRING)
    fields_complain(f, "address", "WRONG_TYPE", "must be a string or an object");
  else if (a->len == 0 || a->len > ADDRESS_MAX)
    fields_complain(f, "address", "OUT_OF_RANGE", "must be a string of 1 to 1000 bytes");
}

void parcel_validate(const struct ox_order *order, struct ox_errors *errors)
{
  static const char *const known[] = {"user_id", "item_ids", "total_amount", "address", NULL};
  const struct fields f = {order, errors};
  check_user(&f);
  check_items(&f);
  fields_amount(&f, "total_amount");
  check_address(&f);
  fields_only(&f, known);
}
