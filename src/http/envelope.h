/*
 * envelope.h - an order as a client sends it: the members of the envelope (type, clientOrderId,
 * groupId) and the payload's stand side by side at the top level. Parsed and validated here. Pure.
 */
#ifndef HTTP_ENVELOPE_H
#define HTTP_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "http/problem.h"
#include "order/type.h"
#include "plugin/registry.h"

struct envelope {
  struct json_object body; /* the payload's members first, then the envelope's */
  size_t n_payload;
  const struct order_type *type; /* one with an executor */
  const struct ox_state *initial;
  const char *client_order_id; /* NULL: none */
  const char *group;           /* whose orders run one at a time; NULL: none */
  char *own_group;             /* what that points to, where the type has made it; or NULL */
};

/* What may come in where. */
struct envelope_form {
  const char *type;   /* where the body names none */
  bool executed;      /* only types that somebody runs */
  bool inferred;      /* a type may be told by a member that it alone has */
  bool fixed;         /* no type but that */
  const char *own_id; /* the member with the caller's own id */
};
extern const struct envelope_form envelope_execute; /* to be run; a market order by default */
extern const struct envelope_form envelope_any;
extern const struct envelope_form envelope_shop; /* a delivery, as shops say it */

/* envelope_parse() reads text (len bytes, not borrowed) and lets the type's executor validate the
 * payload. ST_INVALID: errors has all that is wrong; out has the members there are, and a
 * client_order_id that is one. To be deinit'ed in any case. */
enum status envelope_parse(const struct registry *registry, const struct envelope_form *form,
                           const char *text, size_t len, struct envelope *out,
                           struct problem_errors *errors) MUST_CHECK;
void envelope_deinit(struct envelope *e);

/* envelope_write_payload() appends the payload as a JSON object, its members as they came. */
void envelope_write_payload(const struct envelope *e, struct buf *out);

#endif
