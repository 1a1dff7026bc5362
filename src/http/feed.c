/*
 * feed.c - a socket for many orders: the client executes, subscribes and unsubscribes, and gets the
 * events of all of them, each order's in order.
 *
 * Loop thread only. The session and each step that waits for the journal or the reader hold a
 * reference to the feed; when the client leaves, the subscriptions end at once and the memory goes
 * with the last step. An answer to an action leaves before the first event it causes, because the
 * hub gives nothing from inside hub_watch().
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/list.h"
#include "http/accept.h"
#include "http/action.h"
#include "http/answer.h"
#include "http/audit.h"
#include "http/gate.h"
#include "http/order_ref.h"
#include "http/watch.h"
#include "metrics/metrics.h"

enum { SUBSCRIPTIONS_MAX = 1000, REASON_MAX = 64 };

struct feed {
  struct call call;           /* its reply is long answered: api and tenant count */
  struct ws_session *session; /* NULL: closed, or being closed */
  size_t refs;
  size_t waiting; /* steps that may add a subscription */
  struct auth_guard guard;
  struct list subs; /* of sub.node */
};

struct sub {
  struct list_node node;
  struct feed *feed;
  struct hub_watch *hub;
  struct ulid order;
  char *own_id;  /* the name it was subscribed by; NULL: its orderId */
  int32_t since; /* what the client has */
  int32_t sent;
};

/* An action that waits. */
struct step {
  struct feed *feed;
  char *request_id; /* NULL: none */
  char *own_id;     /* subscribe: by the client's own id */
  int32_t since;
  struct problem_errors *errors; /* execute: what is wrong with the order */
};

/* ── the feed's life ────────────────────────────────────────────────────────────────────────── */

static void feed_unref(struct feed *f)
{
  if (--f->refs == 0) free(f);
}

static void sub_end(struct sub *s)
{
  hub_unwatch(s->hub);
  list_remove(&s->feed->subs, &s->node);
  free(s->own_id);
  free(s);
}

static void end_all(struct feed *f)
{
  list_each(n, &f->subs) sub_end(container_of(n, struct sub, node));
}

/* After it nothing is sent any more; on_close() follows. */
static void feed_close(struct feed *f, int code, const char *reason)
{
  struct ws_session *session = f->session;
  f->session = NULL;
  gate_unguard(&f->call, &f->guard);
  end_all(f);
  if (code == WATCH_TOO_SLOW) metrics_inc(METRIC_SLOW_READERS);
  ws_session_close(session, code, reason, 0);
}

/* Says which order was not followed any further, and how far it was. */
static void close_behind(struct feed *f, const struct sub *s, int code)
{
  char id[ULID_ORDER_LEN + 1], reason[REASON_MAX];
  ulid_format_order(&s->order, id);
  snprintf(reason, sizeof reason, "%s %" PRId32, id, s->sent);
  feed_close(f, code, reason);
}

/* ── answers ────────────────────────────────────────────────────────────────────────────────── */

static void send_error(struct feed *f, enum problem p, const struct problem_errors *errors,
                       const char *request_id)
{
  if (!f->session) return;
  if (watch_send_error(&f->call, f->session, p, errors, request_id) != ST_OK)
    feed_close(f, WATCH_TOO_SLOW, "");
}

/* begin_answer() opens {"type":…,"requestId":…; send_answer() closes and sends it. */
static struct json_writer begin_answer(struct feed *f, const char *type, const char *request_id)
{
  struct json_writer w;
  json_writer_init(&w, answer_body(&f->call));
  json_begin(&w, NULL);
  json_str(&w, "type", type);
  json_str(&w, "requestId", request_id);
  return w;
}

static void send_answer(struct feed *f, struct json_writer *w)
{
  json_end(w);
  if (watch_send_text(f->session, w->out) != ST_OK) feed_close(f, WATCH_TOO_SLOW, "");
}

static void write_id(struct json_writer *w, const struct ulid *id)
{
  char text[ULID_ORDER_LEN + 1];
  ulid_format_order(id, text);
  json_strn(w, "orderId", text, ULID_ORDER_LEN);
}

/* ── subscriptions ──────────────────────────────────────────────────────────────────────────── */

static struct sub *find_sub(const struct feed *f, const struct order_ref *ref)
{
  list_each(n, &f->subs)
  {
    struct sub *s = container_of(n, struct sub, node);
    bool same = ref->own_id ? s->own_id && strcmp(s->own_id, ref->own_id) == 0
                            : ulid_compare(&s->order, &ref->id) == 0;
    if (same) return s;
  }
  return NULL;
}

