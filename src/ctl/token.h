/*
 * token.h - the bearer token: from the environment (OX_TOKEN; OX_CLIENT_ID with a secret), or from
 * what `oxctl login` left in $XDG_CONFIG_HOME/ox/credentials.json, a file of the user alone, with
 * an entry for each server. Knows no network. Loop thread only.
 */
#ifndef CTL_TOKEN_H
#define CTL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct tokens;

/* tokens_load() finds out who we are at url. ST_INVALID: error says what is wrong with the
 * environment or the file. */
enum status tokens_load(const char *url, struct tokens **out, char *error,
                        size_t error_len) MUST_CHECK;
void tokens_destroy(struct tokens *t);

const char *tokens_bearer(const struct tokens *t); /* NULL: none */
bool tokens_renewable(const struct tokens *t);
bool tokens_due(const struct tokens *t); /* renewable, and there is none, or it ends soon */

void tokens_expire(struct tokens *t); /* the server says so */

/* Who asks for a token; secret is copied. */
void tokens_set_client(struct tokens *t, const char *client_id, const char *secret);
void tokens_form(const struct tokens *t, struct buf *out); /* the body for POST /oauth/token */
/* tokens_take() reads the answer to it, and keeps it in the file if that is where it came from. */
enum status tokens_take(struct tokens *t, const char *text, size_t len) MUST_CHECK;

/* tokens_save() writes the entry of this server; keep_secret: so that a token that has run out can
 * be had anew. tokens_forget() removes it: ST_NOT_FOUND: there was none. */
enum status tokens_save(struct tokens *t, bool keep_secret, char *error,
                        size_t error_len) MUST_CHECK;
enum status tokens_forget(struct tokens *t, char *error, size_t error_len) MUST_CHECK;

/* token_secret_file() reads a secret from a file or, "-", from stdin: its first line. ST_INVALID:
 * error says why not. On success wipe and free it. */
enum status token_secret_file(const char *path, char **out, char *error,
                              size_t error_len) MUST_CHECK;

#endif
