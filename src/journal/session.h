/*
 * session.h - this process's right to run orders: a row that it keeps alive, on a connection of its
 * own, ahead of everything else.
 *
 * DESIGN. A session is one incarnation: a new id at each start, and after an expiry. It is alive
 * until its lease, counted from the moment the last successful beat was *sent*, has passed on this
 * machine's monotonic clock: earlier than PostgreSQL would let anybody take its orders. When it is
 * over, on_lost() is called, nothing may be sent any more, and a new one is opened as soon as
 * PostgreSQL answers.
 *
 * The beats also tell PostgreSQL's clock, within a round trip: session_pg_earliest_ms().
 *
 * Loop thread, but for session_guard(): any thread.
 */
#ifndef JOURNAL_SESSION_H
#define JOURNAL_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/ulid.h"

struct session;

/* What a worker checks just before it sends: does this incarnation still hold? It must be of the
 * same incarnation as when the order was claimed. */
struct session_guard {
  _Atomic int64_t valid_until_ns; /* monotonic */
  _Atomic uint64_t incarnation;
};

struct session_events {
  void (*on_open)(void *arg); /* a new incarnation is there */
  void (*on_lost)(void *arg); /* drop every order: none may be sent any more */
  void *arg;
};

struct session *session_create(uv_loop_t *loop, const char *url, int64_t lease_ms,
                               const struct session_events *events);
/* The newest start of an order that a process made: how long ago, and its name in the limiter's
 * log. */
struct session_start {
  int64_t ago_ms;
  const char *token;
};

/* session_close() says that this process has stopped in good order, with the newest start it made
 * (NULL: none), then closes. */
void session_close(struct session *s, const struct session_start *last, void (*done)(void *arg),
                   void *arg);

bool session_alive(const struct session *s);
const struct ulid *session_id(const struct session *s);
struct session_guard *session_guard(struct session *s);
bool session_guard_holds(struct session_guard *g, uint64_t incarnation);

/* session_pg_earliest_ms() is the least that PostgreSQL's clock can have shown at the monotonic
 * moment mono_ms, in Unix milliseconds; 0 before the first beat. */
int64_t session_pg_earliest_ms(const struct session *s, int64_t mono_ms);

/* session_last_start() asks about the starts that other processes may have made in the last
 * window_ms: how long ago the newest was (-1: there was none), and the names of them in the
 * limiter's log, with spaces between; NULL when they are not all known. Decides how long a limiter
 * that may have lost its log stays closed. Not answered: ok is false. */
typedef void (*session_last_start_fn)(void *arg, bool ok, int64_t ago_ms, const char *names);
void session_last_start(struct session *s, int64_t window_ms, session_last_start_fn done,
                        void *arg);

/* session_arm() records, before the first start of this incarnation, that it may start orders.
 * company: there are others that are alive and may. */
typedef void (*session_armed_fn)(void *arg, bool ok, bool company);
void session_arm(struct session *s, session_armed_fn done, void *arg);

#endif
