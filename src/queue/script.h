/*
 * script.h - the queue's Lua scripts (lua/NAME.lua, each begun by lua/prelude.lua), the keys they
 * share, and the arguments of one call, which are put together without an allocation for each.
 *
 * A call: script_begin(), the script's own arguments in their order, script_send(). Loop thread
 * only.
 */
#ifndef QUEUE_SCRIPT_H
#define QUEUE_SCRIPT_H

#include <stdint.h>

#include "base/status.h"
#include "base/ulid.h"
#include "io/redis.h"

enum script {
  SCRIPT_ENQUEUE,
  SCRIPT_CLAIM,
  SCRIPT_BEAT,
  SCRIPT_FINISH,
  SCRIPT_PUT_BACK,
  SCRIPT_DROP,
  SCRIPT_TIDY,
  SCRIPT_REAP,
  SCRIPT_OPEN_EPOCH,
  SCRIPT_HOLD,
  SCRIPT_PAUSE,
  SCRIPT_COUNTS,
  SCRIPT_REPORT,
  SCRIPT_REPORTS,
  SCRIPT_N
};

struct script_set;

/* script_key() gives PREFIX:{0}:NAME. */
char *script_key(const char *prefix, const char *name);

struct script_set *script_set_create(const char *prefix);
/* script_set_destroy(): only when every answer has come, or the connection is closed. */
void script_set_destroy(struct script_set *set);
const char *script_name(enum script script);
const char *script_wake_channel(const struct script_set *set);

void script_begin(struct script_set *set);
void script_text(struct script_set *set, const char *text); /* borrowed until it is sent */
void script_int(struct script_set *set, int64_t value);
void script_id(struct script_set *set, const struct ulid *id);
enum status script_send(struct script_set *set, enum script script, struct redis_conn *redis,
                        redis_reply_fn on_reply, void *arg) MUST_CHECK;

#endif
