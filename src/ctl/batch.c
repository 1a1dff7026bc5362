/*
 * batch.c - oxctl batch: many orders from a file, in chunks under keys of their own.
 *
 * DESIGN. A chunk's key, and that it is about to be sent, are on the disk before it is sent
 * (batch_state.h); the server keeps what it answered to a key for a day. So a run that was killed
 * is begun again anywhere, and every order is placed once. The server refuses a whole chunk when an
 * order in it lacks a field: those it names are taken out, and the rest goes under the next key of
 * that chunk. Its answers are the same each time, and so are the keys.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ctl/batch_file.h"
#include "ctl/batch_state.h"
#include "ctl/member.h"
#include "ctl/problem.h"
#include "ctl/progress.h"
#include "ctl/session.h"
#include "ctl/table.h"

enum {
  PATIENCE_MS = 120 * 1000,
  KEY_KEPT_MS = 23 * 3600 * 1000, /* the server: 24 hours */
  KEY_MAX = 128,
  BODY_MAX = 1 << 20,
  PATH_LEN_MAX = 4096,
};

static const struct option options[] = {
    {"format", OPTION_WORD, "ndjson|csv", "instead of looking at its first character"},
    {"chunk", OPTION_INT, "1-1000", "orders of one request (1000)"},
    {"state", OPTION_FILE, "FILE", "where it is kept what was done (FILE.oxctl; stdin: nowhere)"},
    {"anew", OPTION_SWITCH, NULL, "place all of them, whatever was placed before"},
    {0},
};

struct batch {
  struct session *session;
  struct batch_file file;
  struct batch_state *state;
  struct buf text;              /* of a line that is printed */
  int64_t placed, failed, done; /* orders; done is those two */
};

/* ── what is said of a line ─────────────────────────────────────────────────────────────────── */

/* begin_line() opens {"line":…; put_line() closes and prints it. */
static struct json_writer begin_line(struct batch *b, const struct batch_order *o)
{
  struct json_writer w;
  buf_clear(&b->text);
  json_writer_init(&w, &b->text);
  json_begin(&w, NULL);
  json_int(&w, "line", o->line);
  return w;
}

static void put_line(struct json_writer *w)
{
  json_end(w);
  puts(w->out->data);
}

static void say_failed(struct batch *b, const struct batch_order *o, const char *where,
                       const char *code, const char *why)
{
  b->failed++;
  b->done++;
  progress_clear();
  if (b->session->json) {
    struct json_writer w = begin_line(b, o);
    json_begin(&w, "error");
    json_str(&w, "pointer", where);
    json_str(&w, "code", code);
    json_str(&w, "detail", why);
    json_end(&w);
    put_line(&w);
    return;
  }
  printf("line %lld: ", (long long)o->line);
  table_put(where, stdout);
  if (*where) fputs(": ", stdout);
  table_put(why, stdout);
  putchar('\n');
}

static void say_placed(struct batch *b, const struct batch_order *o, const struct json_object *item)
{
  b->placed++;
  b->done++;
  if (!b->session->json) return;
  struct json_writer w = begin_line(b, o);
  json_str(&w, "orderId", member_text(item, "orderId"));
  json_str(&w, "status", member_text(item, "status"));
  put_line(&w);
}

static void show_progress(const struct batch *b)
{
  progress_show(b->done, (int64_t)b->file.n, "%lld/%zu lines, %lld placed, %lld failed",
                (long long)b->done, b->file.n, (long long)b->placed, (long long)b->failed);
}

/* ── a chunk ────────────────────────────────────────────────────────────────────────────────── */

struct chunk {
  long i;
  struct batch_order **orders; /* those that are still in it */
  size_t n;
};

/* "/12/amount": the order that it is about, and what follows; false: about none of them. */
static bool point(const struct chunk *c, const char *pointer, size_t *at, const char **rest)
{
  char *end;
  if (pointer[0] != '/' || pointer[1] < '0' || pointer[1] > '9') return false;
  *at = strtoul(pointer + 1, &end, 10);
  *rest = end;
  return (*end == '/' || *end == '\0') && *at < c->n;
}

/* One error of an answer; taken[at]: it has been said of that order already. */
static void take_error(struct batch *b, const struct chunk *c, const struct json_slice *text,
                       bool *taken)
{
  struct json_object e;
  size_t at;
  const char *rest;
  if (!member_parse(text->text, text->len, &e)) return;
  const char *pointer = member_or(&e, "pointer", "");
  if (point(c, pointer, &at, &rest) && !taken[at]) {
    taken[at] = true;
    say_failed(b, c->orders[at], rest, member_or(&e, "code", ""), member_or(&e, "detail", ""));
  }
  json_object_deinit(&e);
}

static void take_errors(struct batch *b, const struct chunk *c, const struct json_object *o,
                        bool *taken)
{
  struct json_items errors;
  if (!member_items(o, "errors", &errors)) return;
  for (size_t i = 0; i < errors.n; i++) take_error(b, c, &errors.items[i], taken);
  json_items_deinit(&errors);
}

