/* board_db.c - see board_db.h. */
#include "board_db.h"

#include <poll.h>
#include <stdio.h>

/* Advisory locks: "oxschema" and "oxchange" as numbers; the class of the learned ones, "simv". */
#define SCHEMA_LOCK "8032296806205713761"
#define CHANGE_LOCK "8032279235377653605"
#define LEARNED     "1936289142"

#define SETUP                                                                                      \
  "SET client_min_messages = warning;"                                                             \
  "SET synchronous_commit = on;"                                                                   \
  "SET default_transaction_isolation = 'read committed';" /* a look after the lock sees all */     \
  "SET statement_timeout = 2500;"                                                                  \
  "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ");"                                                 \
  "DO $$ BEGIN IF to_regclass('sim.changes') IS NULL THEN"                                         \
  "  CREATE SCHEMA IF NOT EXISTS sim;"                                                             \
  "  CREATE TABLE sim.changes ("                                                                   \
  "    kind    text        NOT NULL,"                                                              \
  "    name    text        NOT NULL,"                                                              \
  "    body    text        NOT NULL,"                                                              \
  "    version integer     NOT NULL UNIQUE,"                                                       \
  "    at      timestamptz NOT NULL,"                                                              \
  "    PRIMARY KEY (kind, name));"                                                                 \
  "END IF; END $$;"

static const char setup_sql[] = SETUP "SELECT 1";

/* From before the first look on, so that no change goes unnoticed between the two. */
static const char listen_sql[] =
    SETUP "LISTEN sim_changes; SELECT pg_advisory_lock_shared(" LEARNED ", 0)";

static const char read_sql[] = "SELECT kind, body, version, floor(extract(epoch FROM at) * 1000)"
                               "::bigint FROM sim.changes WHERE version > $1 ORDER BY version";

static const char learned_sql[] = "SELECT pg_advisory_lock_shared(" LEARNED ", $2::int),"
                                  "  pg_advisory_unlock_shared(" LEARNED ", $1::int)";

static const char lock_sql[] = "SELECT pg_advisory_xact_lock(" CHANGE_LOCK ")";

static const char put_sql[] =
    "WITH put AS ("
    "  INSERT INTO sim.changes (kind, name, body, version, at)"
    "  SELECT $1, $2, $3, $4::int + 1, clock_timestamp()"
    "  WHERE (SELECT coalesce(max(version), 0) FROM sim.changes) = $4::int"
    "  ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body, version = excluded.version,"
    "    at = excluded.at"
    "  RETURNING version) "
    "SELECT coalesce(max(version), 0), count(pg_notify('sim_changes', version::text)) FROM put";

static const char missing_sql[] =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = " LEARNED
    "  AND objsubid = 2 AND objid::bigint < $1::bigint AND granted"
    "  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

bool board_db_connect(struct db *db, const char *url, bool listening)
{
  PGresult *rows = db_connect(db, url, "ox sim board", listening ? listen_sql : setup_sql);
  PQclear(rows);
  return rows != NULL;
}

/* A number as a parameter. */
struct text {
  char data[24];
};

static const char *number(struct text *text, int64_t value)
{
  snprintf(text->data, sizeof text->data, "%lld", (long long)value);
  return text->data;
}

PGresult *board_db_read(struct db *db, int64_t after)
{
  struct text text;
  const char *const values[] = {number(&text, after)};
  return db_send_sql(db, read_sql, 1, values) ? db_collect(db) : NULL;
}

bool board_db_learned(struct db *db, int64_t from, int64_t to)
{
  struct text texts[2];
  const char *const values[] = {number(&texts[0], from), number(&texts[1], to)};
  if (!db_send_sql(db, learned_sql, 2, values)) return false;
  PGresult *rows = db_collect(db);
  PQclear(rows);
  return rows != NULL;
}

/* Takes the number that is the only row's first. */
static bool take_number(PGresult *rows, int64_t *out)
{
  if (!rows) return false;
  *out = db_number(rows, 0, 0);
  PQclear(rows);
  return true;
}

bool board_db_put(struct db *db, const struct board_change *change, int64_t *version)
{
  struct text text;
  const char *const values[] = {scenario_kind_name(change->kind), change->name, change->body,
                                number(&text, change->after)};
  return db_send_sql(db, lock_sql, 0, NULL) && db_send_sql(db, put_sql, 4, values) &&
         take_number(db_collect(db), version);
}

bool board_db_missing(struct db *db, int64_t version, int64_t *processes)
{
  struct text text;
  const char *const values[] = {number(&text, version)};
  return db_send_sql(db, missing_sql, 1, values) && take_number(db_collect(db), processes);
}

/* Takes what was heard; false: nothing. */
static bool take_notices(PGconn *conn)
{
  bool any = false;
  for (PGnotify *heard; (heard = PQnotifies(conn)) != NULL; any = true) PQfreemem(heard);
  return any;
}

bool board_db_await(struct db *db, int wake_fd, int wait_ms)
{
  /* What came together with an answer is in the buffer of libpq, not in the socket. */
  if (take_notices(db->conn)) return true;
  struct pollfd fds[] = {{.fd = PQsocket(db->conn), .events = POLLIN},
                         {.fd = wake_fd, .events = POLLIN}};
  if (poll(fds, 2, wait_ms) > 0 && fds[0].revents && !PQconsumeInput(db->conn))
    return db_lose(db, PQerrorMessage(db->conn));
  (void)take_notices(db->conn);
  return true;
}
