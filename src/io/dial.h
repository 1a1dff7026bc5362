/*
 * dial.h - what connections that reconnect have in common: host names become addresses without
 * blocking the loop (connecting by name, libpq and hiredis would), tries get further apart, and
 * only the first failure is worth a line. Loop thread only.
 */
#ifndef IO_DIAL_H
#define IO_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { DIAL_ADDRESSES_MAX = 8, DIAL_ADDRESS_LEN = 46 };

struct dial_addresses {
  size_t n;
  char text[DIAL_ADDRESSES_MAX][DIAL_ADDRESS_LEN]; /* numeric; in the resolver's order */
};

/* addresses is borrowed; NULL: error says why. */
typedef void (*dial_resolved_fn)(void *arg, const struct dial_addresses *addresses,
                                 const char *error);

struct dial_lookup;

bool dial_is_address(const char *host);

/* dial_resolve() answers from the loop, never inside the call. NULL: it could not start. */
struct dial_lookup *dial_resolve(uv_loop_t *loop, const char *host, dial_resolved_fn done,
                                 void *arg);
/* dial_cancel() means that done is not called any more; NULL is legal. */
void dial_cancel(struct dial_lookup *lookup);

/* dial_delay_ms() is how long to wait after that many failed tries in a row (1, 2, …): 50 ms
 * doubling to 2 s, the last half of it random. */
uint64_t dial_delay_ms(unsigned failures);

/* dial_log_away() says that server is away and why (the first line of it): the first failure of a
 * row as a warning, the others for debugging only. */
void dial_log_away(const char *server, const char *connection, unsigned failures, const char *why);

#endif
