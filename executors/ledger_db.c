/*
 * ledger_db.c - the ledger's table in PostgreSQL. The ledger's thread only.
 *
 * DESIGN. An insert takes the gate, an advisory lock, shared, and only then reads the clock its
 * expiry is checked against. A read takes it alone: when it has it, every insert whose clock was
 * read before has committed, and every later one reads a later clock. So a hash that is absent as
 * of a time past its expiry stays absent. The gate is held to the end of the transaction; each
 * transaction is sent whole, so that a process that is stopped half-way never stands in the gate.
 */
#include "ledger_db.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Advisory locks: "oxledger" and "oxschema" as numbers. */
#define GATE        "8032289118147274098"
#define SCHEMA_LOCK "8032296806205713761"
#define MS(time)    "floor(extract(epoch FROM " time ") * 1000)::bigint"

enum {
  STATEMENT_TIMEOUT_MS = 3000,
  N_COLUMNS = 12,
  ITEM_MAX = 2 * TX_ID_MAX + 3, /* a string of which every character is escaped, quotes, comma */
  COLUMN_MAX = LEDGER_BATCH_MAX * ITEM_MAX + 2,
};

static const char setup_sql[] =
    "SET client_min_messages = warning;"
    "SET synchronous_commit = on;"
    "SET default_transaction_isolation = 'read committed';" /* a read after the gate sees all */
    "SET statement_timeout = 2500;"
    "SET plan_cache_mode = force_generic_plan; SET jit = off;"
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
    "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ");"
    "DO $$ BEGIN IF to_regclass('sim.ledger') IS NULL THEN"
    "  CREATE SCHEMA IF NOT EXISTS sim;"
    "  CREATE TABLE sim.ledger ("
    "    tx_hash      text COLLATE \"C\" PRIMARY KEY,"
    "    order_id     text COLLATE \"C\" NOT NULL,"
    "    attempt      bigint      NOT NULL,"
    "    venue        text        NOT NULL,"
    "    token_in     text        NOT NULL,"
    "    token_out    text        NOT NULL,"
    "    in_amount    bigint      NOT NULL,"
    "    out_amount   bigint      NOT NULL,"
    "    min_out      bigint      NOT NULL,"
    "    landed       boolean     NOT NULL,"
    "    submitted_at timestamptz NOT NULL,"
    "    lands_at     timestamptz NOT NULL,"
    "    expires_at   timestamptz NOT NULL);"
    "  CREATE INDEX ledger_order_id ON sim.ledger (order_id);"
    "END IF; END $$;"
    "SELECT " MS("clock_timestamp()");

static const char insert_sql[] =
    "WITH gate AS MATERIALIZED ("
    "  SELECT date_trunc('milliseconds', clock_timestamp()) AS now"
    "  FROM (SELECT pg_advisory_xact_lock_shared(" GATE ") OFFSET 0) AS held)"
    "INSERT INTO sim.ledger (tx_hash, order_id, venue, token_in, token_out, attempt, in_amount,"
    "  out_amount, min_out, landed, submitted_at, lands_at, expires_at) "
    "SELECT t.tx_hash, t.order_id, t.venue, t.token_in, t.token_out, t.attempt, t.in_amount,"
    "  t.out_amount, t.min_out, t.landed, gate.now, gate.now + t.delay_ms * interval '1 ms',"
    "  'epoch'::timestamptz + t.expires_ms * interval '1 ms' "
    "FROM gate CROSS JOIN unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],"
    "  $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bool[], $11::bigint[],"
    "  $12::bigint[]) AS t(tx_hash, order_id, venue, token_in, token_out, attempt, in_amount,"
    "  out_amount, min_out, landed, delay_ms, expires_ms) "
    "WHERE gate.now <= 'epoch'::timestamptz + t.expires_ms * interval '1 ms' "
    "ON CONFLICT (tx_hash) DO NOTHING "
    "RETURNING tx_hash, " MS("submitted_at");

static const char gate_sql[] = "SELECT pg_advisory_xact_lock(" GATE ")";

static const char read_sql[] = "SELECT t.i - 1, (SELECT " MS(
    "clock_timestamp()") "), l.tx_hash, l.in_amount, l.out_amount,"
                         "  " MS("l.lands_at") ", l.landed "
                                               "FROM unnest($1::text[]) WITH ORDINALITY AS "
                                               "t(tx_hash, i) "
                                               "LEFT JOIN sim.ledger l ON l.tx_hash = t.tx_hash";

/* The text of an array parameter. */
struct column {
  size_t len;
  char data[COLUMN_MAX + 1];
};

