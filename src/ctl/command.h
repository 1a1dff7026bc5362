/*
 * command.h - what oxctl can be told to do. Each command is one row, in the file of its noun; help,
 * completion and main() know no more of it than that.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/option.h"

/* How a command ends; the man page says the same. */
enum exit_code {
  EXIT_DONE = 0,
  EXIT_FAILED = 1,  /* an order failed, a line of a batch, a threshold of a load */
  EXIT_USAGE = 2,   /* the command line, the environment or a file is not what it must be */
  EXIT_REFUSED = 3, /* the server said no: 4xx */
  EXIT_AWAY = 4,    /* the server cannot be reached, or said 5xx */
  EXIT_LOCAL = 5,   /* something here went wrong: a file cannot be written */
  EXIT_SIGINT = 130,
  EXIT_SIGTERM = 143,
};

struct session; /* session.h */

struct command {
  const char *name;     /* one word, or two: "queue pause" */
  const char *operands; /* as in the help: "ID", "[FILE]", "" */
  size_t least, most;   /* operands */
  const char *summary;
  const char *about;            /* what the summary does not say; may be NULL */
  const struct option *options; /* may be NULL */
  enum exit_code (*run)(struct session *session, const struct arguments *arguments);
  bool offline; /* asks no server: session is NULL */
};

extern const struct command *const command_table[]; /* ends with NULL */
extern const struct option command_options[];       /* those that every command has */

/* command_find() finds the command that argv begins with and says how many words that took; NULL:
 * none. */
const struct command *command_find(int argc, char *const *argv, int *words);

void command_help_all(FILE *out);

/* command_help_group() lists the commands of two words that begin with first; false: none does. */
bool command_help_group(const char *first, FILE *out);
void command_help(const struct command *command, FILE *out);

/* The rows. */
extern const struct command command_submit, command_watch, command_get, command_list,
    command_cancel, command_quote, command_batch, command_stats, command_top, command_dlq_list,
    command_dlq_redrive, command_queue_stats, command_queue_pause, command_queue_resume,
    command_queue_purge, command_load, command_login, command_logout, command_completion;

#endif
