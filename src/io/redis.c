/*
 * redis.c - a Redis connection that comes back. Loop thread.
 *
 * DESIGN. redis_conn is what the caller holds; redis_link is one connection to the server, at most
 * one at a time:
 *
 *   connecting ──▶ greeting ──▶ (subscribing) ──▶ up ──▶ broken ──▶ (closed: freed)
 *        └─────────────┴───────────────┴────────────────▲
 *
 * Greeting is AUTH, SELECT, CLIENT SETNAME, INFO and PING in one write; PING is last because a
 * server that still loads its data answers the others. Whoever ends a link, hiredis or this file,
 * hiredis then gives every pending callback NULL and calls the adapter's clean-up; all else happens
 * when the adapter's handles are closed.
 *
 * A script's command is kept until its answer is there, so that it can be sent again after SCRIPT
 * LOAD when the server does not know the script (restarted, or SCRIPT FLUSH).
 */
#include "io/redis.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "io/dial.h"
#include "io/redis_poll.h"
#include "io/redis_url.h"
#include "metrics/metrics.h"

enum { PENDING_MAX = 10000, CHANNELS_MAX = 64, RUN_ID_LEN = 40, COMMAND_MAX = 64 << 20 };

enum link_phase { LINK_CONNECTING, LINK_GREETING, LINK_SUBSCRIBING, LINK_UP, LINK_BROKEN };

struct redis_link {
  struct redis_conn *conn;
  struct redis_poll poll; /* poll.ac is hiredis' connection, NULL when it is gone */
  enum link_phase phase;
  bool was_up;
  char reason[128]; /* why this file ended it; "": hiredis did */
  char run_id[RUN_ID_LEN + 1];
  size_t pending;       /* answers owed */
  uint64_t progress_ms; /* loop time of the last answer, or of the first debt */
  const struct redis_script *loading;
};

struct redis_conn {
  uv_loop_t *loop;
  struct redis_options options;
  struct redis_url url;
  bool url_valid;
  uv_timer_t timer; /* without a link: the next try; with one: its deadline and pings */
  struct redis_link *link;
  struct dial_lookup *lookup;
  unsigned failures;
  bool listens; /* it has had a subscription: hiredis is not to see commands any more */
  char *channels[CHANNELS_MAX];
  size_t n_channels;
  bool closing;
  void (*on_closed)(void *arg);
  void *closed_arg;
};

/* A command whose answer is owed. */
struct pending {
  struct redis_link *link;
  redis_reply_fn fn;
  void *arg;
  const struct redis_script *script; /* NULL: not a script */
  char *copy;                        /* of a script's command */
  size_t copy_len;
  bool again; /* it was sent a second time */
};

static void on_timer(uv_timer_t *timer);
static void link_subscribe_all(struct redis_link *link);

/* ── the end of a link ──────────────────────────────────────────────────────────────────────── */

static void conn_retry(struct redis_conn *conn, const char *why)
{
  dial_log_away("redis", conn->options.name, conn->failures, why);
  conn->failures++;
  uv_timer_start(&conn->timer, on_timer, dial_delay_ms(conn->failures), 0);
}

static void conn_on_closed(uv_handle_t *timer)
{
  struct redis_conn *conn = timer->data;
  void (*on_closed)(void *arg) = conn->on_closed;
  void *arg = conn->closed_arg;

  redis_url_deinit(&conn->url);
  for (size_t i = 0; i < conn->n_channels; i++) free(conn->channels[i]);
  free((char *)conn->options.url);
  free((char *)conn->options.name);
  free(conn);
  if (on_closed) on_closed(arg);
}

static void link_on_closed(struct redis_poll *poll)
{
  struct redis_link *link = container_of(poll, struct redis_link, poll);
  struct redis_conn *conn = link->conn;

  if (link->was_up && !conn->closing)
    metric_add(metric_series(METRIC_LOST, "redis", NULL, NULL), 1);
  if (link->was_up && !conn->closing && conn->options.on_down)
    conn->options.on_down(conn->options.arg);
  conn->link = NULL;
  if (conn->closing)
    uv_close((uv_handle_t *)&conn->timer, conn_on_closed);
  else
    conn_retry(conn, link->reason[0] ? link->reason : poll->reason);
  free(link);
}

