/*
 * redis.h - one Redis connection on the loop that reconnects by itself, with our own libuv adapter
 * (hiredis 0.14's hangs on a refused connection).
 *
 * Commands given in one turn of the loop leave in one write. Redis holds hints only: when the
 * connection is down a command is refused at once, when it breaks every pending reply comes back
 * as NULL. A server that answers nothing for deadline_ms is treated as broken; an idle one is
 * asked. Never authenticates with a secret in the log. The process must ignore SIGPIPE. Loop thread
 * only; callbacks never run inside the call that caused them.
 */
#ifndef IO_REDIS_H
#define IO_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

struct redis_conn;

struct redis_options {
  const char *url; /* redis://[user:password@]host:port[/db] or unix:///path */
  const char *name;
  int64_t deadline_ms;
  void (*on_up)(void *arg);   /* connected, authenticated, run_id known */
  void (*on_down)(void *arg); /* after the pending replies; not because of redis_close() */
  void (*on_message)(void *arg, const char *channel, const char *text, size_t len); /* pub/sub */
  void *arg;
};

/* A Lua script, known by its SHA-1 once loaded; NOSCRIPT sends the source again by itself. */
struct redis_script {
  const char *name;
  const char *source;
  char sha[41]; /* filled by redis_script_init() */
};

/* reply is borrowed; NULL when the connection broke before it came. */
typedef void (*redis_reply_fn)(void *arg, const redisReply *reply);

/* redis_connect() starts connecting and returns at once; it never gives up (50 ms to 2 s apart). */
struct redis_conn *redis_connect(uv_loop_t *loop, const struct redis_options *options);
/* redis_close() gives NULL to what is pending, frees the connection, then calls done (may be
 * NULL). */
void redis_close(struct redis_conn *conn, void (*done)(void *arg), void *arg);
bool redis_up(const struct redis_conn *conn);
const char *redis_run_id(const struct redis_conn *conn); /* "" while down; changes on a restart */

/* redis_command() sends argv as it is; lens NULL: the strings' own. on_reply may be NULL. ST_AWAY:
 * not connected; ST_FULL: 10,000 answers are owed; no callback then. */
enum status redis_command(struct redis_conn *conn, int argc, const char *const *argv,
                          const size_t *lens, redis_reply_fn on_reply, void *arg) MUST_CHECK;

void redis_script_init(struct redis_script *script);
/* redis_eval() runs script with n_keys keys first in argv, then the arguments. */
enum status redis_eval(struct redis_conn *conn, const struct redis_script *script, int n_keys,
                       int argc, const char *const *argv, const size_t *lens,
                       redis_reply_fn on_reply, void *arg) MUST_CHECK;

/* The channels a connection listens to (at most 64) are kept and subscribed again after a
 * reconnect, before on_up. A connection that has ever listened takes no other command. */
void redis_subscribe(struct redis_conn *conn, const char *channel);
void redis_unsubscribe(struct redis_conn *conn, const char *channel);

#endif
