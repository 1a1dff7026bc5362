/* prompt.h - asking whoever sits at the terminal. Blocks: not while anything is under way. */
#ifndef CTL_PROMPT_H
#define CTL_PROMPT_H

#include <stddef.h>

#include "ctl/command.h"

/* prompt_ask() asks on the terminal, whatever stdin is. hidden: what is typed is not shown.
 * EXIT_USAGE: there is no terminal, EXIT_SIGINT: Ctrl-C. An answer that is longer is cut. */
enum exit_code prompt_ask(const char *question, bool hidden, char *out, size_t len);

#endif
