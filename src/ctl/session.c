/* session.c - see session.h. */
#include "ctl/session.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ctl/member.h"
#include "ctl/problem.h"
#include "ctl/show.h"

enum {
  TIMEOUT_MS = 10 * 1000,
  RETRY_MS = 5 * 1000,
  PAUSE_FIRST_MS = 100,
  PAUSE_MAX_MS = 2000,
  FORM_MAX = 16 << 10,
  BODY_MAX = 64 << 20,
};

/* ── beginning and end ──────────────────────────────────────────────────────────────────────── */

static void on_signal(uv_signal_t *handle, int number)
{
  ((struct session *)handle->data)->signal = number;
}

static void watch_signal(struct session *s, uv_signal_t *handle, int number)
{
  handle->data = s;
  uv_signal_start(handle, on_signal, number);
  uv_unref((uv_handle_t *)handle);
}

static const char *environment(const char *name)
{
  const char *text = getenv(name);
  return text && *text ? text : NULL;
}

/* Without the slashes at its end, so that one server has one name. */
static char *read_url(const struct arguments *a)
{
  const char *url = arguments_text(a, "url");
  if (!url) url = environment("OX_URL");
  if (!url) url = "http://127.0.0.1:3000";
  size_t len = strlen(url);
  while (len > 0 && url[len - 1] == '/') len--;
  return mem_strndup(url, len);
}

enum exit_code session_open(struct session *s, const struct arguments *a)
{
  char error[512];
  *s = (struct session){.url = read_url(a), .ca = arguments_text(a, "ca")};
  if (!s->ca) s->ca = environment("OX_CA_FILE");
  s->json = arguments_on(a, "json") || !isatty(STDOUT_FILENO);
  s->timeout_ms = arguments_ms(a, "timeout", TIMEOUT_MS);
  s->retry_ms = arguments_ms(a, "retry-for", -1);
  if (strncmp(s->url, "http://", 7) != 0 && strncmp(s->url, "https://", 8) != 0) {
    fprintf(stderr, "oxctl: %s: a URL begins with http:// or https://\n", s->url);
    free(s->url);
    return EXIT_USAGE;
  }
  if (tokens_load(s->url, &s->tokens, error, sizeof error) != ST_OK) {
    fprintf(stderr, "oxctl: %s\n", error);
    free(s->url);
    return EXIT_USAGE;
  }
  uv_loop_init(&s->loop);
  uv_timer_init(&s->loop, &s->pause);
  uv_signal_init(&s->loop, &s->on_int);
  uv_signal_init(&s->loop, &s->on_term);
  const struct http_options options = {.url = s->url, .ca = s->ca, .timeout_ms = s->timeout_ms};
  s->http = http_create(&s->loop, &options);
  return EXIT_DONE;
}

void session_close(struct session *s)
{
  http_destroy(s->http); /* first: what is under way has nobody any more who waits for it */
  ws_client_destroy(s->ws);
  uv_close((uv_handle_t *)&s->pause, NULL);
  uv_close((uv_handle_t *)&s->on_int, NULL);
  uv_close((uv_handle_t *)&s->on_term, NULL);
  uv_run(&s->loop, UV_RUN_DEFAULT);
  uv_loop_close(&s->loop);
  tokens_destroy(s->tokens);
  free(s->url);
}

struct ws_client *session_ws(struct session *s)
{
  /* The URL has been good for libcurl before anybody asks for a WebSocket. */
  if (!s->ws && ws_client_create(&s->loop, s->url, s->ca, &s->ws) != ST_OK) abort();
  return s->ws;
}

/* ── waiting ────────────────────────────────────────────────────────────────────────────────── */

bool session_run(struct session *s, const bool *done)
{
  if (!uv_is_active((uv_handle_t *)&s->on_int)) {
    watch_signal(s, &s->on_int, SIGINT);
    watch_signal(s, &s->on_term, SIGTERM);
  }
  while (!*done && !s->signal) uv_run(&s->loop, UV_RUN_ONCE);
  return *done;
}

static void on_pause(uv_timer_t *timer)
{
  *(bool *)timer->data = true;
}

bool session_pause(struct session *s, int64_t ms)
{
  bool done = false;
  s->pause.data = &done;
  uv_timer_start(&s->pause, on_pause, (uint64_t)ms, 0);
  session_run(s, &done);
  uv_timer_stop(&s->pause);
  return done;
}

enum exit_code session_signalled(const struct session *s)
{
  return s->signal == SIGTERM ? EXIT_SIGTERM : EXIT_SIGINT;
}

/* ── the token ──────────────────────────────────────────────────────────────────────────────── */

enum exit_code session_renewed(struct session *s, const struct http_answer *answer)
{
  enum exit_code code = problem_exit(answer);
  if (code == EXIT_DONE && tokens_take(s->tokens, answer->body.data, answer->body.len) != ST_OK)
    code = EXIT_AWAY;
  return code;
}

