/* clients.c - see clients.h. */
#include "auth/clients.h"

#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/ulid.h"

struct run {
  PGconn *pg;
  char *error;
  size_t error_len;
};

static void complain(struct run *run, const char *what)
{
  snprintf(run->error, run->error_len, "%s", what);
  run->error[strcspn(run->error, "\n")] = '\0'; /* libpq ends its sentences with one */
}

static enum status open_connection(struct run *run, const char *url)
{
  const char *const keys[] = {"connect_timeout", "dbname", "application_name", "client_encoding",
                              NULL};
  const char *const values[] = {"10", url, "ox client", "UTF8", NULL};
  run->pg = PQconnectdbParams(keys, values, 1);
  if (PQstatus(run->pg) == CONNECTION_OK) return ST_OK;
  complain(run, PQerrorMessage(run->pg));
  return ST_AWAY;
}

/* query() gives the result, to be cleared, or NULL with a complaint and a status. */
static PGresult *query(struct run *run, const char *sql, int n, const char *const *values,
                       enum status *status)
{
  static const char unique_violation[] = "23505", no_table[] = "42P01";
  PGresult *r = PQexecParams(run->pg, sql, n, NULL, values, NULL, NULL, 0);
  if (PQresultStatus(r) == PGRES_TUPLES_OK) return r;
  const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
  *status = ST_BROKEN;
  if (sqlstate && strcmp(sqlstate, unique_violation) == 0) {
    *status = ST_CONFLICT;
    complain(run, "another client has that name");
  } else if (sqlstate && strcmp(sqlstate, no_table) == 0) {
    complain(run, "the schema is not there yet: run oxd migrate first");
  } else {
    complain(run, PQresultErrorMessage(r));
  }
  PQclear(r);
  return NULL;
}

static void draw(struct client_made *out)
{
  char id[ULID_LEN + 1];
  struct ulid made = ulid_make();
  ulid_format(&made, id);
  snprintf(out->id, sizeof out->id, "cli_%s", id);
  secret_make(out->secret);
}

enum status clients_add(const char *url, const char *name, unsigned scopes, struct client_made *out,
                        char *error, size_t error_len)
{
  struct run run = {.error = error, .error_len = error_len};
  char hash[SECRET_HASH_MAX], words[SCOPES_TEXT_MAX];
  struct client_made made;
  enum status status = open_connection(&run, url);
  if (status == ST_OK) {
    draw(&made);
    secret_hash(made.secret, hash);
    scopes_format(scopes, words);
    const char *const values[] = {made.id, name, words, hash};
    PGresult *r = query(&run,
                        "INSERT INTO clients (client_id, name, scopes, secret_hash)"
                        " VALUES ($1, $2, $3, $4) RETURNING client_id",
                        4, values, &status);
    PQclear(r);
  }
  if (status == ST_OK) *out = made;
  PQfinish(run.pg);
  OPENSSL_cleanse(&made, sizeof made);
  return status;
}

enum status clients_set(const char *url, const char *client, const char *state, char *error,
                        size_t error_len)
{
  struct run run = {.error = error, .error_len = error_len};
  enum status status = open_connection(&run, url);
  if (status == ST_OK) {
    const char *const values[] = {client, state};
    PGresult *r = query(&run,
                        "UPDATE clients SET state = $2, changed_at = clock_timestamp()"
                        " WHERE (client_id = $1 OR name = $1) AND state <> 'removed'"
                        " RETURNING client_id",
                        2, values, &status);
    if (r && PQntuples(r) == 0) {
      status = ST_NOT_FOUND;
      complain(&run, "there is no such client");
    }
    PQclear(r);
  }
  PQfinish(run.pg);
  return status;
}

enum status clients_list(const char *url, FILE *out, char *error, size_t error_len)
{
  struct run run = {.error = error, .error_len = error_len};
  enum status status = open_connection(&run, url);
  if (status == ST_OK) {
    PGresult *r = query(&run,
                        "SELECT json_build_object('client_id', client_id, 'name', name,"
                        " 'scopes', scopes, 'state', state, 'created_at', created_at)"
                        " FROM clients WHERE state <> 'removed' ORDER BY client_id",
                        0, NULL, &status);
    for (int i = 0; r && i < PQntuples(r); i++) fprintf(out, "%s\n", PQgetvalue(r, i, 0));
    PQclear(r);
  }
  PQfinish(run.pg);
  return status;
}
