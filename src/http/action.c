/* action.c - see action.h. */
#include "http/action.h"

#include <string.h>

#include "http/input.h"

bool action_seq_parse(const char *text, int32_t *out)
{
  int64_t seq = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    seq = seq * 10 + (*text - '0');
    if (seq > INT32_MAX) return false;
  }
  *out = (int32_t)seq;
  return true;
}

/* The members by name; NULL: not there. */
struct members {
  const struct ox_field *action, *request_id, *order, *order_id, *since;
};

static const struct ox_field **member(struct members *m, const char *name)
{
  if (strcmp(name, "action") == 0) return &m->action;
  if (strcmp(name, "requestId") == 0) return &m->request_id;
  if (strcmp(name, "order") == 0) return &m->order;
  if (strcmp(name, "orderId") == 0) return &m->order_id;
  if (strcmp(name, "since") == 0) return &m->since;
  return NULL;
}

static void sort_members(const struct json_object *message, struct members *m,
                         struct problem_errors *errors)
{
  for (size_t i = 0; i < message->n_fields; i++) {
    const struct ox_field **at = member(m, message->fields[i].name);
    if (at)
      *at = &message->fields[i];
    else
      problem_errors_add(errors, "", "UNKNOWN_FIELD",
                         "a message has action, requestId, order, orderId, since");
  }
}

static bool is_string(const struct ox_field *f)
{
  return f && f->kind == OX_FIELD_STRING;
}

static void read_request_id(const struct ox_field *f, struct action *a,
                            struct problem_errors *errors)
{
  if (!f) return;
  if (is_string(f) && f->len > 0 && f->len <= ACTION_REQUEST_ID_MAX)
    a->request_id = f->text;
  else
    problem_errors_add(errors, "/requestId", "INVALID_REQUEST_ID",
                       "requestId must be a string of 1 to 128 bytes");
}

static bool read_kind(const struct ox_field *f, struct action *a, struct problem_errors *errors)
{
  static const char *const names[] = {"execute", "subscribe", "unsubscribe"};
  for (size_t i = 0; is_string(f) && i < sizeof names / sizeof *names; i++) {
    if (strcmp(f->text, names[i]) != 0) continue;
    a->kind = (enum action_kind)i;
    return true;
  }
  problem_errors_add(errors, "/action", "UNKNOWN_ACTION",
                     "action must be execute, subscribe or unsubscribe");
  return false;
}

static void read_order(const struct ox_field *f, struct action *a, struct problem_errors *errors)
{
  a->order = f;
  if (!f || f->kind != OX_FIELD_JSON)
    problem_errors_add(errors, "/order", "ORDER_REQUIRED", "order must be an object");
}

static void read_order_id(const struct ox_field *f, struct action *a, struct problem_errors *errors)
{
  if (is_string(f))
    a->order_id = f->text;
  else
    problem_errors_add(errors, "/orderId", "ORDER_ID_REQUIRED", "orderId must be a string");
}

static void read_since(const struct ox_field *f, struct action *a, struct problem_errors *errors)
{
  if (!f || (f->kind == OX_FIELD_NUMBER && action_seq_parse(f->text, &a->since))) return;
  problem_errors_add(errors, "/since", "INVALID_SINCE", "since must be an integer, 0 or more");
}

enum status action_parse(const char *text, size_t len, struct action *out,
                         struct problem_errors *errors)
{
  struct members m = {0};
  *out = (struct action){0};
  if (input_parse(text, len, &out->message, errors) != ST_OK) return ST_INVALID;
  sort_members(&out->message, &m, errors);
  read_request_id(m.request_id, out, errors);
  if (!read_kind(m.action, out, errors)) return ST_INVALID;
  if (out->kind == ACTION_EXECUTE)
    read_order(m.order, out, errors);
  else
    read_order_id(m.order_id, out, errors);
  read_since(m.since, out, errors);
  return errors->n == 0 ? ST_OK : ST_INVALID;
}

void action_deinit(struct action *a)
{
  json_object_deinit(&a->message);
}
