/*
 * load.c - oxctl load: places orders when they are due, whatever the server does meanwhile, listens
 * to all of them, and judges.
 *
 * DESIGN: open loop. A timer of the kernel's fires when the next order is due; its latency counts
 * from then, also when it waits for a connection or for us, so that a server that stands still is
 * seen by all the orders that were due meanwhile. The book (load_book.h) knows no network.
 * Listeners begin when there is nothing better to do: their history waits for them, and opening a
 * thousand sockets at once would be measured as the server's slowness.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "ctl/follow.h"
#include "ctl/load_report.h"
#include "ctl/problem.h"
#include "ctl/progress.h"
#include "ctl/query.h"
#include "ctl/sse.h"

enum {
  CONNECTIONS = 64,
  SETTLE_MS = 120 * 1000,
  TICK_MS = 200,
  RENEW_MS = 30 * 1000,
  IN_FLIGHT_MAX = 20000, /* POSTs; one that is due beyond is without an answer */
  SOCKETS_MAX = 10000,
  FILES_WANTED = 65536,
  REPORT_MAX = 1 << 20,
  BODY_MAX = 64 << 10,
};

static const struct option options[] = {
    {"scenario", OPTION_WORD, "steady|burst",
     "steady: 100 orders a minute for 3 minutes (what it does if not told); burst: 1000 at once"},
    {"rate", OPTION_RATE, "RATE", "so many, evenly: 100/min, 1000/s"},
    {"duration", OPTION_DURATION, "TIME", "for so long (3m)"},
    {"count", OPTION_INT, "1-1000000", "so many, instead of a duration"},
    {"at-once", OPTION_INT, "1-1000000", "so many, all due at the start"},
    {"steps", OPTION_TEXT, "LIST", "one rate behind the other: 100/min:1m,200/min:1m"},
    {"connections", OPTION_INT, "1-10000", "HTTP connections, at the most (64)"},
    {"listen", OPTION_WORD, "ws|sse|none",
     "follow the orders by a WebSocket each (default), by the one stream of all, or not"},
    {"order", OPTION_FILE, "FILE", "the JSON to POST to /api/orders/execute (1.5 SOL to USDC)"},
    {"settle", OPTION_DURATION, "TIME",
     "how long to wait for orders to end after the last thing that happened (2m)"},
    {"report", OPTION_FILE, "FILE", "write the JSON there, too"},
    {"max-p99-ms", OPTION_INT, "N", "fail when the 99th percentile of POST is over it"},
    {"max-end-p99-ms", OPTION_INT, "N", "the same from accept to the end"},
    {"max-failed", OPTION_INT, "N",
     "fail when more are refused, have no answer, fail or are cancelled"},
    {"allow-remote", OPTION_SWITCH, NULL, "load a server that is not on this machine"},
    {0},
};

struct load {
  struct session *session;
  struct http_client *http; /* for the POSTs */
  struct load_plan plan;
  struct load_book book;
  struct load_limits limits;
  const char *listener;
  char *order;
  int64_t start_ns, began_ms, last_ms, posted_ms; /* last_ms: when something happened */
  int64_t next, settle_ms, streaming_ms;          /* streaming_ms: Unix time, since when */
  int timer_fd;
  uv_poll_t timer;
  uv_timer_t tick;
  struct list followers, waiting, posts; /* waiting: followers that have not begun */
  uv_idle_t pump;                        /* while some wait */
  struct http_exchange *stream, *renewing;
  struct sse sse;
  bool done, refusal_shown;
};

struct post {
  struct list_node node;
  struct load *load;
  int64_t due_ns, sent_ns;
};

struct follower {
  struct list_node node;
  struct load *load;
  struct follow *follow;
  int64_t open_ms; /* what happened before was not sent as it happened */
  char order_id[ULID_ORDER_LEN + 1];
};

