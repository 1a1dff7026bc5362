/*
 * script.c - see script.h. The set owns the sources, the keys' names and the room for the
 * arguments of the call that is being put together; redis_eval() copies them. Loop thread only.
 */
#include "queue/script.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "queue/queue.h"

extern const char lua_prelude[], lua_enqueue[], lua_claim[], lua_beat[], lua_finish[],
    lua_put_back[], lua_drop[], lua_tidy[], lua_reap[], lua_open_epoch[], lua_pause[], lua_counts[],
    lua_report[], lua_reports[], lua_hold[];

static const struct {
  const char *name, *source;
} sources[SCRIPT_N] = {
    [SCRIPT_ENQUEUE] = {"enqueue", lua_enqueue},
    [SCRIPT_CLAIM] = {"claim", lua_claim},
    [SCRIPT_BEAT] = {"beat", lua_beat},
    [SCRIPT_FINISH] = {"finish", lua_finish},
    [SCRIPT_PUT_BACK] = {"put_back", lua_put_back},
    [SCRIPT_DROP] = {"drop", lua_drop},
    [SCRIPT_TIDY] = {"tidy", lua_tidy},
    [SCRIPT_REAP] = {"reap", lua_reap},
    [SCRIPT_OPEN_EPOCH] = {"open_epoch", lua_open_epoch},
    [SCRIPT_HOLD] = {"hold", lua_hold},
    [SCRIPT_PAUSE] = {"pause", lua_pause},
    [SCRIPT_COUNTS] = {"counts", lua_counts},
    [SCRIPT_REPORT] = {"report", lua_report},
    [SCRIPT_REPORTS] = {"reports", lua_reports},
};

/* As the prelude unpacks them. */
static const char *const key_names[] = {"clock",   "epoch",   "paused",  "counts",
                                        "waiting", "delayed", "active",  "leases",
                                        "starts",  "behind",  "workers", "reports"};

enum {
  N_KEYS = sizeof key_names / sizeof *key_names,
  ARGS_MAX = N_KEYS + 10 + 3 * QUEUE_BATCH_MAX,
  TEXT_MAX = 10 * BUF_INT_MAX + QUEUE_BATCH_MAX * (ULID_LEN + 1 + BUF_INT_MAX),
  SOURCE_MAX = 64 * 1024,
  KEY_MAX = 1024
};

struct script_set {
  struct redis_script scripts[SCRIPT_N];
  char *bodies[SCRIPT_N]; /* the scripts' sources, prelude and all */
  char *keys[N_KEYS];
  char *wake_channel;

  int argc;
  const char *argv[ARGS_MAX];
  size_t lens[ARGS_MAX];
  size_t text_len;
  char text[TEXT_MAX]; /* ids and numbers among the arguments */
};

static char *join(const char *a, const char *b, const char *c, size_t max)
{
  struct buf text;
  buf_init(&text, max);
  buf_append_str(&text, a);
  buf_append_str(&text, b);
  buf_append_str(&text, c);
  assert(!text.overflow);
  return buf_take(&text, NULL);
}

char *script_key(const char *prefix, const char *name)
{
  return join(prefix, ":{0}:", name, KEY_MAX);
}

struct script_set *script_set_create(const char *prefix)
{
  struct script_set *set = mem_alloc(sizeof *set);
  for (size_t i = 0; i < SCRIPT_N; i++) {
    set->bodies[i] = join(lua_prelude, "\n", sources[i].source, SOURCE_MAX);
    set->scripts[i] = (struct redis_script){.name = sources[i].name, .source = set->bodies[i]};
    redis_script_init(&set->scripts[i]);
  }
  for (size_t i = 0; i < N_KEYS; i++) set->keys[i] = script_key(prefix, key_names[i]);
  set->wake_channel = script_key(prefix, "wake");
  return set;
}

void script_set_destroy(struct script_set *set)
{
  if (!set) return;
  for (size_t i = 0; i < SCRIPT_N; i++) free(set->bodies[i]);
  for (size_t i = 0; i < N_KEYS; i++) free(set->keys[i]);
  free(set->wake_channel);
  free(set);
}

const char *script_name(enum script script)
{
  return sources[script].name;
}

const char *script_wake_channel(const struct script_set *set)
{
  return set->wake_channel;
}

static void add(struct script_set *set, const char *text, size_t len)
{
  assert(set->argc < ARGS_MAX);
  set->argv[set->argc] = text;
  set->lens[set->argc] = len;
  set->argc++;
}

void script_begin(struct script_set *set)
{
  set->argc = 0;
  set->text_len = 0;
  for (size_t i = 0; i < N_KEYS; i++) script_text(set, set->keys[i]);
  script_text(set, set->wake_channel);
}

void script_text(struct script_set *set, const char *text)
{
  add(set, text, strlen(text));
}

void script_int(struct script_set *set, int64_t value)
{
  char *at = set->text + set->text_len;
  size_t len = buf_int_text(at, value);
  set->text_len += len;
  assert(set->text_len <= TEXT_MAX);
  add(set, at, len);
}

void script_id(struct script_set *set, const struct ulid *id)
{
  char *at = set->text + set->text_len;
  set->text_len += ULID_LEN + 1;
  assert(set->text_len <= TEXT_MAX);
  ulid_format(id, at);
  add(set, at, ULID_LEN);
}

enum status script_send(struct script_set *set, enum script script, struct redis_conn *redis,
                        redis_reply_fn on_reply, void *arg)
{
  return redis_eval(redis, &set->scripts[script], N_KEYS, set->argc, set->argv, set->lens, on_reply,
                    arg);
}
