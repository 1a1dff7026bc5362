/* client.h - oxd client: who may call. */
#ifndef SERVE_CLIENT_H
#define SERVE_CLIENT_H

#include "config/config.h"

/* What stands behind "oxd client", but for the options that config knows. */
struct client_command {
  const char *verb, *name, *scopes; /* NULL: not given */
};

/* client_parse() takes its own words out of argv, of which it leaves *argc. false: it makes no
 * sense. */
bool client_parse(int *argc, char **argv, struct client_command *out);

/* client_run() gives the exit code. */
int client_run(const struct config *config, const struct client_command *command);

#endif
