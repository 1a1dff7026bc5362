/* command.c - see command.h. */
#include "ctl/command.h"

#include <string.h>

const struct command *const command_table[] = {
    &command_submit,      &command_watch,        &command_get,         &command_list,
    &command_cancel,      &command_quote,        &command_batch,       &command_stats,
    &command_top,         &command_dlq_list,     &command_dlq_redrive, &command_queue_stats,
    &command_queue_pause, &command_queue_resume, &command_queue_purge, &command_load,
    &command_login,       &command_logout,       &command_completion,  NULL,
};

const struct option command_options[] = {
    {"url", OPTION_TEXT, "URL", "the server; else OX_URL, else http://127.0.0.1:3000"},
    {"ca", OPTION_FILE, "FILE", "trust these certificates (PEM) with https; else OX_CA_FILE"},
    {"json", OPTION_SWITCH, NULL, "JSON, also on a terminal; a line for each item of a stream"},
    {"timeout", OPTION_DURATION, "TIME", "the longest wait for an answer (10s)"},
    {"retry-for", OPTION_DURATION, "TIME",
     "how long to go on when the server is away: what is asked twice is done once (5s; when "
     "watching, 2m)"},
    {"help", OPTION_SWITCH, NULL, "this"},
    {0},
};

/* How many words of argv are the command's name; 0: it is another one. */
static int named(const struct command *c, int argc, char *const *argv)
{
  size_t first = strcspn(c->name, " ");
  const char *second = c->name[first] ? c->name + first + 1 : NULL;
  if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], c->name, first) != 0) return 0;
  if (!second) return 1;
  return argc >= 2 && strcmp(argv[1], second) == 0 ? 2 : 0;
}

const struct command *command_find(int argc, char *const *argv, int *words)
{
  for (const struct command *const *c = command_table; *c; c++)
    if ((*words = named(*c, argc, argv)) > 0) return *c;
  return NULL;
}

static void put_summary(const struct command *c, FILE *out)
{
  enum { COLUMN = 35 };
  int len = fprintf(out, "  oxctl %s %s", c->name, c->operands);
  fprintf(out, "%*s%s\n", len < COLUMN ? COLUMN - len : 1, "", c->summary);
}

bool command_help_group(const char *first, FILE *out)
{
  size_t len = strlen(first);
  bool any = false;
  for (const struct command *const *c = command_table; *c; c++) {
    if (strncmp((*c)->name, first, len) != 0 || (*c)->name[len] != ' ') continue;
    put_summary(*c, out);
    any = true;
  }
  return any;
}

void command_help_all(FILE *out)
{
  fputs("oxctl " OX_VERSION " - the command line of ox, an order execution engine\n\n", out);
  for (const struct command *const *c = command_table; *c; c++) put_summary(*c, out);
  fputs("\n  oxctl COMMAND --help             what a command does, and its options\n"
        "  oxctl --version\n\nOptions of every command:\n",
        out);
  option_help(command_options, out);
  fputs("\nEnvironment: OX_URL, OX_CA_FILE, OX_TOKEN, OX_CLIENT_ID with OX_CLIENT_SECRET or\n"
        "OX_CLIENT_SECRET_FILE, NO_COLOR.\n"
        "Exit codes: 0 done; 1 an order, a line of a batch or a threshold failed; 2 usage;\n"
        "3 refused by the server; 4 server away or broken; 5 trouble here; 130 Ctrl-C.\n",
        out);
}

void command_help(const struct command *c, FILE *out)
{
  const char *space = *c->operands ? " " : "";
  fprintf(out, "oxctl %s%s%s [options]\n\n%s.\n", c->name, space, c->operands, c->summary);
  if (c->about) fprintf(out, "%s\n", c->about);
  fputs("\nOptions:\n", out);
  option_help(c->options, out);
  option_help(command_options, out);
}