static void check_done(struct load *l)
{
  bool posted = l->next == l->plan.orders && list_empty(&l->posts);
  if (posted && l->posted_ms == 0) l->posted_ms = clock_mono_ms();
  bool ended = l->book.counts.ended == l->book.counts.accepted;
  if (strcmp(l->listener, "ws") == 0)
    ended = list_empty(&l->followers) && list_empty(&l->waiting); /* also those given up */
  if (posted && (ended || strcmp(l->listener, "none") == 0)) l->done = true;
}

static void happened(struct load *l)
{
  l->last_ms = clock_mono_ms();
  check_done(l);
}

/* ── a WebSocket for each order ─────────────────────────────────────────────────────────────── */

static void on_event(void *arg, const struct event *e)
{
  struct follower *f = arg;
  load_book_event(&f->load->book, e, e->at_ms >= f->open_ms, clock_unix_ms());
  happened(f->load);
}

static void follower_free(struct follower *f)
{
  list_remove(&f->load->followers, &f->node);
  free(f);
}

static void on_end(void *arg, enum follow_end end, const struct http_answer *answer)
{
  struct follower *f = arg;
  struct load *l = f->load;
  if (end != FOLLOW_ENDED && !l->refusal_shown) {
    progress_clear();
    problem_print(answer, stderr);
    l->refusal_shown = true;
  }
  follower_free(f);
  check_done(l);
}

static void on_open(void *arg)
{
  struct follower *f = arg;
  f->open_ms = clock_unix_ms();
}

static void on_pump(uv_idle_t *pump)
{
  enum { BUSY = 1, IDLE = 8 };
  static const struct follow_handler handler = {
      .on_open = on_open, .on_event = on_event, .on_end = on_end};
  struct load *l = pump->data;
  for (int n = list_empty(&l->posts) ? IDLE : BUSY; n > 0 && !list_empty(&l->waiting); n--) {
    struct follower *f = container_of(list_pop(&l->waiting), struct follower, node);
    list_append(&l->followers, &f->node);
    f->follow = follow_start(l->session, f->order_id, 0, &handler, f);
  }
  if (list_empty(&l->waiting)) uv_idle_stop(pump);
}

static void listen_to(struct load *l, const char *order_id)
{
  struct follower *f = mem_alloc(sizeof *f);
  f->load = l;
  f->open_ms = INT64_MAX;
  snprintf(f->order_id, sizeof f->order_id, "%s", order_id);
  list_append(&l->waiting, &f->node);
  uv_idle_start(&l->pump, on_pump);
}

/* ── the one stream ─────────────────────────────────────────────────────────────────────────── */

static void on_stream_event(void *arg, const char *kind, const char *data, size_t len)
{
  struct load *l = arg;
  struct event e;
  (void)kind;
  if (!event_parse(data, len, &e)) return;
  load_book_event(&l->book, &e, e.at_ms >= l->streaming_ms, clock_unix_ms());
  event_deinit(&e);
  happened(l);
}

static bool on_stream_data(void *arg, const char *data, size_t len)
{
  struct load *l = arg;
  if (l->streaming_ms == 0) l->streaming_ms = clock_unix_ms();
  return sse_feed(&l->sse, data, len, on_stream_event, l);
}

static void on_stream_end(void *arg, const struct http_answer *answer)
{
  struct load *l = arg;
  l->stream = NULL;
  if (problem_exit(answer) == EXIT_REFUSED) {
    problem_print(answer, stderr);
    l->done = true;
    return;
  }
  sse_restart(&l->sse); /* the tick connects anew */
}

static void stream_start(struct load *l)
{
  struct buf path;
  buf_init(&path, QUERY_MAX);
  buf_append_str(&path, "/api/orders/stream");
  query_add(&path, "last_event_id", *l->sse.id ? l->sse.id : NULL);
  const struct http_request request = {.method = "GET",
                                       .path = path.data,
                                       .token = tokens_bearer(l->session->tokens),
                                       .on_data = on_stream_data};
  l->stream = http_send(l->session->http, &request, on_stream_end, l);
  buf_deinit(&path);
}

/* ── POSTs ──────────────────────────────────────────────────────────────────────────────────── */

