/*
 * order_fuzz.c - any bytes as the body of POST /api/orders/execute: envelope, fields, validation.
 * Whatever comes in, what goes to the journal and what goes back is valid JSON that says the same.
 */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "http/envelope.h"

/* Reads every byte it is given, and complains of all fields but amount. */
static void validate(const struct ox_order *order, struct ox_errors *errors)
{
  for (size_t i = 0; i < order->n_fields; i++) {
    const struct ox_field *f = &order->fields[i];
    assert(strlen(f->text) == f->len);
    assert(strcmp(f->name, "type") != 0 && strcmp(f->name, "clientOrderId") != 0);
    if (strcmp(f->name, "amount") == 0 || strcmp(f->name, "note") == 0) continue;
    errors->add(errors, f->name, "UNKNOWN_FIELD", f->text);
  }
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

static void check_payload(const struct envelope *e)
{
  struct buf out;
  struct json_object again;
  char error[200];
  buf_init(&out, 16 << 20);
  envelope_write_payload(e, &out);
  assert(!out.overflow);
  enum status status = json_object_parse(out.data, out.len, &again, error, sizeof error);
  assert(status == ST_OK && again.n_fields == e->n_payload);
  for (size_t i = 0; i < again.n_fields; i++) {
    const struct ox_field *a = &again.fields[i], *b = &e->body.fields[i];
    assert(strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->len == b->len);
    assert(memcmp(a->text, b->text, a->len) == 0);
  }
  json_object_deinit(&again);
  buf_deinit(&out);
}

static void check_problem(const struct problem_errors *errors)
{
  struct buf out;
  struct json_writer w;
  buf_init(&out, 1 << 20);
  json_writer_init(&w, &out);
  problem_write(&w, NULL, PROBLEM_VALIDATION_FAILED, NULL, errors, "id");
  assert(!out.overflow && errors->n > 0);
  json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
  assert(root && json_array_size(json_object_get(root, "errors")) == errors->n);
  json_decref(root);
  buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct problem_errors errors;
  struct envelope e;
  problem_errors_init(&errors);
  if (envelope_parse(NULL, &envelope_any, (const char *)data, size, &e, &errors) == ST_OK) {
    assert(errors.n == 0 && e.type == &market);
    check_payload(&e);
  } else {
    check_problem(&errors);
  }
  envelope_deinit(&e);
  problem_errors_deinit(&errors);
  return 0;
}
