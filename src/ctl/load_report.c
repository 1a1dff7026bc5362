/* load_report.c - see load_report.h. */
#include "ctl/load_report.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/table.h"

static const struct {
  const char *title, *key;
  double share;
} marks[] = {{"P50", "p50", .5},
             {"P90", "p90", .9},
             {"P95", "p95", .95},
             {"P99", "p99", .99},
             {"P99.9", "p999", .999}};
enum { MARKS = sizeof marks / sizeof *marks, NUMBER_MAX = 24, NAME_MAX_LEN = 64 };

/* ── the judgement ──────────────────────────────────────────────────────────────────────────── */

struct threshold {
  const char *title, *key;
  int64_t limit;
  double value;
};
enum { THRESHOLDS = 3 };

static void thresholds(const struct load_run *r, struct threshold out[THRESHOLDS])
{
  const struct load_counts *c = &r->book->counts;
  out[0] = (struct threshold){"p99 of POST, ms", "p99Ms", r->limits.p99_ms,
                              (double)histogram_at(r->book->post, .99) / 1e3};
  out[1] = (struct threshold){"p99 of accept to end, ms", "endP99Ms", r->limits.end_p99_ms,
                              (double)histogram_at(r->book->end, .99) / 1e3};
  out[2] = (struct threshold){"failed", "failed", r->limits.failed,
                              (double)(c->refused + c->unanswered + c->failed + c->cancelled)};
}

static bool kept(const struct threshold *t)
{
  return t->limit < 0 || t->value <= (double)t->limit;
}

static bool correct(const struct load_run *r)
{
  for (size_t how = 0; how < LOAD_WRONGS; how++)
    if (r->book->counts.wrong[how] > 0) return false;
  return true;
}

static bool listened(const struct load_run *r)
{
  return strcmp(r->listener, "none") != 0;
}

bool load_passed(const struct load_run *r)
{
  struct threshold all[THRESHOLDS];
  thresholds(r, all);
  for (size_t i = 0; i < THRESHOLDS; i++)
    if (!kept(&all[i])) return false;
  return r->complete && r->book->counts.accepted > 0 && (!listened(r) || correct(r));
}

/* ── what is shown of both ──────────────────────────────────────────────────────────────────── */

/* each_timing() goes through all that was timed. */
static void each_timing(const struct load_book *b, void *arg,
                        void (*show)(void *arg, const char *title, const char *key,
                                     const struct histogram *h))
{
  show(arg, "POST, since it was due", "post", b->post);
  show(arg, "POST, since it was sent", "postSinceSent", b->service);
  for (size_t i = 0; i < b->n_states; i++) {
    char title[NAME_MAX_LEN], key[NAME_MAX_LEN];
    snprintf(title, sizeof title, "accept to %s", b->states[i].name);
    snprintf(key, sizeof key, "acceptTo:%s", b->states[i].name);
    if (histogram_count(b->states[i].since_accept) > 0)
      show(arg, title, key, b->states[i].since_accept);
  }
  if (histogram_count(b->end) > 0) show(arg, "accept to the end", "acceptToEnd", b->end);
  if (histogram_count(b->listener) > 0)
    show(arg, "event to listener", "eventToListener", b->listener);
}

/* ── for people ─────────────────────────────────────────────────────────────────────────────── */

static void add_row(void *arg, const char *title, const char *key, const struct histogram *h)
{
  char text[MARKS + 2][NUMBER_MAX];
  const char *cells[MARKS + 3] = {title};
  (void)key;
  for (size_t i = 0; i < MARKS; i++)
    snprintf(text[i], NUMBER_MAX, "%.1f", (double)histogram_at(h, marks[i].share) / 1e3);
  snprintf(text[MARKS], NUMBER_MAX, "%.1f", (double)histogram_max(h) / 1e3);
  snprintf(text[MARKS + 1], NUMBER_MAX, "%" PRId64, histogram_count(h));
  for (size_t i = 0; i < MARKS + 2; i++) cells[i + 1] = text[i];
  table_add(arg, cells);
}

static void print_timings(const struct load_book *b, FILE *out)
{
  struct table_column columns[MARKS + 3] = {{.title = "MS"}};
  for (size_t i = 0; i < MARKS; i++)
    columns[i + 1] = (struct table_column){.title = marks[i].title, .right = true};
  columns[MARKS + 1] = (struct table_column){.title = "MAX", .right = true};
  columns[MARKS + 2] = (struct table_column){.title = "N", .right = true};
  struct table *t = table_create(columns, MARKS + 3);
  each_timing(b, t, add_row);
  table_print(t, 0, out);
  table_destroy(t);
}

