/*
 * journal_kit.h - for the tests of the journal: a loop, a journal without Redis on a database of
 * its own, a type of order to move about, and a plain connection to look at what became of it.
 */
#ifndef TESTS_JOURNAL_KIT_H
#define TESTS_JOURNAL_KIT_H

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "journal/cancel.h"
#include "journal/step.h"
#include "store/migrate.h"

enum { KIT_DEADLINE_MS = 20000, KIT_LEASE_MS = 60000 };

struct kit {
  uv_loop_t loop;
  uv_timer_t tick; /* so that a wait looks at its deadline */
  char url[512];
  PGconn *sql;
  struct queue *queue; /* not connected: the journal's hints go nowhere */
  struct relay *relay;
  struct journal *journal;
  struct ulid session;
};

static inline enum ox_outcome kit_execute(const struct ox_order *order, const struct ox_host *host)
{
  (void)order;
  (void)host;
  return OX_DONE;
}

static const char *const kit_from_new[] = {"going", "broken", "gone", NULL};
static const char *const kit_from_going[] = {"going", "sent", "done", "broken", "gone", NULL};
static const char *const kit_from_sent[] = {"going", "done", "broken", NULL};
static const struct ox_state kit_states[] = {
    {"new", OX_QUEUED, OX_STATE_INITIAL, kit_from_new},
    {"going", OX_ACTIVE, OX_STATE_ON_CLAIM, kit_from_going},
    {"sent", OX_ACTIVE, 0, kit_from_sent},
    {"done", OX_SUCCEEDED, 0, NULL},
    {"broken", OX_FAILED, OX_STATE_ON_FAIL, NULL},
    {"gone", OX_CANCELLED, OX_STATE_ON_CANCEL, NULL},
};
static const struct ox_executor kit_executor = {.size = sizeof kit_executor,
                                                .type = "kit",
                                                .states = kit_states,
                                                .n_states = 6,
                                                .execute = kit_execute};
static const struct order_type kit_type = {"kit", kit_states, 6, &kit_executor};
static const struct order_type *const kit_types[] = {&kit_type};

static inline const struct ox_state *kit_state(const char *name)
{
  return order_type_state(&kit_type, name);
}

static inline void kit_on_tick(uv_timer_t *timer)
{
  (void)timer;
}

static inline void kit_turn(struct kit *k, int64_t deadline_ms, const char *what)
{
  cr_assert_lt(clock_mono_ms(), deadline_ms, "waited too long: %s", what);
  uv_run(&k->loop, UV_RUN_ONCE);
}

