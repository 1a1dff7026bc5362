/* order_ref.c - see order_ref.h. Loop thread only. */
#include "http/order_ref.h"

#include <string.h>

bool order_ref_parse(const char *text, struct order_ref *out)
{
  size_t len = strlen(text);
  *out = (struct order_ref){0};
  if (ulid_parse_order(text, len, &out->id)) return true;
  if (!order_own_id_valid(text, len)) return false;
  out->own_id = text;
  return true;
}

enum status order_ref_read(const struct call *call, const struct order_ref *ref,
                           reader_order_fn done, void *arg)
{
  const struct reader_ref asked = {call_tenant(call), ref->id, ref->own_id, ref->known};
  return reader_find(call->api->reader, &asked, done, arg);
}
