/*
 * shipment.c - GET /api/orders/:id/shipment, GET /api/shipments/:id. What waits is the reply and
 * the order's id.
 *
 * DESIGN. A shipment is not stored: it is what an order's events say of it. The first whose data
 * has a member "shipment" ({"carrier","trackingNumber",…}) makes it, and each one from there on is
 * a step, also one by hand. Its id is the order's with another prefix, so there is one for each
 * order.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "http/order_ref.h"

struct waiting {
  struct call call;
  struct ulid id;
};

static void refuse(struct waiting *w, enum problem p)
{
  answer_problem(&w->call, p, NULL);
  free(w);
}

/* ── from events ────────────────────────────────────────────────────────────────────────────── */

static const struct ox_field *member(const struct json_object *o, const char *name)
{
  for (size_t i = 0; i < o->n_fields; i++)
    if (strcmp(o->fields[i].name, name) == 0) return &o->fields[i];
  return NULL;
}

/* The object that is a member of another; out is to be deinited in any case. */
static bool inside(const struct json_object *o, const char *name, struct json_object *out)
{
  char ignored[1];
  const struct ox_field *f = member(o, name);
  *out = (struct json_object){0};
  return f && f->kind == OX_FIELD_JSON &&
         json_object_parse(f->text, f->len, out, ignored, 1) == ST_OK;
}

struct view {
  struct json_writer w;
  bool made;
};

static void write_head(struct view *v, const struct json_object *shipment, const struct ulid *order)
{
  char id[ULID_ORDER_LEN + 1];
  json_begin(&v->w, NULL);
  for (size_t i = 0; i < shipment->n_fields; i++)
    if (strcmp(shipment->fields[i].name, "step") != 0)
      json_field_write(&v->w, &shipment->fields[i]);
  ulid_format_order(order, id);
  json_str(&v->w, "orderId", id);
  json_begin_array(&v->w, "steps");
  v->made = true;
}

static void write_step(struct view *v, const struct json_object *event,
                       const struct json_object *shipment)
{
  static const char *const names[] = {"status", "timestamp"};
  const struct ox_field *step = member(shipment, "step");
  json_begin(&v->w, NULL);
  json_str(&v->w, "step", step ? step->text : NULL);
  for (size_t i = 0; i < 2; i++)
    if (member(event, names[i])) json_field_write(&v->w, member(event, names[i]));
  json_end(&v->w);
}

static void add_event(struct view *v, const struct reader_event *e, const struct ulid *order)
{
  struct json_object event, data, shipment;
  char ignored[1];
  if (json_object_parse(e->json, e->json_len, &event, ignored, 1) != ST_OK) return;
  inside(&event, "data", &data);
  inside(&data, "shipment", &shipment);
  if (!v->made && shipment.n_fields > 0) write_head(v, &shipment, order);
  if (v->made) write_step(v, &event, &shipment);
  json_object_deinit(&shipment);
  json_object_deinit(&data);
  json_object_deinit(&event);
}

static void on_events(void *arg, enum status status, const struct reader_event *events, size_t n)
{
  struct waiting *w = arg;
  struct view v = {.made = false};
  if (status != ST_OK) {
    refuse(w, problem_of(status));
    return;
  }
  json_writer_init(&v.w, answer_body(&w->call));
  for (size_t i = 0; i < n; i++) add_event(&v, &events[i], &w->id);
  if (!v.made) {
    refuse(w, PROBLEM_SHIPMENT_NOT_FOUND);
    return;
  }
  json_end_array(&v.w);
  json_end(&v.w);
  answer_send(&w->call, 200, NULL, 0);
  free(w);
}

/* ── from the client ────────────────────────────────────────────────────────────────────────── */

/* The order first: events alone do not tell whose they are. */
static void on_order(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status == ST_OK) {
    w->id = order->id;
    status = reader_events(w->call.api->reader, &w->id, 0, on_events, w);
  }
  if (status != ST_OK) refuse(w, problem_of(status));
}

static void look_up(const struct call *call, const struct order_ref *ref)
{
  struct waiting *w = mem_alloc(sizeof *w);
  w->call = *call;
  enum status status = order_ref_read(call, ref, on_order, w);
  if (status != ST_OK) refuse(w, problem_of(status));
}

void order_get_shipment(const struct call *call, const struct http_request *request,
                        const char *param)
{
  struct order_ref ref;
  (void)request;
  if (param && order_ref_parse(param, &ref))
    look_up(call, &ref);
  else
    answer_problem(call, PROBLEM_INVALID_ORDER_ID, NULL);
}

void shipment_get(const struct call *call, const struct http_request *request, const char *param)
{
  static const char prefix[] = "shp_";
  enum { PREFIX_LEN = sizeof prefix - 1 };
  struct order_ref ref = {0};
  (void)request;
  if (param && strncmp(param, prefix, PREFIX_LEN) == 0 &&
      ulid_parse(param + PREFIX_LEN, strlen(param + PREFIX_LEN), &ref.id))
    look_up(call, &ref);
  else
    answer_problem(call, PROBLEM_INVALID_SHIPMENT_ID, NULL);
}