/* kit_until() runs the loop until condition holds. */
#define kit_until(k, condition)                                                                    \
  for (int64_t until_ms = clock_mono_ms() + KIT_DEADLINE_MS; !(condition);)                        \
  kit_turn(k, until_ms, #condition)

/* kit_sql() runs one statement on the side and gives the first cell, "" when there is none. */
static inline const char *kit_sql(struct kit *k, const char *sql)
{
  static char cell[4096];
  PGresult *r = PQexec(k->sql, sql);
  ExecStatusType status = PQresultStatus(r);
  cr_assert(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", sql,
            PQerrorMessage(k->sql));
  snprintf(cell, sizeof cell, "%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
  PQclear(r);
  return cell;
}

/* kit_sqlf() is the same with the order, as a uuid, in the place of %s. */
static inline const char *kit_sqlf(struct kit *k, const char *format, const struct ulid *id)
{
  char sql[2048], hex[33];
  for (int i = 0; i < 16; i++) snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(sql, sizeof sql, format, hex);
#pragma GCC diagnostic pop
  return kit_sql(k, sql);
}

/* kit_terminate() breaks this test's connections of that name; the test beside it keeps its own. */
static inline void kit_terminate(struct kit *k, const char *name)
{
  char sql[256];
  snprintf(sql, sizeof sql,
           "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
           " WHERE application_name = '%s' AND datname = current_database()",
           name);
  kit_sql(k, sql);
}

/* A database of its own for each test, with the schema. */
static inline void kit_database(struct kit *k)
{
  const char *base = getenv("DATABASE_URL");
  cr_assert_not_null(base, "DATABASE_URL must name a server the test may make databases on");
  char name[64], sql[128], error[256];
  snprintf(name, sizeof name, "ox_journal_%d_%lld", getpid(), (long long)clock_mono_ns());
  PGconn *admin = PQconnectdb(base);
  cr_assert_eq(PQstatus(admin), CONNECTION_OK, "%s", PQerrorMessage(admin));
  snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
  PGresult *r = PQexec(admin, sql);
  cr_assert_eq(PQresultStatus(r), PGRES_COMMAND_OK, "%s", PQerrorMessage(admin));
  PQclear(r);
  const char *slash = strrchr(base, '/'), *query = strchr(slash, '?');
  snprintf(k->url, sizeof k->url, "%.*s/%s%s", (int)(slash - base), base, name, query ? query : "");
  PQfinish(admin);
  cr_assert_eq(migrate_run(k->url, error, sizeof error), ST_OK, "%s", error);
  k->sql = PQconnectdb(k->url);
  cr_assert_eq(PQstatus(k->sql), CONNECTION_OK, "%s", PQerrorMessage(k->sql));
  kit_sql(k, "SET client_min_messages = warning");
}

/* kit_number() is the first cell as a number. */
static inline long long kit_number(struct kit *k, const char *sql)
{
  return strtoll(kit_sql(k, sql), NULL, 10);
}

/* kit_session() is a session that is alive for a minute. */
static inline struct ulid kit_session(struct kit *k)
{
  struct ulid id = ulid_make();
  kit_sqlf(k,
           "INSERT INTO worker_sessions (id, started_at, expires_at) VALUES ('%s',"
           " clock_timestamp(), clock_timestamp() + interval '60 s')",
           &id);
  return id;
}

static inline void kit_open(struct kit *k)
{
  memset(k, 0, sizeof *k);
  log_set_level(LOG_LEVEL_ERROR);
  kit_database(k);
  uv_loop_init(&k->loop);
  uv_timer_init(&k->loop, &k->tick);
  uv_timer_start(&k->tick, kit_on_tick, 50, 50);
  struct queue_options queue = {.prefix = "kit", .lease_ms = 1000};
  k->queue = queue_create(NULL, &queue);
  k->relay = relay_create(k->queue);
  struct journal_options options = {.database_url = k->url,
                                    .max_waiting = 1000,
                                    .lease_ms = KIT_LEASE_MS,
                                    .idempotency_ttl_s = 3600,
                                    .types = kit_types,
                                    .n_types = 1};
  k->journal = journal_create(&k->loop, &options, k->relay);
  k->session = kit_session(k);
  kit_until(k, journal_up(k->journal));
}

static inline void kit_close(struct kit *k)
{
  if (k->journal) journal_destroy(k->journal, NULL, NULL);
  uv_close((uv_handle_t *)&k->tick, NULL);
  uv_run(&k->loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&k->loop), 0);
  relay_destroy(k->relay);
  queue_destroy(k->queue);
  PQfinish(k->sql);
}

/* ── calls that wait for their answer ───────────────────────────────────────────────────────── */

struct kit_accept {
  int calls;
  enum status status;
  struct journal_accepted accepted;
};

static inline void kit_on_accepted(void *arg, enum status status,
                                   const struct journal_accepted *accepted)
{
  struct kit_accept *a = arg;
  a->calls++;
  a->status = status;
  if (accepted) a->accepted = *accepted;
}

static inline struct journal_accept kit_order(void)
{
  return (struct journal_accept){
      .tenant = "default", .type = "kit", .status = "new", .payload = "{\"a\":1}"};
}

static inline struct ulid kit_accept(struct kit *k)
{
  struct kit_accept a = {0};
  struct journal_accept order = kit_order();
  cr_assert_eq(journal_accept(k->journal, &order, kit_on_accepted, &a), ST_OK);
  kit_until(k, a.calls);
  cr_assert_eq(a.status, ST_OK);
  return a.accepted.id;
}

struct kit_claim {
  int calls;
  enum status status;
  struct journal_claimed *claimed;
  enum journal_refusal refusal;
  int64_t retry_ms;
};

static inline void kit_on_claimed(void *arg, enum status status, struct journal_claimed *claimed,
                                  enum journal_refusal refusal, int64_t retry_ms)
{
  struct kit_claim *c = arg;
  c->calls++;
  c->status = status;
  c->claimed = claimed;
  c->refusal = refusal;
  c->retry_ms = retry_ms;
}

static inline struct kit_claim kit_claim_by(struct kit *k, const struct ulid *session,
                                            const struct ulid *id, int64_t by_ms)
{
  struct kit_claim c = {0};
  struct journal_claim claim = {*session, *id, by_ms, NULL};
  journal_claim(k->journal, &claim, kit_on_claimed, &c);
  kit_until(k, c.calls);
  return c;
}

struct kit_cancel {
  int calls;
  enum cancel_result result;
};

static inline void kit_on_cancelled(void *arg, enum cancel_result result)
{
  struct kit_cancel *c = arg;
  c->calls++;
  c->result = result;
}

static inline enum cancel_result kit_cancel(struct kit *k, const struct ulid *id)
{
  struct kit_cancel c = {0};
  cr_assert_eq(journal_cancel(k->journal, id, &kit_type, kit_on_cancelled, &c), ST_OK);
  kit_until(k, c.calls);
  return c.result;
}

/* An order in this session's hands. */
struct kit_job {
  struct journal_order order;
  int ok, stale, broken;
};

static inline void kit_hold(struct kit *k, const struct ulid *id, struct kit_job *job)
{
  struct kit_claim c = kit_claim_by(k, &k->session, id, INT64_MAX);
  cr_assert_eq(c.status, ST_OK);
  memset(job, 0, sizeof *job);
  journal_order_init(&job->order, c.claimed, &kit_type, "token");
  journal_claimed_free(c.claimed);
}

static inline void kit_on_entry(struct journal_entry *e, enum status status)
{
  struct kit_job *job = e->arg;
  if (status == ST_OK)
    job->ok++;
  else if (status == ST_BROKEN)
    job->broken++;
  else
    job->stale++;
}

static inline struct journal_entry *kit_entry(struct kit_job *job, const char *state)
{
  struct journal_entry *e = mem_alloc(sizeof *e);
  e->order = &job->order;
  e->state = state ? kit_state(state) : NULL;
  e->done = kit_on_entry;
  e->arg = job;
  return e;
}

static inline void kit_emit(struct kit *k, struct kit_job *job, const char *state, const char *data)
{
  struct journal_entry *e = kit_entry(job, state);
  e->data = data ? mem_strdup(data) : NULL;
  journal_post(k->journal, e);
}

static inline struct journal_entry *kit_intent(struct kit_job *job, const char *hash)
{
  struct journal_entry *e = kit_entry(job, NULL);
  e->intent = mem_alloc(sizeof *e->intent);
  snprintf(e->intent->venue, sizeof e->intent->venue, "v");
  snprintf(e->intent->tx.tx_hash, sizeof e->intent->tx.tx_hash, "%s", hash);
  memcpy(e->intent->tx.bytes, "bytes", 5);
  e->intent->tx.n_bytes = 5;
  e->intent->tx.expires_at_ms = clock_unix_ms() + 1000;
  e->intent->in_amount = 10;
  e->intent->min_out_amount = 9;
  return e;
}

static inline struct journal_entry *kit_settle(struct kit_job *job, enum journal_settle how)
{
  struct journal_entry *e = kit_entry(job, NULL);
  e->settle = how;
  e->landing.in_amount = 10;
  e->landing.out_amount = 11;
  e->landing.landed_at_ms = clock_unix_ms();
  return e;
}

#endif
