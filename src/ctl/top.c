/*
 * top.c - oxctl top: how the server does, drawn anew each second. Each of the sources is asked by
 * itself; one that is refused or away is said so in its place, and asked again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ctl/member.h"
#include "ctl/problem.h"
#include "ctl/screen.h"
#include "ctl/session.h"
#include "ctl/show.h"

enum { INTERVAL_MS = 1000, PAGE_MAX = 1 << 20, BODY_MAX = 4 << 20, BAR = 30, WHY_MAX = 160 };

static const struct option options[] = {
    {"interval", OPTION_DURATION, "TIME", "between two looks (1s; 200ms at the least)"},
    {"once", OPTION_SWITCH, NULL, "look once, also on a terminal"},
    {0},
};

enum source { STATS, QUEUE, METRICS, WORKERS, SOURCES };

static const struct {
  const char *name, *path;
} sources[SOURCES] = {[STATS] = {"stats", "/api/orders/stats"},
                      [QUEUE] = {"queue", "/queue/stats"},
                      [METRICS] = {"metrics", "/metrics"},
                      [WORKERS] = {"workers", "/handler/status"}};

struct look {
  struct top *top;
  struct http_exchange *exchange; /* under way */
  bool known, good;
  struct buf body; /* of the newest answer */
  char why[WHY_MAX];
  enum exit_code code;
};

struct top {
  struct session *session;
  struct screen *screen;
  struct look looks[SOURCES];
  struct http_exchange *renewing;
  uv_timer_t timer;
  int64_t completed, at_ms; /* at an earlier look */
  double per_s;
  bool done;
};

/* ── asking ─────────────────────────────────────────────────────────────────────────────────── */

static void draw(struct top *t);

/* The first line that problem_print() has for it. */
static void explain(struct look *k, const struct http_answer *answer)
{
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  if (!out) abort(); /* out of memory */
  problem_print(answer, out);
  fclose(out);
  const char *from = strncmp(text, "oxctl: ", 7) == 0 ? text + 7 : text;
  snprintf(k->why, sizeof k->why, "%.*s", (int)strcspn(from, "\n"), from);
  free(text);
}

static void note_rate(struct top *t)
{
  struct json_object stats, queue;
  struct look *k = &t->looks[STATS];
  int64_t now_ms = clock_mono_ms();
  if (!member_parse(k->body.data, k->body.len, &stats)) return;
  if (member_object(&stats, "queue", &queue)) {
    int64_t completed = member_int(&queue, "completed", 0);
    if (t->at_ms && now_ms > t->at_ms)
      t->per_s = (double)(completed - t->completed) * 1e3 / (double)(now_ms - t->at_ms);
    t->completed = completed;
    t->at_ms = now_ms;
    json_object_deinit(&queue);
  }
  json_object_deinit(&stats);
}

static bool asking(const struct top *t)
{
  for (size_t i = 0; i < SOURCES; i++)
    if (t->looks[i].exchange) return true;
  return false;
}

static void on_look(void *arg, const struct http_answer *answer)
{
  struct look *k = arg;
  k->exchange = NULL;
  k->known = true;
  k->code = problem_exit(answer);
  k->good = k->code == EXIT_DONE;
  buf_clear(&k->body);
  buf_append(&k->body, answer->body.data, answer->body.len);
  if (!k->good) explain(k, answer);
  if (answer->status == 401 && tokens_renewable(k->top->session->tokens))
    tokens_expire(k->top->session->tokens);
  if (k->good && k == &k->top->looks[STATS]) note_rate(k->top);
  if (k->top->screen && !asking(k->top)) draw(k->top);
}

static void ask_all(struct top *t)
{
  for (size_t i = 0; i < SOURCES; i++) {
    struct look *k = &t->looks[i];
    if (k->exchange) continue;
    const struct http_request request = {
        .method = "GET", .path = sources[i].path, .token = tokens_bearer(t->session->tokens)};
    k->exchange = http_send(t->session->http, &request, on_look, k);
  }
}

static void on_renewed(void *arg, const struct http_answer *answer)
{
  struct top *t = arg;
  t->renewing = NULL;
  session_renewed(t->session, answer);
}

static void on_timer(uv_timer_t *timer)
{
  struct top *t = timer->data;
  draw(t); /* the time goes on, whatever the server does */
  if (t->renewing) return;
  if (tokens_due(t->session->tokens))
    t->renewing = session_renew(t->session, on_renewed, t);
  else
    ask_all(t);
}

/* ── the page ───────────────────────────────────────────────────────────────────────────────── */

static void put_bar(int64_t used, int64_t limit, FILE *out)
{
  int filled = limit > 0 ? (int)(used < limit ? used * BAR / limit : BAR) : 0;
  fputc('[', out);
  for (int i = 0; i < BAR; i++) fputc(i < filled ? '#' : '.', out);
  fputc(']', out);
}

