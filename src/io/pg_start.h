/*
 * pg_start.h - starts one libpq connection without blocking: the URL, what ox adds to it, and the
 * addresses its host name stands for. Loop thread only.
 */
#ifndef IO_PG_START_H
#define IO_PG_START_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/dial.h"

/* pg_start_host() gives (free it) the host name in url that has to be resolved first, or NULL: an
 * address, a socket's path, or a list of hosts, which libpq resolves itself and then blocks. */
char *pg_start_host(const char *url);

/* pg_start() gives a connection to be driven with PQconnectPoll(), never NULL; PQstatus() tells
 * when it is bad from the start. addresses: of pg_start_host(), NULL when that is NULL. */
PGconn *pg_start(const char *url, const char *name, int64_t deadline_ms,
                 const struct dial_addresses *addresses);

#endif
