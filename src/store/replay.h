/*
 * replay.h - what a request was answered that was here before: who has its key, or the name of the
 * order in it. On the reader's connection. Loop thread only; callbacks as in reader.h.
 */
#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "store/order_row.h"
#include "store/reader.h"

enum { REPLAY_HASH_LEN = 32 };

/* Borrowed for the call. */
struct replay_ask {
  const char *tenant;
  const char *key;                /* NULL: none */
  const unsigned char *key_hash;  /* of the request; with key */
  const char *own_id;             /* NULL: none */
  const unsigned char *body_hash; /* with own_id */
};

/* Borrowed for the callback. */
struct replay {
  struct ulid id;            /* of the order, or of the batch */
  const struct order *order; /* as it was when it was accepted; NULL: it was a batch */
  const char *response;      /* a batch's answer, else NULL */
  size_t response_len;
};

/* ST_OK: the same request was accepted before. ST_CONFLICT: another one was. ST_NOT_FOUND: neither
 * key nor name are known. found is NULL unless ST_OK. */
typedef void (*replay_fn)(void *arg, enum status status, const struct replay *found);
enum status replay_find(struct reader *r, const struct replay_ask *ask, replay_fn done,
                        void *arg) MUST_CHECK;

/* Which of many names are taken. Borrowed for the callback. */
struct replay_name {
  size_t at;                 /* in the names that were asked for */
  struct ulid id;            /* the order that has it */
  const unsigned char *hash; /* REPLAY_HASH_LEN bytes, of its body */
  const char *status;        /* its first */
};
typedef void (*replay_names_fn)(void *arg, enum status status, const struct replay_name *taken,
                                size_t n);
struct replay_names_ask {
  const char *tenant;
  const char *const *names;
  size_t n;
};
enum status replay_names(struct reader *r, const struct replay_names_ask *ask, replay_names_fn done,
                         void *arg) MUST_CHECK;

/* What the reader prepares for them. $1 tenant, $2 names. */
#define REPLAY_NAMES_SQL                                                                           \
  "SELECT u.at, o.order_id, o.request_hash, e.status"                                              \
  " FROM unnest($2::text[]) WITH ORDINALITY AS u(own, at)"                                         \
  " CROSS JOIN LATERAL (SELECT order_id, request_hash FROM orders"                                 \
  "  WHERE orders.tenant = $1::text AND client_order_id = u.own LIMIT 1) o"                        \
  " CROSS JOIN LATERAL (SELECT status FROM order_events v WHERE v.order_id = o.order_id"           \
  "  AND v.seq = 1 LIMIT 1) e"

/* $1 tenant, $2 own id, $3 body hash, $4 key, $5 its hash. Where
 * both are known, whichever was another request counts. */
#define REPLAY_SQL                                                                                 \
  "SELECT o.*, f.first, f.same, f.response, e.status, e.phase FROM ("                              \
  " SELECT x.order_id AS first, coalesce(x.request_hash = $3::bytea, false) AS same,"              \
  "  NULL::text AS response FROM orders x WHERE x.tenant = $1::text"                               \
  "  AND x.client_order_id = $2::text"                                                             \
  " UNION ALL SELECT k.order_id, coalesce(k.request_hash = $5::bytea, false), k.response"          \
  "  FROM idempotency_keys k WHERE k.tenant = $1::text AND k.key = $4::text"                       \
  "  AND k.expires_at >= clock_timestamp()) f"                                                     \
  " LEFT JOIN LATERAL (SELECT " ORDER_COLUMNS " FROM orders"                                       \
  "  WHERE orders.order_id = f.first LIMIT 1) o ON true"                                           \
  " LEFT JOIN LATERAL (SELECT status, phase FROM order_events v WHERE v.order_id = f.first"        \
  "  AND v.seq = 1 LIMIT 1) e ON true ORDER BY f.same LIMIT 1"

#endif
