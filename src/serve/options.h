/* options.h - what some of the rooms are told of the configuration. Pure. */
#ifndef SERVE_OPTIONS_H
#define SERVE_OPTIONS_H

#include "auth/auth.h"
#include "config/config.h"
#include "net/http.h"
#include "queue/queue.h"
#include "serve/descriptors.h"
#include "workers/dispatcher.h"

struct workers_options options_workers(const struct config *c);
struct auth_options options_auth(const struct config *c);
struct queue_options options_queue(const struct config *c);
struct http_options options_http(const struct config *c, int64_t port, struct connection_room room);

/* Of the time of a drain; the rest is for the clients. */
int64_t options_jobs_timeout_ms(const struct config *c);

#endif
