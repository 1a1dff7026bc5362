/*
 * db.h - a connection of the simulated venues' own to PostgreSQL. Every call blocks, for
 * DB_TIMEOUT_MS at most. A connection belongs to one thread at a time.
 *
 * After any call failed the connection is closed, error says why, and what had been asked for has
 * happened or not.
 */
#ifndef DB_H
#define DB_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DB_TIMEOUT_MS = 3000 };

struct db {
  PGconn *conn; /* NULL: closed */
  char error[256];
};

/* db_connect() connects, with name for people to see, and runs setup_sql, whose last rows it gives;
 * NULL: failed. */
PGresult *db_connect(struct db *db, const char *url, const char *name, const char *setup_sql);
void db_close(struct db *db);

/* db_lose() closes the connection, and remembers why; it is false. */
bool db_lose(struct db *db, const char *why);

/* db_prepare(), db_send...() queue a statement behind those queued before; db_collect() sends them
 * as one transaction, waits, and gives the last rows there were. NULL: failed, or no rows.
 * db_send_binary() is for one parameter, in the binary form that its type receives. */
bool db_prepare(struct db *db, const char *name, const char *sql);
bool db_send(struct db *db, const char *prepared, int n, const char *const *values);
bool db_send_binary(struct db *db, const char *prepared, const void *bytes, size_t len);
bool db_send_sql(struct db *db, const char *sql, int n, const char *const *values);
PGresult *db_collect(struct db *db);

int64_t db_number(const PGresult *rows, int row, int column);

#endif
