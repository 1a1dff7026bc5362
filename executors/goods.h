/* goods.h - the types of order that swap nothing. */
#ifndef GOODS_H
#define GOODS_H

#include <ox/executor.h>

extern const struct ox_executor delivery_executor;
extern const struct ox_executor record_executor;

/* delivery_open() reads DELIVERY_DELAY_MS; as ox_plugin.open(). */
enum ox_venue_result delivery_open(const struct ox_config *config, char *error, size_t error_len);

#endif
