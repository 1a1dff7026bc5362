/*
 * order_cancel.c - DELETE /api/orders/:id: the order is looked up for whose and of which type it
 * is, cancelled by the journal, and shown as it is then. What waits is the reply and the order's
 * id.
 */
#include "base/alloc.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "http/order_ref.h"
#include "http/order_show.h"
#include "journal/cancel.h"

struct waiting {
  struct call call;
  struct ulid id;
};

static void refuse(struct waiting *w, enum problem p)
{
  answer_problem(&w->call, p, NULL);
  free(w);
}

static void on_cancelled(void *arg, enum cancel_result result)
{
  static const enum problem problems[] = {[CANCEL_ENDED] = PROBLEM_ORDER_ENDED,
                                          [CANCEL_SUBMITTED] = PROBLEM_ORDER_SUBMITTED,
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

static void cancel(struct waiting *w, const struct order *order)
{
  const struct api *api = w->call.api;
  const struct order_type *type = registry_type(api->registry, order->type);
  if (!type || !order_type_flagged(type, OX_STATE_ON_CANCEL)) {
    refuse(w, PROBLEM_NOT_CANCELLABLE);
    return;
  }
  w->id = order->id;
  enum status status = journal_cancel(api->journal, &w->id, type, on_cancelled, w);
  if (status != ST_OK) refuse(w, problem_of(status));
}

static void on_order(void *arg, enum status status, const struct order *order)
{
  struct waiting *w = arg;
  if (status != ST_OK)
    refuse(w, problem_of(status));
  else if (order_phase_terminal(order->phase))
    refuse(w, PROBLEM_ORDER_ENDED);
  else
    cancel(w, order);
}

void order_cancel(const struct call *call, const struct http_request *request, const char *param)
{
  struct order_ref ref;
  (void)request;
  if (!param || !order_ref_parse(param, &ref)) {
    answer_problem(call, PROBLEM_INVALID_ORDER_ID, NULL);
    return;
  }
  struct waiting *w = mem_alloc(sizeof *w);
  w->call = *call;
  enum status status = order_ref_read(call, &ref, on_order, w);
  if (status != ST_OK) refuse(w, problem_of(status));
}
