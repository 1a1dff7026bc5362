/*
 * fakes.h - the rooms around http, as each test wants them: connections that keep what was
 * answered, a journal and a reader that wait for the test, sockets that are lists. Included once in
 * a program.
 */
#ifndef TESTS_UNIT_HTTP_FAKES_H
#define TESTS_UNIT_HTTP_FAKES_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "http/api.h"
#include "http/routes.h"
#include "journal/batch.h"
#include "journal/cancel.h"
#include "journal/pause.h"
#include "journal/redrive.h"
#include "queue/channel.h"
#include "store/dead_letters.h"
#include "store/lister.h"
#include "store/replay.h"
#include "tests/unit/event/checked.h"
#include "tests/unit/event/messages.h"

enum { FAKE_HEADERS_MAX = 16, FAKE_WAITING_MAX = 2048 };

/* ── connections ────────────────────────────────────────────────────────────────────────────── */

struct http_reply {
  int answered; /* times */
  int status;
  char *names[FAKE_HEADERS_MAX], *values[FAKE_HEADERS_MAX];
  size_t n_headers;
  char *content_type;
  char *body;
  const struct ws_handler *handler; /* of an upgrade */
  void *arg;
};

static inline void reply_free(struct http_reply *r)
{
  for (size_t i = 0; i < r->n_headers; i++) {
    free(r->names[i]);
    free(r->values[i]);
  }
  free(r->content_type);
  free(r->body);
  free(r);
}

static inline const char *header_of(const struct http_reply *r, const char *name)
{
  for (size_t i = 0; i < r->n_headers; i++)
    if (strcasecmp(r->names[i], name) == 0) return r->values[i];
  return NULL;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
  for (size_t i = 0; i < request->n_headers; i++)
    if (strcasecmp(request->headers[i].name, name) == 0) return request->headers[i].value;
  return NULL;
}

const char *http_reply_request_id(const struct http_reply *reply)
{
  (void)reply;
  return "request-7";
}

void http_reply_send(struct http_reply *r, int status, const struct http_header *headers,
                     size_t n_headers, const char *content_type, const void *body, size_t len)
{
  cr_assert_eq(r->answered++, 0, "answered twice");
  cr_assert_leq(n_headers, FAKE_HEADERS_MAX);
  r->status = status;
  r->n_headers = n_headers;
  for (size_t i = 0; i < n_headers; i++) {
    r->names[i] = mem_strdup(headers[i].name);
    r->values[i] = mem_strdup(headers[i].value);
  }
  r->content_type = content_type ? mem_strdup(content_type) : NULL;
  r->body = mem_strndup(body, len);
}

void http_reply_upgrade(struct http_reply *r, struct ws_server *ws,
                        const struct ws_handler *handler, void *arg)
{
  (void)ws;
  cr_assert_eq(r->answered++, 0, "answered twice");
  r->status = 101;
  r->handler = handler;
  r->arg = arg;
}

/* A stream is its reply: what is written is its body. */
static bool stream_gone;   /* the next write finds it so */
static size_t stream_kept; /* what its socket has not taken */

struct http_stream {
  struct http_reply *reply;
  const struct http_stream_handler *handler;
  void *arg;
};
static struct http_stream streams[4];
static size_t n_streams;

struct http_stream *http_reply_stream(struct http_reply *r, const struct http_header *headers,
                                      size_t n_headers, const char *content_type,
                                      const struct http_stream_handler *handler, void *arg)
{
  http_reply_send(r, 200, headers, n_headers, content_type, "", 0);
  cr_assert_lt(n_streams, 4);
  struct http_stream *s = &streams[n_streams++];
  *s = (struct http_stream){r, handler, arg};
  return s;
}

bool http_stream_write(struct http_stream *s, const void *data, size_t len)
{
  if (stream_gone) return false;
  size_t before = strlen(s->reply->body);
  s->reply->body = mem_resize(s->reply->body, before + len + 1);
  memcpy(s->reply->body + before, data, len);
  s->reply->body[before + len] = '\0';
  return true;
}

size_t http_stream_kept(const struct http_stream *s)
{
  (void)s;
  return stream_kept;
}

void http_stream_close(struct http_stream *s)
{
  s->reply->status = 0; /* over */
}

