/*
 * stream.c - GET /api/orders/stream: the events of all the caller's orders as Server-Sent Events,
 * from now on or behind the last one a client has seen. Loop thread only. A struct sse lives as
 * long as the answer goes on; what the socket does not take at once holds up its own listener
 * alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "event/stream.h"
#include "http/answer.h"
#include "http/gate.h"
#include "http/handlers.h"

enum { LIST_MAX = 4096, POSITION_MAX = 64, WORD_MAX = 64 };

struct sse {
  struct call call; /* answered when it begins */
  struct auth_guard guard;
  struct http_stream *out;
  struct stream_listener *listener;
};

/* ── sending ────────────────────────────────────────────────────────────────────────────────── */

static void sse_free(struct sse *sse)
{
  gate_unguard(&sse->call, &sse->guard);
  free(sse);
}

static enum stream_more on_text(void *arg, const char *text, size_t len)
{
  struct sse *sse = arg;
  if (!http_stream_write(sse->out, text, len)) {
    sse_free(sse);
    return STREAM_GONE;
  }
  return http_stream_kept(sse->out) > 0 ? STREAM_WAIT : STREAM_GO_ON;
}

static void on_drain(void *arg)
{
  stream_ready(((struct sse *)arg)->listener);
}

static void on_close(void *arg)
{
  struct sse *sse = arg;
  stream_leave(sse->listener);
  sse_free(sse);
}

/* The token is over, or its client has been disabled. */
static void on_over(struct auth_guard *guard)
{
  struct sse *sse = container_of(guard, struct sse, guard);
  http_stream_close(sse->out);
  on_close(sse);
}

/* The head of the answer tells the client that from here on it misses nothing; and the id, which is
 * of no event, that it does so when it comes again, too. */
static bool on_begin(void *arg, const struct tail_position *at)
{
  static const struct http_stream_handler handler = {on_drain, on_close};
  struct sse *sse = arg;
  char head[96];
  int len = 0;
  if (at) {
    len =
        snprintf(head, sizeof head, "retry: 1000\nid: %" PRIu64 "-%" PRIu32 "\n\n", at->xid, at->n);
    sse->out = answer_stream(&sse->call, &handler, sse);
  } else {
    answer_problem(&sse->call, PROBLEM_STORE_UNAVAILABLE, NULL);
  }
  if (!sse->out || !http_stream_write(sse->out, head, (size_t)len)) {
    free(sse);
    return false;
  }
  gate_guard(&sse->call, &sse->guard, on_over);
  return true;
}

static const struct stream_sink sink = {on_begin, on_text};

/* ── what is asked for ──────────────────────────────────────────────────────────────────────── */

/* The lists of the query; "" where there is none. */
struct wanted {
  char types[LIST_MAX], statuses[LIST_MAX], orders[LIST_MAX];
  struct tail_position after;
  bool resumes;
};

static bool known_type(const struct call *call, const char *word)
{
  return registry_type(call->api->registry, word) != NULL;
}

static bool known_status(const struct call *call, const char *word)
{
  const struct registry *r = call->api->registry;
  for (size_t i = 0; i < registry_types(r); i++)
    if (order_type_state(registry_type_at(r, i), word)) return true;
  return false;
}

static bool order_id(const struct call *call, const char *word)
{
  struct ulid id;
  (void)call;
  return ulid_parse_order(word, strlen(word), &id);
}

static bool each_word(const struct call *call, const char *list,
                      bool (*right)(const struct call *, const char *))
{
  char word[WORD_MAX];
  for (;; list++) {
    size_t len = strcspn(list, ",");
    if (len == 0 || len >= sizeof word) return false;
    snprintf(word, sizeof word, "%.*s", (int)len, list);
    if (!right(call, word)) return false;
    list += len;
    if (!*list) return true;
  }
}

/* read_list() answers itself when name is there and wrong. */
static bool read_list(const struct call *call, const char *query, const char *name, char *out,
                      bool (*right)(const struct call *, const char *))
{
  char detail[128];
  out[0] = '\0';
  enum status status = http_query_value(query, name, out, LIST_MAX);
  if (status == ST_NOT_FOUND) return true;
  if (status == ST_OK && each_word(call, out, right)) return true;
  snprintf(detail, sizeof detail, "%s must be one that exists, or some with commas between", name);
  answer_problem(call, PROBLEM_INVALID_QUERY, detail);
  return false;
}

/* A browser that connects again by itself says the newest id in the header, and the first one still
 * in the URL. */
static bool read_position(const struct call *call, const struct http_request *request,
                          struct wanted *out)
{
  char text[POSITION_MAX];
  const char *id = http_request_header(request, "Last-Event-ID");
  enum status status = ST_OK;
  if (!id) {
    status = http_query_value(request->query, "last_event_id", text, sizeof text);
    id = text;
  }
  out->resumes = status == ST_OK && *id;
  if (status == ST_NOT_FOUND || (status == ST_OK && !*id)) return true;
  if (status == ST_OK && stream_position_parse(id, &out->after)) return true;
  answer_problem(call, PROBLEM_INVALID_QUERY,
                 "Last-Event-ID must be the id of an event of this stream");
  return false;
}

static bool read_wanted(const struct call *call, const struct http_request *request,
                        struct wanted *out)
{
  const char *query = request->query;
  return read_position(call, request, out) &&
         read_list(call, query, "type", out->types, known_type) &&
         read_list(call, query, "status", out->statuses, known_status) &&
         read_list(call, query, "orderId", out->orders, order_id);
}

/* ── the stream ─────────────────────────────────────────────────────────────────────────────── */

static const char *or_null(const char *list)
{
  return *list ? list : NULL;
}

static void begin(const struct call *call, const struct wanted *wanted)
{
  struct stream_filter filter = {.tenant = call_tenant(call),
                                 .types = or_null(wanted->types),
                                 .statuses = or_null(wanted->statuses),
                                 .orders = or_null(wanted->orders)};
  struct sse *sse = mem_alloc(sizeof *sse);
  sse->call = *call;
  sse->listener = stream_listen(call->api->stream, wanted->resumes ? &wanted->after : NULL, &filter,
                                &sink, sse);
}

void stream_get(const struct call *call, const struct http_request *request, const char *param)
{
  struct wanted wanted;
  (void)param;
  if (!read_wanted(call, request, &wanted)) return;
  if (call->api->draining)
    answer_problem(call, PROBLEM_DRAINING, NULL);
  else if (!reader_up(call->api->reader))
    answer_problem(call, PROBLEM_STORE_UNAVAILABLE, NULL);
  else if (strcmp(request->method, "HEAD") == 0)
    answer_empty(call, 200, NULL, 0);
  else
    begin(call, &wanted);
}