static void put_queue(const struct top *t, const struct json_object *stats, FILE *out)
{
  struct json_object queue, limit, sockets;
  if (member_object(stats, "queue", &queue)) {
    fprintf(out, "orders    waiting %s  active %s  delayed %s  completed %s (%.1f/s)  failed %s\n",
            member_or(&queue, "waiting", "-"), member_or(&queue, "active", "-"),
            member_or(&queue, "delayed", "-"), member_or(&queue, "completed", "-"), t->per_s,
            member_or(&queue, "failed", "-"));
    json_object_deinit(&queue);
  }
  if (member_object(stats, "rateLimit", &limit)) {
    int64_t used = member_int(&limit, "usedInWindow", 0), most = member_int(&limit, "limit", 0);
    fputs("starts    ", out);
    put_bar(used, most, out);
    fprintf(out, most ? " %" PRId64 " of %" PRId64 " in %.0f s\n" : " %" PRId64 ", no limit\n",
            used, most, (double)member_int(&limit, "windowMs", 0) / 1e3);
    json_object_deinit(&limit);
  }
  if (member_object(stats, "websocket", &sockets)) {
    fprintf(out, "sockets   %s\n", member_or(&sockets, "connections", "-"));
    json_object_deinit(&sockets);
  }
}

static void put_operator(const struct json_object *queue, FILE *out)
{
  fprintf(out, "queue     %s  oldest %.1f s  dead letters %s\n",
          member_true(queue, "paused") ? "PAUSED" : "running",
          (double)member_int(queue, "oldestWaitingMs", 0) / 1e3,
          member_or(queue, "deadLetters", "-"));
}

static void put_metrics(const struct json_object *metrics, FILE *out)
{
  struct json_object counts;
  fprintf(out, "all time  %s orders, %s s each\n", member_or(metrics, "total_orders", "-"),
          member_or(metrics, "average_processing_time", "-"));
  if (!member_object(metrics, "order_counts", &counts)) return;
  fputs("         ", out);
  for (size_t i = 0; i < counts.n_fields; i++) {
    if (strcmp(counts.fields[i].text, "0") == 0) continue;
    fputc(' ', out);
    table_put(counts.fields[i].name, out);
    fputc(' ', out);
    table_put(counts.fields[i].text, out);
  }
  fputc('\n', out);
  json_object_deinit(&counts);
}

/* ── workers ────────────────────────────────────────────────────────────────────────────────── */

static enum style stage_style(const char *stage)
{
  return *stage ? STYLE_CYAN : STYLE_NONE;
}

