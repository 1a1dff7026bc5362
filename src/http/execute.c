/*
 * execute.c - POST /api/orders/execute: parse, validate, journal; the answer leaves when the order
 * is durable. What waits is the reply and the word for the initial state, nothing of the body.
 */
#include <string.h>

#include "base/alloc.h"
#include "http/accept.h"
#include "http/answer.h"
#include "http/handlers.h"

enum { KEY_MAX = 128 };

struct waiting {
  struct call call;
  const char *status; /* in the type's table */
};

static bool key_valid(const char *key)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  size_t len = strspn(key, allowed);
  return len > 0 && len <= KEY_MAX && key[len] == '\0';
}

static void answer_accepted(const struct call *call, const char *status, bool replayed,
                            const struct journal_accepted *accepted)
{
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  json_begin(&w, NULL);
  accept_write(&w, accepted, status);
  json_end(&w);

  char location[sizeof "/api/orders/" + ULID_ORDER_LEN] = "/api/orders/";
  ulid_format_order(&accepted->id, location + strlen(location));
  const struct http_header headers[] = {{"Location", location}, {"Idempotent-Replayed", "true"}};
  answer_send(call, 201, headers, replayed ? 2 : 1);
}

static void on_accepted(void *arg, enum status status, const struct journal_accepted *accepted)
{
  struct waiting *w = arg;
  if (status == ST_OK || status == ST_REPLAYED)
    answer_accepted(&w->call, w->status, status == ST_REPLAYED, accepted);
  else
    answer_problem(&w->call, problem_of(status), NULL);
  free(w);
}

static void accept_envelope(const struct call *call, const struct http_request *request,
                            const struct envelope *envelope, const char *key)
{
  const struct accept_request accept = {envelope, key, request->body, request->body_len};
  struct waiting *w = mem_alloc(sizeof *w);
  *w = (struct waiting){*call, envelope->initial->name};
  enum status status = accept_order(call, &accept, on_accepted, w);
  if (status == ST_OK) return;
  free(w);
  answer_problem(call, problem_of(status), NULL);
}

void execute_post(const struct call *call, const struct http_request *request, const char *param)
{
  (void)param;
  const char *key = http_request_header(request, "Idempotency-Key");
  if (key && !key_valid(key)) {
    answer_problem(call, PROBLEM_INVALID_IDEMPOTENCY_KEY, NULL);
    return;
  }
  struct problem_errors errors;
  struct envelope envelope;
  problem_errors_init(&errors);
  if (envelope_parse(call->api->registry, request->body, request->body_len, &envelope, &errors) ==
      ST_OK) {
    accept_envelope(call, request, &envelope, key);
    envelope_deinit(&envelope);
  } else {
    answer_errors(call, &errors);
  }
  problem_errors_deinit(&errors);
}
