/* order_show.c - see order_show.h. What waits is the reply. */
#include "http/order_show.h"

#include "base/alloc.h"
#include "http/answer.h"

static void on_order(void *arg, enum status status, const struct order *order)
{
  struct call *call = arg;
  if (status == ST_OK) {
    order_write(order, answer_body(call));
    answer_send(call, 200, NULL, 0);
  } else {
    answer_problem(call, problem_of(status), NULL);
  }
  free(call);
}

void order_show(const struct call *call, const struct ulid *id)
{
  struct call *waiting = mem_alloc(sizeof *waiting);
  *waiting = *call;
  enum status status = reader_order(call->api->reader, call_tenant(waiting), id, on_order, waiting);
  if (status != ST_OK) on_order(waiting, status, NULL);
}
