/*
 * serve.h - the daemon: every room of this process's role, wired together, run until a signal, and
 * taken down again in order. Main thread.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "config/config.h"

/* serve_run() returns the exit status: 0 after a drain in good order, 1 when the start failed (said
 * in one line on stderr), 3 when the process gave up. */
int serve_run(const struct config *config);

#endif
