/*
 * clients.h - the table of clients, for the command line: blocking, no loop.
 */
#ifndef AUTH_CLIENTS_H
#define AUTH_CLIENTS_H

#include <stdio.h>

#include "auth/grant.h"
#include "auth/secret.h"
#include "base/status.h"

struct client_made {
  char id[GRANT_CLIENT_MAX + 1];
  char secret[SECRET_LEN + 1]; /* shown once, kept nowhere */
};

/* clients_add(): name is valid as an id is, and no other client's. Each of these:
 * ST_AWAY, no connection; ST_CONFLICT, the name is taken; ST_NOT_FOUND; ST_BROKEN; error (error_len
 * bytes) says what. */
enum status clients_add(const char *url, const char *name, unsigned scopes, struct client_made *out,
                        char *error, size_t error_len) MUST_CHECK;

/* clients_set() makes a client, given by its id or name, "active", "disabled" or "removed"; who was
 * removed does not come back. */
enum status clients_set(const char *url, const char *client, const char *state, char *error,
                        size_t error_len) MUST_CHECK;

/* clients_list() prints a JSON line for each that was not removed. */
enum status clients_list(const char *url, FILE *out, char *error, size_t error_len) MUST_CHECK;

#endif
