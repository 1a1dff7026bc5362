/*
 * watch.h - what the two kinds of sockets share. Loop thread only.
 */
#ifndef HTTP_WATCH_H
#define HTTP_WATCH_H

#include <stdint.h>

#include "http/api.h"
#include "http/problem.h"

/* Close codes of ours and of RFC 6455. */
enum { WATCH_DONE = 1000, WATCH_TRY_LATER = 1013, WATCH_EXPIRED = 4001, WATCH_TOO_SLOW = 4008 };

/* The reason that goes with WATCH_EXPIRED. */
#define WATCH_EXPIRED_REASON "the token has ended"

/* watch_send_text() sends what buf holds. ST_FULL: the reader is too slow. */
enum status watch_send_text(struct ws_session *session, const struct buf *text) MUST_CHECK;

/* watch_send_error() sends {"type":"error","requestId",…,"error":{problem}}; errors may be NULL. */
enum status watch_send_error(const struct call *call, struct ws_session *session, enum problem p,
                             const struct problem_errors *errors,
                             const char *request_id) MUST_CHECK;

/* feed_upgrade() makes of the request a socket for many orders. */
void feed_upgrade(const struct call *call);

#endif
