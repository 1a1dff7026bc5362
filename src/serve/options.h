/* options.h - what some of the rooms are told of the configuration. Pure. */
#ifndef SERVE_OPTIONS_H
#define SERVE_OPTIONS_H

#include "auth/auth.h"
#include "config/config.h"
#include "workers/dispatcher.h"

struct workers_options options_workers(const struct config *c);
struct auth_options options_auth(const struct config *c);

#endif
