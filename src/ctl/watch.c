/* watch.c - oxctl watch: see watch.h. */
#include "ctl/watch.h"

#include "ctl/follow.h"
#include "ctl/problem.h"
#include "ctl/query.h"
#include "ctl/show.h"

struct watching {
  struct session *session;
  bool done, over; /* over: there is nothing to stop any more */
  enum exit_code code;
  int64_t start_ms, seq;
  int cuts;
};

static void on_event(void *arg, const struct event *e)
{
  struct watching *w = arg;
  if (w->start_ms == 0) w->start_ms = e->at_ms;
  if (w->seq > 0 && e->seq != w->seq + 1)
    fprintf(stderr, "oxctl: seq %lld came behind %lld\n", (long long)e->seq, (long long)w->seq);
  w->seq = e->seq;
  if (w->session->json)
    show_json(e->text, e->len);
  else
    show_event(e, w->start_ms, stdout);
  fflush(stdout); /* whoever reads it wants it now */
  if (ferror(stdout)) w->done = true;
  if (!phase_ended(e->phase)) return;
  w->code = phase_succeeded(e->phase) ? EXIT_DONE : EXIT_FAILED;
  if (w->session->json) return;
  printf("%s after %.3f s: %lld states, %lld attempt%s", e->status,
         (double)(e->at_ms - w->start_ms) / 1e3, (long long)e->seq, (long long)e->attempt,
         e->attempt == 1 ? "" : "s");
  if (w->cuts) printf(", connected anew %d times", w->cuts);
  putchar('\n');
}

static void on_cut(void *arg)
{
  struct watching *w = arg;
  w->cuts++;
  fputs("oxctl: the connection is gone; connecting anew\n", stderr);
}

static enum exit_code code_of(const struct http_answer *answer)
{
  struct json_object state;
  if (!member_parse(answer->body.data, answer->body.len, &state)) return EXIT_AWAY;
  bool succeeded = phase_succeeded(member_or(&state, "phase", ""));
  json_object_deinit(&state);
  return succeeded ? EXIT_DONE : EXIT_FAILED;
}

static void on_end(void *arg, enum follow_end end, const struct http_answer *answer)
{
  struct watching *w = arg;
  w->done = w->over = true;
  if (end == FOLLOW_ENDED) {
    if (answer) w->code = code_of(answer);
    return;
  }
  problem_print(answer, stderr);
  w->code = end == FOLLOW_REFUSED ? EXIT_REFUSED : EXIT_AWAY;
}

enum exit_code watch_order(struct session *s, const char *order_id, int64_t since)
{
  static const struct follow_handler handler = {
      .on_event = on_event, .on_cut = on_cut, .on_end = on_end};
  struct watching w = {.session = s, .code = EXIT_LOCAL};
  struct follow *f = follow_start(s, order_id, since, &handler, &w);
  bool done = session_run(s, &w.done);
  if (!w.over) follow_stop(f);
  if (ferror(stdout)) return EXIT_LOCAL;
  return done ? w.code : session_signalled(s);
}

static const struct option options[] = {
    {"since", OPTION_INT, "N", "only what came after this state (0)"},
    {0},
};

static enum exit_code run(struct session *s, const struct arguments *a)
{
  struct reply reply; /* is it there? and a token that has run out is had anew */
  struct buf path;
  query_order(&path, a->operands[0], "/status");
  const struct http_request request = {.method = "GET", .path = path.data};
  enum exit_code code = session_call(s, &request, &reply);
  buf_deinit(&path);
  if (code != EXIT_DONE) return code;
  buf_deinit(&reply.body);
  return watch_order(s, a->operands[0], arguments_int(a, "since", 0));
}

const struct command command_watch = {
    .name = "watch",
    .operands = "ID",
    .least = 1,
    .most = 1,
    .summary = "Show each state of an order as it comes, until it ends",
    .about =
        "A connection that is lost is made anew, and goes on where it was. As JSON: a line for "
        "each state.\nExit code 1: the order failed or was cancelled.",
    .options = options,
    .run = run,
};