/* link_fail() ends the link. Pending answers come back as NULL, at once unless hiredis is in a
 * callback. */
static void link_fail(struct redis_link *link, const char *why)
{
  if (link->phase == LINK_BROKEN) return;
  link->phase = LINK_BROKEN;
  snprintf(link->reason, sizeof link->reason, "%s", why);
  if (link->poll.ac) redisAsyncFree(link->poll.ac);
}

/* ── commands and their answers ─────────────────────────────────────────────────────────────── */

static void link_progress(struct redis_link *link)
{
  link->progress_ms = uv_now(link->conn->loop);
}

static void link_owe(struct redis_link *link)
{
  if (link->pending++ == 0) link_progress(link);
}

static void on_reply(redisAsyncContext *ac, void *raw, void *arg);

static void pending_free(struct pending *p)
{
  free(p->copy);
  free(p);
}

static bool link_send(struct redis_link *link, int argc, const char *const *argv,
                      const size_t *lens, redis_reply_fn fn, void *arg)
{
  struct pending *p = mem_alloc(sizeof *p);

  *p = (struct pending){.link = link, .fn = fn, .arg = arg};
  if (redisAsyncCommandArgv(link->poll.ac, on_reply, p, argc, (const char **)argv, lens) !=
      REDIS_OK) {
    free(p);
    return false;
  }
  link_owe(link);
  return true;
}

static bool link_send_copy(struct redis_link *link, struct pending *p)
{
  if (redisAsyncFormattedCommand(link->poll.ac, on_reply, p, p->copy, p->copy_len) != REDIS_OK)
    return false;
  link_owe(link);
  return true;
}

static void on_loaded(void *arg, const redisReply *reply)
{
  struct redis_link *link = arg;

  link->loading = NULL;
  if (reply && reply->type == REDIS_REPLY_ERROR)
    LOG_ERROR("redis refused a script", LOG_STR("reason", reply->str));
}

/* One SCRIPT LOAD serves every command that is sent behind it. */
static bool link_send_again(struct redis_link *link, struct pending *p)
{
  const char *const load[] = {"SCRIPT", "LOAD", p->script->source};

  if (link->phase == LINK_BROKEN) return false;
  if (link->loading != p->script) {
    if (!link_send(link, 3, load, NULL, on_loaded, link)) return false;
    link->loading = p->script;
  }
  p->again = true;
  return link_send_copy(link, p);
}

static bool is_noscript(const redisReply *reply)
{
  return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}

static void on_reply(redisAsyncContext *ac, void *raw, void *arg)
{
  struct pending *p = arg;
  const redisReply *reply = raw;
  struct redis_link *link = p->link;

  (void)ac;
  link->pending--;
  link_progress(link);
  if (!reply) link->phase = LINK_BROKEN;
  if (reply && p->script && !p->again && is_noscript(reply)) {
    if (link_send_again(link, p)) return;
    reply = NULL;
  }
  if (p->fn) p->fn(p->arg, reply);
  pending_free(p);
}

/* ── greeting ───────────────────────────────────────────────────────────────────────────────── */

static void link_up(struct redis_link *link)
{
  struct redis_conn *conn = link->conn;

  link->phase = LINK_UP;
  link->was_up = true;
  conn->failures = 0;
  LOG_INFO("redis connected", LOG_STR("connection", conn->options.name),
           LOG_STR("runId", link->run_id));
  if (conn->options.on_up) conn->options.on_up(conn->options.arg);
}

/* False, and the link is broken, unless the server agreed. */
static bool link_accepted(struct redis_link *link, const redisReply *reply)
{
  if (!reply || link->phase == LINK_BROKEN) return false;
  if (reply->type != REDIS_REPLY_ERROR) return true;
  link_fail(link, reply->str);
  return false;
}

static void on_accepted(void *arg, const redisReply *reply)
{
  (void)link_accepted(arg, reply);
}

