/*
 * execute.c - POST /api/orders/execute: parse, validate, journal; the answer leaves when the order
 * is durable. What waits is the reply, nothing of the body.
 *
 * An order that is not valid may have been when it was first sent: a retry after its expiresAt. So
 * before it is refused its key and its name are looked up.
 */
#include <string.h>

#include "base/alloc.h"
#include "http/accept.h"
#include "http/answer.h"
#include "http/handlers.h"

struct waiting {
  struct call call;
  struct problem_errors errors; /* what is wrong with it, unless it was accepted before */
};

static struct waiting *wait_begin(const struct call *call)
{
  struct waiting *w = mem_alloc(sizeof *w);
  w->call = *call;
  problem_errors_init(&w->errors);
  return w;
}

static void wait_end(struct waiting *w)
{
  problem_errors_deinit(&w->errors);
  free(w);
}

static void answer_accepted(const struct call *call, bool replayed,
                            const struct journal_accepted *accepted)
{
  struct json_writer w;
  json_writer_init(&w, answer_body(call));
  json_begin(&w, NULL);
  accept_write(&w, accepted);
  json_end(&w);

  char location[sizeof "/api/orders/" + ULID_ORDER_LEN] = "/api/orders/";
  ulid_format_order(&accepted->id, location + strlen(location));
  const struct http_header headers[] = {{"Location", location}, {"Idempotent-Replayed", "true"}};
  answer_send(call, 201, headers, replayed ? 2 : 1);
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
    answer_accepted(&w->call, status == ST_REPLAYED, accepted);
  else
    refuse(w, status);
  wait_end(w);
}

void execute_post(const struct call *call, const struct http_request *request, const char *param)
{
  (void)param;
  const char *key;
  if (accept_key(request, &key) != ST_OK) {
    answer_problem(call, PROBLEM_INVALID_IDEMPOTENCY_KEY, NULL);
    return;
  }
  struct envelope envelope;
  struct waiting *w = wait_begin(call);
  enum status status =
      envelope_parse(call->api->registry, request->body, request->body_len, &envelope, &w->errors);
  const struct accept_request accept = {&envelope, key, request->body, request->body_len};
  status = status == ST_OK ? accept_order(call, &accept, on_accepted, w)
                           : accept_known(call, &accept, on_accepted, w);
  if (status != ST_OK) {
    refuse(w, status);
    wait_end(w);
  }
  envelope_deinit(&envelope);
}
