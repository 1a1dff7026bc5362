/*
 * pg.c - a PostgreSQL connection in pipeline mode. Loop thread.
 *
 * DESIGN. pg_conn is what the caller holds, for as long as it wants. pg_link is one connection to
 * the server and everything that was sent on it; there is at most one at a time. A link goes
 * through these lists of nothing but time:
 *
 *   connecting ──▶ preparing ──▶ up ──▶ broken ──▶ (closed: freed)
 *        └──────────────┴───────────────▲
 *
 * link_break() only stops the polling: it may be called anywhere, also inside pg_batch_add(). What
 * follows from it (batches end in doubt, on_down, PQfinish, the next try) happens in the close
 * callback of the poll handle, when the loop has let go of the socket. libpq may close the socket
 * in any call, so the polling of a bad connection stops before anything else is done.
 *
 * Parameters are copied into libpq's buffer as they are added, so a batch is no more than a list of
 * who expects which result.
 */
#include "io/pg.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "io/dial.h"
#include "io/pg_start.h"
#include "metrics/metrics.h"

enum { SAY_AGAIN_MS = 10000 };

enum link_phase { LINK_CONNECTING, LINK_PREPARING, LINK_UP, LINK_BROKEN };

struct pg_link {
  struct pg_conn *conn; /* owns this link */
  PGconn *pg;
  uv_poll_t *poll; /* freed when closed; libpq may change sockets while connecting */
  int fd;
  int events;
  enum link_phase phase;
  bool was_up;
  bool reading;          /* link_read() flushes when it is done */
  struct list in_flight; /* of pg_batch, oldest first; the link owns them */
  uint64_t progress_ms;  /* loop time when the server last got on with what it owes us */
};

struct pg_conn {
  uv_loop_t *loop;
  struct pg_options options;
  uv_timer_t timer; /* without a link: the next try; with one: its deadline */
  struct pg_link *link;
  struct dial_lookup *lookup;
  unsigned failures;   /* to connect, in a row */
  char refused[6];     /* sqlstate of the last batch that was refused */
  uint64_t refused_ms; /* loop time when that was logged */
  bool closing;
  void (*on_closed)(void *arg);
  void *closed_arg;
};

struct expected {
  pg_result_fn fn;
  void *arg;
};

struct pg_batch {
  struct list_node node;
  struct pg_link *link;
  size_t n_statements;
  size_t n_answered;
  char sqlstate[6];  /* of the error that ended it; "": none */
  bool after_answer; /* the error came when all statements were answered: from COMMIT */
  pg_end_fn on_end;
  void *arg;
  struct expected expected[PG_BATCH_STATEMENTS_MAX];
};

static void conn_start(struct pg_conn *conn);
static void link_on_poll(uv_poll_t *poll, int status, int events);

/* ── a link breaks ──────────────────────────────────────────────────────────────────────────── */

/* An error that the server reported before it could commit is certain; silence is not. */
static void batch_end(struct pg_batch *batch, bool synced)
{
  enum pg_outcome outcome = synced ? PG_COMMITTED : PG_IN_DOUBT;

  if (batch->sqlstate[0] && (synced || !batch->after_answer)) outcome = PG_ROLLED_BACK;
  if (batch->on_end)
    batch->on_end(batch->arg, outcome, outcome == PG_ROLLED_BACK ? batch->sqlstate : "");
  free(batch);
}

static void conn_on_closed(uv_handle_t *timer)
{
  struct pg_conn *conn = timer->data;
  void (*on_closed)(void *arg) = conn->on_closed;
  void *arg = conn->closed_arg;

  free((char *)conn->options.url);
  free((char *)conn->options.name);
  free(conn);
  if (on_closed) on_closed(arg);
}

static void on_timer(uv_timer_t *timer);

static void conn_retry(struct pg_conn *conn)
{
  conn->failures++;
  uv_timer_start(&conn->timer, on_timer, dial_delay_ms(conn->failures), 0);
}

