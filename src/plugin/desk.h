/*
 * desk.h - where the plugins' endpoints run: a few threads of their own, because handle() may
 * block.
 *
 * DESIGN. The loop posts a task and gets it back as soon as it has ended: answered, late, or not
 * even begun in time. A late one stays with its thread until handle() returns, which nothing can
 * hurry; that is why a task ends and is freed at two different moments. Loop thread, but for the
 * threads themselves.
 */
#ifndef PLUGIN_DESK_H
#define PLUGIN_DESK_H

#include <ox/endpoint.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/status.h"

struct desk;

struct desk_options {
  size_t threads;
  size_t waiting_max; /* tasks that no thread has taken yet */
  int64_t deadline_ms;
  const struct ox_desk *table; /* what endpoints may call; outlives the desk */
};

enum desk_end {
  DESK_ANSWERED,
  DESK_LATE,   /* begun, and not over by the deadline */
  DESK_UNHEARD /* no thread was free for it by the deadline: nothing was done */
};

enum { DESK_CODE_MAX = 64, DESK_DETAIL_MAX = 256 };

/* What handle() said; read it after DESK_ANSWERED only. */
struct desk_answer {
  struct ox_answer base;
  int status;               /* 0: no answer, or none that can be sent; then detail says why */
  char code[DESK_CODE_MAX]; /* "": it is what send() gave */
  char detail[DESK_DETAIL_MAX];
  struct buf body;
};

/* One request. The poster fills the first part, and keeps all it points to until on_free(). */
struct desk_task {
  const struct ox_endpoint *endpoint;
  struct ox_request request;
  struct ox_errors *errors;
  void (*on_end)(struct desk_task *task, enum desk_end end);
  void (*on_free)(struct desk_task *task); /* after on_end(); any thread: frees, and no more */

  struct desk_answer answer;
  struct list_node node;
  int64_t deadline_ms;
  _Atomic int state;
};

struct desk *desk_create(uv_loop_t *loop, const struct desk_options *options);

/* desk_post() takes the task. ST_FULL: too many wait; it stays the caller's. */
enum status desk_post(struct desk *d, struct desk_task *task) MUST_CHECK;

/* desk_destroy() ends what has not ended, and frees the desk when the loop has let go. false: a
 * thread is still in handle(), and left there. */
bool desk_destroy(struct desk *d);

#endif
