/*
 * batch_fuzz.c - any bytes as the body of POST /api/orders/batch: taken apart, read item by item,
 * answered. What is accepted is JSON as a whole, whatever stands between the items; the answer adds
 * up.
 */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "http/batch_items.h"

static void validate(const struct ox_order *order, struct ox_errors *errors)
{
  const struct ox_field *amount = ox_order_field(order, "amount");
  if (!amount) errors->add(errors, "/amount", "REQUIRED", "is missing");
  for (size_t i = 0; i < order->n_fields; i++)
    if (strcmp(order->fields[i].name, "amount") != 0 && order->fields[i].kind != OX_FIELD_STRING)
      errors->add(errors, order->fields[i].name, "UNKNOWN_FIELD", order->fields[i].text);
}

static enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  (void)order, (void)host;
  return OX_FAIL;
}

static const struct ox_state states[] = {{"pending", OX_QUEUED, OX_STATE_INITIAL, NULL}};
static const struct ox_executor executor = {
    .type = "market", .validate = validate, .execute = execute};
static const struct order_type market = {"market", states, 1, &executor};

const struct order_type *registry_type(const struct registry *r, const char *name)
{
  (void)r;
  return strcmp(name, "market") == 0 ? &market : NULL;
}

size_t registry_types(const struct registry *r)
{
  (void)r;
  return 1;
}

const struct order_type *registry_type_at(const struct registry *r, size_t i)
{
  (void)r, (void)i;
  return &market;
}

static void check_answer(const struct batch_items *b, size_t placed)
{
  struct buf out;
  buf_init(&out, 64 << 20);
  batch_items_write(b, 7, &out);
  assert(!out.overflow);
  json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
  assert(root);
  assert(json_array_size(json_object_get(root, "orders")) == placed);
  assert((size_t)json_integer_value(json_object_get(root, "processed")) == placed);
  assert((size_t)json_integer_value(json_object_get(root, "failed")) == b->n - placed);
  assert(json_array_size(json_object_get(root, "batchResults")) == (b->n + 6) / 7);
  json_decref(root);
  buf_deinit(&out);
}

/* Gives how many are placed. */
static size_t read_all(struct batch_items *b)
{
  size_t placed = 0;
  for (size_t i = 0; i < b->n; i++) {
    struct envelope e;
    enum status status = batch_items_read(b, i, NULL, &e);
    placed += status == ST_OK || status == ST_REPLAYED;
    envelope_deinit(&e);
  }
  return placed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct batch_items b;
  const char *text = (const char *)data;
  if (batch_items_split(&b, text, size) == ST_OK) {
    size_t placed = read_all(&b);
    if (b.wrong.n == 0) {
      json_t *whole = json_loadb(text, size, JSON_DECODE_INT_AS_REAL, NULL);
      assert(!whole || json_array_size(whole) == b.n);
      json_decref(whole);
      check_answer(&b, placed);
    }
  }
  batch_items_deinit(&b);
  return 0;
}