static void on_info(void *arg, const redisReply *reply)
{
  static const char KEY[] = "\nrun_id:";
  struct redis_link *link = arg;
  const char *at;

  if (!link_accepted(link, reply)) return;
  at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, KEY) : NULL;
  if (at) snprintf(link->run_id, sizeof link->run_id, "%.*s", RUN_ID_LEN, at + sizeof KEY - 1);
  if (strlen(link->run_id) != RUN_ID_LEN) link_fail(link, "INFO has no run_id");
}

static void on_ready(void *arg, const redisReply *reply)
{
  struct redis_link *link = arg;

  if (!link_accepted(link, reply)) return;
  link->phase = LINK_SUBSCRIBING;
  if (link->conn->n_channels)
    link_subscribe_all(link);
  else
    link_up(link);
}

/* A command that cannot be sent has broken the link: hiredis says so by itself. */
static void link_greet(struct redis_link *link)
{
  const struct redis_url *url = &link->conn->url;
  const char *const auth[] = {"AUTH", url->user, url->password};
  const char *const auth_default[] = {"AUTH", url->password};
  const char *const setname[] = {"CLIENT", "SETNAME", link->conn->options.name};
  const char *const info[] = {"INFO", "server"}, *const ping[] = {"PING"};
  char db[16];
  const char *const select[] = {"SELECT", db};

  link->phase = LINK_GREETING;
  snprintf(db, sizeof db, "%d", url->db);
  if (url->user)
    (void)link_send(link, 3, auth, NULL, on_accepted, link);
  else if (url->password)
    (void)link_send(link, 2, auth_default, NULL, on_accepted, link);
  if (url->db) (void)link_send(link, 2, select, NULL, on_accepted, link);
  (void)link_send(link, 3, setname, NULL, NULL, NULL);
  (void)link_send(link, 2, info, NULL, on_info, link);
  (void)link_send(link, 1, ping, NULL, on_ready, link);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
  struct redis_link *link = ac->data;

  if (status == REDIS_OK)
    link_greet(link);
  else
    link->phase = LINK_BROKEN;
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
  struct redis_link *link = ac->data;

  (void)status;
  link->phase = LINK_BROKEN;
}

/* ── subscriptions ──────────────────────────────────────────────────────────────────────────── */

static void on_published(redisAsyncContext *ac, void *raw, void *arg)
{
  struct redis_link *link = arg;
  const struct redis_conn *conn = link->conn;
  const redisReply *reply = raw;

  (void)ac;
  if (!reply) link->phase = LINK_BROKEN;
  if (link->phase == LINK_BROKEN) return;
  if (reply->type == REDIS_REPLY_ERROR) {
    link_fail(link, reply->str);
    return;
  }
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) return;
  link_progress(link);
  if (reply->element[2]->type == REDIS_REPLY_INTEGER) { /* subscribe, unsubscribe */
    if (--link->pending == 0 && link->phase == LINK_SUBSCRIBING) link_up(link);
  } else if (conn->options.on_message && !conn->closing) {
    conn->options.on_message(conn->options.arg, reply->element[1]->str, reply->element[2]->str,
                             (size_t)reply->element[2]->len);
  }
}

static void link_subscription(struct redis_link *link, const char *verb, const char *channel)
{
  const char *argv[] = {verb, channel};

  if (redisAsyncCommandArgv(link->poll.ac, on_published, link, 2, argv, NULL) == REDIS_OK)
    link_owe(link);
}

static void link_subscribe_all(struct redis_link *link)
{
  for (size_t i = 0; i < link->conn->n_channels; i++)
    link_subscription(link, "SUBSCRIBE", link->conn->channels[i]);
}

static bool link_listens(const struct redis_link *link)
{
  return link && (link->phase == LINK_UP || link->phase == LINK_SUBSCRIBING);
}

static size_t channel_find(const struct redis_conn *conn, const char *channel)
{
  size_t i = 0;
  while (i < conn->n_channels && strcmp(conn->channels[i], channel) != 0) i++;
  return i;
}

