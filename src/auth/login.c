/*
 * login.c - a client proves itself: its row is read, then its secret is hashed on one of libuv's
 * threads. An unknown client costs the same, so that nobody learns which there are.
 *
 * Failures are counted for each client at each address, so that nobody locks others out, and for
 * each address. They are looked at again before the hashing, because what waits may by then be one
 * too many.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "auth/internal.h"
#include "auth/secret.h"
#include "base/clock.h"

enum {
  HASHING_MAX = 2, /* of libuv's four threads: names are looked up there too */
  WAITING_MAX = 64,
  FAILURES_KEPT = 4096,
  CLIENT_FAILURES = 10,
  ADDRESS_FAILURES = 50,
  FAILURES_WINDOW_MS = 60000,
  BUSY_RETRY_MS = 1000,
};

struct login {
  struct list_node node;
  struct auth *auth;
  uv_work_t work;
  char *secret, *hash; /* hash NULL: there is no such client */
  struct grant grant;
  bool known, matches;
  char by_client[THROTTLE_KEY_MAX + 1], by_address[THROTTLE_KEY_MAX + 1];
  auth_login_fn done;
  void *arg;
};

void logins_init(struct logins *l)
{
  list_init(&l->waiting);
  l->by_client = throttle_create(FAILURES_KEPT, CLIENT_FAILURES, FAILURES_WINDOW_MS);
  l->by_address = throttle_create(FAILURES_KEPT, ADDRESS_FAILURES, FAILURES_WINDOW_MS);
}

void logins_deinit(struct logins *l)
{
  throttle_destroy(l->by_client);
  throttle_destroy(l->by_address);
}

static void end(struct login *l, enum status status, int64_t retry_ms)
{
  struct auth *a = l->auth;
  l->done(l->arg, status, status == ST_OK ? &l->grant : NULL, retry_ms);
  OPENSSL_cleanse(l->secret, strlen(l->secret));
  free(l->secret);
  free(l->hash);
  free(l);
  auth_part_closed(a);
}

/* throttled_ms() is 0 when one more failure would be borne. */
static int64_t throttled_ms(const struct login *l)
{
  struct throttle_state client, address;
  const struct logins *all = &l->auth->logins;
  int64_t now_ms = clock_mono_ms();
  throttle_look(all->by_client, l->by_client, now_ms, &client);
  throttle_look(all->by_address, l->by_address, now_ms, &address);
  return client.retry_ms > address.retry_ms ? client.retry_ms : address.retry_ms;
}

/* ── hashing ────────────────────────────────────────────────────────────────────────────────── */

static void hash_next(struct auth *a);

static void on_work(uv_work_t *work)
{
  struct login *l = work->data;
  l->matches = secret_matches(l->secret, l->hash);
}

static void on_worked(uv_work_t *work, int cancelled)
{
  struct login *l = work->data;
  struct auth *a = l->auth;
  a->logins.hashing--;
  hash_next(a);
  if (cancelled || a->closing) {
    end(l, ST_AWAY, 0);
  } else if (l->matches && l->known) {
    end(l, ST_OK, 0);
  } else {
    int64_t now_ms = clock_mono_ms();
    throttle_take(a->logins.by_client, l->by_client, now_ms, NULL);
    throttle_take(a->logins.by_address, l->by_address, now_ms, NULL);
    end(l, ST_INVALID, 0);
  }
}

static void hash_next(struct auth *a)
{
  struct logins *all = &a->logins;
  while (all->hashing < HASHING_MAX && !list_empty(&all->waiting)) {
    struct login *l = container_of(list_pop(&all->waiting), struct login, node);
    int64_t retry_ms = throttled_ms(l);
    l->work.data = l;
    if (retry_ms > 0) {
      end(l, ST_FULL, retry_ms);
    } else if (uv_queue_work(a->loop, &l->work, on_work, on_worked) != 0) {
      end(l, ST_AWAY, 0);
    } else {
      all->hashing++;
    }
  }
}

void logins_close(struct auth *a)
{
  for (struct list_node *n; (n = list_pop(&a->logins.waiting)) != NULL;)
    end(container_of(n, struct login, node), ST_AWAY, 0);
}

/* ── the client ─────────────────────────────────────────────────────────────────────────────── */

static void on_client(void *arg, const PGresult *r)
{
  struct login *l = arg;
  if (PQntuples(r) != 1) return;
  l->hash = pg_dup_text(r, 0, 0);
  l->known = scopes_parse(pg_get_text(r, 0, 1), " ", &l->grant.scopes);
}

static void on_client_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct login *l = arg;
  struct auth *a = l->auth;
  (void)sqlstate;
  if (outcome != PG_COMMITTED || a->closing) {
    end(l, ST_AWAY, 0);
  } else if (a->logins.waiting.len >= WAITING_MAX) {
    end(l, ST_FULL, BUSY_RETRY_MS);
  } else {
    list_append(&a->logins.waiting, &l->node);
    hash_next(a);
  }
}

static struct login *login_create(struct auth *a, const struct auth_login *login)
{
  struct login *l = mem_alloc(sizeof *l);
  l->auth = a;
  l->secret = mem_strdup(login->secret);
  snprintf(l->grant.client, sizeof l->grant.client, "%s", login->client);
  l->grant.expires_at_ms = GRANT_FOR_EVER;
  snprintf(l->by_client, sizeof l->by_client, "%s %s", l->grant.client, login->address);
  snprintf(l->by_address, sizeof l->by_address, "%s", login->address);
  a->open++;
  return l;
}

void auth_login(struct auth *a, const struct auth_login *login, auth_login_fn done, void *arg)
{
  struct login *l = login_create(a, login);
  l->done = done;
  l->arg = arg;
  int64_t retry_ms = throttled_ms(l);
  if (retry_ms > 0) {
    end(l, ST_FULL, retry_ms);
    return;
  }
  struct pg_param params[] = {{l->grant.client, (int)strlen(l->grant.client)}};
  if (a->closing || pg_run(a->conn, "client", params, 1, on_client, on_client_end, l) != ST_OK)
    end(l, ST_AWAY, 0);
}
