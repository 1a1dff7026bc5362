/* market.h - the executors of market.so. */
#ifndef MARKET_H
#define MARKET_H

#include <ox/executor.h>

extern const struct ox_executor market_executor, limit_executor, sniper_executor;

/* limit_open() reads LIMIT_MARGIN_BPS; before any order runs. */
enum ox_venue_result limit_open(const struct ox_config *config, char *error, size_t error_len);

#endif
