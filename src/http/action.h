/*
 * action.h - what a client says on a socket for many orders:
 *   {"action":"execute","requestId":"1","order":{…}}
 *   {"action":"subscribe","requestId":"2","orderId":"ord_…","since":3}
 *   {"action":"unsubscribe","requestId":"3","orderId":"ord_…"}
 * requestId and since may be left out. Pure.
 */
#ifndef HTTP_ACTION_H
#define HTTP_ACTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "http/problem.h"

enum { ACTION_REQUEST_ID_MAX = 128 };

enum action_kind { ACTION_EXECUTE, ACTION_SUBSCRIBE, ACTION_UNSUBSCRIBE };

/* The strings point into message. */
struct action {
  struct json_object message;
  enum action_kind kind;
  const char *request_id;       /* NULL: none */
  const struct ox_field *order; /* execute: a JSON object or array */
  const char *order_id;         /* the others */
  int32_t since;                /* subscribe */
};

/* action_parse() reads a message. ST_INVALID: errors has all that is wrong, and request_id is what
 * could be made out. Deinit it in both cases. */
enum status action_parse(const char *text, size_t len, struct action *out,
                         struct problem_errors *errors) MUST_CHECK;
void action_deinit(struct action *a);

/* action_seq_parse() reads a seq, 0 to 2^31-1, digits only. */
bool action_seq_parse(const char *text, int32_t *out);

#endif
