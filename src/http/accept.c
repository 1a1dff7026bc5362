/* accept.c - see accept.h. The journal copies what it is given. */
#include "http/accept.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/alloc.h"
#include "http/answer.h"
#include "http/body_hash.h"
#include "http/routes.h"
#include "store/replay.h"

enum { KEY_MAX = 128 };

enum status accept_key(const struct http_request *request, const char **key)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  *key = http_request_header(request, "Idempotency-Key");
  if (!*key) return ST_OK;
  size_t len = strspn(*key, allowed);
  return len > 0 && len <= KEY_MAX && (*key)[len] == '\0' ? ST_OK : ST_INVALID;
}

/* ── hashes ─────────────────────────────────────────────────────────────────────────────────── */

enum status accept_hash_request(const struct call *call, const char *body, size_t len,
                                unsigned char out[JOURNAL_HASH_LEN])
{
  const struct route *route = call->route;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
            EVP_DigestUpdate(ctx, route->method, strlen(route->method)) &&
            EVP_DigestUpdate(ctx, " ", 1) &&
            EVP_DigestUpdate(ctx, route->pattern, strlen(route->pattern)) &&
            EVP_DigestUpdate(ctx, "\n", 1) && EVP_DigestUpdate(ctx, body, len) &&
            EVP_DigestFinal_ex(ctx, out, NULL);
  EVP_MD_CTX_free(ctx);
  return ok ? ST_OK : ST_BROKEN;
}

static enum status hash(const struct call *call, const struct accept_request *request,
                        struct accept_hashes *out)
{
  enum status status = ST_OK;
  if (request->envelope->client_order_id)
    status = body_hash(request->body, request->body_len, out->body);
  if (status == ST_OK && request->idempotency_key)
    status = accept_hash_request(call, request->body, request->body_len, out->key);
  return status;
}

/* ── orders ─────────────────────────────────────────────────────────────────────────────────── */

enum status accept_fill(const struct call *call, const struct envelope *e,
                        struct journal_accept *out)
{
  bool by_hand = !order_type_executed(e->type);
  if (call->api->queue_full && !by_hand) return ST_FULL;
  struct buf *payload = answer_body(call);
  envelope_write_payload(e, payload);
  if (payload->overflow) return ST_INVALID;
  *out = (struct journal_accept){.tenant = call_tenant(call),
                                 .client_order_id = e->client_order_id,
                                 .group = e->group,
                                 .type = e->type->name,
                                 .status = e->initial->name,
                                 .payload = payload->data,
                                 .phase = e->initial->phase,
                                 .by_hand = by_hand};
  return ST_OK;
}

enum status accept_order(const struct call *call, const struct accept_request *request,
                         journal_accepted_fn done, void *arg)
{
  struct accept_hashes hashes;
  struct journal_accept accept;
  enum status status = accept_fill(call, request->envelope, &accept);
  if (status == ST_OK) status = hash(call, request, &hashes);
  if (status != ST_OK) return status;
  accept.idempotency_key = request->idempotency_key;
  if (accept.client_order_id) accept.request_hash = hashes.body;
  if (accept.idempotency_key) accept.key_hash = hashes.key;
  return journal_accept(call->api->journal, &accept, done, arg);
}

struct known {
  journal_accepted_fn done;
  void *arg;
};

static void on_known(void *arg, enum status status, const struct replay *found)
{
  struct known *k = arg;
  struct journal_accepted accepted = {.status = ""};
  if (status == ST_OK && found->order) {
    accepted =
        (struct journal_accepted){found->id, found->order->created_at_ms, found->order->status};
    status = ST_REPLAYED;
  } else if (status == ST_OK) {
    status = ST_CONFLICT; /* a batch is never the same request */
  }
  k->done(k->arg, status, &accepted);
  free(k);
}

enum status accept_known(const struct call *call, const struct accept_request *request,
                         journal_accepted_fn done, void *arg)
{
  const char *own = request->envelope->client_order_id;
  struct accept_hashes hashes;
  if (!own && !request->idempotency_key) return ST_NOT_FOUND;
  enum status status = hash(call, request, &hashes);
  if (status != ST_OK) return status;
  const struct replay_ask ask = {.tenant = call_tenant(call),
                                 .key = request->idempotency_key,
                                 .key_hash = hashes.key,
                                 .own_id = own,
                                 .body_hash = hashes.body};
  struct known *k = mem_alloc(sizeof *k);
  *k = (struct known){done, arg};
  status = replay_find(call->api->reader, &ask, on_known, k);
  if (status != ST_OK) free(k);
  return status;
}

void accept_write(struct json_writer *w, const struct journal_accepted *accepted)
{
  char id[ULID_ORDER_LEN + 1];
  ulid_format_order(&accepted->id, id);
  json_strn(w, "orderId", id, ULID_ORDER_LEN);
  json_str(w, "status", accepted->status);
  json_time(w, "timestamp", accepted->created_at_ms);
}
