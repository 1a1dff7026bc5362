/* envelope.c - see envelope.h. Pure; the executor's validate() does no I/O either. */
#include "http/envelope.h"

#include <string.h>

#include "base/clock.h"
#include "http/input.h"
#include "order/order.h"
#include "plugin/blame.h"

static const char default_type[] = "market";

enum { TYPES_TEXT_MAX = 200 };

/* The members of the envelope, as they came; NULL: not there. */
struct members {
  const struct ox_field *type, *client_order_id, *group_id;
};

static const struct ox_field **member(struct members *m, const char *name)
{
  if (strcmp(name, "type") == 0) return &m->type;
  if (strcmp(name, "clientOrderId") == 0) return &m->client_order_id;
  if (strcmp(name, "groupId") == 0) return &m->group_id;
  return NULL;
}

/* Moves the envelope's members behind the payload's, and returns how many are the payload's. */
static size_t split(struct json_object *body, struct members *m)
{
  struct ox_field own[3];
  size_t n_own = 0, n = 0;
  for (size_t i = 0; i < body->n_fields; i++) {
    struct ox_field f = body->fields[i];
    if (member(m, f.name))
      own[n_own++] = f; /* names are unique, so there are at most three */
    else
      body->fields[n++] = f;
  }
  for (size_t i = 0; i < n_own; i++) {
    body->fields[n + i] = own[i];
    *member(m, own[i].name) = &body->fields[n + i];
  }
  return n;
}

static void unknown_type(const struct registry *registry, struct problem_errors *errors)
{
  struct buf text;
  buf_init(&text, TYPES_TEXT_MAX);
  buf_append_str(&text, "type must be one of");
  const char *before = " ";
  for (size_t i = 0; i < registry_types(registry); i++) {
    const struct order_type *t = registry_type_at(registry, i);
    if (!t->executor) continue;
    buf_appendf(&text, "%s%s", before, t->name);
    before = ", ";
  }
  problem_errors_add(errors, "/type", "UNKNOWN_TYPE", text.data);
  buf_deinit(&text);
}

static const struct order_type *find_type(const struct registry *registry,
                                          const struct ox_field *field,
                                          struct problem_errors *errors)
{
  const struct order_type *type = NULL;
  if (!field || field->kind == OX_FIELD_STRING)
    type = registry_type(registry, field ? field->text : default_type);
  if (type && type->executor) return type;
  unknown_type(registry, errors);
  return NULL;
}

static const char *own_id(const struct ox_field *field, struct problem_errors *errors)
{
  if (!field) return NULL;
  if (field->kind == OX_FIELD_STRING && order_own_id_valid(field->text, field->len))
    return field->text;
  problem_errors_add(errors, "/clientOrderId", "INVALID_CLIENT_ORDER_ID",
                     "clientOrderId must be 1-64 of A-Z a-z 0-9 . _ : - and no reserved word");
  return NULL;
}

static void validate_payload(const struct envelope *e, struct problem_errors *errors)
{
  const struct ox_order order = {.size = sizeof order,
                                 .attempt = 1,
                                 .order_id = "",
                                 .client_order_id = e->client_order_id,
                                 .type = e->type->name,
                                 .status = e->initial->name,
                                 .fields = e->body.fields,
                                 .n_fields = e->n_payload,
                                 .created_at_ms = clock_unix_ms()};
  if (!e->type->executor->validate) return;
  struct blame before = blame_enter("executor", e->type->name);
  e->type->executor->validate(&order, &errors->base);
  blame_leave(before);
}

static void validate(const struct registry *registry, struct envelope *e,
                     struct problem_errors *errors)
{
  struct members m = {0};
  e->n_payload = split(&e->body, &m);
  e->client_order_id = own_id(m.client_order_id, errors);
  if (m.group_id)
    problem_errors_add(errors, "/groupId", "GROUPS_NOT_AVAILABLE",
                       "orders cannot be grouped yet; leave groupId out");
  e->type = find_type(registry, m.type, errors);
  if (!e->type) return;
  e->initial = order_type_flagged(e->type, OX_STATE_INITIAL);
  validate_payload(e, errors);
}

enum status envelope_parse(const struct registry *registry, const char *text, size_t len,
                           struct envelope *out, struct problem_errors *errors)
{
  *out = (struct envelope){0};
  if (input_parse(text, len, &out->body, errors) != ST_OK) return ST_INVALID;
  validate(registry, out, errors);
  return errors->n > 0 ? ST_INVALID : ST_OK;
}

void envelope_deinit(struct envelope *e)
{
  json_object_deinit(&e->body);
}

void envelope_write_payload(const struct envelope *e, struct buf *out)
{
  struct json_writer w;
  json_writer_init(&w, out);
  json_begin(&w, NULL);
  for (size_t i = 0; i < e->n_payload; i++) json_field_write(&w, &e->body.fields[i]);
  json_end(&w);
}