/* ── sockets ────────────────────────────────────────────────────────────────────────────────── */

enum { FAKE_SENT_MAX = 4096 };

struct ws_session {
  struct ws_message *sent[FAKE_SENT_MAX];
  size_t n_sent;
  size_t room; /* messages it still takes */
  int code;    /* of the close; 0: open */
  char reason[128];
};

enum status ws_session_send(struct ws_session *s, struct ws_message *m)
{
  if (s->code) return ST_OK;
  if (s->room == 0) return ST_FULL;
  s->room--;
  m->refs++;
  s->sent[s->n_sent++] = m;
  return ST_OK;
}

void ws_session_close(struct ws_session *s, int code, const char *reason, int discard)
{
  cr_assert_eq(s->code, 0, "closed twice");
  cr_assert_eq(discard, 0, "what is queued is sent first");
  s->code = code;
  snprintf(s->reason, sizeof s->reason, "%s", reason);
}

size_t ws_server_sessions(const struct ws_server *s)
{
  (void)s;
  return 3;
}

static inline struct ws_session *session_open(struct http_reply *r)
{
  cr_assert_eq(r->status, 101, "no upgrade: %d %s", r->status, r->body ? r->body : "");
  struct ws_session *s = mem_alloc(sizeof *s);
  s->room = FAKE_SENT_MAX;
  r->handler->on_open(s, r->arg);
  return s;
}

/* The client goes away, or the close is through. */
static inline void session_gone(struct http_reply *r, struct ws_session *s)
{
  r->handler->on_close(s, r->arg, s ? s->code : 1006);
  for (size_t i = 0; s && i < s->n_sent; i++) ws_message_unref(s->sent[i]);
  free(s);
}

static inline void session_says(struct http_reply *r, struct ws_session *s, const char *text)
{
  r->handler->on_message(s, r->arg, text, strlen(text));
}

/* ── the reader ─────────────────────────────────────────────────────────────────────────────── */

struct lookup {
  char tenant[32];
  struct ulid id;
  char own_id[128]; /* "" for by id */
  uint64_t known;
  int32_t since; /* -1: of an order */
  reader_order_fn on_order;
  reader_events_fn on_events;
  void *arg;
};

static struct lookup lookups[FAKE_WAITING_MAX];
static size_t n_lookups;
static enum status reader_status = ST_OK;
static bool store_up = true;

static inline enum status look_up_later(const struct lookup *l)
{
  if (reader_status != ST_OK) return reader_status;
  cr_assert_lt(n_lookups, FAKE_WAITING_MAX);
  lookups[n_lookups++] = *l;
  return ST_OK;
}

enum status reader_order(struct reader *r, const char *tenant, const struct ulid *id,
                         reader_order_fn done, void *arg)
{
  (void)r;
  struct lookup l = {.id = *id, .since = -1, .on_order = done, .arg = arg};
  snprintf(l.tenant, sizeof l.tenant, "%s", tenant);
  return look_up_later(&l);
}

enum status reader_find(struct reader *r, const struct reader_ref *ref, reader_order_fn done,
                        void *arg)
{
  (void)r;
  struct lookup l = {.id = ref->id, .known = ref->known, .since = -1, .on_order = done, .arg = arg};
  snprintf(l.tenant, sizeof l.tenant, "%s", ref->tenant);
  snprintf(l.own_id, sizeof l.own_id, "%s", ref->own_id ? ref->own_id : "");
  return look_up_later(&l);
}

enum status reader_events(struct reader *r, const struct ulid *id, int32_t since,
                          reader_events_fn done, void *arg)
{
  (void)r;
  return look_up_later(&(struct lookup){.id = *id, .since = since, .on_events = done, .arg = arg});
}

static struct ulid dead_letters_after;
static size_t dead_letters_limit;
static dead_letters_fn dead_letters_done;
static dead_letters_count_fn dead_letters_counted;
static void *dead_letters_arg;

enum status dead_letters_page(struct reader *r, const struct ulid *after, size_t limit,
                              dead_letters_fn done, void *arg)
{
  (void)r;
  if (reader_status != ST_OK) return reader_status;
  dead_letters_after = *after;
  dead_letters_limit = limit;
  dead_letters_done = done;
  dead_letters_arg = arg;
  return ST_OK;
}