/* The chunk was refused for some of its orders; they are taken out. false: for none of them. */
static bool take_out(struct batch *b, struct chunk *c, const struct reply *reply)
{
  struct json_object problem;
  size_t left = 0, before = c->n;
  if (!member_parse(reply->body.data, reply->body.len, &problem)) return false;
  bool *taken = mem_alloc(c->n);
  take_errors(b, c, &problem, taken);
  for (size_t i = 0; i < c->n; i++)
    if (!taken[i]) c->orders[left++] = c->orders[i];
  c->n = left;
  free(taken);
  json_object_deinit(&problem);
  return left < before;
}

static void take_order(struct batch *b, const struct chunk *c, const struct json_slice *text,
                       bool *taken)
{
  struct json_object item;
  if (!member_parse(text->text, text->len, &item)) return;
  int64_t at = member_int(&item, "index", -1);
  if (at >= 0 && (size_t)at < c->n && !taken[at]) {
    taken[at] = true;
    say_placed(b, c->orders[at], &item);
  }
  json_object_deinit(&item);
}

static void take_results(struct batch *b, const struct chunk *c, const struct json_object *answer,
                         bool *taken)
{
  struct json_items results, orders;
  if (member_items(answer, "orders", &orders)) {
    for (size_t i = 0; i < orders.n; i++) take_order(b, c, &orders.items[i], taken);
    json_items_deinit(&orders);
  }
  if (!member_items(answer, "batchResults", &results)) return;
  for (size_t i = 0; i < results.n; i++) {
    struct json_object result;
    if (!member_parse(results.items[i].text, results.items[i].len, &result)) continue;
    take_errors(b, c, &result, taken);
    json_object_deinit(&result);
  }
  json_items_deinit(&results);
}

/* false: it is not an answer to this chunk. */
static bool take_answer(struct batch *b, const struct chunk *c, const struct reply *reply)
{
  struct json_object answer;
  if (!member_parse(reply->body.data, reply->body.len, &answer)) return false;
  bool right = member_int(&answer, "total", -1) == (int64_t)c->n;
  bool *taken = mem_alloc(c->n);
  if (right) take_results(b, c, &answer, taken);
  for (size_t i = 0; right && i < c->n; i++)
    if (!taken[i]) say_failed(b, c->orders[i], "", "", "the answer does not say what became of it");
  free(taken);
  json_object_deinit(&answer);
  return right;
}

static enum exit_code ask(struct batch *b, const struct chunk *c, unsigned round,
                          struct reply *reply)
{
  char key[KEY_MAX];
  struct buf body;
  snprintf(key, sizeof key, "%s-%ld-%u", batch_state_key(b->state), c->i, round);
  buf_init(&body, BODY_MAX);
  for (size_t i = 0; i < c->n; i++) {
    buf_append_char(&body, i ? ',' : '[');
    buf_append_str(&body, c->orders[i]->json);
  }
  buf_append_char(&body, ']');
  const struct http_request request = {.method = "POST",
                                       .path = "/api/orders/batch",
                                       .body = body.data,
                                       .body_len = body.len,
                                       .key = key};
  enum exit_code code = session_ask(b->session, &request, reply);
  buf_deinit(&body);
  return code;
}

static enum exit_code place(struct batch *b, struct chunk *c)
{
  for (unsigned round = 0; c->n > 0; round++) {
    struct reply reply;
    enum exit_code code = ask(b, c, round, &reply);
    bool again = code == EXIT_REFUSED && reply.status == 400 && take_out(b, c, &reply);
    if (code == EXIT_DONE && !take_answer(b, c, &reply)) {
      fputs("oxctl batch: the answer to a chunk is none\n", stderr);
      code = EXIT_AWAY;
    } else if (code != EXIT_DONE && !again && !b->session->signal) {
      progress_clear();
      reply_print(&reply);
    }
    buf_deinit(&reply.body);
    if (!again) return code;
  }
  return EXIT_DONE;
}

/* ── all of them ────────────────────────────────────────────────────────────────────────────── */

static enum exit_code too_late(const struct chunk *c)
{
  fprintf(
      stderr,
      "oxctl batch: lines %lld to %lld were sent more than 23 hours ago, and it was not heard "
      "what became of them.\nThe server has forgotten their key: see by oxctl list whether they "
      "were placed.\n",
      (long long)c->orders[0]->line, (long long)c->orders[c->n - 1]->line);
  return EXIT_LOCAL;
}