void redis_subscribe(struct redis_conn *conn, const char *channel)
{
  if (channel_find(conn, channel) < conn->n_channels) return;
  assert(conn->n_channels < CHANNELS_MAX);
  conn->listens = true;
  conn->channels[conn->n_channels++] = mem_strdup(channel);
  if (link_listens(conn->link)) link_subscription(conn->link, "SUBSCRIBE", channel);
}

void redis_unsubscribe(struct redis_conn *conn, const char *channel)
{
  size_t i = channel_find(conn, channel);

  if (i == conn->n_channels) return;
  if (link_listens(conn->link)) link_subscription(conn->link, "UNSUBSCRIBE", channel);
  free(conn->channels[i]);
  conn->channels[i] = conn->channels[--conn->n_channels];
}

/* ── deadlines ──────────────────────────────────────────────────────────────────────────────── */

/* A connection that listens takes no PING: subscribing again is answered just as well. */
static void link_ping(struct redis_link *link)
{
  const char *const ping[] = {"PING"};

  if (link->conn->n_channels)
    link_subscription(link, "SUBSCRIBE", link->conn->channels[0]);
  else
    (void)link_send(link, 1, ping, NULL, NULL, NULL);
}

static uint64_t link_waited(const struct redis_link *link)
{
  return uv_now(link->conn->loop) - link->progress_ms;
}

/* The loop itself may have been held up: what lies in the socket counts before the clock does. */
static void link_tick(struct redis_link *link)
{
  uint64_t limit = (uint64_t)link->conn->options.deadline_ms;
  bool owed = link->pending || link->phase == LINK_CONNECTING;

  if (link->phase == LINK_BROKEN) return;
  if (owed && link_waited(link) >= limit) {
    redisAsyncHandleRead(link->poll.ac);
    if (link->phase != LINK_BROKEN && link_waited(link) >= limit)
      link_fail(link, "no answer in time");
  } else if (!owed && link_waited(link) >= limit / 2) {
    link_ping(link);
  }
}

/* ── connecting ─────────────────────────────────────────────────────────────────────────────── */

static void conn_dial(struct redis_conn *conn, const char *host)
{
  uint64_t tick_ms = (uint64_t)conn->options.deadline_ms / 4 + 1;
  redisAsyncContext *ac =
      host ? redisAsyncConnect(host, conn->url.port) : redisAsyncConnectUnix(conn->url.path);
  struct redis_link *link;

  if (!ac || ac->err) {
    conn_retry(conn, ac ? ac->errstr : "no memory");
    if (ac) redisAsyncFree(ac);
    return;
  }
  link = mem_alloc(sizeof *link);
  link->conn = conn;
  conn->link = link;
  link_progress(link);
  ac->data = link;
  redis_poll_attach(&link->poll, conn->loop, ac, link_on_closed);
  redisAsyncSetConnectCallback(ac, on_connect);
  redisAsyncSetDisconnectCallback(ac, on_disconnect);
  uv_timer_start(&conn->timer, on_timer, tick_ms, tick_ms);
}

/* A name's addresses take turns. */
static void on_resolved(void *arg, const struct dial_addresses *addresses, const char *error)
{
  struct redis_conn *conn = arg;

  conn->lookup = NULL;
  if (addresses)
    conn_dial(conn, addresses->text[conn->failures % addresses->n]);
  else
    conn_retry(conn, error);
}

static void conn_start(struct redis_conn *conn)
{
  const struct redis_url *url = &conn->url;

  if (!conn->url_valid) {
    conn_retry(conn, "not a Redis URL");
  } else if (url->path || dial_is_address(url->host)) {
    conn_dial(conn, url->host);
  } else {
    conn->lookup = dial_resolve(conn->loop, url->host, on_resolved, conn);
    if (!conn->lookup) conn_retry(conn, "no look-up");
  }
}

static void on_timer(uv_timer_t *timer)
{
  struct redis_conn *conn = timer->data;

  if (conn->closing)
    link_fail(conn->link, "closed");
  else if (conn->link)
    link_tick(conn->link);
  else
    conn_start(conn);
}

/* ── what callers see ───────────────────────────────────────────────────────────────────────── */

