/* session.c - see session.h. */
#include "journal/session.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/pg.h"
#include "io/pg_value.h"

#define LEASE "$2::bigint * interval '1 ms'"

static const struct pg_statement statements[] = {
    {"open", "INSERT INTO worker_sessions (id, started_at, expires_at)"
             " VALUES ($1::uuid, clock_timestamp(), clock_timestamp() + " LEASE ")"
             " RETURNING clock_timestamp()"},
    {"beat", "UPDATE worker_sessions s SET expires_at = clock_timestamp() + " LEASE
             " WHERE id = $1::uuid AND session_alive(s, " LEASE ") RETURNING clock_timestamp()"},
    {"arm", "UPDATE worker_sessions w SET armed = true WHERE id = $1::uuid"
            " RETURNING EXISTS (SELECT 1 FROM worker_sessions s"
            " WHERE s.armed AND s.id <> w.id AND session_alive(s, " LEASE "))"},
    {"close", "UPDATE worker_sessions SET closed = true, expires_at = clock_timestamp(),"
              " last_start_at = CASE WHEN $2::bigint >= 0"
              " THEN clock_timestamp() - $2::bigint * interval '1 ms' END,"
              " last_start_token = $3::text WHERE id = $1::uuid"},
    {"forget", "DELETE FROM worker_sessions s WHERE expires_at < now() - interval '1 day'"
               " AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.completed_at IS NULL"
               " AND o.owner = s.id)"},
    {"last_start",
     "SELECT CASE WHEN count(*) > 0 THEN greatest(0,"
     " floor(extract(epoch FROM clock_timestamp() - max(t.at)) * 1000))::bigint END,"
     " CASE WHEN bool_and(t.token IS NOT NULL) AND count(*) <= 100"
     " THEN string_agg(t.token, ' ') END"
     " FROM (SELECT CASE WHEN s.closed THEN s.last_start_at"
     " WHEN session_alive(s, " LEASE ") THEN clock_timestamp() ELSE s.expires_at END AS at,"
     " CASE WHEN s.closed THEN s.last_start_token END AS token"
     " FROM worker_sessions s WHERE s.armed AND s.id <> $1::uuid) t"
     " WHERE t.at > clock_timestamp() - $3::bigint * interval '1 ms'"},
};

struct session {
  uv_loop_t *loop;
  struct session_events events;
  struct pg_conn *conn;
  uv_timer_t timer;
  struct ulid id;
  int64_t lease_ms;
  bool open, opening, beating, closing;
  int64_t sent_ms;              /* when the statement under way was sent */
  int64_t heard_ms, pg_unix_ms; /* a sample of PostgreSQL's clock, and when it was heard */
  int64_t forgot_ms;
  struct session_guard guard;
  unsigned char id_param[16], lease_param[8];
  void (*on_closed)(void *arg);
  void *closed_arg;
  int parts;
};

static void params(struct session *s, struct pg_param out[2])
{
  memcpy(s->id_param, s->id.bytes, sizeof s->id_param);
  pg_put_int8(s->lease_param, s->lease_ms);
  out[0] = (struct pg_param){s->id_param, sizeof s->id_param};
  out[1] = (struct pg_param){s->lease_param, sizeof s->lease_param};
}

static enum status run(struct session *s, const char *statement, pg_result_fn on_result,
                       pg_end_fn on_end)
{
  struct pg_param p[2];
  params(s, p);
  s->sent_ms = clock_mono_ms();
  return pg_run(s->conn, statement, p, 2, on_result, on_end, s);
}

static void lose(struct session *s, const char *why)
{
  if (!s->open) return;
  s->open = false;
  atomic_store(&s->guard.valid_until_ns, 0);
  LOG_WARN("session lost, its orders are dropped", LOG_STR("reason", why));
  s->events.on_lost(s->events.arg);
}

/* The lease counts from when the beat was sent: PostgreSQL cannot have counted from earlier. */
static void renew(struct session *s, const PGresult *r)
{
  s->heard_ms = clock_mono_ms();
  s->pg_unix_ms = pg_get_time_ms(r, 0, 0);
  atomic_store(&s->guard.valid_until_ns, (s->sent_ms + s->lease_ms) * 1000000);
}

static void on_opened(void *arg, const PGresult *r)
{
  struct session *s = arg;
  if (PQntuples(r) == 1) renew(s, r);
}

static void on_open_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct session *s = arg;
  s->opening = false;
  if (outcome == PG_ROLLED_BACK) LOG_ERROR("cannot open a session", LOG_STR("sqlstate", sqlstate));
  if (outcome != PG_COMMITTED || s->closing) return;
  s->open = true;
  atomic_fetch_add(&s->guard.incarnation, 1);
  char id[ULID_LEN + 1];
  ulid_format(&s->id, id);
  LOG_INFO("session open", LOG_STR("session", id));
  s->events.on_open(s->events.arg);
}

static void open_new(struct session *s)
{
  s->id = ulid_make();
  s->opening = run(s, "open", on_opened, on_open_end) == ST_OK;
}

static void on_beaten(void *arg, const PGresult *r)
{
  struct session *s = arg;
  if (PQntuples(r) == 1)
    renew(s, r);
  else
    lose(s, "expired");
}

static void on_beat_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct session *s = arg;
  s->beating = false;
  if (outcome == PG_ROLLED_BACK) LOG_WARN("beat refused", LOG_STR("sqlstate", sqlstate));
}

/* Sessions that ended a day ago are of no use to anybody. */
static void forget(struct session *s, int64_t now)
{
  if (now - s->forgot_ms < 3600 * 1000) return;
  if (pg_run(s->conn, "forget", NULL, 0, NULL, NULL, NULL) == ST_OK) s->forgot_ms = now;
}