enum status dead_letters_count(struct reader *r, dead_letters_count_fn done, void *arg)
{
  (void)r;
  if (reader_status != ST_OK) return reader_status;
  dead_letters_counted = done;
  dead_letters_arg = arg;
  return ST_OK;
}

/* What was asked of it last; answer it with replay_done(replay_arg, …). */
static char replay_key[160], replay_own_id[80];
static unsigned char replay_key_hash[REPLAY_HASH_LEN];
static replay_fn replay_done;
static void *replay_arg;

enum status replay_find(struct reader *r, const struct replay_ask *ask, replay_fn done, void *arg)
{
  (void)r;
  if (reader_status != ST_OK) return reader_status;
  cr_assert_str_eq(ask->tenant, "default");
  snprintf(replay_key, sizeof replay_key, "%s", ask->key ? ask->key : "");
  snprintf(replay_own_id, sizeof replay_own_id, "%s", ask->own_id ? ask->own_id : "");
  if (ask->key) memcpy(replay_key_hash, ask->key_hash, REPLAY_HASH_LEN);
  replay_done = done;
  replay_arg = arg;
  return ST_OK;
}

static inline void replay_answers(enum status status, const struct replay *found)
{
  replay_fn done = replay_done;
  cr_assert_not_null(done, "nothing was looked up");
  replay_done = NULL;
  done(replay_arg, status, found);
}

static struct lister_filter listed; /* its texts are gone when the question is */
static size_t listed_limit;
static const struct lister_sink *listed_sink;
static void *listed_arg;

enum status lister_page(struct lister *l, const struct lister_filter *filter, size_t limit,
                        const struct lister_sink *sink, void *arg)
{
  (void)l;
  if (reader_status != ST_OK) return reader_status;
  listed = *filter;
  listed_limit = limit;
  listed_sink = sink;
  listed_arg = arg;
  return ST_OK;
}

static char names_asked[4096]; /* with a space behind each */
static replay_names_fn names_done;
static void *names_arg;

enum status replay_names(struct reader *r, const struct replay_names_ask *ask, replay_names_fn done,
                         void *arg)
{
  (void)r;
  if (reader_status != ST_OK) return reader_status;
  cr_assert_str_eq(ask->tenant, "default");
  names_asked[0] = '\0';
  for (size_t i = 0, len = 0; i < ask->n && len < sizeof names_asked; i++)
    len += (size_t)snprintf(names_asked + len, sizeof names_asked - len, "%s ", ask->names[i]);
  names_done = done;
  names_arg = arg;
  return ST_OK;
}

bool reader_up(const struct reader *r)
{
  (void)r;
  return store_up;
}

static inline struct lookup take_lookup(void)
{
  cr_assert_gt(n_lookups, 0, "nothing was looked up");
  struct lookup l = lookups[0];
  memmove(&lookups[0], &lookups[1], --n_lookups * sizeof l);
  return l;
}

static inline void reader_answers(enum status status, const struct order *order)
{
  struct lookup l = take_lookup();
  l.on_order(l.arg, status, order);
}

static inline void reader_answers_events(enum status status, const struct reader_event *events,
                                         size_t n)
{
  struct lookup l = take_lookup();
  l.on_events(l.arg, status, events, n);
}

/* ── the journal ────────────────────────────────────────────────────────────────────────────── */

struct accept_taken {
  char tenant[32], client_order_id[80], key[160], group[80]; /* "" for NULL */
  char type[32], status[32];
  unsigned char hash[JOURNAL_HASH_LEN], key_hash[JOURNAL_HASH_LEN];
  bool hashed;
  char *payload;
  enum ox_phase phase;
  bool by_hand;
  journal_accepted_fn done;
  void *arg;
};

static struct accept_taken accepts[FAKE_WAITING_MAX];
static size_t n_accepts;
static enum status journal_status = ST_OK;

