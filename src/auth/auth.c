/* auth.c - tokens, and who is barred; see auth.h. */
#include "auth/auth.h"

#include <openssl/crypto.h>
#include <string.h>

#include "auth/base64url.h"
#include "auth/internal.h"
#include "auth/secret.h"
#include "base/clock.h"
#include "base/log.h"

enum { TICK_MS = 1000, READ_EVERY_MS = 3000, DEADLINE_MS = 5000 };

static const struct pg_statement statements[] = {
    {"client", "SELECT secret_hash, scopes FROM clients WHERE client_id = $1::text"
               " AND state = 'active'"},
    {"barred", "SELECT client_id FROM clients WHERE state <> 'active'"
               " ORDER BY client_id COLLATE \"C\""},
    {"ticket_make", "WITH old AS (DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets"
                    "  WHERE expires_at < clock_timestamp() - interval '1 minute' LIMIT 100"
                    "  FOR UPDATE SKIP LOCKED))"
                    " INSERT INTO tickets (hash, client_id, scopes, token_expires_ms, expires_at)"
                    " VALUES ($1::bytea, $2::text, $3::int4, $4::int8,"
                    "  clock_timestamp() + $5::int8 * interval '1 second')"},
    {"ticket_take", "DELETE FROM tickets WHERE hash = $1::bytea"
                    " RETURNING client_id, scopes, token_expires_ms,"
                    " expires_at > clock_timestamp()"},
};

/* ── who is barred ──────────────────────────────────────────────────────────────────────────── */

static void forget_barred(struct auth *a)
{
  for (size_t i = 0; i < a->n_barred; i++) free(a->barred[i]);
  free(a->barred);
  a->barred = NULL;
  a->n_barred = 0;
}

static void on_barred(void *arg, const PGresult *r)
{
  struct auth *a = arg;
  forget_barred(a);
  a->n_barred = (size_t)PQntuples(r);
  a->barred = mem_alloc((a->n_barred + 1) * sizeof *a->barred);
  for (size_t i = 0; i < a->n_barred; i++) a->barred[i] = pg_dup_text(r, (int)i, 0);
  a->ready = true;
}

static void on_barred_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct auth *a = arg;
  a->reading = false;
  if (outcome == PG_ROLLED_BACK)
    LOG_ERROR("cannot read which clients are barred", LOG_STR("sqlstate", sqlstate));
}

static void read_barred(struct auth *a)
{
  if (a->reading || a->closing) return;
  a->reading = pg_run(a->conn, "barred", NULL, 0, on_barred, on_barred_end, a) == ST_OK;
  if (a->reading) a->read_at_ms = clock_mono_ms();
}

static int compare_ids(const void *key, const void *element)
{
  return strcmp(key, *(char *const *)element);
}

bool auth_is_barred(const struct auth *a, const char *client)
{
  return a->n_barred > 0 &&
         bsearch(client, a->barred, a->n_barred, sizeof *a->barred, compare_ids) != NULL;
}

bool auth_ready(const struct auth *a)
{
  return a->ready;
}

/* ── guards ─────────────────────────────────────────────────────────────────────────────────── */

void auth_guard_enter(struct auth *a, struct auth_guard *guard)
{
  list_append(&a->guards, &guard->node);
}

void auth_guard_leave(struct auth *a, struct auth_guard *guard)
{
  if (list_linked(&guard->node)) list_remove(&a->guards, &guard->node);
}

static void end_guards(struct auth *a)
{
  int64_t now_ms = clock_unix_ms();
  list_each(n, &a->guards)
  {
    struct auth_guard *g = container_of(n, struct auth_guard, node);
    if (now_ms < g->grant->expires_at_ms && !auth_is_barred(a, g->grant->client)) continue;
    list_remove(&a->guards, n);
    g->on_over(g);
  }
}

static void on_tick(uv_timer_t *timer)
{
  struct auth *a = timer->data;
  end_guards(a);
  if (!a->ready || clock_mono_ms() - a->read_at_ms >= READ_EVERY_MS) read_barred(a);
}

/* ── tokens ─────────────────────────────────────────────────────────────────────────────────── */