struct ledger_db {
  char *url;
  PGconn *conn;
  char error[256];
  struct column columns[N_COLUMNS];
};

struct ledger_db *ledger_db_create(const char *url)
{
  struct ledger_db *db = calloc(1, sizeof *db);
  if (db) db->url = strdup(url);
  if (db && db->url) return db;
  free(db);
  return NULL;
}

void ledger_db_destroy(struct ledger_db *db)
{
  if (!db) return;
  PQfinish(db->conn);
  free(db->url);
  free(db);
}

bool ledger_db_connected(const struct ledger_db *db)
{
  return db->conn != NULL;
}

const char *ledger_db_error(const struct ledger_db *db)
{
  return db->error;
}

/* ── talking to the server ───────────────────────────────────────────────────────────────────── */

static bool lose(struct ledger_db *db, const char *why)
{
  snprintf(db->error, sizeof db->error, "%s", why);
  db->error[strcspn(db->error, "\n")] = '\0';
  PQfinish(db->conn);
  db->conn = NULL;
  return false;
}

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
static bool take_result(struct ledger_db *db, PGresult **rows, bool *done)
{
  PGresult *result = PQgetResult(db->conn);
  if (!result) {
    *done = PQpipelineStatus(db->conn) == PQ_PIPELINE_OFF;
    return PQstatus(db->conn) == CONNECTION_OK || lose(db, PQerrorMessage(db->conn));
  }
  ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK) {
    PQclear(*rows);
    *rows = result;
    return true;
  }
  *done = status == PGRES_PIPELINE_SYNC;
  bool fine = *done || status == PGRES_COMMAND_OK;
  if (!fine) lose(db, PQresultErrorMessage(result));
  PQclear(result);
  return fine;
}

/* Waits for all that was sent, and gives the last rows of it; NULL when there are none, or it
 * failed and the connection is closed. */
static PGresult *collect(struct ledger_db *db)
{
  int64_t deadline_ms = mono_ms() + STATEMENT_TIMEOUT_MS;
  PGresult *rows = NULL;
  for (bool done = false; !done;) {
    if (!await_result(db->conn, deadline_ms)) {
      const char *why = PQerrorMessage(db->conn);
      lose(db, *why ? why : "no answer in time");
    }
    if (!db->conn || !take_result(db, &rows, &done)) {
      PQclear(rows);
      return NULL;
    }
  }
  return rows;
}

static int64_t number_at(const PGresult *rows, int row, int column)
{
  return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

/* One array parameter for each column, text; false leaves the connection closed. */
static bool send_prepared(struct ledger_db *db, const char *name, int n_columns)
{
  const char *values[N_COLUMNS] = {NULL};
  for (int i = 0; i < n_columns; i++) values[i] = db->columns[i].data;
  if (PQsendQueryPrepared(db->conn, name, n_columns, values, NULL, NULL, 0)) return true;
  return lose(db, PQerrorMessage(db->conn));
}

/* ── connecting ──────────────────────────────────────────────────────────────────────────────── */

static bool prepare(struct ledger_db *db)
{
  if (!PQenterPipelineMode(db->conn) || !PQsendPrepare(db->conn, "insert", insert_sql, 0, NULL) ||
      !PQsendPrepare(db->conn, "gate", gate_sql, 0, NULL) ||
      !PQsendPrepare(db->conn, "read", read_sql, 0, NULL) || !PQpipelineSync(db->conn))
    return lose(db, PQerrorMessage(db->conn));
  PQclear(collect(db));
  return db->conn != NULL;
}

/* What the server says by the way is not for stderr, where each line is an object of JSON. */
static void ignore_notice(void *arg, const PGresult *notice)
{
  (void)arg, (void)notice;
}

bool ledger_db_connect(struct ledger_db *db, int64_t *now_ms)
{
  /* What the URL says comes later, and counts. */
  static const char *const keys[] = {"connect_timeout", "fallback_application_name", "dbname",
                                     NULL};
  const char *const values[] = {"2", "ox sim ledger", db->url, NULL};
  PQfinish(db->conn);
  db->conn = PQconnectdbParams(keys, values, 1);
  if (!db->conn) return lose(db, "out of memory");
  PQsetNoticeReceiver(db->conn, ignore_notice, NULL);
  if (PQstatus(db->conn) != CONNECTION_OK || PQsetnonblocking(db->conn, 1) != 0 ||
      !PQsendQuery(db->conn, setup_sql))
    return lose(db, PQerrorMessage(db->conn));
  PGresult *rows = collect(db);
  if (!rows) return false;
  *now_ms = number_at(rows, 0, 0);
  PQclear(rows);
  return prepare(db);
}

/* ── arrays ──────────────────────────────────────────────────────────────────────────────────── */

static void column_start(struct column *c)
{
  c->len = 0;
}

static void column_separate(struct column *c)
{
  c->data[c->len] = c->len ? ',' : '{';
  c->len++;
}

static void column_text(struct column *c, const char *text)
{
  column_separate(c);
  c->data[c->len++] = '"';
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') c->data[c->len++] = '\\';
    c->data[c->len++] = *text;
  }
  c->data[c->len++] = '"';
}