enum status journal_accept(struct journal *j, const struct journal_accept *a,
                           journal_accepted_fn done, void *arg)
{
  (void)j;
  if (journal_status != ST_OK) return journal_status;
  cr_assert_lt(n_accepts, FAKE_WAITING_MAX);
  struct accept_taken *t = &accepts[n_accepts++];
  *t = (struct accept_taken){.hashed = a->request_hash != NULL,
                             .phase = a->phase,
                             .by_hand = a->by_hand,
                             .done = done,
                             .arg = arg};
  snprintf(t->tenant, sizeof t->tenant, "%s", a->tenant);
  snprintf(t->type, sizeof t->type, "%s", a->type);
  snprintf(t->status, sizeof t->status, "%s", a->status);
  if (a->client_order_id)
    snprintf(t->client_order_id, sizeof t->client_order_id, "%s", a->client_order_id);
  if (a->group) snprintf(t->group, sizeof t->group, "%s", a->group);
  if (a->idempotency_key) snprintf(t->key, sizeof t->key, "%s", a->idempotency_key);
  if (a->request_hash) memcpy(t->hash, a->request_hash, JOURNAL_HASH_LEN);
  if (a->key_hash) memcpy(t->key_hash, a->key_hash, JOURNAL_HASH_LEN);
  t->payload = mem_strdup(a->payload);
  return ST_OK;
}

static bool journal_is_refusing;

bool journal_refusing(const struct journal *j)
{
  (void)j;
  return journal_is_refusing;
}

bool journal_up(const struct journal *j)
{
  (void)j;
  return store_up;
}

static inline void journal_answers(enum status status, const struct journal_accepted *accepted)
{
  cr_assert_gt(n_accepts, 0, "nothing was accepted");
  struct accept_taken t = accepts[0];
  memmove(&accepts[0], &accepts[1], --n_accepts * sizeof t);
  free(t.payload);
  t.done(t.arg, status, accepted);
}

/* A batch as the journal has it: how many orders, the payload of the last, what was sent. */
struct journal_batch {
  size_t n;
  char key[160], last[512], *response;
};
static int n_batches;
static struct journal_batch *fake_batch; /* the last that was begun */
static struct ulid batch_ids[1024];      /* of the orders in it */
static journal_batch_fn batch_done;
static void *batch_arg;

enum status journal_batch_begin(struct journal *j, const char *tenant, const char *key,
                                const unsigned char key_hash[JOURNAL_HASH_LEN],
                                struct journal_batch **out)
{
  (void)j, (void)key_hash;
  cr_assert_str_eq(tenant, "default");
  if (journal_status != ST_OK) return journal_status;
  n_batches++;
  *out = fake_batch = mem_alloc(sizeof *fake_batch);
  snprintf(fake_batch->key, sizeof fake_batch->key, "%s", key);
  return ST_OK;
}

struct ulid journal_batch_add(struct journal_batch *b, const struct journal_accept *order)
{
  cr_assert_null(order->idempotency_key);
  cr_assert_eq(order->client_order_id != NULL, order->request_hash != NULL);
  snprintf(b->last, sizeof b->last, "%s", order->payload);
  batch_ids[b->n] = (struct ulid){{1, [14] = (uint8_t)(b->n >> 8), (uint8_t)b->n}};
  return batch_ids[b->n++];
}

void journal_batch_remove(struct journal_batch *b, const struct ulid *id)
{
  size_t i = 0;
  while (i < b->n && ulid_compare(&batch_ids[i], id) != 0) i++;
  cr_assert_lt(i, b->n, "removed twice");
  batch_ids[i] = batch_ids[--b->n];
}

void journal_batch_drop(struct journal_batch *b)
{
  if (!b) return;
  n_batches--;
  free(b->response);
  free(b);
}

void journal_batch_send(struct journal_batch *b, const char *response, journal_batch_fn done,
                        void *arg)
{
  free(b->response);
  b->response = mem_strdup(response);
  batch_done = done;
  batch_arg = arg;
}

static inline void batch_answers(enum status status)
{
  journal_batch_fn done = batch_done;
  cr_assert_not_null(done, "nothing was sent");
  batch_done = NULL;
  if (status != ST_CONFLICT) journal_batch_drop(fake_batch);
  done(batch_arg, status);
}

static struct ulid cancelled_id;
static journal_cancelled_fn cancelled_done; /* NULL: nothing is being cancelled */
static void *cancelled_arg;

