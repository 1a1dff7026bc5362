/*
 * http.h - requests to one server: libcurl as a guest on the libuv loop. Loop thread only.
 */
#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"

struct http_client;
struct http_exchange;

struct http_request {
  const char *method, *path; /* the path with its query */
  const char *body;          /* NULL: none */
  size_t body_len;
  const char *type;  /* of the body; NULL: application/json */
  const char *key;   /* Idempotency-Key, or NULL */
  const char *token; /* bearer, or NULL */
  /* on_data, if not NULL, gets the body of a 200 as it comes, and for as long as it comes; false
   * ends it. No other http_ function may be called from inside. */
  bool (*on_data)(void *arg, const char *data, size_t len);
};

struct http_answer {
  long status;     /* 0: there was none, and error says why */
  bool unsent;     /* there was not even a connection: nothing was asked */
  bool replayed;   /* Idempotent-Replayed */
  int64_t wait_ms; /* Retry-After; 0: none */
  struct buf body; /* NUL-terminated unless empty */
  const char *error;
};

typedef void (*http_done)(void *arg, const struct http_answer *answer); /* borrowed */

struct http_options {
  const char *url, *ca; /* borrowed; ca may be NULL */
  int64_t timeout_ms;
  long connections; /* at once; 0: any number */
};

struct http_client *http_create(uv_loop_t *loop, const struct http_options *options);
/* http_destroy(): what is under way ends without its callback. Run the loop once more after it. */
void http_destroy(struct http_client *client);

/* http_send() copies what it was given, and calls done from the loop, never from inside. */
struct http_exchange *http_send(struct http_client *client, const struct http_request *request,
                                http_done done, void *arg);
void http_cancel(struct http_exchange *exchange); /* done is not called */

#endif
