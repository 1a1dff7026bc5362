/* desk_table.c - see desk_table.h. */
#include "workers/desk_table.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"

static struct venues *venues_of(const struct ox_desk *table)
{
  return container_of(table, struct desk_table, table)->venues;
}

static int64_t on_now(const struct ox_desk *table)
{
  (void)table;
  return clock_unix_ms();
}

static void on_log(const struct ox_desk *table, const char *level, const char *message)
{
  (void)table;
  LOG_AT(log_level_of(level), message);
}

static size_t on_quote(const struct ox_desk *table, const struct ox_swap *swap,
                       struct ox_quote *quotes, size_t max)
{
  return venues_quote(venues_of(table), swap, quotes, max);
}

static void on_reset(const struct ox_desk *table)
{
  venues_reset(venues_of(table), NULL);
}

static int on_publish(const struct ox_desk *table, const char *topic, int64_t level)
{
  struct parks *parks = container_of(table, struct desk_table, table)->parks;
  return parks_topic_valid(topic) && parks_publish(parks, topic, level, PARKS_PUBLISH_MS) == ST_OK;
}

void desk_table_init(struct desk_table *d, struct venues *venues, struct parks *parks)
{
  d->venues = venues;
  d->parks = parks;
  d->table = (struct ox_desk){.size = sizeof d->table,
                              .now_ms = on_now,
                              .log = on_log,
                              .quote = on_quote,
                              .reset_venues = on_reset,
                              .publish = on_publish};
}