enum status journal_cancel(struct journal *j, const struct ulid *id, const struct order_type *type,
                           journal_cancelled_fn done, void *arg)
{
  (void)j;
  cr_assert_not_null(order_type_flagged(type, OX_STATE_ON_CANCEL));
  if (journal_status != ST_OK) return journal_status;
  cancelled_id = *id;
  cancelled_done = done;
  cancelled_arg = arg;
  return ST_OK;
}

static const struct ox_state *moved_to;

enum status journal_move(struct journal *j, const struct ulid *id, const struct order_type *type,
                         const struct ox_state *target, journal_cancelled_fn done, void *arg)
{
  (void)j;
  cr_assert_eq(order_type_state(type, target->name), target);
  cr_assert(target->flags & OX_STATE_BY_HAND);
  if (journal_status != ST_OK) return journal_status;
  cancelled_id = *id;
  moved_to = target;
  cancelled_done = done;
  cancelled_arg = arg;
  return ST_OK;
}

static inline void journal_cancels(enum cancel_result result)
{
  journal_cancelled_fn done = cancelled_done;
  cr_assert_not_null(done, "nothing is being cancelled");
  cancelled_done = NULL;
  done(cancelled_arg, result);
}

static bool paused_wanted;
static journal_paused_fn paused_done;
static void *paused_arg;

enum status journal_pause(struct journal *j, bool paused, journal_paused_fn done, void *arg)
{
  (void)j;
  if (journal_status != ST_OK) return journal_status;
  paused_wanted = paused;
  paused_done = done;
  paused_arg = arg;
  return ST_OK;
}

static struct ulid redriven_id;
static journal_redriven_fn redriven_done;
static journal_redriven_all_fn redriven_all_done;
static void *redriven_arg;

enum status journal_redrive(struct journal *j, const struct ulid *id, journal_redriven_fn done,
                            void *arg)
{
  (void)j;
  if (journal_status != ST_OK) return journal_status;
  redriven_id = *id;
  redriven_done = done;
  redriven_arg = arg;
  return ST_OK;
}

enum status journal_redrive_all(struct journal *j, journal_redriven_all_fn done, void *arg)
{
  (void)j;
  if (journal_status != ST_OK) return journal_status;
  redriven_all_done = done;
  redriven_arg = arg;
  return ST_OK;
}

static journal_purged_fn purged_done;
static void *purged_arg;

enum status journal_purge(struct journal *j, journal_purged_fn done, void *arg)
{
  (void)j;
  if (journal_status != ST_OK) return journal_status;
  purged_done = done;
  purged_arg = arg;
  return ST_OK;
}

/* ── the hub ────────────────────────────────────────────────────────────────────────────────── */

struct hub_watch {
  struct ulid order;
  int32_t since;
  const struct hub_sink *sink;
  void *arg;
  bool over;
};

static struct hub_watch watches[FAKE_WAITING_MAX];
static size_t n_watches;

struct hub_watch *hub_watch(struct hub *h, const struct ulid *order, int32_t since,
                            const struct hub_sink *sink, void *arg)
{
  (void)h;
  cr_assert_lt(n_watches, FAKE_WAITING_MAX);
  struct hub_watch *w = &watches[n_watches++];
  *w = (struct hub_watch){*order, since, sink, arg, false};
  return w;
}

void hub_unwatch(struct hub_watch *w)
{
  cr_assert_not(w->over && w->sink, "unwatched twice");
  w->over = true;
}

/* The hub shows the i-th watch an event; as the real one, it ends the watch before the last. */
static inline void hub_shows(size_t i, int32_t seq, bool terminal)
{
  struct hub_watch *w = &watches[i];
  char text[64];
  cr_assert_not(w->over, "watch %zu is over", i);
  int len = snprintf(text, sizeof text, "{\"seq\":%d}", seq);
  struct ws_message *m = ws_message_create(text, (size_t)len);
  const struct hub_sink *sink = w->sink;
  if (terminal) w->sink = NULL; /* over when on_event() returns; may be unwatched till then */
  sink->on_event(w->arg, seq, terminal, m);
  if (terminal) w->over = true;
  ws_message_unref(m);
}