static struct sub *find_order(const struct feed *f, const struct ulid *order)
{
  return find_sub(f, &(struct order_ref){.id = *order});
}

static bool has_room(const struct feed *f)
{
  return f->subs.len + f->waiting < SUBSCRIPTIONS_MAX;
}

static void on_event(void *arg, int32_t seq, bool terminal, struct ws_message *text)
{
  struct sub *s = arg;
  if (seq > s->since) {
    if (ws_session_send(s->feed->session, text) != ST_OK) {
      close_behind(s->feed, s, WATCH_TOO_SLOW);
      return;
    }
    s->sent = seq;
  }
  if (terminal) sub_end(s);
}

static void on_lost(void *arg, int32_t last_seq)
{
  struct sub *s = arg;
  (void)last_seq;
  close_behind(s->feed, s, WATCH_TRY_LATER);
}

static const struct hub_sink sink = {on_event, on_lost};

/* ver: the order's newest seq as far as is known. Takes own_id. */
static void follow(struct feed *f, const struct ulid *order, char *own_id, int32_t since,
                   int32_t ver)
{
  struct sub *s = mem_alloc(sizeof *s);
  s->feed = f;
  s->order = *order;
  s->own_id = own_id;
  s->since = s->sent = since;
  list_append(&f->subs, &s->node);
  s->hub = hub_watch(f->call.api->hub, order, since < ver ? since : ver, &sink, s);
}

/* ── steps ──────────────────────────────────────────────────────────────────────────────────── */

static struct step *step_begin(struct feed *f, const char *request_id)
{
  struct step *s = mem_alloc(sizeof *s);
  s->feed = f;
  s->request_id = request_id ? mem_strdup(request_id) : NULL;
  f->refs++;
  f->waiting++;
  return s;
}

static void step_end(struct step *s)
{
  s->feed->waiting--;
  feed_unref(s->feed);
  if (s->errors) problem_errors_deinit(s->errors);
  free(s->errors);
  free(s->request_id);
  free(s->own_id);
  free(s);
}

static void accepted(struct step *s, bool replayed, const struct journal_accepted *order)
{
  struct feed *f = s->feed;
  struct json_writer w = begin_answer(f, "accepted", s->request_id);
  accept_write(&w, order);
  if (replayed) json_bool(&w, "replayed", true);
  send_answer(f, &w);
  if (f->session && !find_order(f, &order->id)) follow(f, &order->id, NULL, 0, 1);
}

static void on_accepted(void *arg, enum status status, const struct journal_accepted *order)
{
  struct step *s = arg;
  bool done = status == ST_OK || status == ST_REPLAYED;
  audit_socket(&s->feed->call, done ? &order->id : NULL,
               done ? 201 : problem_status(problem_of(status)));
  if (status != ST_OK && status != ST_REPLAYED)
    send_error(s->feed, problem_of(status), NULL, s->request_id);
  else if (s->feed->session)
    accepted(s, status == ST_REPLAYED, order);
  step_end(s);
}

/* As on_accepted(), for an order that is not valid now. */
static void on_known(void *arg, enum status status, const struct journal_accepted *order)
{
  struct step *s = arg;
  if (status == ST_NOT_FOUND) {
    send_error(s->feed, PROBLEM_VALIDATION_FAILED, s->errors, s->request_id);
    step_end(s);
  } else {
    on_accepted(s, status, order);
  }
}

static void execute(struct feed *f, const struct action *a)
{
  struct envelope envelope;
  if (!has_room(f)) {
    send_error(f, PROBLEM_TOO_MANY_SUBSCRIPTIONS, NULL, a->request_id);
    return;
  }
  struct step *s = step_begin(f, a->request_id);
  s->errors = mem_alloc(sizeof *s->errors);
  problem_errors_init(s->errors);
  enum status status = envelope_parse(f->call.api->registry, &envelope_execute, a->order->text,
                                      a->order->len, &envelope, s->errors);
  const struct accept_request request = {&envelope, NULL, a->order->text, a->order->len};
  status = status == ST_OK ? accept_order(&f->call, &request, on_accepted, s)
                           : accept_known(&f->call, &request, on_known, s);
  envelope_deinit(&envelope);
  if (status == ST_NOT_FOUND)
    on_known(s, status, NULL);
  else if (status != ST_OK)
    on_accepted(s, status, NULL);
}

