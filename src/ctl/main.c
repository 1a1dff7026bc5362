/* main.c - oxctl: finds the command, reads its options, runs it. */
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/session.h"

/* print_unknown() says why argv names no command. */
static enum exit_code print_unknown(int argc, char *const *argv)
{
  if (argc == 3 && strcmp(argv[2], "--help") == 0 && command_help_group(argv[1], stdout))
    return EXIT_DONE;
  if (argc < 2)
    fputs("oxctl: a command is missing; see oxctl --help\n", stderr);
  else if (command_help_group(argv[1], stderr))
    fprintf(stderr, "oxctl %s: which of these?\n", argv[1]);
  else
    fprintf(stderr, "oxctl: there is no such command: %s; see oxctl --help\n", argv[1]);
  return EXIT_USAGE;
}

static enum exit_code usage(const char *command, const char *error)
{
  fprintf(stderr, "oxctl %s: %s; see oxctl %s --help\n", command, error, command);
  return EXIT_USAGE;
}

static enum exit_code run(const struct command *c, const struct arguments *a)
{
  struct session session;
  if (c->offline) return c->run(NULL, a);
  enum exit_code code = session_open(&session, a);
  if (code != EXIT_DONE) return code;
  code = c->run(&session, a);
  session_close(&session);
  return code;
}

/* What cannot be printed was not done, for whoever reads the output. */
static enum exit_code printed(enum exit_code code)
{
  bool good = fflush(stdout) == 0 && !ferror(stdout);
  return good || code != EXIT_DONE ? code : EXIT_LOCAL;
}

int main(int argc, char **argv)
{
  char error[256];
  int words = 0;
  if (argc == 2 && strcmp(argv[1], "--version") == 0) return puts("oxctl " OX_VERSION) < 0;
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    command_help_all(stdout);
    return printed(EXIT_DONE);
  }
  const struct command *c = command_find(argc - 1, argv + 1, &words);
  if (!c) return printed(print_unknown(argc, argv));
  struct arguments a = {.tables = {c->options, command_options}};
  if (arguments_read(&a, argc - 1 - words, argv + 1 + words, error, sizeof error) != ST_OK)
    return usage(c->name, error);
  if (arguments_on(&a, "help")) {
    command_help(c, stdout);
    return printed(EXIT_DONE);
  }
  if (a.n_operands < c->least) {
    snprintf(error, sizeof error, "%s is missing", c->operands);
    return usage(c->name, error);
  }
  if (a.n_operands > c->most) return usage(c->name, "there are too many arguments");
  signal(SIGPIPE, SIG_IGN);
  unsetenv("http_proxy"); /* libwebsockets would use it */
  curl_global_init(CURL_GLOBAL_DEFAULT);
  enum exit_code code = printed(run(c, &a));
  curl_global_cleanup();
  return code;
}