static inline void hub_loses(size_t i, int32_t last)
{
  const struct hub_sink *sink = watches[i].sink;
  watches[i].sink = NULL;
  sink->on_lost(watches[i].arg, last);
  watches[i].over = true;
}

/* ── the stream ─────────────────────────────────────────────────────────────────────────────── */

static bool stream_begins = true; /* once it was asked for; else stream_begin() is to be called */
static struct {
  bool listening, resumes, begun;
  struct tail_position after;
  char tenant[32], types[64], statuses[64], orders[128];
  const struct stream_sink *sink;
  void *arg;
  int ready;
} streamed;

static const struct tail_position stream_at = {700, 3};

static inline void stream_begin(bool ok)
{
  streamed.begun = true;
  streamed.listening = streamed.sink->on_begin(streamed.arg, ok ? &stream_at : NULL);
}

static inline void note_list(char *to, size_t len, const char *list)
{
  snprintf(to, len, "%s", list ? list : "-");
}

struct stream_listener *stream_listen(struct stream *s, const struct tail_position *after,
                                      const struct stream_filter *filter,
                                      const struct stream_sink *sink, void *arg)
{
  (void)s;
  streamed.listening = true;
  streamed.resumes = after != NULL;
  if (after) streamed.after = *after;
  note_list(streamed.tenant, sizeof streamed.tenant, filter->tenant);
  note_list(streamed.types, sizeof streamed.types, filter->types);
  note_list(streamed.statuses, sizeof streamed.statuses, filter->statuses);
  note_list(streamed.orders, sizeof streamed.orders, filter->orders);
  streamed.sink = sink;
  streamed.arg = arg;
  streamed.begun = false;
  return (struct stream_listener *)&streamed;
}

void stream_leave(struct stream_listener *l)
{
  (void)l;
  cr_assert(streamed.listening);
  streamed.listening = false;
}

void stream_ready(struct stream_listener *l)
{
  (void)l;
  streamed.ready++;
}

bool stream_position_parse(const char *text, struct tail_position *out)
{
  *out = (struct tail_position){7, 3};
  return strcmp(text, "7-3") == 0;
}

/* ── the queue ──────────────────────────────────────────────────────────────────────────────── */

static queue_reports_fn reports_done;
static void *reports_arg;

static queue_counts_fn counts_done;
static void *counts_arg;
static enum status queue_status = ST_OK;

enum status queue_reports(struct queue *q, queue_reports_fn done, void *arg)
{
  (void)q;
  if (queue_status != ST_OK) return queue_status;
  reports_done = done;
  reports_arg = arg;
  return ST_OK;
}

enum status queue_counts(struct queue *q, queue_counts_fn done, void *arg)
{
  (void)q;
  if (queue_status != ST_OK) return queue_status;
  counts_done = done;
  counts_arg = arg;
  return ST_OK;
}

static queue_told_fn told_done;
static void *told_arg;

enum status queue_tell_caches(struct queue *q, queue_told_fn done, void *arg)
{
  (void)q;
  if (queue_status != ST_OK) return queue_status;
  told_done = done;
  told_arg = arg;
  return ST_OK;
}

/* ── order types ────────────────────────────────────────────────────────────────────────────── */

/* amount is a number; anything else but tokenIn and note is unknown. */
static inline void validate_market(const struct ox_order *order, struct ox_errors *errors)
{
  const struct ox_field *amount = ox_order_field(order, "amount");
  if (!amount)
    errors->add(errors, "/amount", "AMOUNT_REQUIRED", "amount is missing");
  else if (amount->kind != OX_FIELD_NUMBER)
    errors->add(errors, "/amount", "AMOUNT_NOT_A_NUMBER", "amount must be a number");
  for (size_t i = 0; i < order->n_fields; i++) {
    const char *name = order->fields[i].name;
    if (strcmp(name, "amount") == 0 || strcmp(name, "tokenIn") == 0 || strcmp(name, "note") == 0)
      continue;
    char pointer[512];
    snprintf(pointer, sizeof pointer, "/%s", name);
    errors->add(errors, pointer, "UNKNOWN_FIELD", "no such field");
  }
}

