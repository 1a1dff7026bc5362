/* watch.c - see watch.h. */
#include "watch.h"

#include <string.h>

#include "writer.h"

enum { AGAIN_MS = 10000, EVENT_MAX = 128 };

static const char *const from_pending[] = {"watching", "routing",   "expired",
                                           "failed",   "cancelled", NULL};
static const char *const from_watching[] = {"routing", "expired", "failed", "cancelled", NULL};
static const char *const from_routing[] = {"routing", "building",  "watching", "expired",
                                           "failed",  "cancelled", NULL};
static const char *const from_building[] = {"submitted", "routing",   "expired",
                                            "failed",    "cancelled", NULL};
static const char *const from_submitted[] = {"confirmed", "routing", "expired", "failed", NULL};

const struct ox_state watch_states[WATCH_STATES] = {
    {"pending", OX_QUEUED, OX_STATE_INITIAL, from_pending},
    {"watching", OX_QUEUED, 0, from_watching},
    {"routing", OX_ACTIVE, 0, from_routing},
    {"building", OX_ACTIVE, 0, from_building},
    {"submitted", OX_ACTIVE, 0, from_submitted},
    {"confirmed", OX_SUCCEEDED, 0, NULL},
    {"expired", OX_CANCELLED, 0, NULL},
    {"failed", OX_FAILED, OX_STATE_ON_FAIL, NULL},
    {"cancelled", OX_CANCELLED, OX_STATE_ON_CANCEL, NULL},
};

static bool is_in(const struct swap *s, const char *state)
{
  return strcmp(s->order->status, state) == 0;
}

static bool is_over(const struct swap *s)
{
  int64_t expires = s->payload.expires_at_ms;
  return expires && s->host->now_ms(s->host) >= expires;
}

static enum ox_outcome expire(const struct swap *s)
{
  char data[EVENT_MAX];
  struct writer w;
  writer_init(&w, data, sizeof data);
  writer_begin(&w, NULL);
  writer_time(&w, "expiresAt", s->payload.expires_at_ms);
  writer_end(&w);
  enum ox_status_code code = s->host->emit(s->host, "expired", writer_text(&w));
  return code == OX_OK ? OX_DONE : swap_stop(s, code);
}

/* A venue that did not answer may have had what it takes: that is no moment that has gone. */
static bool somebody_was_away(const struct swap *s)
{
  return !s->choice.best && strcmp(s->choice.code, "NO_LIQUIDITY") != 0;
}

static enum ox_outcome wait_for(const struct swap *s, struct ox_park *park)
{
  const struct ox_host *host = s->host;
  enum ox_status_code code = OX_OK;
  park->until_ms = s->payload.expires_at_ms;
  int64_t again_ms = host->now_ms(host) + AGAIN_MS;
  if (somebody_was_away(s) && (!park->until_ms || again_ms < park->until_ms))
    park->until_ms = again_ms;
  if (!is_in(s, "watching")) code = host->emit(host, "watching", NULL);
  if (code == OX_OK) code = host->park(host, park);
  return code == OX_OK ? OX_PARK : swap_stop(s, code);
}

enum ox_outcome watch_run(const struct ox_order *order, const struct ox_host *host,
                          watch_ready_fn ready)
{
  struct swap s;
  enum ox_outcome outcome;
  if (!swap_begin(&s, order, host, &outcome)) return outcome;
  if (is_over(&s)) return expire(&s);

  bool fired =
      !is_in(&s, "pending") && !is_in(&s, "watching"); /* and the attempt came to nothing */
  enum ox_status_code code = fired ? host->emit(host, "routing", NULL) : OX_OK;
  if (code != OX_OK) return swap_stop(&s, code);
  swap_quote(&s);
  char topic[OX_TOPIC_MAX];
  struct ox_park park = {.size = sizeof park, .topic = topic};
  if (!ready(&s, &park, topic)) return wait_for(&s, &park);
  if (!fired) code = host->emit(host, "routing", NULL);
  return code == OX_OK ? swap_fill(&s) : swap_stop(&s, code);
}
