/* get.c - oxctl get: one order, its history, or its shipment. */
#include "ctl/query.h"
#include "ctl/session.h"
#include "ctl/show.h"

static const struct option options[] = {
    {"events", OPTION_SWITCH, NULL, "its whole history, with quotes and the routing decision"},
    {"shipment", OPTION_SWITCH, NULL, "where a delivery is"},
    {0},
};

static void print_events(const char *text, size_t len, FILE *out)
{
  struct json_object answer;
  struct json_items items;
  int64_t start_ms = 0;
  if (!member_parse(text, len, &answer)) return;
  if (member_items(&answer, "events", &items)) {
    for (size_t i = 0; i < items.n; i++) {
      struct event e;
      if (!event_parse(items.items[i].text, items.items[i].len, &e)) continue;
      if (i == 0) start_ms = e.at_ms;
      show_event(&e, start_ms, out);
      event_deinit(&e);
    }
    json_items_deinit(&items);
  }
  json_object_deinit(&answer);
}

static enum exit_code run(struct session *s, const struct arguments *a)
{
  struct buf path;
  bool events = arguments_on(a, "events"), shipment = arguments_on(a, "shipment");
  if (events && shipment) {
    fputs("oxctl get: --events or --shipment, not both\n", stderr);
    return EXIT_USAGE;
  }
  query_order(&path, a->operands[0], events ? "/events" : shipment ? "/shipment" : "");
  enum exit_code code = session_show(s, "GET", path.data, events ? print_events : show_order);
  buf_deinit(&path);
  return code;
}

const struct command command_get = {
    .name = "get",
    .operands = "ID",
    .least = 1,
    .most = 1,
    .summary = "Show an order",
    .about = "ID is an orderId (ord_…), or an id of your own.",
    .options = options,
    .run = run,
};
