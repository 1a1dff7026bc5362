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

/* What the reader prepares for it. $1 tenant, $2 own id, $3 body hash, $4 key, $5 its hash. Where
 * both are known, whichever was another request counts. */
#define REPLAY_SQL                                                                                 \
  "SELECT o.*, f.first, f.same, f.response, e.status FROM ("                                       \
  " SELECT x.order_id AS first, coalesce(x.request_hash = $3::bytea, false) AS same,"              \
  "  NULL::text AS response FROM orders x WHERE x.tenant = $1::text"                               \
  "  AND x.client_order_id = $2::text"                                                             \
  " UNION ALL SELECT k.order_id, coalesce(k.request_hash = $5::bytea, false), k.response"          \
  "  FROM idempotency_keys k WHERE k.tenant = $1::text AND k.key = $4::text"                       \
  "  AND k.expires_at >= clock_timestamp()) f"                                                     \
  " LEFT JOIN LATERAL (SELECT " ORDER_COLUMNS " FROM orders"                                       \
  "  WHERE orders.order_id = f.first LIMIT 1) o ON true"                                           \
  " LEFT JOIN LATERAL (SELECT status FROM order_events v WHERE v.order_id = f.first"               \
  "  AND v.seq = 1 LIMIT 1) e ON true ORDER BY f.same LIMIT 1"

#endif
