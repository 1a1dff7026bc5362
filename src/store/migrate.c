/*
 * migrate.c - the schema, brought forward step by step. Main thread, before the loop runs: blocking
 * libpq. A struct run is one connection and where its complaint goes.
 *
 * What was applied must be what this program would have applied, in order and to the byte; the
 * rest is then applied, each migration with its record in one transaction. The advisory lock lets
 * one process do it while the others wait, and goes with the connection.
 */
#include "store/migrate.h"

#include <libpq-fe.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { CHECKSUM_LEN = 64 };

struct run {
  PGconn *pg;
  char *error;
  size_t error_len;
};

static void complain(struct run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void complain(struct run *run, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  vsnprintf(run->error, run->error_len, format, args);
  va_end(args);
  for (size_t n = strlen(run->error); n > 0 && run->error[n - 1] == '\n'; n--)
    run->error[n - 1] = '\0'; /* libpq ends its sentences with one */
}

static void checksum(const char *sql, char out[CHECKSUM_LEN + 1])
{
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned len = 0;

  if (!EVP_Digest(sql, strlen(sql), hash, &len, EVP_sha256(), NULL)) abort();
  for (unsigned i = 0; i < len; i++) snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* finished() frees result; false, with a complaint, when it is an error. */
static bool finished(struct run *run, PGresult *result, const char *doing)
{
  ExecStatusType status = PQresultStatus(result);
  bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

  if (!ok) complain(run, "%s: %s", doing, PQerrorMessage(run->pg));
  PQclear(result);
  return ok;
}

static bool execute(struct run *run, const char *sql, const char *doing)
{
  return finished(run, PQexec(run->pg, sql), doing);
}

static void on_notice(void *arg, const PGresult *result)
{
  (void)arg;
  LOG_DEBUG("postgres notice",
            LOG_STR("message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

static enum status open_connection(struct run *run, const char *url)
{
  const char *const keys[] = {"connect_timeout", "dbname", "application_name", "client_encoding",
                              NULL};
  const char *const values[] = {"10", url, "ox migrate", "UTF8", NULL};

  run->pg = PQconnectdbParams(keys, values, 1);
  if (PQstatus(run->pg) == CONNECTION_OK) {
    PQsetNoticeReceiver(run->pg, on_notice, NULL);
    return ST_OK;
  }
  complain(run, "%s", PQerrorMessage(run->pg));
  return ST_AWAY;
}

/* A connection that broke says nothing against what was asked over it. */
static enum status close_connection(struct run *run, enum status st)
{
  if (st == ST_BROKEN && PQstatus(run->pg) != CONNECTION_OK) st = ST_AWAY;
  PQfinish(run->pg);
  return st;
}

/* ── what was applied ───────────────────────────────────────────────────────────────────────── */

static enum status compare(struct run *run, const struct migration *m, int version,
                           const char *recorded)
{
  char expected[CHECKSUM_LEN + 1];

  checksum(m->sql, expected);
  if (m->version != version) {
    complain(run, "migration %d was applied, but is not the one this program has there (%d)",
             version, m->version);
    return ST_CONFLICT;
  }
  if (strcmp(expected, recorded) != 0) {
    complain(run, "migration %s was changed after it was applied", m->name);
    return ST_CONFLICT;
  }
  return ST_OK;
}

/* read_applied() gives how many of the n migrations in list were applied: the first so many. */
static enum status read_applied(struct run *run, const struct migration *list, size_t n,
                                size_t *applied)
{
  PGresult *r = PQexec(run->pg, "SELECT version, checksum FROM schema_migrations ORDER BY version");
  enum status st = ST_OK;
  int rows = PQntuples(r);

  if (PQresultStatus(r) != PGRES_TUPLES_OK) {
    complain(run, "schema_migrations: %s", PQerrorMessage(run->pg));
    st = ST_BROKEN;
  }
  for (int i = 0; i < rows && st == ST_OK; i++) {
    int version = (int)strtol(PQgetvalue(r, i, 0), NULL, 10);
    if ((size_t)i < n) {
      st = compare(run, &list[i], version, PQgetvalue(r, i, 1));
    } else {
      complain(run, "the schema is newer than this program: it has migration %d", version);
      st = ST_CONFLICT;
    }
  }
  *applied = (size_t)rows;
  PQclear(r);
  return st;
}

/* ── applying ───────────────────────────────────────────────────────────────────────────────── */

static bool record(struct run *run, const struct migration *m)
{
  char version[16], sum[CHECKSUM_LEN + 1];
  const char *const values[] = {version, m->name, sum};

  snprintf(version, sizeof version, "%d", m->version);
  checksum(m->sql, sum);
  return finished(run,
                  PQexecParams(run->pg,
                               "INSERT INTO schema_migrations (version, name, checksum)"
                               " VALUES ($1::int, $2, $3)",
                               3, NULL, values, NULL, NULL, 0),
                  m->name);
}

static bool apply(struct run *run, const struct migration *m)
{
  if (!execute(run, "BEGIN", m->name)) return false;
  if (execute(run, m->sql, m->name) && record(run, m) && execute(run, "COMMIT", m->name)) {
    LOG_INFO("migration applied", LOG_STR("name", m->name));
    return true;
  }
  PQclear(PQexec(run->pg, "ROLLBACK"));
  return false;
}

/* Statistics for what a migration filled or rewrote. Not for empty tables: a table that was found
 * empty is planned as if it stayed so, one that was never looked at as if it had some pages. */
static bool analyze(struct run *run)
{
  return execute(run,
                 "DO $$ DECLARE t regclass; BEGIN"
                 " FOR t IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r'"
                 " AND relnamespace = current_schema()::regnamespace AND pg_relation_size(oid) > 0"
                 " LOOP EXECUTE format('ANALYZE %s', t); END LOOP; END $$",
                 "analyze");
}

/* The database may have come from another server, as a dump. */
static bool adopt(struct run *run)
{
  return execute(run,
                 "DO $$ BEGIN IF to_regproc('positions_adopt') IS NOT NULL THEN"
                 " PERFORM positions_adopt(); END IF; END $$",
                 "positions");
}

static enum status bring_forward(struct run *run, const struct migration *list, size_t n)
{
  size_t applied = 0;
  enum status st;

  if (!execute(run, "SET lock_timeout = '60s'", "lock") ||
      !execute(run, "SELECT pg_advisory_lock(hashtext('ox schema_migrations'))", "lock") ||
      !execute(run,
               "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY,"
               " name text NOT NULL, checksum text NOT NULL,"
               " applied_at timestamptz NOT NULL DEFAULT now())",
               "schema_migrations"))
    return ST_BROKEN;
  st = read_applied(run, list, n, &applied);
  if (st != ST_OK) return st;
  for (size_t i = applied; i < n; i++)
    if (!apply(run, &list[i])) return ST_BROKEN;
  if (!adopt(run)) return ST_BROKEN;
  return applied == n || analyze(run) ? ST_OK : ST_BROKEN;
}

enum status migrate_apply(const char *url, const struct migration *list, size_t n, char *error,
                          size_t error_len)
{
  struct run run = {.error = error, .error_len = error_len};
  enum status st = open_connection(&run, url);

  if (st == ST_OK) st = bring_forward(&run, list, n);
  return close_connection(&run, st);
}

/* ── checking ───────────────────────────────────────────────────────────────────────────────── */

static enum status look(struct run *run, const struct migration *list, size_t n)
{
  PGresult *r = PQexec(run->pg, "SELECT to_regclass('schema_migrations') IS NOT NULL");
  bool exists = PQntuples(r) == 1 && *PQgetvalue(r, 0, 0) == 't';
  size_t applied = 0;
  enum status st = ST_OK;

  if (!finished(run, r, "schema_migrations")) return ST_BROKEN;
  if (exists) st = read_applied(run, list, n, &applied);
  if (st != ST_OK || applied == n) return st;
  complain(run, "migration %s is missing", list[applied].name);
  return ST_CONFLICT;
}

enum status migrate_verify(const char *url, const struct migration *list, size_t n, char *error,
                           size_t error_len)
{
  struct run run = {.error = error, .error_len = error_len};
  enum status st = open_connection(&run, url);

  if (st == ST_OK) st = look(&run, list, n);
  return close_connection(&run, st);
}

enum status migrate_run(const char *url, char *error, size_t error_len)
{
  return migrate_apply(url, migrations, n_migrations, error, error_len);
}

enum status migrate_check(const char *url, char *error, size_t error_len)
{
  return migrate_verify(url, migrations, n_migrations, error, error_len);
}