struct redis_conn *redis_connect(uv_loop_t *loop, const struct redis_options *options)
{
  struct redis_conn *conn = mem_alloc(sizeof *conn);

  conn->loop = loop;
  conn->options = *options;
  conn->options.url = mem_strdup(options->url);
  conn->options.name = mem_strdup(options->name);
  conn->url_valid = redis_url_parse(options->url, &conn->url) == ST_OK;
  uv_timer_init(loop, &conn->timer);
  conn->timer.data = conn;
  conn_start(conn);
  return conn;
}

/* The link ends in a turn of its own, since pending answers come back as it does. */
void redis_close(struct redis_conn *conn, void (*done)(void *arg), void *arg)
{
  assert(!conn->closing);
  conn->closing = true;
  conn->on_closed = done;
  conn->closed_arg = arg;
  dial_cancel(conn->lookup);
  if (conn->link)
    uv_timer_start(&conn->timer, on_timer, 0, 0);
  else
    uv_close((uv_handle_t *)&conn->timer, conn_on_closed);
}

bool redis_up(const struct redis_conn *conn)
{
  return conn->link && conn->link->phase == LINK_UP && !conn->closing;
}

const char *redis_run_id(const struct redis_conn *conn)
{
  return redis_up(conn) ? conn->link->run_id : "";
}

static enum status conn_ready(const struct redis_conn *conn)
{
  if (!redis_up(conn)) return ST_AWAY;
  assert(!conn->listens);
  return conn->link->pending < PENDING_MAX ? ST_OK : ST_FULL;
}

enum status redis_command(struct redis_conn *conn, int argc, const char *const *argv,
                          const size_t *lens, redis_reply_fn on_done, void *arg)
{
  enum status st = conn_ready(conn);

  if (st != ST_OK) return st;
  return link_send(conn->link, argc, argv, lens, on_done, arg) ? ST_OK : ST_AWAY;
}

void redis_script_init(struct redis_script *script)
{
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned len = 0;

  if (!EVP_Digest(script->source, strlen(script->source), hash, &len, EVP_sha1(), NULL)) abort();
  for (unsigned i = 0; i < len; i++) snprintf(script->sha + 2 * i, 3, "%02x", hash[i]);
}

static void put_count(struct buf *out, char kind, size_t n)
{
  buf_append_char(out, kind);
  buf_append_int(out, (long long)n);
  buf_append(out, "\r\n", 2);
}

static void put_bulk(struct buf *out, const char *text, size_t len)
{
  put_count(out, '$', len);
  buf_append(out, text, len);
  buf_append(out, "\r\n", 2);
}

/* By hand, since hiredis prints each length: that is half of what a long command takes. */
static struct pending *eval_format(struct redis_conn *conn, const struct redis_script *script,
                                   int n_keys, int argc, const char *const *argv,
                                   const size_t *lens)
{
  struct pending *p = mem_alloc(sizeof *p);
  char keys[BUF_INT_MAX];
  struct buf text;

  buf_init(&text, COMMAND_MAX);
  put_count(&text, '*', (size_t)argc + 3);
  put_bulk(&text, "EVALSHA", 7);
  put_bulk(&text, script->sha, strlen(script->sha));
  put_bulk(&text, keys, buf_int_text(keys, n_keys));
  for (int i = 0; i < argc; i++) put_bulk(&text, argv[i], lens ? lens[i] : strlen(argv[i]));
  assert(!text.overflow);
  *p = (struct pending){.link = conn->link, .script = script};
  p->copy = buf_take(&text, &p->copy_len);
  return p;
}

enum status redis_eval(struct redis_conn *conn, const struct redis_script *script, int n_keys,
                       int argc, const char *const *argv, const size_t *lens,
                       redis_reply_fn on_done, void *arg)
{
  enum status st = conn_ready(conn);
  struct pending *p;

  if (st != ST_OK) return st;
  p = eval_format(conn, script, n_keys, argc, argv, lens);
  p->fn = on_done;
  p->arg = arg;
  if (link_send_copy(conn->link, p)) return ST_OK;
  pending_free(p);
  return ST_AWAY;
}