static void accepted(struct load *l, const struct http_answer *answer)
{
  struct json_object order;
  if (!member_parse(answer->body.data, answer->body.len, &order)) return;
  const char *id = member_or(&order, "orderId", "");
  if (load_book_accepted(&l->book, id) && strcmp(l->listener, "ws") == 0) listen_to(l, id);
  json_object_deinit(&order);
}

static void on_answer(void *arg, const struct http_answer *answer)
{
  struct post *p = arg;
  struct load *l = p->load;
  int64_t now_ns = clock_mono_ns();
  histogram_record(l->book.post, (now_ns - p->due_ns) / 1000);
  histogram_record(l->book.service, (now_ns - p->sent_ns) / 1000);
  if (problem_exit(answer) == EXIT_DONE)
    accepted(l, answer);
  else if (answer->status)
    l->book.counts.refused++;
  else
    l->book.counts.unanswered++;
  if (problem_exit(answer) != EXIT_DONE && !l->refusal_shown) {
    progress_clear();
    problem_print(answer, stderr); /* the first; the others are counted */
    l->refusal_shown = true;
  }
  list_remove(&l->posts, &p->node);
  free(p);
  happened(l);
}

static void post(struct load *l, int64_t due_ns)
{
  l->book.counts.sent++;
  if (l->posts.len == IN_FLIGHT_MAX) {
    l->book.counts.unanswered++;
    return;
  }
  struct post *p = mem_alloc(sizeof *p);
  *p = (struct post){.load = l, .due_ns = due_ns, .sent_ns = clock_mono_ns()};
  list_append(&l->posts, &p->node);
  const struct http_request request = {.method = "POST",
                                       .path = "/api/orders/execute",
                                       .body = l->order,
                                       .body_len = strlen(l->order),
                                       .token = tokens_bearer(l->session->tokens)};
  http_send(l->http, &request, on_answer, p);
}