static const char *const to_done[] = {"confirmed", "failed", "cancelled", NULL};
static const struct ox_state market_states[] = {
    {"pending", OX_QUEUED, OX_STATE_INITIAL, to_done},
    {"confirmed", OX_SUCCEEDED, 0, NULL},
    {"failed", OX_FAILED, OX_STATE_ON_FAIL, NULL},
    {"cancelled", OX_CANCELLED, OX_STATE_ON_CANCEL, NULL},
};
/* Nobody runs a record, and it knows no cancel. */
static const char *const to_processing[] = {"PROCESSING", NULL};
static const char *const to_ends[] = {"COMPLETED", "FAILED", NULL};
static const struct ox_state record_states[] = {
    {"PENDING", OX_QUEUED, OX_STATE_INITIAL, to_processing},
    {"PROCESSING", OX_ACTIVE, OX_STATE_BY_HAND, to_ends},
    {"COMPLETED", OX_SUCCEEDED, OX_STATE_BY_HAND, NULL},
    {"FAILED", OX_FAILED, OX_STATE_BY_HAND | OX_STATE_ON_FAIL, NULL},
};

static inline void validate_record(const struct ox_order *order, struct ox_errors *errors)
{
  for (size_t i = 0; i < order->n_fields; i++)
    if (strcmp(order->fields[i].name, "id") != 0 && strcmp(order->fields[i].name, "amount") != 0 &&
        strcmp(order->fields[i].name, "createdAt") != 0)
      errors->add(errors, "/x", "UNKNOWN_FIELD", order->fields[i].name);
}

static inline enum ox_outcome execute_nothing(const struct ox_order *order,
                                              const struct ox_host *host)
{
  (void)order, (void)host;
  return OX_FAIL;
}

static const struct ox_executor executor_of_swaps = {.size = sizeof(struct ox_executor),
                                                     .type = "market",
                                                     .states = market_states,
                                                     .n_states = 4,
                                                     .validate = validate_market,
                                                     .execute = execute_nothing};
static const struct ox_executor executor_of_records = {.size = sizeof(struct ox_executor),
                                                       .type = "record",
                                                       .states = record_states,
                                                       .n_states = 4,
                                                       .validate = validate_record,
                                                       .known_by = "id",
                                                       .own_id = "id"};
static const struct order_type types[] = {
    {"market", market_states, 4, &executor_of_swaps},
    {"limit", market_states, 4, &executor_of_swaps},
    {"record", record_states, 4, &executor_of_records},
};

const struct order_type *registry_type(const struct registry *r, const char *name)
{
  (void)r;
  for (size_t i = 0; i < 3; i++)
    if (strcmp(types[i].name, name) == 0) return &types[i];
  return NULL;
}

size_t registry_types(const struct registry *r)
{
  (void)r;
  return 3;
}

const struct order_type *registry_type_at(const struct registry *r, size_t i)
{
  (void)r;
  return &types[i];
}

/* ── endpoints and the desk ─────────────────────────────────────────────────────────────────── */

static struct registry_endpoint endpoints[4]; /* to be set before api_init() */
static size_t n_endpoints;
static struct desk_task *desk_taken[8];
static size_t n_desk_taken;
static enum status desk_status = ST_OK;

size_t registry_endpoints(const struct registry *r)
{
  (void)r;
  return n_endpoints;
}

const struct registry_endpoint *registry_endpoint_at(const struct registry *r, size_t i)
{
  (void)r;
  return &endpoints[i];
}

enum status desk_post(struct desk *d, struct desk_task *task)
{
  (void)d;
  if (desk_status != ST_OK) return desk_status;
  cr_assert_lt(n_desk_taken, 8);
  desk_taken[n_desk_taken++] = task;
  return ST_OK;
}

/* ── asking ─────────────────────────────────────────────────────────────────────────────────── */

static struct api api;
static struct config config;
static uv_loop_t fake_loop;

static inline void fakes_setup(void)
{
  config.queue_rate_limit = 100;
  config.queue_rate_window_ms = 60000;
  config.batch_size = 100;
  config.cache_ttl_s = 300;
  config.cache_list_ttl_s = 2;
  config.cache_max_mib = 1;
  api.config = &config;
  uv_loop_init(&fake_loop);
  api.loop = &fake_loop;
  api_init(&api);
}

