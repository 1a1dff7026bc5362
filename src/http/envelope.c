/* envelope.c - see envelope.h. Pure; the executor's validate() does no I/O either. */
#include "http/envelope.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/input.h"
#include "order/order.h"
#include "plugin/blame.h"

enum { TYPES_TEXT_MAX = 200, MEMBERS = 4 };

const struct envelope_form envelope_execute = {
    .type = "market", .executed = true, .own_id = "clientOrderId"};
const struct envelope_form envelope_any = {
    .type = "market", .inferred = true, .own_id = "clientOrderId"};

const struct envelope_form envelope_shop = {
    .type = "delivery", .fixed = true, .own_id = "order_id"};

struct reading {
  const struct registry *registry;
  const struct envelope_form *form;
  struct envelope *e;
  struct problem_errors *errors;
};

static const struct ox_field *find(const struct json_object *body, const char *name)
{
  for (size_t i = 0; i < body->n_fields; i++)
    if (strcmp(body->fields[i].name, name) == 0) return &body->fields[i];
  return NULL;
}

static void complain(const struct reading *r, const char *name, const char *code,
                     const char *detail)
{
  char pointer[OX_NAME_MAX + 1];
  snprintf(pointer, sizeof pointer, "/%s", name);
  problem_errors_add(r->errors, pointer, code, detail);
}

/* ── of which type? ─────────────────────────────────────────────────────────────────────────── */

static bool takes(const struct envelope_form *form, const struct order_type *type)
{
  if (form->fixed) return strcmp(type->name, form->type) == 0;
  return order_type_executed(type) || !form->executed;
}

static void unknown_type(const struct reading *r)
{
  struct buf text;
  buf_init(&text, TYPES_TEXT_MAX);
  buf_append_str(&text, "type must be one of");
  const char *before = " ";
  for (size_t i = 0; i < registry_types(r->registry); i++) {
    const struct order_type *t = registry_type_at(r->registry, i);
    if (!takes(r->form, t)) continue;
    buf_appendf(&text, "%s%s", before, t->name);
    before = ", ";
  }
  problem_errors_add(r->errors, "/type", "UNKNOWN_TYPE", text.data);
  buf_deinit(&text);
}

static const struct order_type *told_by_member(const struct reading *r)
{
  for (size_t i = 0; r->form->inferred && i < registry_types(r->registry); i++) {
    const struct order_type *t = registry_type_at(r->registry, i);
    const char *known_by = order_type_known_by(t);
    if (known_by && find(&r->e->body, known_by)) return t;
  }
  return registry_type(r->registry, r->form->type);
}

static const struct order_type *find_type(const struct reading *r)
{
  const struct ox_field *field = find(&r->e->body, "type");
  const struct order_type *type = NULL;
  if (!field)
    type = told_by_member(r);
  else if (field->kind == OX_FIELD_STRING)
    type = registry_type(r->registry, field->text);
  if (type && takes(r->form, type)) return type;
  unknown_type(r);
  return NULL;
}

/* ── what is the envelope's ─────────────────────────────────────────────────────────────────── */

static bool is_member(const struct reading *r, const char *name)
{
  const struct order_type *type = r->e->type;
  if (strcmp(name, "status") == 0) return type && !order_type_executed(type);
  return strcmp(name, "type") == 0 || strcmp(name, "groupId") == 0 ||
         strcmp(name, r->form->own_id) == 0;
}

/* Moves the envelope's members behind the payload's. */
static void split(const struct reading *r)
{
  struct json_object *body = &r->e->body;
  struct ox_field own[MEMBERS];
  size_t n_own = 0, n = 0;
  for (size_t i = 0; i < body->n_fields; i++) {
    struct ox_field f = body->fields[i];
    if (is_member(r, f.name))
      own[n_own++] = f; /* names are unique, so there are at most MEMBERS */
    else
      body->fields[n++] = f;
  }
  memcpy(&body->fields[n], own, n_own * sizeof *own);
  r->e->n_payload = n;
}

static const char *read_own_id(const struct reading *r, const char *name)
{
  char code[] = "INVALID_CLIENT_ORDER_ID", detail[128];
  const struct ox_field *field = find(&r->e->body, name);
  if (!field) return NULL;
  if (field->kind == OX_FIELD_STRING && order_own_id_valid(field->text, field->len))
    return field->text;
  snprintf(detail, sizeof detail, "%s must be 1-64 of A-Z a-z 0-9 . _ : - and no reserved word",
           name);
  complain(r, name, code, detail);
  return NULL;
}