/* The place is chosen by the end of the signature, which nobody chooses. */
static struct known *place_of(struct auth *a, const char *token, size_t len)
{
  uint32_t bits = 0;
  if (len >= sizeof bits) memcpy(&bits, token + len - sizeof bits, sizeof bits);
  return &a->known[(bits * 2654435761u >> 16) % KNOWN_MAX];
}

static void keep(struct known *k, const char *token, size_t len, const struct grant *grant)
{
  free(k->token);
  *k = (struct known){mem_strndup(token, len), len, *grant};
}

enum status auth_verify(struct auth *a, const char *token, size_t len, struct grant *out,
                        const char **why)
{
  int64_t now_ms = clock_unix_ms();
  struct known *k = place_of(a, token, len);
  if (!a->ready) return ST_AWAY;
  if (k->len != len || !k->token || CRYPTO_memcmp(k->token, token, len) != 0) {
    struct grant grant;
    enum status status = jwt_verify(&a->terms, token, len, now_ms, &grant, why);
    if (status != ST_OK) return status;
    keep(k, token, len, &grant);
  }
  *why = "it has expired";
  if (now_ms >= k->grant.expires_at_ms) return ST_INVALID;
  *why = "its client is barred";
  if (auth_is_barred(a, k->grant.client)) return ST_INVALID;
  *out = k->grant;
  return ST_OK;
}

int64_t auth_issue(struct auth *a, const struct grant *grant, struct buf *out)
{
  int64_t now_ms = clock_unix_ms();
  struct grant g = *grant;
  g.expires_at_ms = now_ms / 1000 * 1000 + a->ttl_s * 1000;
  jwt_sign(&a->terms, &g, now_ms, out);
  return a->ttl_s;
}

/* ── its life ───────────────────────────────────────────────────────────────────────────────── */

static void on_up(void *arg)
{
  read_barred(arg);
}

static const char *own_secret(struct auth *a)
{
  unsigned char bytes[OWN_SECRET_LEN / 2];
  secret_random(bytes, sizeof bytes);
  base64url_encode(bytes, sizeof bytes, a->own_secret);
  return a->own_secret;
}

struct auth *auth_create(uv_loop_t *loop, const struct auth_options *o)
{
  struct auth *a = mem_alloc(sizeof *a);
  const struct pg_options pg = {.url = o->database_url,
                                .name = "ox auth",
                                .statements = statements,
                                .n_statements = sizeof statements / sizeof *statements,
                                .deadline_ms = DEADLINE_MS,
                                .on_up = on_up,
                                .arg = a};
  a->loop = loop;
  a->terms = (struct jwt_terms){o->secret, o->issuer, o->audience};
  if (!*o->secret) a->terms.secret = own_secret(a);
  a->ttl_s = o->ttl_s;
  list_init(&a->guards);
  logins_init(&a->logins);
  uv_timer_init(loop, &a->tick);
  a->tick.data = a;
  uv_timer_start(&a->tick, on_tick, TICK_MS, TICK_MS);
  a->conn = pg_connect(loop, &pg);
  a->open = 2;
  return a;
}

void auth_part_closed(struct auth *a)
{
  void (*on_closed)(void *arg) = a->on_closed;
  void *arg = a->closed_arg;
  if (--a->open > 0) return;
  forget_barred(a);
  logins_deinit(&a->logins);
  for (size_t i = 0; i < KNOWN_MAX; i++) free(a->known[i].token);
  OPENSSL_cleanse(a->own_secret, sizeof a->own_secret);
  free(a);
  if (on_closed) on_closed(arg);
}

static void on_conn_closed(void *arg)
{
  auth_part_closed(arg);
}

static void on_timer_closed(uv_handle_t *timer)
{
  auth_part_closed(timer->data);
}

void auth_destroy(struct auth *a, void (*done)(void *arg), void *arg)
{
  a->closing = true;
  a->on_closed = done;
  a->closed_arg = arg;
  logins_close(a);
  pg_close(a->conn, on_conn_closed, a);
  uv_close((uv_handle_t *)&a->tick, on_timer_closed);
}