struct http_exchange *session_renew(struct session *s, http_done done, void *arg)
{
  struct buf form;
  buf_init(&form, FORM_MAX);
  tokens_form(s->tokens, &form);
  const struct http_request request = {.method = "POST",
                                       .path = "/oauth/token",
                                       .body = form.data,
                                       .body_len = form.len,
                                       .type = "application/x-www-form-urlencoded"};
  struct http_exchange *exchange = http_send(s->http, &request, done, arg);
  explicit_bzero(form.data, form.len);
  buf_deinit(&form);
  return exchange;
}

/* ── asking ─────────────────────────────────────────────────────────────────────────────────── */

struct waiting {
  bool done;
  struct reply reply;
  struct http_answer answer; /* the same; its body and error are the reply's */
};

static void on_answer(void *arg, const struct http_answer *answer)
{
  struct waiting *w = arg;
  w->done = true;
  w->reply = (struct reply){.status = answer->status, .replayed = answer->replayed};
  buf_init(&w->reply.body, BODY_MAX);
  buf_append(&w->reply.body, answer->body.data, answer->body.len);
  snprintf(w->reply.error, sizeof w->reply.error, "%s", answer->error ? answer->error : "");
  w->answer = *answer;
  w->answer.body = w->reply.body;
  w->answer.error = w->reply.error;
}

static bool wait_for(struct session *s, struct http_exchange *exchange, const struct waiting *w)
{
  if (session_run(s, &w->done)) return true;
  http_cancel(exchange);
  return false;
}

/* One round. false: a signal came. */
static bool ask(struct session *s, const struct http_request *request, struct waiting *w)
{
  if (tokens_due(s->tokens)) {
    if (!wait_for(s, session_renew(s, on_answer, w), w)) return false;
    if (session_renewed(s, &w->answer) != EXIT_DONE) return true;
    buf_deinit(&w->reply.body);
    *w = (struct waiting){0};
  }
  struct http_request with_token = *request;
  with_token.token = tokens_bearer(s->tokens);
  return wait_for(s, http_send(s->http, &with_token, on_answer, w), w);
}

/* The server says of each problem whether asking again may help. */
static bool says_retryable(const struct http_answer *a)
{
  struct json_object problem;
  if (!member_parse(a->body.data, a->body.len, &problem)) return a->status >= 502;
  bool retryable = member_true(&problem, "retryable");
  json_object_deinit(&problem);
  return retryable;
}

static bool worth_another_try(const struct http_request *request, const struct http_answer *a)
{
  bool repeatable = strcmp(request->method, "GET") == 0 || request->key;
  if (a->status == 0) return a->unsent || repeatable;
  return (repeatable || a->status == 429) && says_retryable(a);
}

static int64_t longer(int64_t pause_ms)
{
  return pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
}

enum exit_code session_ask(struct session *s, const struct http_request *request, struct reply *out)
{
  int64_t deadline = clock_mono_ms() + (s->retry_ms >= 0 ? s->retry_ms : RETRY_MS);
  bool renewed = false;
  for (int64_t pause_ms = PAUSE_FIRST_MS;; pause_ms = longer(pause_ms)) {
    struct waiting w = {0};
    *out = (struct reply){.error = "interrupted"};
    if (!ask(s, request, &w)) return session_signalled(s);
    bool expired = w.reply.status == 401 && tokens_renewable(s->tokens) && !renewed;
    int64_t wait_ms = w.answer.wait_ms > pause_ms ? w.answer.wait_ms : pause_ms;
    bool again = problem_exit(&w.answer) != EXIT_DONE &&
                 (expired ||
                  (worth_another_try(request, &w.answer) && clock_mono_ms() + wait_ms <= deadline));
    if (!again) {
      *out = w.reply;
      return problem_exit(&w.answer);
    }
    buf_deinit(&w.reply.body);
    if (expired) tokens_expire(s->tokens);
    renewed = renewed || expired;
    if (!session_pause(s, expired ? 0 : wait_ms)) return session_signalled(s);
  }
}

void reply_print(const struct reply *reply)
{
  const struct http_answer answer = {
      .status = reply->status, .body = reply->body, .error = reply->error};
  problem_print(&answer, stderr);
}

enum exit_code session_call(struct session *s, const struct http_request *request,
                            struct reply *out)
{
  enum exit_code code = session_ask(s, request, out);
  if (code == EXIT_DONE) return code;
  if (!s->signal) reply_print(out);
  buf_deinit(&out->body);
  return code;
}

enum exit_code session_show(struct session *s, const char *method, const char *path,
                            void (*print)(const char *text, size_t len, FILE *out))
{
  struct reply reply;
  const struct http_request request = {.method = method, .path = path};
  enum exit_code code = session_call(s, &request, &reply);
  if (code != EXIT_DONE) return code;
  if (s->json)
    show_json(reply.body.data, reply.body.len);
  else
    print(reply.body.data, reply.body.len, stdout);
  buf_deinit(&reply.body);
  return EXIT_DONE;
}
