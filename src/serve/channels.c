/* channels.c - see channels.h. */
#include "serve/channels.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/hub.h"
#include "event/stream.h"
#include "journal/relay.h"
#include "journal/sweeper.h"
#include "queue/channel.h"
#include "serve/internal.h"

void channels_on_commands_up(void *arg)
{
  struct serve *s = arg;
  queue_doubt_pause(s->queue);
  sweeper_run(s->sweeper);
  if (s->dispatcher) dispatcher_wake(s->dispatcher);
}

static void somebody_listens(struct serve *s)
{
  relay_listened(s->relay, clock_mono_ms() + QUEUE_LISTENED_MS);
}

/* What was said while it was away, that somebody listens or that caches are old, may be so. */
void channels_on_subscriber_up(void *arg)
{
  struct serve *s = arg;
  somebody_listens(s);
  if (s->hub && s->subscriber_was_up) hub_on_resubscribed(s->hub);
  if (s->hub) cache_clear(s->api.cache);
  s->subscriber_was_up = true;
}

void channels_on_message(void *arg, const char *channel, const char *text, size_t len)
{
  struct serve *s = arg;
  if (s->dispatcher && strcmp(channel, queue_wake_channel(s->queue)) == 0)
    dispatcher_wake(s->dispatcher);
  else if (s->dispatcher && strcmp(channel, queue_stop_channel(s->queue)) == 0)
    dispatcher_stop(s->dispatcher, text, len);
  else if (strcmp(channel, queue_listen_channel(s->queue)) == 0)
    somebody_listens(s);
  else if (s->hub && strcmp(channel, queue_cache_channel(s->queue)) == 0)
    cache_clear(s->api.cache);
  else if (s->hub)
    hub_on_message(s->hub, text, len), stream_poke(s->stream);
}

static void on_listening(void *arg)
{
  struct serve *s = arg;
  somebody_listens(s);
  if (queue_tell_listening(s->queue) != ST_OK) LOG_DEBUG("others do not know that we listen");
}

static void on_own_events(void *arg, const char *text, size_t len)
{
  struct serve *s = arg;
  hub_on_own_message(s->hub, text, len);
  stream_poke(s->stream);
}

void channels_open(struct serve *s)
{
  hub_on_listening(s->hub, on_listening, s);
  relay_on_events(s->relay, on_own_events, s);
}

void channels_close(struct serve *s)
{
  relay_on_events(s->relay, NULL, NULL);
}
