/* dlq.c - oxctl dlq: orders that failed, and placing them anew. */
#include "ctl/pages.h"
#include "ctl/query.h"
#include "ctl/session.h"
#include "ctl/show.h"

static const struct option list_options[] = {
    {"limit", OPTION_INT, "1-200", "orders of a page"},
    {"cursor", OPTION_TEXT, "CURSOR", "go on behind an earlier page"},
    {"all", OPTION_SWITCH, NULL, "every page; as JSON, a line for each order"},
    {0},
};

static enum exit_code run_list(struct session *s, const struct arguments *a)
{
  struct buf path;
  const char *limit = arguments_text(a, "limit");
  bool all = arguments_on(a, "all");
  buf_init(&path, QUERY_MAX);
  buf_append_str(&path, "/dlq");
  query_add(&path, "limit", limit ? limit : all ? "200" : NULL);
  enum exit_code code = pages_print(s, path.data, arguments_text(a, "cursor"), all);
  buf_deinit(&path);
  return code;
}

static const struct option redrive_options[] = {
    {"all", OPTION_SWITCH, NULL, "all of them, but those whose outcome is not known"},
    {0},
};

static enum exit_code run_redrive(struct session *s, const struct arguments *a)
{
  struct buf path;
  if ((a->n_operands > 0) == arguments_on(a, "all")) {
    fputs("oxctl dlq redrive: an ID, or --all\n", stderr);
    return EXIT_USAGE;
  }
  buf_init(&path, QUERY_MAX);
  buf_append_str(&path, "/dlq/");
  if (a->n_operands > 0) {
    query_encode(&path, a->operands[0]);
    buf_append_char(&path, '/');
  }
  buf_append_str(&path, "redrive");
  enum exit_code code = session_show(s, "POST", path.data, show_members);
  buf_deinit(&path);
  return code;
}

const struct command command_dlq_list = {
    .name = "dlq list",
    .operands = "",
    .summary = "List orders that failed (admin)",
    .options = list_options,
    .run = run_list,
};

const struct command command_dlq_redrive = {
    .name = "dlq redrive",
    .operands = "[ID]",
    .most = 1,
    .summary = "Place an order that failed anew, as a new order, once (admin)",
    .about = "Where it is not known what the order did, the server refuses: exit code 3.",
    .options = redrive_options,
    .run = run_redrive,
};