/* The caller's own id, under the name that the type has for it. */
static const char *own_id(const struct reading *r)
{
  const char *name = r->e->type ? order_type_own_id(r->e->type) : NULL;
  if (!name) return read_own_id(r, r->form->own_id);
  if (find(&r->e->body, r->form->own_id))
    complain(r, r->form->own_id, "CONFLICTING_FIELDS", "orders of this type have another own id");
  if (!find(&r->e->body, name)) complain(r, name, "REQUIRED", "is missing: the order's own id");
  return read_own_id(r, name);
}

/* Orders of one group run one at a time, so those that nobody runs have none. */
static const char *group_id(const struct reading *r)
{
  const struct ox_field *field = find(&r->e->body, "groupId");
  if (!field) return NULL;
  if (r->e->type && !order_type_executed(r->e->type))
    complain(r, "groupId", "GROUP_NOT_ALLOWED", "nobody runs orders of this type, in any order");
  else if (field->kind == OX_FIELD_STRING && order_group_valid(field->text, field->len))
    return field->text;
  else
    complain(r, "groupId", "INVALID_GROUP_ID", "groupId must be 1-64 of A-Z a-z 0-9 . _ : -");
  return NULL;
}

/* Where the caller names no group the type may have one. */
static const char *group_by_type(const struct reading *r)
{
  const struct order_type *type = r->e->type;
  const char *name = order_type_executed(type) ? order_type_group_by(type) : NULL;
  const struct ox_field *field = name ? find(&r->e->body, name) : NULL;
  if (!field || (field->kind != OX_FIELD_STRING && field->kind != OX_FIELD_NUMBER)) return NULL;
  if (field->len > ORDER_GROUP_VALUE_MAX)
    complain(r, name, "OUT_OF_RANGE", "must have at most 256 bytes: it names a group");
  else
    r->e->own_group = order_group_of(type->name, field->text);
  return r->e->own_group;
}

/* Where nobody runs the order it may begin in any state. */
static const struct ox_state *initial_state(const struct reading *r)
{
  const struct order_type *type = r->e->type;
  const struct ox_field *field = order_type_executed(type) ? NULL : find(&r->e->body, "status");
  if (!field) return order_type_flagged(type, OX_STATE_INITIAL);
  const struct ox_state *state =
      field->kind == OX_FIELD_STRING ? order_type_state(type, field->text) : NULL;
  if (!state) problem_unknown_status(r->errors, type);
  return state;
}

/* ── all of it ──────────────────────────────────────────────────────────────────────────────── */

static void validate_payload(const struct envelope *e, struct problem_errors *errors)
{
  const struct ox_order order = {.size = sizeof order,
                                 .attempt = 1,
                                 .order_id = "",
                                 .client_order_id = e->client_order_id,
                                 .type = e->type->name,
                                 .status = e->initial ? e->initial->name : "",
                                 .fields = e->body.fields,
                                 .n_fields = e->n_payload,
                                 .created_at_ms = clock_unix_ms()};
  struct blame before = blame_enter("executor", e->type->name);
  e->type->executor->validate(&order, &errors->base);
  blame_leave(before);
}

static void validate(const struct reading *r)
{
  struct envelope *e = r->e;
  e->type = find_type(r);
  split(r);
  e->client_order_id = own_id(r);
  e->group = group_id(r);
  if (!e->type) return;
  e->initial = initial_state(r);
  validate_payload(e, r->errors);
  if (!e->group && r->errors->n == 0) e->group = group_by_type(r);
}

enum status envelope_parse(const struct registry *registry, const struct envelope_form *form,
                           const char *text, size_t len, struct envelope *out,
                           struct problem_errors *errors)
{
  *out = (struct envelope){0};
  if (input_parse(text, len, &out->body, errors) != ST_OK) return ST_INVALID;
  validate(&(struct reading){registry, form, out, errors});
  return errors->n > 0 ? ST_INVALID : ST_OK;
}

void envelope_deinit(struct envelope *e)
{
  free(e->own_group);
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
