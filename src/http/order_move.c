/*
 * order_move.c - PUT /api/orders/:id/status: an order moved by hand. It is looked up for whose and
 * of which type it is, moved by the journal, and shown as it is then. What waits is the reply, the
 * order's id and the word.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "http/input.h"
#include "http/order_ref.h"
#include "http/order_show.h"
#include "journal/cancel.h"

struct waiting {
  struct call call;
  struct ulid id;
  char status[ORDER_STATUS_MAX]; /* "": longer than any type's */
};

static void refuse(struct waiting *w, enum problem p)
{
  answer_problem(&w->call, p, NULL);
  free(w);
}

static void on_moved(void *arg, enum cancel_result result)
{
  static const enum problem problems[] = {[CANCEL_ENDED] = PROBLEM_ILLEGAL_TRANSITION,
                                          [CANCEL_SUBMITTED] = PROBLEM_ILLEGAL_TRANSITION,
                                          [CANCEL_RUNNING] = PROBLEM_INTERNAL,
                                          [CANCEL_UNKNOWN] = PROBLEM_ORDER_NOT_FOUND,
                                          [CANCEL_AWAY] = PROBLEM_STORE_UNAVAILABLE};
  struct waiting *w = arg;
  if (result != CANCEL_DONE) {
    refuse(w, problems[result]);
    return;
  }
  order_show(&w->call, &w->id);
  free(w);
}

static void refuse_word(struct waiting *w, const struct order_type *type)
{
  struct problem_errors errors;
  problem_errors_init(&errors);
  problem_unknown_status(&errors, type);
  answer_errors(&w->call, &errors);
  problem_errors_deinit(&errors);
  free(w);
}

static void move(struct waiting *w, const struct order *order)
{
  const struct api *api = w->call.api;
  const struct order_type *type = registry_type(api->registry, order->type);
  const struct ox_state *target = type ? order_type_state(type, w->status) : NULL;
  if (type && !target) {
    refuse_word(w, type);
    return;
  }
  if (!type || !(target->flags & OX_STATE_BY_HAND)) {
    refuse(w, PROBLEM_ILLEGAL_TRANSITION);
    return;
  }
  w->id = order->id;
  enum status status = journal_move(api->journal, &w->id, type, target, on_moved, w);
  if (status != ST_OK) refuse(w, problem_of(status));
}

static void on_order(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status == ST_OK)
    move(w, order);
  else
    refuse(w, problem_of(status));
}

/* ── the body ───────────────────────────────────────────────────────────────────────────────── */

static void check_member(const struct ox_field *f, struct problem_errors *errors)
{
  if (strcmp(f->name, "status") != 0)
    problem_errors_add_member(errors, f->name, "UNKNOWN_FIELD", "is not a member of this");
  else if (f->kind != OX_FIELD_STRING)
    problem_errors_add(errors, "/status", "WRONG_TYPE", "must be a string: a status of the type");
}

/* read_word() is false when the body is not {"status":"WORD"}; errors has what is wrong. */
static bool read_word(const struct http_request *request, char out[ORDER_STATUS_MAX],
                      struct problem_errors *errors)
{
  struct json_object body;
  const char *word = NULL;
  if (input_parse(request->body, request->body_len, &body, errors) != ST_OK) return false;
  for (size_t i = 0; i < body.n_fields; i++) {
    check_member(&body.fields[i], errors);
    if (strcmp(body.fields[i].name, "status") == 0) word = body.fields[i].text;
  }
  if (!word)
    problem_errors_add(errors, "/status", "REQUIRED", "is missing: the status to move to");
  else
    snprintf(out, ORDER_STATUS_MAX, "%s", strlen(word) < ORDER_STATUS_MAX ? word : "");
  json_object_deinit(&body);
  return errors->n == 0;
}

void order_move(const struct call *call, const struct http_request *request, const char *param)
{
  struct order_ref ref;
  if (!param || !order_ref_parse(param, &ref)) {
    answer_problem(call, PROBLEM_INVALID_ORDER_ID, NULL);
    return;
  }
  struct waiting *w = mem_alloc(sizeof *w);
  w->call = *call;
  struct problem_errors errors;
  problem_errors_init(&errors);
  if (read_word(request, w->status, &errors)) {
    enum status status = order_ref_read(call, &ref, on_order, w);
    if (status != ST_OK) refuse(w, problem_of(status));
  } else {
    answer_errors(call, &errors);
    free(w);
  }
  problem_errors_deinit(&errors);
}
