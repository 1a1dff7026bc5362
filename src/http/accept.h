/*
 * accept.h - an order that was found valid on its way into the journal, from POST and from a socket
 * alike. Loop thread only.
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

/* accept_order() hands it to the journal; as journal_accept(). */
enum status accept_order(const struct call *call, const struct accept_request *request,
                         journal_accepted_fn done, void *arg) MUST_CHECK;

/* accept_write() adds what the client is told: orderId, status, timestamp. */
void accept_write(struct json_writer *w, const struct journal_accepted *accepted,
                  const char *status);

#endif
