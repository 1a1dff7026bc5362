/*
 * ledger_db.c - the ledger's table in PostgreSQL. The ledger's thread only.
 *
 * DESIGN. An insert takes the gate, an advisory lock, shared, and only then reads the clock its
 * expiry is checked against. A read takes it alone: when it has it, every insert whose clock was
 * read before has committed, and every later one reads a later clock. So a hash that is absent as
 * of a time past its expiry stays absent. The gate is held to the end of the transaction; each
 * transaction is sent whole, so that a process that is stopped half-way never stands in the gate.
 *
 * What is answered is durable: an order is confirmed on account of it, maybe after PostgreSQL has
 * crashed and started again.
 */
#include "ledger_db.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"

/* Advisory locks: "oxledger" and "oxschema" as numbers. */
#define GATE        "8032289118147274098"
#define SCHEMA_LOCK "8032296806205713761"
#define MS(time)    "floor(extract(epoch FROM " time ") * 1000)::bigint"

/* The types of an entry's columns, by their numbers in every PostgreSQL. */
enum { BOOLEAN = 16, BIGINT = 20, TEXT = 25 };

enum {
  N_COLUMNS = 15,
  N_TEXTS = 5,
  COLUMN_HEAD = 8, /* type and length */
  ROW_MAX = 8 + N_COLUMNS * (COLUMN_HEAD + 8) + N_TEXTS * TX_ID_MAX,
  ARRAY_MAX = 20 + LEDGER_BATCH_MAX * ROW_MAX,
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
    "END IF;"
    "IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'sim.ledger'::regclass"
    "    AND attname = 'network_fee') THEN"
    "  ALTER TABLE sim.ledger ADD leg_in bigint NOT NULL DEFAULT 0,"
    "    ADD leg_out bigint NOT NULL DEFAULT 0, ADD network_fee bigint NOT NULL DEFAULT 0;"
    "END IF;"
    "IF to_regtype('sim.new_entry') IS NULL THEN" /* another version of it is another type */
    "  CREATE TYPE sim.new_entry AS (tx_hash text, order_id text, venue text, token_in text,"
    "    token_out text, attempt bigint, in_amount bigint, out_amount bigint, min_out bigint,"
    "    landed boolean, delay_ms bigint, expires_ms bigint, leg_in bigint, leg_out bigint,"
    "    fee bigint);"
    "END IF; END $$;"
    "SELECT " MS("clock_timestamp()") ", 'sim.new_entry'::regtype::oid";

/* What is there already is refused, with all that came with it, or passed over: that costs a row a
 * fifth more. INSERT(known) */
/* clang-format off */
#define INSERT(known)                                                                              \
  "WITH gate AS MATERIALIZED ("                                                                    \
  "  SELECT c.now, " MS("c.now") " AS ms"                                                          \
  "  FROM (SELECT pg_advisory_xact_lock_shared(" GATE ") OFFSET 0) AS held,"                       \
  "    LATERAL (SELECT date_trunc('milliseconds', clock_timestamp()) AS now"                       \
  "      WHERE held IS NOT NULL OFFSET 0) AS c),"                                                  \
  "i AS (INSERT INTO sim.ledger (tx_hash, order_id, venue, token_in, token_out, attempt,"          \
  "  in_amount, out_amount, min_out, landed, submitted_at, lands_at, expires_at, leg_in,"          \
  "  leg_out, network_fee) "                                                                       \
  "SELECT t.tx_hash, t.order_id, t.venue, t.token_in, t.token_out, t.attempt, t.in_amount,"        \
  "  t.out_amount, t.min_out, t.landed, gate.now,"                                                 \
  "  CASE WHEN t.delay_ms < 0"                                                                     \
  "    THEN 'epoch'::timestamptz + (t.expires_ms - t.delay_ms) * interval '1 ms'"                  \
  "    ELSE gate.now + t.delay_ms * interval '1 ms' END,"                                          \
  "  'epoch'::timestamptz + t.expires_ms * interval '1 ms', t.leg_in, t.leg_out, t.fee "           \
  "FROM gate CROSS JOIN unnest($1::sim.new_entry[]) AS t "                                         \
  "WHERE gate.now <= 'epoch'::timestamptz + t.expires_ms * interval '1 ms' "                       \
  known "RETURNING tx_hash) SELECT i.tx_hash, gate.ms FROM i, gate"
/* clang-format on */

static const char insert_sql[] = INSERT("");
static const char insert_rest_sql[] = INSERT("ON CONFLICT (tx_hash) DO NOTHING ");
static const char gate_sql[] = "SELECT pg_advisory_xact_lock(" GATE ")";

/* clang-format off */
static const char read_sql[] =
    "SELECT t.i - 1, (SELECT " MS("clock_timestamp()") "), l.tx_hash, l.in_amount, l.out_amount,"
    "  " MS("l.lands_at") ", l.landed, " MS("l.submitted_at") ", l.leg_in,"
    "  l.leg_out "
    "FROM unnest($1::text[]) WITH ORDINALITY AS t(tx_hash, i) "
    "LEFT JOIN sim.ledger l ON l.tx_hash = t.tx_hash";
/* clang-format on */

/* An array parameter, as text or in binary form. */
struct array {
  size_t len;
  char data[ARRAY_MAX + 1];
};

struct ledger_db {
  char *url;
  struct db db;
  uint32_t entry_type; /* the number of sim.new_entry */
  struct array array;
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
  db_close(&db->db);
  free(db->url);
  free(db);
}

bool ledger_db_connected(const struct ledger_db *db)
{
  return db->db.conn != NULL;
}

const char *ledger_db_error(const struct ledger_db *db)
{
  return db->db.error;
}

/* ── connecting ──────────────────────────────────────────────────────────────────────────────── */

bool ledger_db_connect(struct ledger_db *db, int64_t *now_ms)
{
  PGresult *rows = db_connect(&db->db, db->url, "ox sim ledger", setup_sql);
  if (!rows) return false;
  *now_ms = db_number(rows, 0, 0);
  db->entry_type = (uint32_t)db_number(rows, 0, 1);
  PQclear(rows);
  if (!db_prepare(&db->db, "insert", insert_sql) ||
      !db_prepare(&db->db, "insert_rest", insert_rest_sql) ||
      !db_prepare(&db->db, "gate", gate_sql) || !db_prepare(&db->db, "read", read_sql))
    return false;
  PQclear(db_collect(&db->db));
  return db->db.conn != NULL;
}

/* ── arrays ──────────────────────────────────────────────────────────────────────────────────── */

static void array_start(struct array *a)
{
  a->len = 0;
}

static void array_separate(struct array *a)
{
  a->data[a->len] = a->len ? ',' : '{';
  a->len++;
}

static void array_end(struct array *a)
{
  a->data[a->len++] = '}';
  a->data[a->len] = '\0';
}

static void array_text(struct array *a, const char *text)
{
  array_separate(a);
  a->data[a->len++] = '"';
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') a->data[a->len++] = '\\';
    a->data[a->len++] = *text;
  }
  a->data[a->len++] = '"';
}

