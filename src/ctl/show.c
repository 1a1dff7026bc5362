/* show.c - see show.h. */
#include "ctl/show.h"

#include <string.h>

void show_json(const char *text, size_t len)
{
  fwrite(text, 1, len, stdout);
  if (len == 0 || text[len - 1] != '\n') fputc('\n', stdout);
}

/* ── orders ─────────────────────────────────────────────────────────────────────────────────── */

static void print_error(const struct json_object *order, FILE *out)
{
  struct json_object error;
  if (!member_object(order, "error", &error)) return;
  struct buf line;
  buf_init(&line, 4096);
  buf_appendf(&line, "%s: %s (outcome: %s)", member_or(&error, "code", "?"),
              member_or(&error, "message", ""), member_or(&error, "outcome", "?"));
  table_pair("error", line.data, out);
  buf_deinit(&line);
  json_object_deinit(&error);
}

void show_order(const char *text, size_t len, FILE *out)
{
  struct json_object order;
  if (!member_parse(text, len, &order)) return;
  for (size_t i = 0; i < order.n_fields; i++) {
    const struct ox_field *f = &order.fields[i];
    if (strcmp(f->name, "error") == 0)
      print_error(&order, out);
    else if (f->kind != OX_FIELD_NULL)
      table_pair(f->name, f->text, out);
  }
  json_object_deinit(&order);
}

static void show_within(const char *prefix, const char *text, size_t len, FILE *out)
{
  enum { NAME_MAX_LEN = 128 };
  struct json_object o;
  if (!member_parse(text, len, &o)) return;
  for (size_t i = 0; i < o.n_fields; i++) {
    char name[NAME_MAX_LEN];
    const struct ox_field *f = &o.fields[i];
    snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", f->name);
    if (f->kind == OX_FIELD_JSON && f->text[0] == '{')
      show_within(name, f->text, f->len, out);
    else
      table_pair(name, f->kind == OX_FIELD_NULL ? "-" : f->text, out);
  }
  json_object_deinit(&o);
}

void show_members(const char *text, size_t len, FILE *out)
{
  show_within("", text, len, out);
}

static enum style style_of(const char *phase)
{
  return style_of_phase(phase);
}

const struct table_column show_columns[] = {
    {.title = "ORDER"},  {.title = "TYPE"},    {.title = "PHASE", .style = style_of},
    {.title = "STATUS"}, {.title = "CREATED"}, {.title = "WHAT", .cut = true},
};

static void describe(const struct json_object *o, struct buf *out)
{
  const char *in = member_text(o, "tokenIn"), *to = member_text(o, "tokenOut");
  if (in && to)
    buf_appendf(out, "%s %s to %s", member_or(o, "amount", "?"), in, to);
  else if (member_text(o, "user_id"))
    buf_appendf(out, "for %s", member_text(o, "user_id"));
  else
    buf_append_str(out, member_or(o, "amount", ""));
  if (member_text(o, "executedPrice"))
    buf_appendf(out, " at %s on %s", member_text(o, "executedPrice"), member_or(o, "dex", "?"));
}

/* Created: "01-31 10:30:00" of "2026-01-31T10:30:00.123Z". */
enum { CREATED_FROM = 5, CREATED_LEN = 14, DATE_LEN = 5 };

void show_row(struct table *t, const char *text, size_t len)
{
  struct json_object o;
  struct buf what;
  if (!member_parse(text, len, &o)) return;
  buf_init(&what, 1024);
  describe(&o, &what);
  char created[CREATED_LEN + 1];
  const char *at = member_or(&o, "createdAt", "");
  snprintf(created, sizeof created, "%s", strlen(at) > CREATED_FROM ? at + CREATED_FROM : "");
  if (strlen(created) > DATE_LEN) created[DATE_LEN] = ' ';
  const char *cells[SHOW_COLUMNS] = {member_text(&o, "orderId"),
                                     member_text(&o, "type"),
                                     member_text(&o, "phase"),
                                     member_text(&o, "status"),
                                     created,
                                     what.data};
  table_add(t, cells);
  buf_deinit(&what);
  json_object_deinit(&o);
}

/* ── states ─────────────────────────────────────────────────────────────────────────────────── */

/* What is worth a word of an event's data. */
static void print_data(const struct json_object *data, FILE *out)
{
  static const char *const names[] = {"reason", "executedPrice", "dex", "txHash", "redriveOf"};
  struct json_object error;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = member_text(data, names[i]);
    if (!text) continue;
    fputs("  ", out);
    if (strcmp(names[i], "reason") != 0) fprintf(out, "%s ", names[i]);
    table_put(text, out);
  }
  if (!member_object(data, "error", &error)) return;
  fputs("  ", out);
  table_put(member_or(&error, "code", "?"), out);
  fputs(": ", out);
  table_put(member_or(&error, "message", ""), out);
  json_object_deinit(&error);
}

void show_event(const struct event *e, int64_t start_ms, FILE *out)
{
  enum { CLOCK_FROM = 11, CLOCK_LEN = 12 };
  struct json_object data;
  const char *at = member_or(&e->object, "timestamp", "");
  if (strlen(at) > CLOCK_FROM) fprintf(out, "%.*s", CLOCK_LEN, at + CLOCK_FROM);
  fprintf(out, " %+9.3f s  ", (double)(e->at_ms - start_ms) / 1e3);
  terminal_style(style_of_phase(e->phase), out);
  table_put(e->status, out);
  terminal_style(STYLE_NONE, out);
  if (e->attempt > 1) fprintf(out, "  attempt %lld", (long long)e->attempt);
  if (member_object(&e->object, "data", &data)) {
    print_data(&data, out);
    json_object_deinit(&data);
  }
  fputc('\n', out);
}