static void arm(struct load *l)
{
  int64_t at_ns = l->start_ns + load_plan_due(&l->plan, l->next);
  const struct itimerspec at = {
      .it_value = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000}};
  timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void on_due(uv_poll_t *timer, int status, int events)
{
  enum { AT_A_TIME = 256 }; /* then the loop has a turn */
  struct load *l = timer->data;
  uint64_t expirations;
  (void)status, (void)events;
  if (read(l->timer_fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN) l->done = true;
  int64_t now_ns = clock_mono_ns();
  for (int n = 0; n < AT_A_TIME && l->next < l->plan.orders; n++) {
    int64_t due_ns = l->start_ns + load_plan_due(&l->plan, l->next);
    if (due_ns > now_ns) break;
    l->next++;
    post(l, due_ns);
  }
  if (l->next < l->plan.orders) arm(l);
  check_done(l);
}

/* ── now and then ───────────────────────────────────────────────────────────────────────────── */

static void on_renewed(void *arg, const struct http_answer *answer)
{
  struct load *l = arg;
  l->renewing = NULL;
  if (session_renewed(l->session, answer) != EXIT_DONE) l->done = true;
}

static void on_tick(uv_timer_t *tick)
{
  struct load *l = tick->data;
  const struct load_counts *c = &l->book.counts;
  int64_t steps = l->next + c->ended;
  if (strcmp(l->listener, "sse") == 0 && !l->stream && !l->done) stream_start(l);
  if (!l->renewing && tokens_due(l->session->tokens))
    l->renewing = session_renew(l->session, on_renewed, l);
  if (l->posted_ms && clock_mono_ms() - l->last_ms > l->settle_ms) l->done = true;
  progress_show(steps, strcmp(l->listener, "none") == 0 ? l->plan.orders : 2 * l->plan.orders,
                "%lld/%lld sent, %lld accepted, %lld ended, %lld failed", (long long)c->sent,
                (long long)l->plan.orders, (long long)c->accepted, (long long)c->ended,
                (long long)(c->refused + c->unanswered + c->failed));
}

/* ── beginning and end ──────────────────────────────────────────────────────────────────────── */

/* A name counts only if it can be nothing else. */
static bool is_loopback(const char *url)
{
  const char *host = strstr(url, "://") + 3;
  size_t len = strcspn(host, ":/");
  char text[64];
  struct in_addr address;
  if (strncmp(host, "[::1]", 5) == 0) return true;
  if (len >= sizeof text) return false;
  snprintf(text, sizeof text, "%.*s", (int)len, host);
  if (strcmp(text, "localhost") == 0) return true;
  return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool read_order(const char *path, char **out)
{
  static const char swap[] = "{\"tokenIn\":\"SOL\",\"tokenOut\":\"USDC\",\"amount\":1.5,"
                             "\"slippage\":0.1}";
  char text[BODY_MAX + 1];
  if (!path) {
    *out = mem_strdup(swap);
    return true;
  }
  FILE *file = fopen(path, "re");
  size_t len = file ? fread(text, 1, sizeof text, file) : 0;
  bool good = file && !ferror(file) && len > 0 && len <= BODY_MAX;
  if (!good)
    fprintf(stderr, "oxctl load: %s: %s\n", path,
            file && !ferror(file) ? "not 1 byte to 64 KiB" : strerror(errno));
  if (file) fclose(file);
  if (good) *out = mem_strndup(text, len);
  return good;
}

static enum exit_code begin(struct load *l, struct session *s, const struct arguments *a)
{
  char error[128];
  *l = (struct load){.session = s, .timer_fd = -1};
  list_init(&l->followers);
  list_init(&l->waiting);
  list_init(&l->posts);
  l->listener = arguments_text(a, "listen") ? arguments_text(a, "listen") : "ws";
  l->settle_ms = arguments_ms(a, "settle", SETTLE_MS);
  l->limits = (struct load_limits){arguments_int(a, "max-p99-ms", -1),
                                   arguments_int(a, "max-end-p99-ms", -1),
                                   arguments_int(a, "max-failed", -1)};
  enum status status = load_plan_read(a, &l->plan, error, sizeof error);
  if (status == ST_OK && strcmp(l->listener, "ws") == 0 && l->plan.orders > SOCKETS_MAX) {
    snprintf(error, sizeof error, "more than %d orders need --listen sse, or none", SOCKETS_MAX);
    status = ST_INVALID;
  }
  if (status == ST_OK && !is_loopback(s->url) && !arguments_on(a, "allow-remote")) {
    snprintf(error, sizeof error, "the server is not on this machine; --allow-remote if you may");
    status = ST_INVALID;
  }
  if (status != ST_OK) {
    fprintf(stderr, "oxctl load: %s\n", error);
    return EXIT_USAGE;
  }
  return read_order(arguments_text(a, "order"), &l->order) ? EXIT_DONE : EXIT_USAGE;
}

/* Sockets are files; what the system gives is taken. */
static void want_files(void)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  rlim_t wanted = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/* Is the server there, and we let in? Then nothing of the load goes into finding that out. */
static enum exit_code ask_first(struct session *s)
{
  struct reply reply;
  const struct http_request request = {.method = "GET", .path = "/api/orders?limit=1"};
  enum exit_code code = session_call(s, &request, &reply);
  if (code == EXIT_DONE) buf_deinit(&reply.body);
  return code;
}

static void start(struct load *l, const struct arguments *a)
{
  struct session *s = l->session;
  const struct http_options http = {.url = s->url,
                                    .ca = s->ca,
                                    .timeout_ms = s->timeout_ms,
                                    .connections = arguments_int(a, "connections", CONNECTIONS)};
  l->http = http_create(&s->loop, &http);
  load_book_init(&l->book);
  sse_init(&l->sse);
  uv_timer_init(&s->loop, &l->tick);
  uv_idle_init(&s->loop, &l->pump);
  l->pump.data = l;
  l->tick.data = l;
  l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (l->timer_fd < 0 || uv_poll_init(&s->loop, &l->timer, l->timer_fd) != 0) abort();
  l->timer.data = l;
  if (strcmp(l->listener, "ws") == 0) session_ws(s); /* that takes a moment */
  if (strcmp(l->listener, "sse") != 0) return;
  stream_start(l);
  while (l->streaming_ms == 0 && !l->done && l->stream && !s->signal) uv_run(&s->loop, UV_RUN_ONCE);
}

static void drive(struct load *l)
{
  l->began_ms = clock_unix_ms();
  l->last_ms = clock_mono_ms();
  l->start_ns = clock_mono_ns();
  uv_timer_start(&l->tick, on_tick, 0, TICK_MS);
  uv_poll_start(&l->timer, UV_READABLE, on_due);
  arm(l);
  session_run(l->session, &l->done);
  progress_clear();
}

static void stop(struct load *l)
{
  list_each(node, &l->followers)
  {
    struct follower *f = container_of(node, struct follower, node);
    follow_stop(f->follow);
    follower_free(f);
  }
  for (struct list_node *n; (n = list_pop(&l->waiting)) != NULL;)
    free(container_of(n, struct follower, node));
  if (l->stream) http_cancel(l->stream);
  if (l->renewing) http_cancel(l->renewing);
  http_destroy(l->http);
  for (struct list_node *n; (n = list_pop(&l->posts)) != NULL;)
    free(container_of(n, struct post, node));
  uv_close((uv_handle_t *)&l->tick, NULL);
  uv_close((uv_handle_t *)&l->pump, NULL);
  uv_close((uv_handle_t *)&l->timer, NULL);
  uv_run(&l->session->loop, UV_RUN_NOWAIT);
  close(l->timer_fd);
  sse_deinit(&l->sse);
  load_book_deinit(&l->book);
}

/* ── the report ─────────────────────────────────────────────────────────────────────────────── */

static bool write_file(const char *path, const struct buf *text)
{
  FILE *file = fopen(path, "we");
  bool good = file && fprintf(file, "%s\n", text->data) > 0;
  if (file && fclose(file) != 0) good = false;
  if (!good) fprintf(stderr, "oxctl load: %s: %s\n", path, strerror(errno));
  return good;
}

static enum exit_code report(struct load *l, const char *path)
{
  int64_t now_ms = clock_mono_ms(), start_ms = l->start_ns / 1000000;
  load_book_close(&l->book);
  const struct load_run run = {&l->plan,          &l->book,
                               l->limits,         l->listener,
                               l->began_ms,       (l->posted_ms ? l->posted_ms : now_ms) - start_ms,
                               now_ms - start_ms, !l->session->signal && l->posted_ms};
  struct buf json;
  buf_init(&json, REPORT_MAX);
  load_report_json(&run, &json);
  if (l->session->json)
    puts(json.data);
  else
    load_report_text(&run, stdout);
  bool written = !path || write_file(path, &json);
  buf_deinit(&json);
  if (l->session->signal) return session_signalled(l->session);
  if (!written) return EXIT_LOCAL;
  return load_passed(&run) ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code run(struct session *s, const struct arguments *a)
{
  struct load l;
  enum exit_code code = begin(&l, s, a);
  if (code == EXIT_DONE) code = ask_first(s);
  if (code == EXIT_DONE) {
    want_files();
    start(&l, a);
    if (strcmp(l.listener, "sse") == 0 && l.streaming_ms == 0) {
      code = s->signal ? session_signalled(s) : EXIT_AWAY;
    } else {
      drive(&l);
      code = report(&l, arguments_text(a, "report"));
    }
    stop(&l);
  }
  free(l.order);
  return code;
}

const struct command command_load = {
    .name = "load",
    .operands = "",
    .summary = "Place orders at a rate, listen to all of them, measure and judge",
    .about =
        "Open loop: an order is placed when it is due, however the server does, and its latency "
        "counts from then.\nExit code 1: a threshold was missed, or orders did not end, or their "
        "states were not each once and in order.",
    .options = options,
    .run = run,
};
