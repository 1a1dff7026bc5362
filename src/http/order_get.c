/*
 * order_get.c - GET /api/orders/:id, /status, /events. The reader answers all lookups of a turn
 * with one query; what waits for it is the reply and what the answer depends on.
 *
 * DESIGN. An order that has ended never changes again, so it is given from the cache. Of any other
 * one PostgreSQL is asked whether its row is still the one that was shown: there is nothing that
 * would have to be told of a change.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/cached.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/order_ref.h"
#include "order/order.h"

enum { IF_NONE_MATCH_MAX = 512, KEY_MAX = 160, SECOND_MS = 1000 };

struct waiting {
  struct call call;
  struct ulid id;                 /* events: whose */
  const struct cache_entry *kept; /* the order: as it was, held; NULL: it is not kept */
  char key[KEY_MAX];              /* under which it is */
  char if_none_match[];           /* "" for none */
};

static void waiting_free(struct waiting *w)
{
  cache_release(w->kept);
  free(w);
}

static void refuse(struct waiting *w, enum status status)
{
  answer_problem(&w->call, problem_of(status), NULL);
  waiting_free(w);
}

/* ── the order ──────────────────────────────────────────────────────────────────────────────── */

/* A longer one is answered in full. */
static const char *if_none_match_of(const struct http_request *request)
{
  const char *value = http_request_header(request, "If-None-Match");
  return value && strlen(value) <= IF_NONE_MATCH_MAX ? value : "";
}

static int status_for(const char *if_none_match, const char *etag)
{
  return *if_none_match && etag_matches(if_none_match, etag) ? 304 : 200;
}

static void answer_kept(const struct call *call, const struct cache_entry *kept,
                        const char *if_none_match)
{
  cached_send_kept(call, status_for(if_none_match, kept->answer.header), "ETag", kept);
}

/* What has ended stays as it is, so it may be kept as final. */
static void answer_order(const struct waiting *w, const struct order *o)
{
  const struct api *api = w->call.api;
  struct buf *body = answer_body(&w->call);
  char etag[ETAG_MAX];
  etag_of(o, etag);
  order_write(o, body);
  const struct cache_answer answer = {.key = w->key,
                                      .header = etag,
                                      .body = body->data,
                                      .body_len = body->len,
                                      .version = o->version,
                                      .mark = "",
                                      .final = order_phase_terminal(o->phase)};
  if (!body->overflow)
    cache_put(api->cache, &answer, clock_mono_ms(), api->config->cache_ttl_s * SECOND_MS);
  cached_send(&w->call, status_for(w->if_none_match, etag),
              &(struct cached_head){"ETag", etag, CACHED_NOW});
}

static void on_order(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  if (order)
    answer_order(w, order);
  else
    answer_kept(&w->call, w->kept, w->if_none_match);
  waiting_free(w);
}

/* Takes kept. */
static void ask(const struct call *call, struct order_ref *ref, const char *key,
                const struct cache_entry *kept, const char *if_none_match)
{
  size_t len = strlen(if_none_match) + 1;
  struct waiting *w = mem_alloc(sizeof *w + len);
  w->call = *call;
  w->kept = kept;
  snprintf(w->key, sizeof w->key, "%s", key);
  memcpy(w->if_none_match, if_none_match, len);
  if (kept) ref->known = kept->answer.version;
  enum status status = order_ref_read(call, ref, on_order, w);
  if (status != ST_OK) refuse(w, status);
}

void order_get(const struct call *call, const struct http_request *request, const char *param)
{
  struct order_ref ref;
  char key[KEY_MAX];
  if (!param || !order_ref_parse(param, &ref)) {
    answer_problem(call, PROBLEM_INVALID_ORDER_ID, NULL);
    return;
  }
  const char *if_none_match = if_none_match_of(request);
  snprintf(key, sizeof key, "%s/%s", call_tenant(call), param);
  const struct cache_entry *kept = cache_get(call->api->cache, key, clock_mono_ms());
  if (!kept || !kept->answer.final) {
    ask(call, &ref, key, kept, if_none_match);
    return;
  }
  answer_kept(call, kept, if_none_match);
  cache_release(kept);
}

/* look_up() parses :id and asks the reader; done gets a struct waiting. */
static void look_up(const struct call *call, const char *param, reader_order_fn done)
{
  struct order_ref ref;
  if (!param || !order_ref_parse(param, &ref)) {
    answer_problem(call, PROBLEM_INVALID_ORDER_ID, NULL);
    return;
  }
  struct waiting *w = mem_alloc(sizeof *w + 1);
  w->call = *call;
  enum status status = order_ref_read(call, &ref, done, w);
  if (status != ST_OK) refuse(w, status);
}

/* ── its status ─────────────────────────────────────────────────────────────────────────────── */

static void write_id(struct json_writer *w, const struct ulid *id)
{
  char text[ULID_ORDER_LEN + 1];
  ulid_format_order(id, text);
  json_strn(w, "orderId", text, ULID_ORDER_LEN);
}

static void on_order_for_status(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  struct json_writer json;
  json_writer_init(&json, answer_body(&w->call));
  json_begin(&json, NULL);
  write_id(&json, &order->id);
  json_str(&json, "status", order->status);
  json_str(&json, "phase", order_phase_name(order->phase));
  json_end(&json);
  answer_send(&w->call, 200, NULL, 0);
  waiting_free(w);
}

void order_get_status(const struct call *call, const struct http_request *request,
                      const char *param)
{
  (void)request;
  look_up(call, param, on_order_for_status);
}

/* As shops ask for it. */
static void on_order_for_shop(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  struct json_writer json;
  json_writer_init(&json, answer_body(&w->call));
  json_begin(&json, NULL);
  json_str(&json, "status", order->status);
  json_end(&json);
  answer_send(&w->call, 200, NULL, 0);
  waiting_free(w);
}

void shop_get_status(const struct call *call, const struct http_request *request, const char *param)
{
  (void)request;
  look_up(call, param, on_order_for_shop);
}

/* ── its events ─────────────────────────────────────────────────────────────────────────────── */

static void on_events(void *arg, enum status status, const struct reader_event *events, size_t n)
{
  struct waiting *w = arg;
  if (status != ST_OK) {
    refuse(w, status);
    return;
  }
  struct json_writer json;
  json_writer_init(&json, answer_body(&w->call));
  json_begin(&json, NULL);
  write_id(&json, &w->id);
  json_begin_array(&json, "events");
  for (size_t i = 0; i < n; i++) json_raw(&json, NULL, events[i].json, events[i].json_len);
  json_end_array(&json);
  json_end(&json);
  answer_send(&w->call, 200, NULL, 0);
  waiting_free(w);
}

/* The order first: events alone do not tell whose they are. */
static void on_order_for_events(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status == ST_OK) {
    w->id = order->id;
    status = reader_events(w->call.api->reader, &w->id, 0, on_events, w);
  }
  if (status != ST_OK) refuse(w, status);
}

void order_get_events(const struct call *call, const struct http_request *request,
                      const char *param)
{
  (void)request;
  look_up(call, param, on_order_for_events);
}
