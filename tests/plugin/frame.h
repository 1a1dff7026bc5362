/*
 * frame.h - a plugin that is right in every way, for bad ones to differ from in one: each defines
 * what it does otherwise before including this.
 */
#include <ox/executor.h>
#include <stdio.h>

#ifndef ABI_MAJOR
#define ABI_MAJOR OX_ABI_MAJOR
#endif
#ifndef PLUGIN_NAME
#define PLUGIN_NAME "frame"
#endif
#ifndef TYPE_NAME
#define TYPE_NAME "frame"
#endif
#ifndef EXECUTE
#define EXECUTE execute
#endif
#ifndef DONE_FLAGS
#define DONE_FLAGS 0
#endif
#ifndef EXECUTOR_SIZE
#define EXECUTOR_SIZE sizeof(struct ox_executor)
#endif
#ifndef KNOWN_BY
#define KNOWN_BY NULL
#endif
#ifndef VENUE_NAME
#define VENUE_NAME "frame"
#endif
#ifndef VENUE_SIZE
#define VENUE_SIZE sizeof(struct ox_venue)
#endif
#ifndef SUBMIT_BATCH
#define SUBMIT_BATCH NULL
#endif
#ifndef AFTER_PENDING
#define AFTER_PENDING "done"
#endif
#ifndef QUOTE
#define QUOTE quote
#endif
#ifndef OPEN_PLUGIN
#define OPEN_PLUGIN NULL
#endif
#ifndef OPEN_VENUE
#define OPEN_VENUE open_venue
#endif
#ifndef ENDPOINT
#define ENDPOINT "GET", "/frame", "orders:read", 0, answer
#endif

/* What the test can look at: FRAME_LOG names a file that gets a letter for each call. */
static inline void note(const struct ox_config *config, char letter)
{
  static char path[256];
  const char *given = config ? config->get(config, "FRAME_LOG") : NULL;
  if (given) snprintf(path, sizeof path, "%s", given);
  FILE *file = *path ? fopen(path, "a") : NULL;
  if (!file) return;
  fputc(letter, file);
  fclose(file);
}

static inline enum ox_venue_result open_plugin(const struct ox_config *config, char *error,
                                               size_t error_len)
{
  (void)error, (void)error_len;
  note(config, 'P');
  return OX_VENUE_OK;
}

static inline enum ox_venue_result open_plugin_badly(const struct ox_config *config, char *error,
                                                     size_t error_len)
{
  (void)config;
  snprintf(error, error_len, "no table of tokens");
  return OX_VENUE_UNAVAILABLE;
}

static inline void close_plugin(void)
{
  note(NULL, 'p');
}

static inline enum ox_venue_result open_venue(const struct ox_config *config, void **self,
                                              char *error, size_t error_len)
{
  (void)error, (void)error_len;
  note(config, 'V');
  *self = NULL;
  return OX_VENUE_OK;
}

static inline enum ox_venue_result open_venue_badly(const struct ox_config *config, void **self,
                                                    char *error, size_t error_len)
{
  (void)config, (void)self;
  snprintf(error, error_len, "nobody is there");
  return OX_VENUE_UNAVAILABLE;
}

static inline enum ox_venue_result quote(void *self, const struct ox_swap *swap,
                                         int64_t deadline_ms, struct ox_quote *out)
{
  (void)self, (void)swap, (void)deadline_ms, (void)out;
  return OX_VENUE_NO_LIQUIDITY;
}

static enum ox_venue_result build(void *self, const struct ox_swap *swap, uint64_t nonce,
                                  struct ox_tx *tx)
{
  (void)self, (void)swap, (void)nonce, (void)tx;
  return OX_VENUE_NO_LIQUIDITY;
}

static enum ox_venue_result submit(void *self, const struct ox_tx *tx, int64_t deadline_ms)
{
  (void)self, (void)tx, (void)deadline_ms;
  return OX_VENUE_REJECTED;
}

static enum ox_venue_result lookup(void *self, const char *tx_hash, int64_t deadline_ms,
                                   struct ox_landing *landing)
{
  (void)self, (void)tx_hash, (void)deadline_ms, (void)landing;
  return OX_VENUE_UNAVAILABLE;
}

static void close_venue(void *self)
{
  (void)self;
  note(NULL, 'v');
}

static void validate(const struct ox_order *order, struct ox_errors *errors)
{
  (void)order, (void)errors;
}

static inline enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  (void)order, (void)host;
  return OX_FAIL;
}

static const struct ox_executor *const executors[] = {
    &(const struct ox_executor){
        .size = EXECUTOR_SIZE,
        .type = TYPE_NAME,
        .states =
            (const struct ox_state[]){
                {"pending", OX_QUEUED, OX_STATE_INITIAL,
                 (const char *const[]){AFTER_PENDING, "failed", NULL}},
                {"done", OX_SUCCEEDED, DONE_FLAGS, NULL},
                {"failed", OX_FAILED, OX_STATE_ON_FAIL, NULL},
            },
        .n_states = 3,
        .validate = validate,
        .execute = EXECUTE,
        .known_by = KNOWN_BY,
        .own_id = KNOWN_BY,
    },
    NULL};

static const struct ox_venue *const venues[] = {&(const struct ox_venue){
                                                    .size = VENUE_SIZE,
                                                    .name = VENUE_NAME,
                                                    .submit_class = OX_SUBMIT_NONE,
                                                    .open = OPEN_VENUE,
                                                    .quote = QUOTE,
                                                    .build = build,
                                                    .submit = submit,
                                                    .lookup = lookup,
                                                    .close = close_venue,
                                                    .submit_batch = SUBMIT_BATCH,
                                                },
                                                NULL};

static inline void answer(const struct ox_request *request, const struct ox_desk *desk,
                          struct ox_answer *out)
{
  (void)request, (void)desk;
  out->send(out, 200, "{}");
}

static const struct ox_endpoint *const endpoints[] = {
    &(const struct ox_endpoint){sizeof(struct ox_endpoint), ENDPOINT}, NULL};

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_plugin plugin = {
      .size = sizeof plugin,
      .abi_major = ABI_MAJOR,
      .abi_minor = OX_ABI_MINOR,
      .name = PLUGIN_NAME,
      .executors = executors,
      .venues = venues,
      .open = OPEN_PLUGIN,
      .close = close_plugin,
      .endpoints = endpoints,
  };
  return &plugin;
}
