/* cancel.c - oxctl cancel: an order that was not submitted yet. */
#include "ctl/query.h"
#include "ctl/session.h"
#include "ctl/show.h"

static enum exit_code run(struct session *s, const struct arguments *a)
{
  struct buf path;
  struct reply reply;
  query_order(&path, a->operands[0], "");
  const struct http_request request = {.method = "DELETE", .path = path.data};
  enum exit_code code = session_call(s, &request, &reply);
  buf_deinit(&path);
  if (code != EXIT_DONE) return code;
  if (s->json)
    show_json(reply.body.data, reply.body.len);
  else
    show_order(reply.body.data, reply.body.len, stdout);
  buf_deinit(&reply.body);
  return EXIT_DONE;
}

const struct command command_cancel = {
    .name = "cancel",
    .operands = "ID",
    .least = 1,
    .most = 1,
    .summary = "Cancel an order that was not submitted yet",
    .about = "What was submitted, or has ended, is refused: exit code 3.",
    .run = run,
};