static void on_timer(uv_timer_t *timer)
{
  struct session *s = timer->data;
  int64_t now = clock_mono_ms();
  if (s->open && clock_mono_ns() >= atomic_load(&s->guard.valid_until_ns))
    lose(s, "PostgreSQL did not answer in time");
  if (s->closing || !pg_up(s->conn)) return;
  if (!s->open) {
    if (!s->opening) open_new(s);
    return;
  }
  if (!s->beating && now - s->sent_ms >= s->lease_ms / 5) {
    s->beating = run(s, "beat", on_beaten, on_beat_end) == ST_OK;
    forget(s, now);
  }
}

static void on_up(void *arg)
{
  struct session *s = arg;
  s->sent_ms = 0; /* beat at once */
  on_timer(&s->timer);
}

struct session *session_create(uv_loop_t *loop, const char *url, int64_t lease_ms,
                               const struct session_events *events)
{
  struct session *s = mem_alloc(sizeof *s);
  s->loop = loop;
  s->events = *events;
  s->lease_ms = lease_ms;
  uv_timer_init(loop, &s->timer);
  s->timer.data = s;
  uint64_t tick = (uint64_t)(lease_ms / 20 < 20 ? 20 : lease_ms / 20);
  uv_timer_start(&s->timer, on_timer, tick, tick);
  struct pg_options options = {.url = url,
                               .name = "ox session",
                               .statements = statements,
                               .n_statements = sizeof statements / sizeof *statements,
                               .deadline_ms = lease_ms,
                               .on_up = on_up,
                               .arg = s};
  s->conn = pg_connect(loop, &options);
  return s;
}

static void part_closed(struct session *s)
{
  if (--s->parts > 0) return;
  if (s->on_closed) s->on_closed(s->closed_arg);
  free(s);
}

static void on_conn_closed(void *arg)
{
  part_closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
  part_closed(handle->data);
}

static void shut(struct session *s)
{
  s->parts = 2;
  uv_close((uv_handle_t *)&s->timer, on_timer_closed);
  pg_close(s->conn, on_conn_closed, s);
}

static void on_close_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  (void)outcome;
  (void)sqlstate;
  shut(arg);
}

void session_close(struct session *s, const struct session_start *last, void (*done)(void *arg),
                   void *arg)
{
  s->on_closed = done;
  s->closed_arg = arg;
  s->closing = true;
  bool open = s->open;
  s->open = false;
  atomic_store(&s->guard.valid_until_ns, 0);
  struct pg_param p[3] = {0};
  params(s, p);
  pg_put_int8(s->lease_param, last ? last->ago_ms : -1);
  if (last) p[2] = (struct pg_param){last->token, (int)strlen(last->token)};
  if (!open || pg_run(s->conn, "close", p, 3, NULL, on_close_end, s) != ST_OK) shut(s);
}

bool session_alive(const struct session *s)
{
  return s->open && clock_mono_ns() < atomic_load(&s->guard.valid_until_ns);
}

const struct ulid *session_id(const struct session *s)
{
  return &s->id;
}

struct session_guard *session_guard(struct session *s)
{
  return &s->guard;
}

bool session_guard_holds(struct session_guard *g, uint64_t incarnation)
{
  return atomic_load(&g->incarnation) == incarnation &&
         clock_mono_ns() < atomic_load(&g->valid_until_ns);
}

int64_t session_pg_earliest_ms(const struct session *s, int64_t mono_ms)
{
  return s->heard_ms ? s->pg_unix_ms + (mono_ms - s->heard_ms) : 0;
}

/* ── questions ──────────────────────────────────────────────────────────────────────────────── */

struct question {
  session_last_start_fn done;
  session_armed_fn armed;
  void *arg;
  int64_t ago_ms;
  char *proof;
  bool answered, company;
};

static void on_last_start(void *arg, const PGresult *r)
{
  struct question *q = arg;
  q->answered = PQntuples(r) == 1;
  q->ago_ms = q->answered && !pg_is_null(r, 0, 0) ? pg_get_int8(r, 0, 0) : -1;
  q->proof = q->answered ? pg_dup_text(r, 0, 1) : NULL;
}

static void on_armed(void *arg, const PGresult *r)
{
  struct question *q = arg;
  q->answered = PQntuples(r) == 1;
  q->company = q->answered && pg_get_bool(r, 0, 0);
}

static void on_question_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct question *q = arg;
  (void)sqlstate;
  bool ok = outcome == PG_COMMITTED && q->answered;
  if (q->done)
    q->done(q->arg, ok, q->ago_ms, q->proof);
  else
    q->armed(q->arg, ok, q->company);
  free(q->proof);
  free(q);
}

static void ask(struct session *s, const char *statement, pg_result_fn on_result, int64_t window_ms,
                struct question *q)
{
  struct pg_param p[3];
  unsigned char window[8];
  params(s, p);
  pg_put_int8(window, window_ms);
  p[2] = (struct pg_param){window, sizeof window};
  int n = q->done ? 3 : 2;
  if (!s->open || pg_run(s->conn, statement, p, n, on_result, on_question_end, q) != ST_OK)
    on_question_end(q, PG_IN_DOUBT, "");
}

void session_last_start(struct session *s, int64_t window_ms, session_last_start_fn done, void *arg)
{
  struct question *q = mem_alloc(sizeof *q);
  q->done = done;
  q->arg = arg;
  ask(s, "last_start", on_last_start, window_ms, q);
}

void session_arm(struct session *s, session_armed_fn done, void *arg)
{
  struct question *q = mem_alloc(sizeof *q);
  q->armed = done;
  q->arg = arg;
  ask(s, "arm", on_armed, 0, q);
}