static void column_number(struct column *c, int64_t value)
{
  column_separate(c);
  c->len += (size_t)snprintf(c->data + c->len, ITEM_MAX, "%lld", (long long)value);
}

static void column_end(struct column *c)
{
  c->data[c->len++] = '}';
  c->data[c->len] = '\0';
}

static void columns_add(struct column *c, const struct ledger_row *row)
{
  column_text(c++, row->tx_hash);
  column_text(c++, row->order_id);
  column_text(c++, row->venue);
  column_text(c++, row->token_in);
  column_text(c++, row->token_out);
  column_number(c++, row->attempt);
  column_number(c++, (int64_t)row->in_amount);
  column_number(c++, (int64_t)row->out_amount);
  column_number(c++, (int64_t)row->min_out_amount);
  column_text(c++, row->landed ? "t" : "f");
  column_number(c++, row->delay_ms);
  column_number(c++, row->expires_at_ms);
}

/* ── the two statements ──────────────────────────────────────────────────────────────────────── */

/* Marks what was inserted. The rows come in the order they were given, but for the ones left out.
 */
static void mark_accepted(const PGresult *inserted, const struct ledger_row *const *rows, size_t n,
                          int64_t *accepted_ms)
{
  size_t at = 0;
  for (int i = 0; i < PQntuples(inserted); i++) {
    const char *tx_hash = PQgetvalue(inserted, i, 0);
    for (size_t k = 0; k < n; k++, at = (at + 1) % n)
      if (strcmp(rows[at]->tx_hash, tx_hash) == 0) break;
    accepted_ms[at] = number_at(inserted, i, 1);
    at = (at + 1) % n;
  }
}

bool ledger_db_insert(struct ledger_db *db, const struct ledger_row *const *rows, size_t n,
                      int64_t *accepted_ms)
{
  for (int c = 0; c < N_COLUMNS; c++) column_start(&db->columns[c]);
  for (size_t i = 0; i < n; i++) columns_add(db->columns, rows[i]);
  for (int c = 0; c < N_COLUMNS; c++) column_end(&db->columns[c]);
  if (!send_prepared(db, "insert", N_COLUMNS)) return false;
  if (!PQpipelineSync(db->conn)) return lose(db, PQerrorMessage(db->conn));
  PGresult *inserted = collect(db);
  if (!inserted) return false;
  memset(accepted_ms, 0, n * sizeof *accepted_ms);
  mark_accepted(inserted, rows, n, accepted_ms);
  PQclear(inserted);
  return true;
}

static void read_entry(const PGresult *rows, int row, struct ledger_entry *entry)
{
  *entry = (struct ledger_entry){0};
  if (PQgetisnull(rows, row, 2)) return;
  snprintf(entry->tx_hash, sizeof entry->tx_hash, "%s", PQgetvalue(rows, row, 2));
  entry->in_amount = (uint64_t)number_at(rows, row, 3);
  entry->out_amount = (uint64_t)number_at(rows, row, 4);
  entry->lands_at_ms = number_at(rows, row, 5);
  entry->landed = *PQgetvalue(rows, row, 6) == 't';
}

bool ledger_db_read(struct ledger_db *db, const char *const *hashes, size_t n,
                    struct ledger_entry *entries, int64_t *as_of_ms)
{
  struct column *column = &db->columns[0];
  column_start(column);
  for (size_t i = 0; i < n; i++) column_text(column, hashes[i]);
  column_end(column);
  if (!send_prepared(db, "gate", 0) || !send_prepared(db, "read", 1)) return false;
  if (!PQpipelineSync(db->conn)) return lose(db, PQerrorMessage(db->conn));
  PGresult *rows = collect(db);
  if (!rows) return false;
  bool complete = (size_t)PQntuples(rows) == n;
  for (int i = 0; complete && i < (int)n; i++) {
    *as_of_ms = number_at(rows, i, 1);
    read_entry(rows, i, &entries[number_at(rows, i, 0)]);
  }
  PQclear(rows);
  return complete || lose(db, "the answer to a lookup was not whole");
}