static const struct table_column columns[] = {
    {.title = "WORKER"},
    {.title = "SLOT", .right = true},
    {.title = "ORDER"},
    {.title = "TYPE"},
    {.title = "STAGE", .style = stage_style},
    {.title = "AGE S", .right = true},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void add_slot(struct table *table, const char *worker, const struct json_slice *text)
{
  struct json_object slot;
  char age[32];
  if (!member_parse(text->text, text->len, &slot)) return;
  if (member_true(&slot, "busy")) {
    snprintf(age, sizeof age, "%.1f", (double)member_int(&slot, "ageMs", 0) / 1e3);
    const char *cells[COLUMNS] = {worker,
                                  member_text(&slot, "slot"),
                                  member_text(&slot, "orderId"),
                                  member_text(&slot, "type"),
                                  member_text(&slot, "stage"),
                                  age};
    table_add(table, cells);
  }
  json_object_deinit(&slot);
}

static void add_worker(struct table *table, const struct json_slice *text)
{
  struct json_object worker;
  struct json_items slots;
  if (!member_parse(text->text, text->len, &worker)) return;
  if (member_items(&worker, "slots", &slots)) {
    for (size_t i = 0; i < slots.n; i++)
      add_slot(table, member_text(&worker, "worker"), &slots.items[i]);
    json_items_deinit(&slots);
  }
  json_object_deinit(&worker);
}

static void put_workers(const struct json_object *status, FILE *out)
{
  struct json_items workers;
  fprintf(out, "workers   %s of %s slots are busy%s\n\n", member_or(status, "busy", "-"),
          member_or(status, "slots", "-"),
          member_true(status, "complete") ? "" : " (not all processes are known)");
  if (!member_items(status, "workers", &workers)) return;
  struct table *table = table_create(columns, COLUMNS);
  for (size_t i = 0; i < workers.n; i++) add_worker(table, &workers.items[i]);
  if (table_rows(table) > 0) table_print(table, terminal_width(stdout), out);
  table_destroy(table);
  json_items_deinit(&workers);
}

/* ── all of it ──────────────────────────────────────────────────────────────────────────────── */

static void put_source(const struct top *t, enum source i, FILE *out)
{
  const struct look *k = &t->looks[i];
  struct json_object answer;
  if (!k->known) return;
  if (!k->good || !member_parse(k->body.data, k->body.len, &answer)) {
    fprintf(out, "%-9s %s\n", sources[i].name, k->good ? "the answer is none" : k->why);
    return;
  }
  if (i == STATS)
    put_queue(t, &answer, out);
  else if (i == QUEUE)
    put_operator(&answer, out);
  else if (i == METRICS)
    put_metrics(&answer, out);
  else
    put_workers(&answer, out);
  json_object_deinit(&answer);
}

static void put_page(const struct top *t, FILE *out)
{
  for (size_t i = 0; i < SOURCES; i++) put_source(t, i, out);
}

static void draw(struct top *t)
{
  char *text = NULL, now[CLOCK_RFC3339_LEN + 1];
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  if (!out) abort(); /* out of memory */
  clock_rfc3339(clock_unix_ms(), now);
  fprintf(out, "ox at %s   %.8s UTC   q quits\n\n", t->session->url, now + strlen("2026-01-31T"));
  put_page(t, out);
  fclose(out);
  screen_draw(t->screen, text);
  free(text);
}

/* What programs get: each source's answer as it came, or null. */
static void print_json(const struct top *t)
{
  struct buf out;
  struct json_writer w;
  buf_init(&out, PAGE_MAX + SOURCES * BODY_MAX);
  json_writer_init(&w, &out);
  json_begin(&w, NULL);
  for (size_t i = 0; i < SOURCES; i++) {
    const struct look *k = &t->looks[i];
    struct json_object answer;
    bool good = k->good && member_parse(k->body.data, k->body.len, &answer);
    if (good) {
      json_raw(&w, sources[i].name, k->body.data, k->body.len);
      json_object_deinit(&answer);
    } else {
      json_nil(&w, sources[i].name);
    }
  }
  json_end(&w);
  show_json(out.data, out.len);
  buf_deinit(&out);
}

static enum exit_code look_once(struct top *t)
{
  struct session *s = t->session;
  struct reply reply; /* renews the token, waits for the server, says what is wrong */
  const struct http_request request = {.method = "GET", .path = sources[STATS].path};
  enum exit_code code = session_call(s, &request, &reply);
  if (code != EXIT_DONE) return code;
  buf_deinit(&reply.body);
  ask_all(t);
  for (size_t i = 0; i < SOURCES; i++)
    if (!session_run(s, &t->looks[i].known)) return session_signalled(s);
  if (s->json)
    print_json(t);
  else
    put_page(t, stdout);
  return EXIT_DONE;
}

static void on_key(void *arg, char key)
{
  struct top *t = arg;
  if (key == 'q' || key == 'Q') t->done = true;
}

static void on_resize(void *arg)
{
  draw(arg);
}

static enum exit_code look_on(struct top *t, int64_t interval_ms)
{
  t->screen = screen_open(&t->session->loop, on_key, on_resize, t);
  uv_timer_start(&t->timer, on_timer, 0, (uint64_t)interval_ms);
  draw(t);
  bool quit = session_run(t->session, &t->done);
  uv_timer_stop(&t->timer);
  screen_close(t->screen);
  return quit ? EXIT_DONE : session_signalled(t->session);
}

static enum exit_code run(struct session *s, const struct arguments *a)
{
  enum { LEAST_MS = 200 };
  struct top t = {.session = s};
  int64_t interval_ms = arguments_ms(a, "interval", INTERVAL_MS);
  for (size_t i = 0; i < SOURCES; i++) {
    t.looks[i].top = &t;
    buf_init(&t.looks[i].body, BODY_MAX);
  }
  uv_timer_init(&s->loop, &t.timer);
  t.timer.data = &t;
  bool once = arguments_on(a, "once") || s->json;
  enum exit_code code =
      once ? look_once(&t) : look_on(&t, interval_ms > LEAST_MS ? interval_ms : LEAST_MS);
  if (t.renewing) http_cancel(t.renewing);
  for (size_t i = 0; i < SOURCES; i++) {
    if (t.looks[i].exchange) http_cancel(t.looks[i].exchange);
    buf_deinit(&t.looks[i].body);
  }
  uv_close((uv_handle_t *)&t.timer, NULL);
  uv_run(&s->loop, UV_RUN_NOWAIT); /* it is on this stack */
  return code;
}

const struct command command_top = {
    .name = "top",
    .operands = "",
    .summary = "Show how the server does, again and again; q quits",
    .about =
        "Where output is no terminal it looks once, and prints JSON. Without the scope admin the "
        "operators' part is left out.",
    .options = options,
    .run = run,
};