static void put(struct array *a, const void *bytes, size_t len)
{
  memcpy(a->data + a->len, bytes, len);
  a->len += len;
}

static void put_int(struct array *a, uint32_t value)
{
  uint32_t big_endian = htobe32(value);
  put(a, &big_endian, sizeof big_endian);
}

static void put_text(struct array *a, const char *text)
{
  size_t len = strlen(text);
  put_int(a, TEXT);
  put_int(a, (uint32_t)len);
  put(a, text, len);
}

static void put_number(struct array *a, int64_t value)
{
  uint64_t big_endian = htobe64((uint64_t)value);
  put_int(a, BIGINT);
  put_int(a, sizeof big_endian);
  put(a, &big_endian, sizeof big_endian);
}

static void put_boolean(struct array *a, bool value)
{
  put_int(a, BOOLEAN);
  put_int(a, 1);
  put(a, value ? "\1" : "\0", 1);
}

/* The columns of sim.new_entry. */
static void put_row(struct array *a, const struct ledger_row *row)
{
  size_t start = a->len;
  put_int(a, 0); /* its length, which is not known yet */
  put_int(a, N_COLUMNS);
  put_text(a, row->tx_hash);
  put_text(a, row->order_id);
  put_text(a, row->venue);
  put_text(a, row->token_in);
  put_text(a, row->token_out);
  put_number(a, row->attempt);
  put_number(a, (int64_t)row->in_amount);
  put_number(a, (int64_t)row->out_amount);
  put_number(a, (int64_t)row->min_out_amount);
  put_boolean(a, row->landed);
  put_number(a, row->delay_ms);
  put_number(a, row->expires_at_ms);
  put_number(a, (int64_t)row->leg_in);
  put_number(a, (int64_t)row->leg_out);
  put_number(a, (int64_t)row->network_fee);
  size_t end = a->len;
  a->len = start;
  put_int(a, (uint32_t)(end - start - sizeof(uint32_t)));
  a->len = end;
}

/* One dimension, no nulls, the type of its elements, how many, and the number of the first. */
static void put_rows(struct array *a, uint32_t type, const struct ledger_row *const *rows, size_t n)
{
  const uint32_t head[] = {1, 0, type, (uint32_t)n, 1};
  a->len = 0;
  for (size_t i = 0; i < sizeof head / sizeof *head; i++) put_int(a, head[i]);
  for (size_t i = 0; i < n; i++) put_row(a, rows[i]);
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
    accepted_ms[at] = db_number(inserted, i, 1);
    at = (at + 1) % n;
  }
}

bool ledger_db_insert(struct ledger_db *db, const struct ledger_row *const *rows, size_t n,
                      bool some_known, int64_t *accepted_ms)
{
  put_rows(&db->array, db->entry_type, rows, n);
  if (!db_send_binary(&db->db, some_known ? "insert_rest" : "insert", db->array.data,
                      db->array.len))
    return false;
  PGresult *inserted = db_collect(&db->db);
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
  entry->in_amount = (uint64_t)db_number(rows, row, 3);
  entry->out_amount = (uint64_t)db_number(rows, row, 4);
  entry->accepted_at_ms = db_number(rows, row, 7);
  entry->lands_at_ms = db_number(rows, row, 5);
  entry->landed = *PQgetvalue(rows, row, 6) == 't';
  entry->leg_in = (uint64_t)db_number(rows, row, 8);
  entry->leg_out = (uint64_t)db_number(rows, row, 9);
}

bool ledger_db_read(struct ledger_db *db, const char *const *hashes, size_t n,
                    struct ledger_entry *entries, int64_t *as_of_ms)
{
  array_start(&db->array);
  for (size_t i = 0; i < n; i++) array_text(&db->array, hashes[i]);
  array_end(&db->array);
  const char *const values[] = {db->array.data};
  if (!db_send(&db->db, "gate", 0, NULL) || !db_send(&db->db, "read", 1, values)) return false;
  PGresult *rows = db_collect(&db->db);
  if (!rows) return false;
  bool complete = (size_t)PQntuples(rows) == n;
  for (int i = 0; complete && i < (int)n; i++) {
    *as_of_ms = db_number(rows, i, 1);
    read_entry(rows, i, &entries[db_number(rows, i, 0)]);
  }
  PQclear(rows);
  return complete || db_lose(&db->db, "the answer to a lookup was not whole");
}
