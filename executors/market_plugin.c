/* market_plugin.c - market.so: what is bought and sold, and when. */
#include "market.h"
#include "quote.h"
#include "swap.h"

static enum ox_venue_result open_plugin(const struct ox_config *config, char *error,
                                        size_t error_len)
{
  enum ox_venue_result result = limit_open(config, error, error_len);
  return result == OX_VENUE_OK ? swap_open(config, error, error_len) : result;
}

OX_PLUGIN_EXPORT const struct ox_plugin *ox_plugin(void)
{
  static const struct ox_executor *const executors[] = {&market_executor, &limit_executor,
                                                        &sniper_executor, NULL};
  static const struct ox_endpoint *const endpoints[] = {&quote_endpoint, NULL};
  static const struct ox_plugin plugin = {
      .size = sizeof plugin,
      .abi_major = OX_ABI_MAJOR,
      .abi_minor = OX_ABI_MINOR,
      .name = "market",
      .executors = executors,
      .open = open_plugin,
      .close = swap_close,
      .endpoints = endpoints,
  };
  return &plugin;
}
