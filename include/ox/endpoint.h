/*
 * endpoint.h - HTTP resources of a plugin's own: GET /api/quote, PUT /api/sim/faults.
 *
 * handle() is blocking code on one of a few threads kept for endpoints: not the daemon's loop, not
 * an order's worker; many calls of it run at once. It answers before it returns. One that takes
 * longer than ENDPOINT_DEADLINE_MS has its client told so, and what it says afterwards is dropped.
 */
#ifndef OX_ENDPOINT_H
#define OX_ENDPOINT_H

#include "order.h"
#include "topic.h"
#include "venue.h"

enum { OX_ANSWER_MAX = 1 << 20, OX_BODY_MAX = 1 << 20, OX_PATH_MAX = 128 };

/* All of it is borrowed for the call. Names in query, and in fields, are there once each. */
struct ox_request {
  uint32_t size;
  const char *method;
  const char *path;
  const struct ox_field *query; /* decoded; always of the kind OX_FIELD_STRING */
  size_t n_query;
  const struct ox_field *fields; /* the body's members; there is none without max_body */
  size_t n_fields;
  const char *body; /* as it came; NUL-terminated, "" when there is none */
  size_t body_len;
};

/* ox_request_query() returns the query parameter called name, or NULL. */
static inline const struct ox_field *ox_request_query(const struct ox_request *request,
                                                      const char *name)
{
  for (size_t i = 0; i < request->n_query; i++)
    if (strcmp(request->query[i].name, name) == 0) return &request->query[i];
  return NULL;
}

/* ox_request_field() returns the body's member called name, or NULL. */
static inline const struct ox_field *ox_request_field(const struct ox_request *request,
                                                      const char *name)
{
  for (size_t i = 0; i < request->n_fields; i++)
    if (strcmp(request->fields[i].name, name) == 0) return &request->fields[i];
  return NULL;
}

/*
 * The answer, given in one of three ways. Whatever is added to errors makes it a 400 that lists all
 * of it (pointer "/amount" for a member and for a query parameter alike). Else the last call of
 * send() or problem() counts; the texts are copied.
 */
struct ox_answer {
  uint32_t size;
  struct ox_errors *errors;

  /* send() answers 200 to 299 with a JSON object of at most OX_ANSWER_MAX bytes. */
  void (*send)(struct ox_answer *answer, int status, const char *json);

  /* problem() answers 400 to 599, a status that is in use for such things, as application/
   * problem+json. code is a stable upper-snake word; detail is a sentence for a person. */
  void (*problem)(struct ox_answer *answer, int status, const char *code, const char *detail);
};

/* What an endpoint may ask of the daemon. */
struct ox_desk {
  uint32_t size;
  int64_t (*now_ms)(const struct ox_desk *desk); /* Unix time */
  void (*log)(const struct ox_desk *desk, const char *level, const char *message);

  /* quote() asks every venue at once, as ox_host.quote() does; one whose breaker is open says so.
   */
  size_t (*quote)(const struct ox_desk *desk, const struct ox_swap *swap, struct ox_quote *quotes,
                  size_t max);

  /* reset_venues() closes the breakers of all venues, in this process. */
  void (*reset_venues)(const struct ox_desk *desk);

  /* publish() makes level the newest of a topic (topic.h) and wakes the orders that it concerns. 1:
   * it is durable, and the wakes follow. 0: no topic can have that name, or the store did not take
   * it within 2 s; it may have or not. */
  int (*publish)(const struct ox_desk *desk, const char *topic, int64_t level);
};

/*
 * path is matched as it stands and may not be one of the daemon's own; several endpoints may share
 * it with a method each. A GET is asked for HEAD too. scope is what a token must allow:
 * "orders:read", "orders:write" or "admin". max_body: bytes at the most, up to OX_BODY_MAX; with 0
 * it takes none, else the body must be a JSON object.
 */
struct ox_endpoint {
  uint32_t size;
  const char *method; /* GET, POST, PUT, PATCH or DELETE */
  const char *path;
  const char *scope;
  size_t max_body;
  void (*handle)(const struct ox_request *request, const struct ox_desk *desk,
                 struct ox_answer *answer);
};

#endif
