/*
 * accept.h - an order on its way into the journal, from POST and from a socket alike, and what it
 * was answered when it has been here before. Loop thread only.
 *
 * DESIGN. A key belongs to a request: method, path and body, byte for byte. A caller's own id
 * belongs to an order: the same body on another path, or on a socket, is the same order.
 */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include "http/api.h"
#include "http/envelope.h"

/* What the client sent: the exact bytes are what "the same body" means. */
struct accept_request {
  const struct envelope *envelope;
  const char *idempotency_key; /* NULL: none */
  const char *body;
  size_t body_len;
};

/* accept_key() finds the Idempotency-Key, NULL when there is none. ST_INVALID: it is not 1-128 of
 * A-Z a-z 0-9 _ - */
enum status accept_key(const struct http_request *request, const char **key) MUST_CHECK;

struct accept_hashes {
  unsigned char body[JOURNAL_HASH_LEN]; /* SHA-256 */
  unsigned char key[JOURNAL_HASH_LEN];  /* the same with method and path in front */
};
enum status accept_hash_request(const struct call *call, const char *body, size_t len,
                                unsigned char out[JOURNAL_HASH_LEN]) MUST_CHECK;

/* accept_fill() makes what the journal takes of a valid order, without hashes and key. It points
 * into e and answer_body(). */
enum status accept_fill(const struct call *call, const struct envelope *e,
                        struct journal_accept *out) MUST_CHECK;

/* accept_order() hands a valid order to the journal; as journal_accept(). */
enum status accept_order(const struct call *call, const struct accept_request *request,
                         journal_accepted_fn done, void *arg) MUST_CHECK;

/* accept_known() is for an order that is not valid: not any more, perhaps. done gets ST_REPLAYED or
 * ST_CONFLICT as from accept_order(), ST_NOT_FOUND when neither its key nor its name are known.
 * ST_NOT_FOUND at once, and no callback, when it has neither. */
enum status accept_known(const struct call *call, const struct accept_request *request,
                         journal_accepted_fn done, void *arg) MUST_CHECK;

/* accept_write() adds what the client is told: orderId, status, timestamp. */
void accept_write(struct json_writer *w, const struct journal_accepted *accepted);

#endif
