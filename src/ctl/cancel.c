/* cancel.c - oxctl cancel: an order that was not submitted yet. */
#include "ctl/query.h"
#include "ctl/session.h"
#include "ctl/show.h"

static enum exit_code run(struct session *s, const struct arguments *a)
{
  struct buf path;
  query_order(&path, a->operands[0], "");
  enum exit_code code = session_show(s, "DELETE", path.data, show_order);
  buf_deinit(&path);
  return code;
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
