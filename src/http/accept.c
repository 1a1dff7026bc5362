/* accept.c - see accept.h. The journal copies what it is given. */
#include "http/accept.h"

#include <openssl/evp.h>

#include "http/answer.h"

enum status accept_order(const struct call *call, const struct accept_request *request,
                         journal_accepted_fn done, void *arg)
{
  const struct envelope *e = request->envelope;
  if (call->api->queue_full) return ST_FULL;
  struct buf *payload = answer_body(call);
  envelope_write_payload(e, payload);
  if (payload->overflow) return ST_INVALID;

  unsigned char hash[EVP_MAX_MD_SIZE];
  bool named = e->client_order_id || request->idempotency_key;
  if (named && !EVP_Digest(request->body, request->body_len, hash, NULL, EVP_sha256(), NULL))
    return ST_BROKEN;

  const struct journal_accept accept = {.tenant = call_tenant(call),
                                        .client_order_id = e->client_order_id,
                                        .idempotency_key = request->idempotency_key,
                                        .request_hash = named ? hash : NULL,
                                        .type = e->type->name,
                                        .status = e->initial->name,
                                        .payload = payload->data};
  return journal_accept(call->api->journal, &accept, done, arg);
}

void accept_write(struct json_writer *w, const struct journal_accepted *accepted,
                  const char *status)
{
  char id[ULID_ORDER_LEN + 1];
  ulid_format_order(&accepted->id, id);
  json_strn(w, "orderId", id, ULID_ORDER_LEN);
  json_str(w, "status", status);
  json_time(w, "timestamp", accepted->created_at_ms);
}