static void print_verdict(const struct load_run *r, FILE *out)
{
  const struct load_book *b = r->book;
  struct threshold all[THRESHOLDS];
  if (!listened(r))
    fputs("orders     not listened to: how they ended is not known\n", out);
  else if (correct(r) && b->counts.accepted > 0)
    fputs("orders     right: every one ended, each state once and in order, no seq left out\n",
          out);
  if (b->counts.taken_over > 0)
    fprintf(out,
            "orders     begun again %" PRId64 " times in the same attempt: by another worker\n",
            b->counts.taken_over);
  for (size_t how = 0; listened(r) && how < LOAD_WRONGS; how++) {
    int64_t n = b->counts.wrong[how];
    if (n == 0) continue;
    fprintf(out, "orders     WRONG: %" PRId64 " with %s:", n, load_wrong_titles[how]);
    for (int64_t i = 0; i < n && i < LOAD_EXAMPLES_MAX; i++)
      fprintf(out, " %s", b->examples[how][i]);
    fputs(n > LOAD_EXAMPLES_MAX ? " …\n" : "\n", out);
  }
  thresholds(r, all);
  for (size_t i = 0; i < THRESHOLDS; i++)
    if (all[i].limit >= 0)
      fprintf(out, "threshold  %s: %s: %.1f, at most %" PRId64 "\n",
              kept(&all[i]) ? "kept" : "MISSED", all[i].title, all[i].value, all[i].limit);
}

void load_report_text(const struct load_run *r, FILE *out)
{
  const struct load_counts *c = &r->book->counts;
  fprintf(out, "%s%" PRId64 " orders in %.1f s, listeners: %s\n",
          r->complete ? "" : "INTERRUPTED: ", c->sent, (double)r->posting_ms / 1e3, r->listener);
  fprintf(out, "accepted %" PRId64 ", refused %" PRId64 ", without an answer %" PRId64 "\n",
          c->accepted, c->refused, c->unanswered);
  if (listened(r))
    fprintf(out,
            "ended %" PRId64 " in %.1f s: %" PRId64 " succeeded, %" PRId64 " failed, %" PRId64
            " cancelled; %" PRId64 " events\n",
            c->ended, (double)r->whole_ms / 1e3, c->succeeded, c->failed, c->cancelled, c->events);
  fputc('\n', out);
  print_timings(r->book, out);
  fputc('\n', out);
  print_verdict(r, out);
  fprintf(out, "verdict    %s\n", load_passed(r) ? "passed" : "FAILED");
}

/* ── as JSON ────────────────────────────────────────────────────────────────────────────────── */

static void put_ms(struct json_writer *w, const char *key, double us)
{
  char text[NUMBER_MAX];
  int len = snprintf(text, sizeof text, "%.3f", us / 1e3);
  json_raw(w, key, text, (size_t)len);
}

static void write_timing(void *arg, const char *title, const char *key, const struct histogram *h)
{
  struct json_writer *w = arg;
  (void)title;
  json_begin(w, key);
  json_int(w, "n", histogram_count(h));
  put_ms(w, "mean", histogram_mean(h));
  for (size_t i = 0; i < MARKS; i++)
    put_ms(w, marks[i].key, (double)histogram_at(h, marks[i].share));
  put_ms(w, "max", (double)histogram_max(h));
  json_end(w);
}

static void write_counts(struct json_writer *w, const struct load_run *r)
{
  const struct load_counts *c = &r->book->counts;
  json_begin(w, "orders");
  json_int(w, "planned", r->plan->orders);
  json_int(w, "sent", c->sent);
  json_int(w, "accepted", c->accepted);
  json_int(w, "refused", c->refused);
  json_int(w, "unanswered", c->unanswered);
  json_int(w, "ended", c->ended);
  json_int(w, "succeeded", c->succeeded);
  json_int(w, "failed", c->failed);
  json_int(w, "cancelled", c->cancelled);
  json_int(w, "takenOver", c->taken_over);
  json_end(w);
  json_int(w, "events", c->events);
}

static void write_verdict(struct json_writer *w, const struct load_run *r)
{
  const struct load_book *b = r->book;
  json_begin(w, "wrong");
  for (size_t how = 0; how < LOAD_WRONGS; how++) {
    json_begin(w, load_wrong_names[how]);
    json_int(w, "orders", b->counts.wrong[how]);
    json_begin_array(w, "examples");
    for (int64_t i = 0; i < b->counts.wrong[how] && i < LOAD_EXAMPLES_MAX; i++)
      json_str(w, NULL, b->examples[how][i]);
    json_end_array(w);
    json_end(w);
  }
  json_end(w);
}

static void write_thresholds(struct json_writer *w, const struct load_run *r)
{
  struct threshold all[THRESHOLDS];
  thresholds(r, all);
  json_begin(w, "thresholds");
  for (size_t i = 0; i < THRESHOLDS; i++) {
    if (all[i].limit < 0) continue;
    json_begin(w, all[i].key);
    json_int(w, "limit", all[i].limit);
    put_ms(w, "value", all[i].value * 1e3);
    json_bool(w, "kept", kept(&all[i]));
    json_end(w);
  }
  json_end(w);
}

void load_report_json(const struct load_run *r, struct buf *out)
{
  struct json_writer w;
  json_writer_init(&w, out);
  json_begin(&w, NULL);
  json_bool(&w, "passed", load_passed(r));
  json_bool(&w, "complete", r->complete);
  json_str(&w, "listener", r->listener);
  json_time(&w, "began", r->began_ms);
  json_int(&w, "postingMs", r->posting_ms);
  json_int(&w, "wholeMs", r->whole_ms);
  write_counts(&w, r);
  json_begin(&w, "latencyMs");
  each_timing(r->book, &w, write_timing);
  json_end(&w);
  if (listened(r)) write_verdict(&w, r);
  write_thresholds(&w, r);
  json_end(&w);
}