static void link_on_closed(uv_handle_t *poll)
{
  struct pg_link *link = poll->data;
  struct pg_conn *conn = link->conn;

  free(poll);
  for (struct list_node *n; (n = list_first(&link->in_flight)) != NULL;) {
    list_remove(&link->in_flight, n);
    batch_end(container_of(n, struct pg_batch, node), false);
  }
  if (link->was_up && !conn->closing)
    metric_add(metric_series(METRIC_LOST, "postgres", NULL, NULL), 1);
  if (link->was_up && !conn->closing && conn->options.on_down)
    conn->options.on_down(conn->options.arg);
  PQfinish(link->pg);
  free(link);
  conn->link = NULL;
  if (conn->closing)
    uv_close((uv_handle_t *)&conn->timer, conn_on_closed);
  else
    conn_retry(conn);
}

/* What was given up must not reach the server later, from the socket's buffer. */
static void link_cut(struct pg_link *link)
{
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

  if (PQsocket(link->pg) < 0) return;
  (void)setsockopt(PQsocket(link->pg), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  (void)shutdown(PQsocket(link->pg), SHUT_WR);
}

static void link_break(struct pg_link *link)
{
  if (link->phase == LINK_BROKEN) return;
  link->phase = LINK_BROKEN;
  uv_timer_stop(&link->conn->timer);
  uv_close((uv_handle_t *)link->poll, link_on_closed);
  if (!list_empty(&link->in_flight)) link_cut(link);
}

static void conn_log_failure(const struct pg_conn *conn, const char *why)
{
  dial_log_away("postgres", conn->options.name, conn->failures, why);
}

static void link_fail(struct pg_link *link, const char *why)
{
  if (link->phase == LINK_BROKEN) return;
  conn_log_failure(link->conn, why);
  link_break(link);
}

/* ── what a link waits for ──────────────────────────────────────────────────────────────────── */

static void link_watch(struct pg_link *link, int events)
{
  if (link->events == events) return;
  link->events = events;
  uv_poll_start(link->poll, events, link_on_poll);
}

static bool link_owed(const struct pg_link *link)
{
  return link->phase == LINK_CONNECTING || !list_empty(&link->in_flight);
}

static void link_progress(struct pg_link *link)
{
  link->progress_ms = uv_now(link->conn->loop);
}

static void link_expect_by_deadline(struct pg_link *link)
{
  struct pg_conn *conn = link->conn;
  int64_t wait_ms = conn->options.ping_ms ? conn->options.ping_ms : conn->options.deadline_ms;

  if (uv_is_active((uv_handle_t *)&conn->timer)) return;
  uv_timer_start(&conn->timer, on_timer, (uint64_t)wait_ms, 0);
}

/* link_flush() sends what libpq holds. While sending, libpq may read too, and what it has read
 * makes no event: then the next turn is asked for by waiting for a socket that can be written. */
static void link_flush(struct pg_link *link)
{
  bool has_read;
  int left;

  if (link->phase == LINK_BROKEN || link->reading) return;
  left = PQflush(link->pg);
  if (left < 0 || PQstatus(link->pg) != CONNECTION_OK) {
    link_fail(link, PQerrorMessage(link->pg));
    return;
  }
  has_read = !list_empty(&link->in_flight) && !PQisBusy(link->pg);
  link_watch(link, UV_READABLE | (left || has_read ? UV_WRITABLE : 0));
}

/* ── results ────────────────────────────────────────────────────────────────────────────────── */

/* Why batches are refused is worth a line now and then, not one for each. */
static enum log_level refused_level(struct pg_conn *conn, const char *state)
{
  uint64_t now = uv_now(conn->loop);
  bool said = strncmp(conn->refused, state, sizeof conn->refused) == 0 &&
              now - conn->refused_ms < SAY_AGAIN_MS;

  if (said) return LOG_LEVEL_DEBUG;
  snprintf(conn->refused, sizeof conn->refused, "%s", state);
  conn->refused_ms = now;
  return LOG_LEVEL_WARN;
}

static void batch_on_error(struct pg_batch *batch, const PGresult *result)
{
  const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

  /* Without a code the error is libpq's own, about the connection: it says nothing of the batch. */
  if (!state || batch->sqlstate[0]) return;
  batch->after_answer = batch->n_answered == batch->n_statements;
  memcpy(batch->sqlstate, state, strnlen(state, sizeof batch->sqlstate - 1));
  LOG_AT(refused_level(batch->link->conn, state), "postgres refused a batch",
         LOG_STR("connection", batch->link->conn->options.name), LOG_STR("sqlstate", state),
         LOG_STR("message", message));
}

/* Gives the batch back to its sender; the link may be broken after it. */
static void link_end_batch(struct pg_link *link, struct pg_batch *batch)
{
  list_remove(&link->in_flight, &batch->node);
  link_progress(link);
  batch_end(batch, true);
}

static void link_on_result(struct pg_link *link, const PGresult *result)
{
  struct pg_batch *batch = container_of(list_first(&link->in_flight), struct pg_batch, node);
  const struct expected *e;

  switch (PQresultStatus(result)) {
  case PGRES_PIPELINE_SYNC:
    link_end_batch(link, batch);
    return;
  case PGRES_TUPLES_OK:
  case PGRES_COMMAND_OK:
    assert(batch->n_answered < batch->n_statements);
    e = &batch->expected[batch->n_answered++];
    if (e->fn) e->fn(e->arg, result);
    return;
  case PGRES_PIPELINE_ABORTED:
    batch->n_answered++;
    return;
  default:
    batch_on_error(batch, result);
    if (batch->n_answered < batch->n_statements) batch->n_answered++;
  }
}

/* link_drain() handles every result that has arrived. Callbacks may send, and may break the link:
 * what has been read is handled all the same. */
static void link_drain(struct pg_link *link)
{
  int nulls = 0; /* one ends each statement; two in a row: libpq expects nothing */

  while (!list_empty(&link->in_flight) && nulls < 2 && !PQisBusy(link->pg)) {
    PGresult *result = PQgetResult(link->pg);

    nulls = result ? 0 : nulls + 1;
    if (!result) continue;
    link_on_result(link, result);
    PQclear(result);
  }
  if (nulls == 2) link_fail(link, "out of step with the server");
}

static void link_read(struct pg_link *link, int poll_status)
{
  bool alive = PQconsumeInput(link->pg) && poll_status == 0;

  if (!alive) link_fail(link, PQerrorMessage(link->pg)); /* its socket is closed by now */
  link->reading = true;
  link_drain(link);
  link->reading = false;
  link_flush(link);
}

/* ── connecting ─────────────────────────────────────────────────────────────────────────────── */

static void on_notice(void *arg, const PGresult *result)
{
  const struct pg_conn *conn = arg;

  LOG_DEBUG("postgres notice", LOG_STR("connection", conn->options.name),
            LOG_STR("message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

static void on_prepared(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct pg_link *link = arg;
  struct pg_conn *conn = link->conn;

  if (link->phase != LINK_PREPARING) return;
  if (outcome != PG_COMMITTED) {
    link_fail(link, sqlstate);
    return;
  }
  link->phase = LINK_UP;
  link->was_up = true;
  conn->failures = 0;
  LOG_INFO("postgres connected", LOG_STR("connection", conn->options.name));
  if (conn->options.on_up) conn->options.on_up(conn->options.arg);
}

static struct pg_batch *link_begin(struct pg_link *link)
{
  struct pg_batch *batch = mem_alloc(sizeof *batch);

  batch->link = link;
  return batch;
}

static void link_prepare(struct pg_link *link)
{
  const struct pg_options *o = &link->conn->options;
  struct pg_batch *batch = link_begin(link);

  link->phase = LINK_PREPARING;
  if (PQsetnonblocking(link->pg, 1) != 0 || !PQenterPipelineMode(link->pg))
    link_fail(link, PQerrorMessage(link->pg));
  for (size_t i = 0; i < o->n_statements && link->phase != LINK_BROKEN; i++) {
    batch->n_statements++;
    if (!PQsendPrepare(link->pg, o->statements[i].name, o->statements[i].sql, 0, NULL))
      link_fail(link, PQerrorMessage(link->pg));
  }
  pg_batch_send(batch, on_prepared, link);
}

static void on_poll_closed(uv_handle_t *poll)
{
  free(poll);
}

/* libpq goes through sockets as it tries addresses, and a new one may have the number of the old:
 * each step is polled afresh. */
static void link_poll_afresh(struct pg_link *link, int events)
{
  int fd = PQsocket(link->pg);

  if (link->poll && link->fd != fd) {
    uv_close((uv_handle_t *)link->poll, on_poll_closed);
    link->poll = NULL;
  }
  if (!link->poll) {
    link->poll = mem_alloc(sizeof *link->poll);
    uv_poll_init(link->conn->loop, link->poll, fd);
    link->poll->data = link;
    link->fd = fd;
  }
  link->events = 0;
  link_watch(link, events);
}

static void link_connect(struct pg_link *link)
{
  PostgresPollingStatusType step;

  uv_poll_stop(link->poll);
  step = PQconnectPoll(link->pg);
  if (step == PGRES_POLLING_FAILED) {
    link_fail(link, PQerrorMessage(link->pg));
    return;
  }
  link_poll_afresh(link, step == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE);
  if (step == PGRES_POLLING_OK) link_prepare(link);
}

static void link_on_poll(uv_poll_t *poll, int status, int events)
{
  struct pg_link *link = poll->data;

  (void)events;
  if (link->phase == LINK_CONNECTING)
    link_connect(link);
  else
    link_read(link, status);
}

static void conn_dial(struct pg_conn *conn, const struct dial_addresses *addresses)
{
  const struct pg_options *o = &conn->options;
  PGconn *pg = pg_start(o->url, o->name, o->deadline_ms, addresses);
  struct pg_link *link;

  if (PQstatus(pg) == CONNECTION_BAD) {
    conn_log_failure(conn, PQerrorMessage(pg));
    PQfinish(pg);
    conn_retry(conn);
    return;
  }
  PQsetNoticeReceiver(pg, on_notice, conn);
  link = mem_alloc(sizeof *link);
  link->conn = conn;
  link->pg = pg;
  list_init(&link->in_flight);
  conn->link = link;
  link_poll_afresh(link, UV_WRITABLE);
  link_progress(link);
  link_expect_by_deadline(link);
}

static void on_resolved(void *arg, const struct dial_addresses *addresses, const char *error)
{
  struct pg_conn *conn = arg;

  conn->lookup = NULL;
  if (addresses) {
    conn_dial(conn, addresses);
    return;
  }
  conn_log_failure(conn, error);
  conn_retry(conn);
}

static void conn_start(struct pg_conn *conn)
{
  char *host = pg_start_host(conn->options.url);

  if (!host) {
    conn_dial(conn, NULL);
    return;
  }
  conn->lookup = dial_resolve(conn->loop, host, on_resolved, conn);
  if (!conn->lookup) conn_retry(conn);
  free(host);
}

/* A connection can be up and its server hang: only an answer shows that it does not. A Sync alone
 * has one. */
static void link_idle(struct pg_link *link, uint64_t idle_ms)
{
  uint64_t ping_ms = (uint64_t)link->conn->options.ping_ms;

  if (ping_ms == 0) return;
  if (idle_ms >= ping_ms)
    pg_batch_send(link_begin(link), NULL, NULL);
  else
    uv_timer_start(&link->conn->timer, on_timer, ping_ms - idle_ms, 0);
}

/* The loop itself may have been held up: what lies in the socket counts before the clock does. */
static void link_on_deadline(struct pg_link *link)
{
  uint64_t limit = (uint64_t)link->conn->options.deadline_ms;
  uint64_t waited = uv_now(link->conn->loop) - link->progress_ms;

  if (link_owed(link) && link->phase != LINK_CONNECTING && waited >= limit) {
    link_read(link, 0);
    waited = uv_now(link->conn->loop) - link->progress_ms;
  }
  if (link->phase == LINK_BROKEN) return;
  if (!link_owed(link))
    link_idle(link, waited);
  else if (waited >= limit)
    link_fail(link, "no answer in time");
  else
    uv_timer_start(&link->conn->timer, on_timer, limit - waited, 0);
}

static void on_timer(uv_timer_t *timer)
{
  struct pg_conn *conn = timer->data;

  if (conn->link)
    link_on_deadline(conn->link);
  else
    conn_start(conn);
}

/* ── what callers see ───────────────────────────────────────────────────────────────────────── */

struct pg_conn *pg_connect(uv_loop_t *loop, const struct pg_options *options)
{
  struct pg_conn *conn = mem_alloc(sizeof *conn);

  assert(options->n_statements <= PG_BATCH_STATEMENTS_MAX);
  conn->loop = loop;
  conn->options = *options;
  conn->options.url = mem_strdup(options->url);
  conn->options.name = mem_strdup(options->name);
  uv_timer_init(loop, &conn->timer);
  conn->timer.data = conn;
  conn_start(conn);
  return conn;
}

void pg_close(struct pg_conn *conn, void (*done)(void *arg), void *arg)
{
  assert(!conn->closing);
  conn->closing = true;
  conn->on_closed = done;
  conn->closed_arg = arg;
  dial_cancel(conn->lookup);
  if (conn->link)
    link_break(conn->link);
  else
    uv_close((uv_handle_t *)&conn->timer, conn_on_closed);
}

bool pg_up(const struct pg_conn *conn)
{
  return conn->link && conn->link->phase == LINK_UP;
}

size_t pg_in_flight(const struct pg_conn *conn)
{
  return conn->link && conn->link->was_up ? conn->link->in_flight.len : 0;
}

int64_t pg_silent_ms(const struct pg_conn *conn)
{
  if (pg_in_flight(conn) == 0) return 0;
  return (int64_t)(uv_now(conn->loop) - conn->link->progress_ms);
}

bool pg_takes(const struct pg_conn *conn)
{
  return pg_up(conn) && pg_in_flight(conn) < PG_BATCHES_MAX;
}

struct pg_batch *pg_batch_begin(struct pg_conn *conn)
{
  return pg_takes(conn) ? link_begin(conn->link) : NULL;
}

void pg_batch_add(struct pg_batch *batch, const char *statement, const struct pg_param *params,
                  int n_params, pg_result_fn on_result, void *arg)
{
  const char *values[PG_PARAMS_MAX];
  int lens[PG_PARAMS_MAX], formats[PG_PARAMS_MAX];
  struct pg_link *link = batch->link;

  assert(n_params <= PG_PARAMS_MAX && batch->n_statements < PG_BATCH_STATEMENTS_MAX);
  batch->expected[batch->n_statements++] = (struct expected){on_result, arg};
  if (link->phase == LINK_BROKEN) return;
  for (int i = 0; i < n_params; i++) {
    values[i] = params[i].data;
    lens[i] = params[i].len;
    formats[i] = 1;
  }
  if (!PQsendQueryPrepared(link->pg, statement, n_params, values, lens, formats, 1))
    link_fail(link, PQerrorMessage(link->pg));
}

void pg_batch_send(struct pg_batch *batch, pg_end_fn on_end, void *arg)
{
  struct pg_link *link = batch->link;

  batch->on_end = on_end;
  batch->arg = arg;
  if (list_empty(&link->in_flight)) link_progress(link);
  list_append(&link->in_flight, &batch->node);
  if (link->phase == LINK_BROKEN) return;
  if (!PQpipelineSync(link->pg)) link_fail(link, PQerrorMessage(link->pg));
  link_flush(link);
  if (link->phase != LINK_BROKEN) link_expect_by_deadline(link);
}

enum status pg_run(struct pg_conn *conn, const char *statement, const struct pg_param *params,
                   int n_params, pg_result_fn on_result, pg_end_fn on_end, void *arg)
{
  struct pg_batch *batch = pg_batch_begin(conn);

  if (!batch) return pg_up(conn) ? ST_FULL : ST_AWAY;
  pg_batch_add(batch, statement, params, n_params, on_result, arg);
  pg_batch_send(batch, on_end, arg);
  return ST_OK;
}
