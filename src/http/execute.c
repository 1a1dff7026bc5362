/*
 * execute.c - POST /api/orders/execute, /api/orders and /orders: parse, validate, journal; the
 * answer leaves when the order is durable. What waits is the reply, and the order that is to be
 * shown.
 *
 * An order that is not valid may have been when it was first sent: a retry after its expiresAt. So
 * before it is refused its key and its name are looked up.
 */
#include <string.h>

#include "base/alloc.h"
#include "http/accept.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "order/order.h"

enum { BODY_MAX = 1 << 20 };

/* What may be posted, and what is answered. */
struct post {
  const struct envelope_form *form;
  bool whole; /* the order is shown: it is kept until then */
  void (*write)(struct buf *out, const struct journal_accepted *accepted,
                const struct order *order);
};

struct waiting {
  struct call call;
  const struct post *post;
  struct order order;           /* as it comes to be */
  struct problem_errors errors; /* what is wrong with it, unless it was accepted before */
};

static struct waiting *wait_begin(const struct call *call, const struct post *post)
{
  struct waiting *w = mem_alloc(sizeof *w);
  w->call = *call;
  w->post = post;
  problem_errors_init(&w->errors);
  return w;
}

static void wait_end(struct waiting *w)
{
  problem_errors_deinit(&w->errors);
  order_deinit(&w->order);
  free(w);
}

/* The answer to the first request and to all that repeat it is made of what was posted, and of what
 * never changes. */
static struct order order_of(const struct envelope *e)
{
  struct buf payload;
  buf_init(&payload, BODY_MAX);
  envelope_write_payload(e, &payload);
  return (struct order){.client_order_id =
                            e->client_order_id ? mem_strdup(e->client_order_id) : NULL,
                        .type = mem_strdup(e->type->name),
                        .status = mem_strdup(e->initial->name),
                        .phase = e->initial->phase,
                        .attempt = 1,
                        .ver = 1,
                        .payload = buf_take(&payload, NULL)};
}

static void complete(struct order *o, const struct journal_accepted *accepted)
{
  o->id = accepted->id;
  o->created_at_ms = o->updated_at_ms = accepted->created_at_ms;
  if (order_phase_terminal(o->phase)) o->completed_at_ms = accepted->created_at_ms;
}

static void answer_accepted(struct waiting *w, bool replayed,
                            const struct journal_accepted *accepted)
{
  complete(&w->order, accepted);
  w->post->write(answer_body(&w->call), accepted, &w->order);
  char location[sizeof "/api/orders/" + ULID_ORDER_LEN] = "/api/orders/";
  ulid_format_order(&accepted->id, location + strlen(location));
  const struct http_header headers[] = {{"Location", location}, {"Idempotent-Replayed", "true"}};
  answer_send(&w->call, 201, headers, replayed ? 2 : 1);
}

static void refuse(const struct waiting *w, enum status status)
{
  if (w->errors.n > 0 && status == ST_NOT_FOUND)
    answer_errors(&w->call, &w->errors);
  else
    answer_problem(&w->call, problem_of(status), NULL);
}

static void on_accepted(void *arg, enum status status, const struct journal_accepted *accepted)
{
  struct waiting *w = arg;
  if (status == ST_OK || status == ST_REPLAYED)
    answer_accepted(w, status == ST_REPLAYED, accepted);
  else
    refuse(w, status);
  wait_end(w);
}

static void post(const struct call *call, const struct http_request *request,
                 const struct post *post)
{
  const char *key;
  if (accept_key(request, &key) != ST_OK) {
    answer_problem(call, PROBLEM_INVALID_IDEMPOTENCY_KEY, NULL);
    return;
  }
  struct envelope envelope;
  struct waiting *w = wait_begin(call, post);
  enum status status = envelope_parse(call->api->registry, post->form, request->body,
                                      request->body_len, &envelope, &w->errors);
  const struct accept_request accept = {&envelope, key, request->body, request->body_len};
  if (post->whole && envelope.initial) w->order = order_of(&envelope);
  status = status == ST_OK ? accept_order(call, &accept, on_accepted, w)
                           : accept_known(call, &accept, on_accepted, w);
  if (status != ST_OK) {
    refuse(w, status);
    wait_end(w);
  }
  envelope_deinit(&envelope);
}

/* ── the three of them ──────────────────────────────────────────────────────────────────────── */

static void write_ticket(struct buf *out, const struct journal_accepted *accepted,
                         const struct order *order)
{
  struct json_writer w;
  (void)order;
  json_writer_init(&w, out);
  json_begin(&w, NULL);
  accept_write(&w, accepted);
  json_end(&w);
}

void execute_post(const struct call *call, const struct http_request *request, const char *param)
{
  static const struct post ticket = {&envelope_execute, false, write_ticket};
  (void)param;
  post(call, request, &ticket);
}

static void write_order(struct buf *out, const struct journal_accepted *accepted,
                        const struct order *order)
{
  (void)accepted;
  order_write(order, out);
}

void order_create(const struct call *call, const struct http_request *request, const char *param)
{
  static const struct post whole = {&envelope_any, true, write_order};
  (void)param;
  post(call, request, &whole);
}

/* order_id is the caller's own, where there is one. */
static void write_shop(struct buf *out, const struct journal_accepted *accepted,
                       const struct order *order)
{
  char id[ULID_ORDER_LEN + 1];
  struct json_writer w;
  (void)accepted;
  ulid_format_order(&order->id, id);
  json_writer_init(&w, out);
  json_begin(&w, NULL);
  json_str(&w, "order_id", order->client_order_id ? order->client_order_id : id);
  json_members(&w, order->payload, strlen(order->payload));
  json_str(&w, "status", order->status);
  json_end(&w);
}

void shop_create(const struct call *call, const struct http_request *request, const char *param)
{
  static const struct post shop = {&envelope_shop, true, write_shop};
  (void)param;
  post(call, request, &shop);
}
