/*
 * odd.c - an executor that does what its payload says, most of it wrong: what the engine makes of
 * executors that fail, repeat themselves, lie or hang. Built as any plugin, from include/ox/ alone.
 */
#include <ox/executor.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const from_pending[] = {"working", "failed", "cancelled", NULL};
static const char *const from_working[] = {"working", "half",      "done", "failed",
                                           "expired", "cancelled", NULL};
static const char *const from_half[] = {"working", "done", "failed", NULL};
static const struct ox_state states[] = {
    {"pending", OX_QUEUED, OX_STATE_INITIAL, from_pending},
    {"working", OX_ACTIVE, OX_STATE_ON_CLAIM, from_working},
    {"half", OX_ACTIVE, 0, from_half},
    {"done", OX_SUCCEEDED, 0, NULL},
    {"failed", OX_FAILED, OX_STATE_ON_FAIL, NULL},
    {"cancelled", OX_CANCELLED, OX_STATE_ON_CANCEL, NULL},
    {"expired", OX_CANCELLED, 0, NULL},
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

static const char *text_of(const struct ox_order *order, const char *name)
{
  const struct ox_field *field = ox_order_field(order, name);
  return field ? field->text : NULL;
}

static long number_of(const struct ox_order *order, const char *name)
{
  const char *text = text_of(order, name);
  return text ? strtol(text, NULL, 10) : 0;
}

/* Parks once, on topic from level on, and for ms at the most. */
static enum ox_outcome park(const struct ox_order *order, const struct ox_host *host)
{
  long ms = number_of(order, "ms");
  const struct ox_park what = {.size = sizeof what,
                               .topic = text_of(order, "topic"),
                               .level = number_of(order, "level"),
                               .until_ms = ms ? host->now_ms(host) + ms : 0};
  if (order->state_len == 4) return finish(host);
  host->keep(host, "once", 4);
  if (host->park(host, &what) != OX_INVALID) return OX_PARK;
  host->fail(host, "NO_TOPIC", "no topic can have that name");
  return OX_FAIL;
}

static enum ox_outcome publish(const struct ox_order *order, const struct ox_host *host)
{
  enum ox_status_code code =
      host->publish(host, text_of(order, "topic"), number_of(order, "level"));
  return code == OX_OK ? finish(host) : OX_FAIL;
}

static enum ox_outcome expire(const struct ox_host *host)
{
  host->emit(host, "expired", "{\"why\":\"time\"}");
  return host->emit(host, "done", NULL) == OX_BAD_STATE ? OX_DONE : OX_FAIL;
}

/* Swaps at a venue of moody.c; once that has landed it does as it is told. */
static enum ox_outcome swap(const struct ox_order *order, const struct ox_host *host)
{
  const char *then = text_of(order, "then");
  const struct ox_swap ask = {.size = sizeof ask,
                              .attempt = order->attempt,
                              .order_id = order->order_id,
                              .draw_key = order->order_id,
                              .token_in = "SOL",
                              .token_out = "USDC",
                              .in_amount = 1,
                              .min_out_amount = 1};
  struct ox_receipt receipt = {.size = sizeof receipt};
  struct ox_landing landing = {.size = sizeof landing};
  if (!host->resume(host, &receipt) && host->submit(host, "east", &ask, &receipt) != OX_OK)
    return OX_FAIL;
  if (host->await_landing(host, &landing) != OX_OK) return OX_FAIL;
  host->fail(host, "AFTERWARDS", "something else went wrong");
  if (strcmp(then, "fail") == 0) return OX_FAIL;
  if (strcmp(then, "retry") == 0) return OX_RETRY;
  if (strcmp(then, "again") == 0 && host->submit(host, "east", &ask, &receipt) != OX_OPEN_INTENT)
    return OX_FAIL;
  host->emit(host, "half", NULL);
  return host->sleep_ms(host, number_of(order, "ms")) == OX_OK ? finish(host) : OX_RETRY;
}

/* Does not survive its first run; the wait is for what it keeps to be stored. */
static enum ox_outcome crash_once(const struct ox_order *order, const struct ox_host *host)
{
  if (order->state_len == 4) return finish(host);
  host->keep(host, "once", 4);
  host->emit(host, "working", NULL);
  if (host->sleep_ms(host, 500) != OX_OK) return OX_RETRY;
  abort();
}

static enum ox_outcome execute(const struct ox_order *order, const struct ox_host *host)
{
  const char *what = ox_order_field(order, "do")->text;
  long wait_ms = number_of(order, "ms");
  if (strcmp(what, "retry") == 0) {
    host->fail(host, "TRANSIENT", "it never works");
    return OX_RETRY;
  }
  if (strcmp(what, "fail") == 0) {
    host->fail(host, "FINAL", "it \"cannot\" work");
    return OX_FAIL;
  }
  if (strcmp(what, "remember") == 0) return remember(order, host);
  if (strcmp(what, "park") == 0) return park(order, host);
  if (strcmp(what, "park without a word") == 0) return OX_PARK;
  if (strcmp(what, "publish") == 0) return publish(order, host);
  if (strcmp(what, "expire") == 0) return expire(host);
  if (strcmp(what, "swap") == 0) return swap(order, host);
  if (strcmp(what, "crash once") == 0) return crash_once(order, host);
  if (strcmp(what, "crash") == 0) abort();
  if (strcmp(what, "hang") == 0) hang(wait_ms);
  if (strcmp(what, "sleep") == 0 && host->sleep_ms(host, wait_ms) != OX_OK) return OX_RETRY;
  if (strcmp(what, "bad json") == 0) host->emit(host, "half", "{this is no JSON");
  if (strcmp(what, "bad state") == 0 && host->emit(host, "nowhere", NULL) == OX_BAD_STATE)
    host->log(host, "warn", "there is no such state");
  if (strcmp(what, "no end") == 0) return OX_DONE;
  return finish(host);
}

static const struct ox_executor executor = {.size = sizeof executor,
                                            .type = "odd",
                                            .states = states,
                                            .n_states = 7,
                                            .validate = validate,
                                            .execute = execute};
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
