/* ledger_page.c - see ledger_page.h. */
#include "ledger_page.h"

#include <stdio.h>
#include <string.h>

#include "db.h"

static const char setup_sql[] = "SET client_min_messages = warning; SET statement_timeout = 2500;"
                                "SELECT 1";

/* What has not landed yet has moved nothing, nor has what was reverted. */
#define COLUMNS                                                                                    \
  "SELECT tx_hash, order_id, attempt, venue, landed AND lands_at <= clock_timestamp(),"            \
  "  in_amount, out_amount, floor(extract(epoch FROM lands_at) * 1000)::bigint FROM sim.ledger "

static const char all_sql[] = COLUMNS "WHERE tx_hash > $1 ORDER BY tx_hash LIMIT $2::int";
static const char order_sql[] =
    COLUMNS "WHERE tx_hash > $1 AND order_id = $3 ORDER BY tx_hash LIMIT $2::int";

static void write_entry(struct writer *w, const PGresult *rows, int row)
{
  bool landed = *PQgetvalue(rows, row, 4) == 't';
  writer_begin(w, NULL);
  writer_str(w, "txHash", PQgetvalue(rows, row, 0));
  writer_str(w, "orderId", PQgetvalue(rows, row, 1));
  writer_int(w, "attempt", db_number(rows, row, 2));
  writer_str(w, "venue", PQgetvalue(rows, row, 3));
  writer_bool(w, "landed", landed);
  writer_units(w, "inAmount", landed ? (uint64_t)db_number(rows, row, 5) : 0);
  writer_units(w, "outAmount", landed ? (uint64_t)db_number(rows, row, 6) : 0);
  if (landed)
    writer_time(w, "landedAt", db_number(rows, row, 7));
  else
    writer_str(w, "landedAt", NULL);
  writer_end(w);
}

static PGresult *read_rows(struct db *db, const struct ledger_page *page)
{
  char limit[24];
  const char *const values[] = {page->after, limit, page->order_id};
  snprintf(limit, sizeof limit, "%zu", page->limit + 1);
  bool sent =
      page->order_id ? db_send_sql(db, order_sql, 3, values) : db_send_sql(db, all_sql, 2, values);
  return sent ? db_collect(db) : NULL;
}

bool ledger_page_write(const char *database_url, const struct ledger_page *page, struct writer *w,
                       char *error, size_t len)
{
  struct db db = {0};
  PGresult *rows = db_connect(&db, database_url, "ox sim ledger page", setup_sql);
  PQclear(rows);
  rows = rows ? read_rows(&db, page) : NULL;
  if (!rows) {
    snprintf(error, len, "%s", db.error);
    db_close(&db);
    return false;
  }
  int n = PQntuples(rows), last = n > (int)page->limit ? (int)page->limit : n;
  writer_begin(w, NULL);
  writer_begin_array(w, "entries");
  for (int i = 0; i < last; i++) write_entry(w, rows, i);
  writer_end_array(w);
  writer_str(w, "nextCursor", n > last ? PQgetvalue(rows, last - 1, 0) : NULL);
  writer_end(w);
  PQclear(rows);
  db_close(&db);
  return true;
}
