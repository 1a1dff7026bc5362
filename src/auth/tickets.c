/*
 * tickets.c - a browser cannot send a header with its WebSocket or EventSource, and a token in a
 * URL ends up in logs; so it gets a ticket, which is worth nothing once it was used. PostgreSQL
 * decides who was first: Redis may be wiped, and then a ticket would be good again.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "auth/base64url.h"
#include "auth/internal.h"
#include "auth/secret.h"

enum { HASH_LEN = 32 };

struct errand {
  struct auth *auth;
  char ticket[TICKET_LEN + 1]; /* of one that is made */
  enum status status;          /* as far as is known */
  struct grant grant;
  auth_ticket_fn made;
  auth_redeemed_fn redeemed;
  void *arg;
};

static bool hash_of(const char *ticket, unsigned char out[HASH_LEN])
{
  return EVP_Digest(ticket, strlen(ticket), out, NULL, EVP_sha256(), NULL) == 1;
}

static void draw(char out[TICKET_LEN + 1])
{
  unsigned char bytes[32];
  secret_random(bytes, sizeof bytes);
  memcpy(out, "tkt_", 4);
  base64url_encode(bytes, sizeof bytes, out + 4);
}

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct errand *e = arg;
  (void)sqlstate;
  if (outcome != PG_COMMITTED) e->status = ST_AWAY;
  if (e->made)
    e->made(e->arg, e->status, e->ticket);
  else
    e->redeemed(e->arg, e->status, &e->grant);
  OPENSSL_cleanse(e, sizeof *e);
  free(e);
}

static void ignore_result(void *arg, const PGresult *r)
{
  (void)arg, (void)r;
}

enum status auth_ticket_make(struct auth *a, const struct grant *grant, auth_ticket_fn done,
                             void *arg)
{
  unsigned char hash[HASH_LEN], scopes[4], token_expires[8], ttl[8];
  struct errand *e = mem_alloc(sizeof *e);
  *e = (struct errand){.auth = a, .made = done, .arg = arg};
  draw(e->ticket);
  pg_put_int4(scopes, (int32_t)grant->scopes);
  pg_put_int8(token_expires, grant->expires_at_ms);
  pg_put_int8(ttl, TICKET_TTL_S);
  const struct pg_param params[] = {{hash, HASH_LEN},
                                    {grant->client, (int)strlen(grant->client)},
                                    {scopes, sizeof scopes},
                                    {token_expires, sizeof token_expires},
                                    {ttl, sizeof ttl}};
  enum status status = hash_of(e->ticket, hash) ? ST_OK : ST_BROKEN;
  if (status == ST_OK) status = pg_run(a->conn, "ticket_make", params, 5, ignore_result, on_end, e);
  if (status != ST_OK) free(e);
  return status;
}

static void on_taken(void *arg, const PGresult *r)
{
  struct errand *e = arg;
  if (PQntuples(r) != 1 || !pg_get_bool(r, 0, 3)) return;
  const char *client = pg_get_text(r, 0, 0);
  if (strlen(client) > GRANT_CLIENT_MAX || auth_is_barred(e->auth, client)) return;
  memcpy(e->grant.client, client, strlen(client) + 1);
  e->grant.scopes = (unsigned)pg_get_int4(r, 0, 1);
  e->grant.expires_at_ms = pg_get_int8(r, 0, 2);
  e->status = ST_OK;
}

enum status auth_ticket_redeem(struct auth *a, const char *ticket, auth_redeemed_fn done, void *arg)
{
  unsigned char hash[HASH_LEN];
  if (!a->ready) return ST_AWAY;
  if (!hash_of(ticket, hash)) return ST_BROKEN;
  struct errand *e = mem_alloc(sizeof *e);
  *e = (struct errand){.auth = a, .status = ST_INVALID, .redeemed = done, .arg = arg};
  const struct pg_param params[] = {{hash, HASH_LEN}};
  enum status status = pg_run(a->conn, "ticket_take", params, 1, on_taken, on_end, e);
  if (status != ST_OK) free(e);
  return status;
}
