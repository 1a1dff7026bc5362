/*
 * own_database.h - a database of its own for each test: they run side by side, and some end all
 * connections there are. sql is a connection to it, database_url where it is. For one test program.
 */
#ifndef TESTS_INTEGRATION_OWN_DATABASE_H
#define TESTS_INTEGRATION_OWN_DATABASE_H

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static PGconn *sql;
static char database_name[64], database_url[1024];

static inline PGconn *connect_to(const char *conninfo)
{
  PGconn *conn = PQconnectdb(conninfo);
  cr_assert(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
  PQclear(PQexec(conn, "SET client_min_messages = error"));
  return conn;
}

static inline void command(PGconn *conn, const char *format, ...)
{
  char text[256];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  PGresult *result = PQexec(conn, text);
  cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK,
            "%s: %s", text, PQerrorMessage(conn));
  PQclear(result);
}

/* The same server and user, another database. */
static inline void point_to(PGconn *conn, const char *dbname)
{
  size_t len = 0;
  PQconninfoOption *options = PQconninfo(conn);
  for (PQconninfoOption *o = options; o && o->keyword; o++) {
    if (!o->val || !*o->val || strchr(o->val, '\'') || strchr(o->val, '\\')) continue;
    const char *value = strcmp(o->keyword, "dbname") == 0 ? dbname : o->val;
    len += (size_t)snprintf(database_url + len, sizeof database_url - len, "%s='%s' ", o->keyword,
                            value);
    cr_assert(len < sizeof database_url);
  }
  PQconninfoFree(options);
}

static inline long number_of(const char *query, const char *parameter)
{
  const char *values[] = {parameter};
  PGresult *rows = PQexecParams(sql, query, parameter ? 1 : 0, NULL, values, NULL, NULL, 0);
  cr_assert(PQresultStatus(rows) == PGRES_TUPLES_OK, "%s", PQerrorMessage(sql));
  long number = PQntuples(rows) ? strtol(PQgetvalue(rows, 0, 0), NULL, 10) : -1;
  PQclear(rows);
  return number;
}

static inline void database_create(const char *name)
{
  const char *given = getenv("DATABASE_URL");
  cr_assert(given, "DATABASE_URL has to name a PostgreSQL");
  PGconn *admin = connect_to(given);
  snprintf(database_name, sizeof database_name, "%s_%ld", name, (long)getpid());
  command(admin, "CREATE DATABASE %s", database_name);
  point_to(admin, database_name);
  PQfinish(admin);
  sql = connect_to(database_url);
}

static inline void database_drop(void)
{
  PQfinish(sql);
  PGconn *admin = connect_to(getenv("DATABASE_URL"));
  command(admin, "DROP DATABASE %s WITH (FORCE)", database_name);
  PQfinish(admin);
}

#endif
