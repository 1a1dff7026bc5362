/* client.c - see client.h. */
#include "serve/client.h"

#include <string.h>

#include "auth/clients.h"

enum { EXIT_USAGE = 64, ERROR_MAX = 512 };

static const struct {
  const char *verb;
  const char *state; /* that it leads to */
} changes[] = {{"disable", "disabled"}, {"enable", "active"}, {"remove", "removed"}};

static const char *state_of(const char *verb)
{
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
    if (strcmp(changes[i].verb, verb) == 0) return changes[i].state;
  return NULL;
}

bool client_parse(int *argc, char **argv, struct client_command *out)
{
  static const char flag[] = "--scopes";
  int n = 0, left = 0;
  *out = (struct client_command){0};
  if (*argc > n && argv[n][0] != '-') out->verb = argv[n++];
  if (*argc > n && argv[n][0] != '-') out->name = argv[n++];
  for (; n < *argc; n++) {
    size_t len = sizeof flag - 1;
    if (strcmp(argv[n], flag) == 0 && n + 1 < *argc)
      out->scopes = argv[++n];
    else if (strncmp(argv[n], flag, len) == 0 && argv[n][len] == '=')
      out->scopes = argv[n] + len + 1;
    else
      argv[left++] = argv[n];
  }
  *argc = left;
  if (!out->verb) return false;
  if (strcmp(out->verb, "list") == 0) return !out->name && !out->scopes;
  if (strcmp(out->verb, "add") == 0) return out->name && out->scopes;
  return state_of(out->verb) && out->name && !out->scopes;
}

static bool name_valid(const char *name)
{
  return grant_client_valid(name) && strncmp(name, "cli_", 4) != 0;
}

static int add(const struct config *config, const struct client_command *c, char *error)
{
  struct client_made made;
  unsigned scopes;
  if (!name_valid(c->name)) {
    fprintf(stderr, "oxd: a name is 1 to %d of A-Z a-z 0-9 _ . : -, and does not begin with cli_\n",
            GRANT_CLIENT_MAX);
    return EXIT_USAGE;
  }
  if (!scopes_parse(c->scopes, ", ", &scopes)) {
    fprintf(stderr, "oxd: scopes are a list of orders:read, orders:write and admin\n");
    return EXIT_USAGE;
  }
  if (clients_add(config->database_url, c->name, scopes, &made, error, ERROR_MAX) != ST_OK)
    return 1;
  printf("{\"client_id\":\"%s\",\"client_secret\":\"%s\"}\n", made.id, made.secret);
  return 0;
}

int client_run(const struct config *config, const struct client_command *c)
{
  char error[ERROR_MAX] = "";
  enum status status = ST_OK;
  int code = 0;
  if (strcmp(c->verb, "add") == 0)
    code = add(config, c, error);
  else if (strcmp(c->verb, "list") == 0)
    status = clients_list(config->database_url, stdout, error, sizeof error);
  else
    status = clients_set(config->database_url, c->name, state_of(c->verb), error, sizeof error);
  if (*error) fprintf(stderr, "oxd: client %s: %s\n", c->verb, error);
  return status != ST_OK ? 1 : code;
}
