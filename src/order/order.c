/*
 * order.c - orders and events as JSON. Pure; any thread. An order owns its strings; an event
 * borrows them.
 */
#include "order/order.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "order/type.h"

void order_deinit(struct order *o)
{
  free(o->client_order_id);
  free(o->group);
  free(o->type);
  free(o->status);
  free(o->payload);
  free(o->result);
  free(o->error);
  *o = (struct order){0};
}

static void write_ulid(struct json_writer *w, const char *name, const struct ulid *id)
{
  char text[ULID_ORDER_LEN + 1];
  ulid_format_order(id, text);
  json_strn(w, name, text, ULID_ORDER_LEN);
}

static bool is_redrive(const struct order *o)
{
  static const struct ulid none;
  return ulid_compare(&o->redrive_of, &none) != 0;
}

static void write_members(struct json_writer *w, const char *object)
{
  if (object) json_members(w, object, strlen(object));
}

/* ── times of the caller's own ───────────────────────────────────────────────────────────────────
 * A record may bring its own createdAt and updatedAt, as epoch milliseconds or RFC 3339. They stand
 * in its payload and take the place of ours; updatedAt moves on with the order, in that form. */

static const struct ox_field *find(const struct json_object *o, const char *name)
{
  for (size_t i = 0; i < o->n_fields; i++)
    if (strcmp(o->fields[i].name, name) == 0) return &o->fields[i];
  return NULL;
}

/* Parses the payload if it may have such times. The words may also stand deeper in it, which is
 * harmless: only their absence is taken as proof. */
static bool parse_own_times(const struct order *o, struct json_object *payload)
{
  char ignored[1];
  if (!o->payload) return false;
  if (!strstr(o->payload, "\"createdAt\"") && !strstr(o->payload, "\"updatedAt\"")) return false;
  return json_object_parse(o->payload, strlen(o->payload), payload, ignored, 1) == ST_OK;
}

static void write_others(struct json_writer *w, const struct json_object *payload)
{
  const struct ox_field *created = find(payload, "createdAt");
  const struct ox_field *updated = find(payload, "updatedAt");
  for (size_t i = 0; i < payload->n_fields; i++) {
    const struct ox_field *f = &payload->fields[i];
    if (f != created && f != updated) json_field_write(w, f);
  }
}

static void write_times(struct json_writer *w, const struct order *o,
                        const struct json_object *payload)
{
  const struct ox_field *created = find(payload, "createdAt");
  const struct ox_field *updated = find(payload, "updatedAt");
  const struct ox_field *form = updated ? updated : created;
  if (created)
    json_field_write(w, created);
  else
    json_time(w, "createdAt", o->created_at_ms);
  if (updated && o->ver <= 1)
    json_field_write(w, updated);
  else if (form && form->kind == OX_FIELD_NUMBER)
    json_int(w, "updatedAt", o->updated_at_ms);
  else
    json_time(w, "updatedAt", o->updated_at_ms);
}

/* ── orders and events ───────────────────────────────────────────────────────────────────────── */

void order_write(const struct order *o, struct buf *out)
{
  struct json_object payload = {0};
  bool own_times = parse_own_times(o, &payload);
  struct json_writer w;
  json_writer_init(&w, out);
  json_begin(&w, NULL);
  write_ulid(&w, "orderId", &o->id);
  json_str(&w, "clientOrderId", o->client_order_id);
  if (o->group && order_group_valid(o->group, strlen(o->group))) json_str(&w, "groupId", o->group);
  if (is_redrive(o)) write_ulid(&w, "redriveOf", &o->redrive_of);
  json_str(&w, "type", o->type);
  json_str(&w, "status", o->status);
  json_str(&w, "phase", order_phase_name(o->phase));
  json_int(&w, "attempt", o->attempt);
  json_int(&w, "seq", o->ver);
  if (own_times)
    write_others(&w, &payload);
  else
    write_members(&w, o->payload);
  write_members(&w, o->result);
  if (o->error)
    json_raw(&w, "error", o->error, strlen(o->error));
  else
    json_nil(&w, "error");
  write_times(&w, o, &payload);
  json_time(&w, "completedAt", o->completed_at_ms);
  json_end(&w);
  json_object_deinit(&payload);
}

#define PUT(out, literal) buf_append(out, literal, sizeof(literal) - 1)

/* Written for each event of each order: what never has to be escaped goes in larger pieces. */
void order_event_write(const struct order_event *e, struct buf *out)
{
  struct json_writer w = {.out = out, .comma = true};
  char id[ULID_ORDER_LEN + 1];
  ulid_format_order(&e->order_id, id);
  PUT(out, "{\"orderId\":\"");
  buf_append(out, id, ULID_ORDER_LEN);
  PUT(out, "\",\"seq\":");
  buf_append_int(out, e->seq);
  json_str(&w, "status", e->status);
  PUT(out, ",\"phase\":\"");
  buf_append_str(out, order_phase_name(e->phase));
  PUT(out, "\",\"attempt\":");
  buf_append_int(out, e->attempt);
  json_time(&w, "timestamp", e->at_ms);
  PUT(out, ",\"data\":");
  buf_append_str(out, e->data ? e->data : "{}");
  buf_append_char(out, '}');
}

/* ── own ids ─────────────────────────────────────────────────────────────────────────────────── */

static bool own_id_char(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == ':' || c == '-';
}

/* These stand where an id does in a path: /api/orders/stats. */
static bool reserved(const char *text, size_t len)
{
  static const char *const words[] = {"execute", "stats", "stream", "batch"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) return true;
  return len >= 4 && memcmp(text, "ord_", 4) == 0;
}

bool order_group_valid(const char *text, size_t len)
{
  if (len == 0 || len > ORDER_OWN_ID_MAX) return false;
  for (size_t i = 0; i < len; i++)
    if (!own_id_char(text[i])) return false;
  return true;
}

char *order_group_of(const char *type, const char *value)
{
  struct buf name;
  buf_init(&name, OX_NAME_MAX + 1 + ORDER_GROUP_VALUE_MAX);
  buf_appendf(&name, "%s=%s", type, value);
  assert(!name.overflow);
  return buf_take(&name, NULL);
}

bool order_own_id_valid(const char *text, size_t len)
{
  return order_group_valid(text, len) && !reserved(text, len);
}
