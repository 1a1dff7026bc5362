/*
 * auth.h - who may do what: signs tokens for clients that prove themselves, and says of a token
 * whose it is. Knows nothing of HTTP.
 *
 * DESIGN. A token is checked without asking anybody: its signature, its terms, its time. A client
 * that is disabled or removed is on a list that is read from PostgreSQL every few seconds; until it
 * was read once nobody is let in. Tokens that were found good are kept, up to a bound, so that a
 * client that sends its token with every request costs one comparison. Logging in costs a scrypt,
 * which runs on libuv's threads, two at a time; wrong secrets are counted, by client and by
 * address. Its own connection to PostgreSQL, for its own tables (clients, tickets). Loop thread
 * only.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <uv.h>

#include "auth/grant.h"
#include "auth/throttle.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/status.h"

struct auth;

struct auth_options {
  const char *database_url;
  const char *secret; /* "": one of this process's own, for a day without auth */
  const char *issuer, *audience;
  int64_t ttl_s;
};

/* The options' texts are borrowed. */
struct auth *auth_create(uv_loop_t *loop, const struct auth_options *options);
/* auth_destroy() answers who waits with ST_AWAY. No guard is left by then. */
void auth_destroy(struct auth *a, void (*done)(void *arg), void *arg);

/* auth_ready() is true as soon as it is known who is barred. */
bool auth_ready(const struct auth *a);

/* ── tokens ─────────────────────────────────────────────────────────────────────────────────── */

/* auth_verify() gives what token allows. ST_INVALID: why says in a few words what is wrong with it;
 * ST_AWAY: not known yet who is barred. */
enum status auth_verify(struct auth *a, const char *token, size_t len, struct grant *out,
                        const char **why) MUST_CHECK;

/* auth_issue() appends a token with the rights of grant, and gives for how long it is good. */
int64_t auth_issue(struct auth *a, const struct grant *grant, struct buf *out);

/* ── logging in ─────────────────────────────────────────────────────────────────────────────── */

struct auth_login {
  const char *client, *secret;
  const char *address; /* whence it comes */
};

/* ST_OK: grant has what the client may do. ST_INVALID: no such client, or not its secret. ST_FULL:
 * too many failures or logins at once; again after retry_ms. ST_AWAY: PostgreSQL is. */
typedef void (*auth_login_fn)(void *arg, enum status status, const struct grant *grant,
                              int64_t retry_ms);

/* auth_login() copies what it is given. done may be called at once. */
void auth_login(struct auth *a, const struct auth_login *login, auth_login_fn done, void *arg);

/* ── tickets ────────────────────────────────────────────────────────────────────────────────── */

enum { TICKET_LEN = 4 + 43, TICKET_TTL_S = 30 };

typedef void (*auth_ticket_fn)(void *arg, enum status status, const char *ticket);
typedef void (*auth_redeemed_fn)(void *arg, enum status status, const struct grant *grant);

/* auth_ticket_make() gives a ticket that stands for grant, once, for TICKET_TTL_S. ST_AWAY,
 * ST_FULL: also at once, and then without a callback. */
enum status auth_ticket_make(struct auth *a, const struct grant *grant, auth_ticket_fn done,
                             void *arg) MUST_CHECK;

/* auth_ticket_redeem() takes a ticket for its grant. ST_INVALID: it is none, or none any more. */
enum status auth_ticket_redeem(struct auth *a, const char *ticket, auth_redeemed_fn done,
                               void *arg) MUST_CHECK;

/* ── what lasts longer than a request ───────────────────────────────────────────────────────── */

/* on_over is called once, within a second or two of the grant's end, unless the guard was left
 * before; no other guard may be left from inside it. Whoever guards owns the guard and what grant
 * points to. */
struct auth_guard {
  struct list_node node;
  const struct grant *grant;
  void (*on_over)(struct auth_guard *guard);
};

void auth_guard_enter(struct auth *a, struct auth_guard *guard);
void auth_guard_leave(struct auth *a, struct auth_guard *guard); /* also when it was over */

#endif