static inline void fakes_teardown(void)
{
  api_close(&api);
  uv_run(&fake_loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&fake_loop), 0);
  api_deinit(&api);
  cr_assert_eq(n_batches, 0, "%d batches left behind", n_batches);
  cr_assert_eq(n_lookups, 0, "%zu look-ups not answered", n_lookups);
  cr_assert_eq(n_accepts, 0);
  cr_assert_null(replay_done);
  cr_assert_eq(n_desk_taken, 0);
  cr_assert_eq(messages_alive, 0, "%zu messages leaked", messages_alive);
  for (size_t i = 0; i < n_watches; i++) cr_assert(watches[i].over, "watch %zu left behind", i);
}

#ifndef FAKES_OWN_SETUP
static inline void setup(void)
{
  fakes_setup();
}

static inline void teardown(void)
{
  fakes_teardown();
}
#endif

/* A request whose headers are "Name: value" lines, up to NULL. */
struct ask {
  const char *method, *target, *body;
  const char *headers[8];
  bool upgrade;
};

static inline struct http_reply *ask(const struct ask *a)
{
  struct http_reply *reply = mem_alloc(sizeof *reply);
  char *path = mem_strdup(a->target), *query = strchr(path, '?');
  if (query) *query++ = '\0';
  struct http_header headers[8];
  char *lines[8];
  size_t n = 0;
  for (; a->headers[n]; n++) {
    lines[n] = mem_strdup(a->headers[n]);
    char *colon = strchr(lines[n], ':');
    *colon = '\0';
    headers[n] = (struct http_header){lines[n], colon + 2};
  }
  const char *body = a->body ? a->body : "";
  struct http_request request = {.method = a->method,
                                 .target = a->target,
                                 .path = path,
                                 .query = query,
                                 .headers = headers,
                                 .n_headers = n,
                                 .body = "",
                                 .peer = "127.0.0.1",
                                 .upgrade = a->upgrade};
  struct http_handler handler = api_handler(&api);
  size_t max = handler.on_head(handler.arg, &request, reply);
  request.body = body;
  request.body_len = strlen(body);
  if (!reply->answered && request.body_len > max) {
    reply->answered = 1;
    reply->status = 413;
  }
  if (!reply->answered) handler.on_request(handler.arg, &request, reply);
  if (stream_begins && streamed.listening && !streamed.begun) stream_begin(true);
  for (size_t i = 0; i < n; i++) free(lines[i]);
  free(path);
  return reply;
}

static inline struct http_reply *get(const char *target)
{
  return ask(&(struct ask){.method = "GET", .target = target});
}

static inline struct http_reply *post(const char *body)
{
  return ask(&(struct ask){.method = "POST",
                           .target = "/api/orders/execute",
                           .body = body,
                           .headers = {"Content-Type: application/json"}});
}

/* ── looking at answers ─────────────────────────────────────────────────────────────────────── */

static inline json_t *parse(const char *text)
{
  json_error_t error;
  json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  cr_assert_not_null(root, "%s in %s", error.text, text);
  return root;
}

static inline const char *str_of(const json_t *o, const char *name)
{
  return json_string_value(json_object_get(o, name));
}

/* The reply is a whole problem with this status and code. Frees it. */
static inline void expect_problem(struct http_reply *r, int status, const char *code)
{
  cr_assert_eq(r->answered, 1);
  cr_assert_eq(r->status, status, "%d %s", r->status, r->body);
  cr_assert_str_eq(r->content_type, "application/problem+json");
  json_t *p = parse(r->body);
  cr_assert_str_eq(str_of(p, "code"), code);
  cr_assert_eq(json_integer_value(json_object_get(p, "status")), status);
  cr_assert_str_eq(str_of(p, "requestId"), "request-7");
  cr_assert_str_eq(str_of(p, "type"), "about:blank");
  cr_assert_not_null(str_of(p, "title"));
  cr_assert_not_null(str_of(p, "detail"));
  cr_assert(json_is_boolean(json_object_get(p, "retryable")));
  cr_assert(json_is_array(json_object_get(p, "errors")));
  cr_assert_eq(json_object_size(p), 8);
  cr_assert_eq(header_of(r, "Retry-After") != NULL, status == 503);
  json_decref(p);
  reply_free(r);
}

#endif