static enum exit_code run_chunk(struct batch *b, struct chunk *c)
{
  int64_t placed, failed, sent_at = batch_state_sent_at(b->state, c->i);
  if (batch_state_done(b->state, c->i, &placed, &failed)) {
    b->placed += placed;
    b->failed += failed;
    b->done += placed + failed;
    return EXIT_DONE;
  }
  if (sent_at && clock_unix_ms() - sent_at > KEY_KEPT_MS) return too_late(c);
  int64_t placed_before = b->placed, failed_before = b->failed;
  enum exit_code code = EXIT_LOCAL;
  bool written = batch_state_send(b->state, c->i);
  if (written) code = place(b, c);
  if (code == EXIT_DONE)
    written =
        batch_state_finish(b->state, c->i, b->placed - placed_before, b->failed - failed_before);
  if (written) return code;
  fprintf(stderr, "oxctl batch: the state: %s\n", strerror(errno));
  return EXIT_LOCAL;
}

static enum exit_code run_chunks(struct batch *b)
{
  struct chunk c = {.orders = mem_alloc(BATCH_CHUNK_MAX * sizeof *c.orders)};
  enum exit_code code = EXIT_DONE;
  size_t at = 0;
  for (c.i = 0; code == EXIT_DONE && c.i < b->file.chunks; c.i++) {
    for (c.n = 0; at < b->file.n && b->file.orders[at].chunk <= c.i; at++)
      if (b->file.orders[at].chunk == c.i) c.orders[c.n++] = &b->file.orders[at];
    code = run_chunk(b, &c);
    fflush(stdout);
    show_progress(b);
    if (code == EXIT_DONE && b->session->signal) code = session_signalled(b->session);
  }
  progress_clear();
  free(c.orders);
  return code;
}

static void summarize(const struct batch *b, const char *state, enum exit_code code)
{
  bool whole = code == EXIT_DONE;
  int64_t left = (int64_t)b->file.n - b->done;
  if (b->session->json) {
    printf("{\"total\":%zu,\"placed\":%lld,\"failed\":%lld,\"left\":%lld,\"resumed\":%s}\n",
           b->file.n, (long long)b->placed, (long long)b->failed, (long long)left,
           batch_state_resumed(b->state) ? "true" : "false");
  } else {
    printf("%zu orders: %lld placed, %lld failed%s\n", b->file.n, (long long)b->placed,
           (long long)b->failed,
           !batch_state_resumed(b->state) ? "" : ", with what an earlier run did");
  }
  if (!whole && state)
    fprintf(stderr, "oxctl batch: %lld are left; the same command goes on there (%s)\n",
            (long long)left, state);
}

static void fail_lines(struct batch *b)
{
  for (size_t i = 0; i < b->file.n; i++)
    if (!b->file.orders[i].json)
      say_failed(b, &b->file.orders[i], "", "NOT_AN_ORDER", b->file.orders[i].error);
}

static const char *state_path(const struct arguments *a, char beside[PATH_LEN_MAX])
{
  const char *path = arguments_text(a, "state"), *file = a->operands[0];
  if (path) return path;
  if (strcmp(file, "-") == 0) return NULL;
  snprintf(beside, PATH_LEN_MAX, "%s.oxctl", file);
  return beside;
}

static enum batch_format format_of(const struct arguments *a)
{
  const char *format = arguments_text(a, "format");
  if (!format) return BATCH_GUESS;
  return strcmp(format, "csv") == 0 ? BATCH_CSV : BATCH_NDJSON;
}

static enum exit_code run(struct session *s, const struct arguments *a)
{
  char error[PATH_LEN_MAX + 256], beside[PATH_LEN_MAX];
  struct batch b = {.session = s};
  buf_init(&b.text, BODY_MAX);
  const char *path = state_path(a, beside);
  if (batch_file_read(&b.file, a->operands[0], format_of(a), error, sizeof error) != ST_OK) {
    fprintf(stderr, "oxctl batch: %s: %s\n", a->operands[0], error);
    return EXIT_USAGE;
  }
  struct batch_identity identity = {s->url, b.file.hash,
                                    (size_t)arguments_int(a, "chunk", BATCH_CHUNK_MAX)};
  enum exit_code code = EXIT_LOCAL;
  if (batch_state_open(&b.state, path, arguments_on(a, "anew"), &identity, error, sizeof error) !=
      ST_OK) {
    fprintf(stderr, "oxctl batch: %s\n", error);
    goto out;
  }
  if (s->retry_ms < 0) s->retry_ms = PATIENCE_MS;
  batch_file_chunk(&b.file, identity.size);
  fail_lines(&b);
  code = run_chunks(&b);
  summarize(&b, path, code);
  if (code == EXIT_DONE && b.failed > 0) code = EXIT_FAILED;
out:
  batch_state_close(b.state);
  buf_deinit(&b.text);
  batch_file_deinit(&b.file);
  return code;
}

const struct command command_batch = {
    .name = "batch",
    .operands = "FILE",
    .least = 1,
    .most = 1,
    .summary = "Place the orders of a file, each once, whatever happens meanwhile",
    .about =
        "FILE (- is stdin) has an order as JSON on each line, or is a CSV whose header names the "
        "fields.\nWhat was done is kept in FILE.oxctl: the same command again, after whatever end, "
        "places the rest.\nExit code 1: some lines failed; it says which, and why.",
    .options = options,
    .run = run,
};