static void subscribed(struct step *s, const struct order *order)
{
  struct feed *f = s->feed;
  struct json_writer w = begin_answer(f, "subscribed", s->request_id);
  write_id(&w, &order->id);
  json_str(&w, "status", order->status);
  json_str(&w, "phase", order_phase_name(order->phase));
  json_int(&w, "seq", order->ver);
  send_answer(f, &w);
  bool ended = order_phase_terminal(order->phase) && s->since >= order->ver;
  if (!f->session || ended) return;
  follow(f, &order->id, s->own_id, s->since, order->ver);
  s->own_id = NULL;
}

static void on_order(void *arg, enum status status, const struct order *order)
{
  struct step *s = arg;
  if (status != ST_OK)
    send_error(s->feed, problem_of(status), NULL, s->request_id);
  else if (find_order(s->feed, &order->id))
    send_error(s->feed, PROBLEM_ALREADY_SUBSCRIBED, NULL, s->request_id);
  else if (s->feed->session)
    subscribed(s, order);
  step_end(s);
}

static void subscribe(struct feed *f, const struct action *a, const struct order_ref *ref)
{
  if (find_sub(f, ref)) {
    send_error(f, PROBLEM_ALREADY_SUBSCRIBED, NULL, a->request_id);
    return;
  }
  if (!has_room(f)) {
    send_error(f, PROBLEM_TOO_MANY_SUBSCRIPTIONS, NULL, a->request_id);
    return;
  }
  struct step *s = step_begin(f, a->request_id);
  s->since = a->since;
  s->own_id = ref->own_id ? mem_strdup(ref->own_id) : NULL;
  enum status status = order_ref_read(&f->call, ref, on_order, s);
  if (status == ST_OK) return;
  send_error(f, problem_of(status), NULL, a->request_id);
  step_end(s);
}

static void unsubscribe(struct feed *f, const struct action *a, const struct order_ref *ref)
{
  struct sub *s = find_sub(f, ref);
  if (!s) {
    send_error(f, PROBLEM_NOT_SUBSCRIBED, NULL, a->request_id);
    return;
  }
  struct json_writer w = begin_answer(f, "unsubscribed", a->request_id);
  write_id(&w, &s->order);
  sub_end(s);
  send_answer(f, &w);
}

/* ── the socket ─────────────────────────────────────────────────────────────────────────────── */

static void act(struct feed *f, const struct action *a)
{
  struct order_ref ref;
  if (a->kind == ACTION_EXECUTE && !gate_allows(&f->call, SCOPE_WRITE)) {
    audit_socket(&f->call, NULL, 403);
    send_error(f, PROBLEM_INSUFFICIENT_SCOPE, NULL, a->request_id);
  } else if (a->kind == ACTION_EXECUTE)
    execute(f, a);
  else if (!order_ref_parse(a->order_id, &ref))
    send_error(f, PROBLEM_INVALID_ORDER_ID, NULL, a->request_id);
  else if (a->kind == ACTION_SUBSCRIBE)
    subscribe(f, a, &ref);
  else
    unsubscribe(f, a, &ref);
}

static void on_over(struct auth_guard *guard)
{
  feed_close(container_of(guard, struct feed, guard), WATCH_EXPIRED, WATCH_EXPIRED_REASON);
}

static void on_open(struct ws_session *session, void *arg)
{
  struct feed *f = arg;
  f->session = session;
  gate_guard(&f->call, &f->guard, on_over);
}

static void on_message(struct ws_session *session, void *arg, const char *text, size_t len)
{
  struct feed *f = arg;
  struct action a;
  struct problem_errors errors;
  (void)session;
  if (!f->session) return;
  problem_errors_init(&errors);
  if (action_parse(text, len, &a, &errors) == ST_OK)
    act(f, &a);
  else
    send_error(f, PROBLEM_VALIDATION_FAILED, &errors, a.request_id);
  action_deinit(&a);
  problem_errors_deinit(&errors);
}

static void on_close(struct ws_session *session, void *arg, int code)
{
  struct feed *f = arg;
  (void)session, (void)code;
  f->session = NULL;
  gate_unguard(&f->call, &f->guard);
  end_all(f);
  feed_unref(f);
}

static const struct ws_handler handler = {on_open, on_message, on_close};

void feed_upgrade(const struct call *call)
{
  struct feed *f = mem_alloc(sizeof *f);
  f->call = *call;
  f->refs = 1;
  list_init(&f->subs);
  http_reply_upgrade(call->reply, call->api->ws, &handler, f);
}
