/*
 * odd.c - an executor that does what its payload says, most of it wrong: what the engine makes of
 * executors that fail, repeat themselves, lie or hang. Built as any plugin, from include/ox/ alone.
 */
#include <ox/executor.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const from_pending[] = {"working", "failed", "cancelled", NULL};
static const char *const from_working[] = {"working", "half", "done", "failed", "cancelled", NULL};
static const char *const from_half[] = {"working", "done", "failed", NULL};
static const struct ox_state states[] = {
    {"pending", OX_QUEUED, OX_STATE_INITIAL, from_pending},
    {"working", OX_ACTIVE, OX_STATE_ON_CLAIM, from_working},
    {"half", OX_ACTIVE, 0, from_half},
    {"done", OX_SUCCEEDED, 0, NULL},
    {"failed", OX_FAILED, OX_STATE_ON_FAIL, NULL},
    {"cancelled", OX_CANCELLED, OX_STATE_ON_CANCEL, NULL},
};

static void validate(const struct ox_order *order, struct ox_errors *errors)
{
  if (!ox_order_field(order, "do")) errors->add(errors, "/do", "REQUIRED", "say what to do");
}

/* Deaf: no host call, so that nothing tells it to stop. */
static void hang(long ms)
{
  poll(NULL, 0, (int)ms);
}

static enum ox_outcome finish(const struct ox_host *host)
{
  host->emit(host, "done", "{\"by\":\"odd\"}");
  return OX_DONE;
}

static enum ox_outcome remember(const struct ox_order *order, const struct ox_host *host)
{
  char note[32];
  if (order->state_len == 4 && memcmp(order->state, "once", 4) == 0) return finish(host);
  snprintf(note, sizeof note, "once");
  host->keep(host, note, 4);
  host->fail(host, "NOT_YET", "the first run only leaves a note");
  return OX_RETRY;
}

static enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  const char *what = ox_order_field(order, "do")->text;
  const struct ox_field *ms = ox_order_field(order, "ms");
  long wait_ms = ms ? strtol(ms->text, NULL, 10) : 0;
  if (strcmp(what, "retry") == 0) {
    host->fail(host, "TRANSIENT", "it never works");
    return OX_RETRY;
  }
  if (strcmp(what, "fail") == 0) {
    host->fail(host, "FINAL", "it \"cannot\" work");
    return OX_FAIL;
  }
  if (strcmp(what, "remember") == 0) return remember(order, host);
  if (strcmp(what, "hang") == 0) hang(wait_ms);
  if (strcmp(what, "sleep") == 0 && host->sleep_ms(host, wait_ms) != OX_OK) return OX_RETRY;
  if (strcmp(what, "bad json") == 0) host->emit(host, "half", "{this is no JSON");
  if (strcmp(what, "bad state") == 0 && host->emit(host, "nowhere", NULL) == OX_BAD_STATE)
    host->log(host, "warn", "there is no such state");
  if (strcmp(what, "no end") == 0) return OX_DONE;
  return finish(host);
}

static const struct ox_executor executor = {sizeof executor, "odd", states, 6, validate, execute};
static const struct ox_executor *const executors[] = {&executor, NULL};
static const struct ox_plugin plugin = {.size = sizeof plugin,
                                        .abi_major = OX_ABI_MAJOR,
                                        .abi_minor = OX_ABI_MINOR,
                                        .name = "odd",
                                        .executors = executors};

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  return &plugin;
}
