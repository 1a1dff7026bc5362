/* main.c - the command line of oxd: serve, migrate, check, client. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "serve/client.h"
#include "serve/serve.h"
#include "store/migrate.h"

static int usage(FILE *out)
{
  fputs("oxd " OX_VERSION " - order execution engine\n\n"
        "  oxd serve [options]    migrate, then take and run orders (--role api or --role worker: "
        "one\n"
        "                         of the two)\n"
        "  oxd migrate [options]  bring the schema forward, and end\n"
        "  oxd check [options]    print the configuration in force, and what is wrong with it\n"
        "  oxd client add NAME --scopes LIST [options]\n"
        "                         let a program in: prints its client_id and client_secret, once;\n"
        "                         LIST is some of orders:read,orders:write,admin\n"
        "  oxd client list | disable NAME | enable NAME | remove NAME [options]\n"
        "  oxd --help             this, and every option\n"
        "  oxd --version\n\n",
        out);
  return out == stdout ? 0 : 64;
}

static int run_migrate(const struct config *config)
{
  char error[512];
  if (migrate_run(config->database_url, error, sizeof error) == ST_OK) return 0;
  fprintf(stderr, "oxd: schema: %s\n", error);
  return 1;
}

static int run_check(const struct config *config)
{
  config_print(config, stdout);
  return 0;
}

static struct client_command client; /* what "client" was told */

static int run_client(const struct config *config)
{
  return client_run(config, &client);
}

static const struct command {
  const char *name;
  int (*run)(const struct config *config);
} commands[] = {
    {"serve", serve_run}, {"migrate", run_migrate}, {"check", run_check}, {"client", run_client}};

static const struct command *find(const char *name)
{
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

int main(int argc, char **argv)
{
  if (argc == 2 && strcmp(argv[1], "--version") == 0) return puts("oxd " OX_VERSION) < 0;
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    usage(stdout);
    config_help(stdout);
    return 0;
  }
  const struct command *command = argc >= 2 ? find(argv[1]) : NULL;
  int n_options = argc - 2;
  if (!command) return usage(stderr);
  if (command->run == run_client && !client_parse(&n_options, argv + 2, &client))
    return usage(stderr);
  struct config config = {0};
  struct buf errors;
  buf_init(&errors, 64 * 1024);
  int status = 78; /* EX_CONFIG */
  bool wrong = config_load(&config, n_options, argv + 2, &errors) != ST_OK;
  if (wrong) fprintf(stderr, "%s", errors.data ? errors.data : "oxd: bad configuration\n");
  log_set_level(config.log_level);
  if (!wrong) status = command->run(&config);
  if (wrong && command->run == run_check) run_check(&config);
  buf_deinit(&errors);
  config_deinit(&config);
  return status;
}
