/*
 * internal.h - the process, as serve.c wires it; probes.c looks at it, channels.c tells its rooms.
 * Loop thread.
 */
#ifndef SERVE_INTERNAL_H
#define SERVE_INTERNAL_H

#include <ox/executor.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "http/api.h"
#include "serve/descriptors.h"
#include "workers/desk_table.h"
#include "workers/dispatcher.h"

enum { TYPES_MAX = 64 };

struct serve {
  const struct config *config;
  uv_loop_t loop;
  uv_signal_t sigterm, sigint;
  uv_timer_t stop_timer, depth_timer;
  struct ox_config plugin_config;
  struct registry *registry;
  _Atomic(struct venues *) venues; /* plugins' threads look at it */
  struct desk_table desk_table;
  const struct order_type *types[TYPES_MAX]; /* that workers run */
  struct workers_options workers;
  struct redis_conn *commands, *subscriber;
  struct queue *queue;
  struct relay *relay;
  struct journal *journal;
  struct sweeper *sweeper;
  struct parks *parks;
  struct reader *reader;         /* api */
  struct lister *lister;         /* api */
  struct totals *totals;         /* api, or a worker with WORKER_PORT; so are those around it */
  struct hub *hub;               /* api */
  struct stream *stream;         /* api */
  struct desk *desk;             /* api */
  struct auth *auth;             /* api */
  struct ws_server *ws;          /* api */
  struct http_server *http;      /* api, or a worker with WORKER_PORT */
  struct dispatcher *dispatcher; /* worker */
  struct api api;
  bool subscriber_was_up;
  size_t stage;        /* of the stop; 0: running */
  int open;            /* parts of the stage that are not done */
  int64_t deadline_ms; /* of the stop */
  bool (*awaited)(const struct serve *s);
  bool http_drained;
  struct connection_room room; /* for clients, as the limit of descriptors leaves it */
  bool left_behind;            /* a thread that may still be inside a plugin */
};

#endif
