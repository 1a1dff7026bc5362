/*
 * redis_url.h - where a Redis is and how to log in: redis://[[user]:password@]host[:port][/db] or
 * unix://[[user]:password@]/path. Pure.
 */
#ifndef IO_REDIS_URL_H
#define IO_REDIS_URL_H

#include <stddef.h>

#include "base/status.h"

/* Strings are owned by the struct; percent signs are decoded. */
struct redis_url {
  char *path; /* of the socket; NULL: host and port */
  char *host;
  int port;
  char *user; /* NULL: none */
  char *password;
  int db;
};

/* redis_url_parse(): ST_INVALID when text is not such a URL; out is then empty. */
enum status redis_url_parse(const char *text, struct redis_url *out) MUST_CHECK;
void redis_url_deinit(struct redis_url *url);

#endif
