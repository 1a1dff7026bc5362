/* db.c - see db.h. Statements go in pipeline mode, whole transactions at a time. */
#include "db.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void db_close(struct db *db)
{
  PQfinish(db->conn);
  db->conn = NULL;
}

bool db_lose(struct db *db, const char *why)
{
  snprintf(db->error, sizeof db->error, "%s", why);
  db->error[strcspn(db->error, "\n")] = '\0';
  db_close(db);
  return false;
}

static bool lose_conn(struct db *db)
{
  return db_lose(db, PQerrorMessage(db->conn));
}

/* ── waiting ─────────────────────────────────────────────────────────────────────────────────── */

static int64_t mono_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sends what is to be sent and waits until the next result is there to be had. */
static bool await_result(PGconn *conn, int64_t deadline_ms)
{
  for (;;) {
    int unsent = PQflush(conn);
    if (unsent < 0) return false;
    if (!unsent && !PQisBusy(conn)) return true;
    int64_t left = deadline_ms - mono_ms();
    struct pollfd fd = {.fd = PQsocket(conn), .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
    if (left <= 0 || fd.fd < 0) return false;
    int ready = poll(&fd, 1, (int)left);
    if (ready > 0 && (fd.revents & ~POLLOUT) && !PQconsumeInput(conn)) return false;
  }
}

/* Takes one result; false when it is an error. *done: it was the last, the sync of a pipeline or
 * the end of a simple query. The rows of the last statement that had any are left in *rows. */
static bool take_result(struct db *db, PGresult **rows, bool *done)
{
  PGresult *result = PQgetResult(db->conn);
  if (!result) {
    *done = PQpipelineStatus(db->conn) == PQ_PIPELINE_OFF;
    return PQstatus(db->conn) == CONNECTION_OK || lose_conn(db);
  }
  ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK) {
    PQclear(*rows);
    *rows = result;
    return true;
  }
  *done = status == PGRES_PIPELINE_SYNC;
  bool fine = *done || status == PGRES_COMMAND_OK;
  if (!fine) db_lose(db, PQresultErrorMessage(result));
  PQclear(result);
  return fine;
}

static PGresult *take_all(struct db *db)
{
  int64_t deadline_ms = mono_ms() + DB_TIMEOUT_MS;
  PGresult *rows = NULL;
  for (bool done = false; !done;) {
    if (!await_result(db->conn, deadline_ms)) {
      const char *why = PQerrorMessage(db->conn);
      db_lose(db, *why ? why : "no answer in time");
    }
    if (!db->conn || !take_result(db, &rows, &done)) {
      PQclear(rows);
      return NULL;
    }
  }
  return rows;
}

/* ── calls ───────────────────────────────────────────────────────────────────────────────────── */

/* What the server says by the way is not for stderr, where each line is an object of JSON. */
static void ignore_notice(void *arg, const PGresult *notice)
{
  (void)arg, (void)notice;
}

PGresult *db_connect(struct db *db, const char *url, const char *name, const char *setup_sql)
{
  /* What the URL says comes later, and counts. */
  static const char *const keys[] = {"connect_timeout", "fallback_application_name", "dbname",
                                     NULL};
  const char *const values[] = {"2", name, url, NULL};
  db_close(db);
  db->conn = PQconnectdbParams(keys, values, 1);
  if (!db->conn) {
    db_lose(db, "out of memory");
    return NULL;
  }
  PQsetNoticeReceiver(db->conn, ignore_notice, NULL);
  if (PQstatus(db->conn) != CONNECTION_OK || PQsetnonblocking(db->conn, 1) != 0 ||
      !PQsendQuery(db->conn, setup_sql)) {
    lose_conn(db);
    return NULL;
  }
  PGresult *rows = take_all(db);
  if (!rows || PQenterPipelineMode(db->conn)) return rows;
  PQclear(rows);
  lose_conn(db);
  return NULL;
}

bool db_prepare(struct db *db, const char *name, const char *sql)
{
  return PQsendPrepare(db->conn, name, sql, 0, NULL) || lose_conn(db);
}

bool db_send(struct db *db, const char *prepared, int n, const char *const *values)
{
  return PQsendQueryPrepared(db->conn, prepared, n, values, NULL, NULL, 0) || lose_conn(db);
}

bool db_send_binary(struct db *db, const char *prepared, const void *bytes, size_t len)
{
  const char *const values[] = {bytes};
  const int lengths[] = {(int)len}, formats[] = {1};
  return PQsendQueryPrepared(db->conn, prepared, 1, values, lengths, formats, 0) || lose_conn(db);
}

bool db_send_sql(struct db *db, const char *sql, int n, const char *const *values)
{
  return PQsendQueryParams(db->conn, sql, n, NULL, values, NULL, NULL, 0) || lose_conn(db);
}

PGresult *db_collect(struct db *db)
{
  if (PQpipelineSync(db->conn)) return take_all(db);
  lose_conn(db);
  return NULL;
}

int64_t db_number(const PGresult *rows, int row, int column)
{
  return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}
