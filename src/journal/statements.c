/* statements.c - the text of the journal's statements; what each is for stands in front of it. */
#include "journal/statements.h"

#define NOW "WITH now AS MATERIALIZED (SELECT clock_timestamp() AS at), "

/* The planner must not bet on statistics that were taken while the tables were empty: every access
 * is by primary key, so everything but that is switched off for the connection. */
#define PLANNER                                                                                    \
  "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', "       \
  "false),"                                                                                        \
  " set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false),"                \
  " set_config('plan_cache_mode', 'force_generic_plan', false)"

/* $1 ids, $2 tenants, $3 types, $4 states, $5 payloads. Gives the time of acceptance. An id that is
 * there already is this very request, sent before over a connection that broke. */
#define ACCEPT                                                                                     \
  NOW "o AS (INSERT INTO orders (order_id, tenant, type, status, payload, created_at, updated_at)" \
      " SELECT u.order_id, u.tenant, u.type, u.status, u.payload::json, now.at, now.at"            \
      " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])"                   \
      " AS u(order_id, tenant, type, status, payload), now"                                        \
      " ON CONFLICT (order_id) DO NOTHING RETURNING order_id, status, created_at),"                \
      " e AS (INSERT INTO order_events (order_id, seq, status, phase, attempt, at)"                \
      " SELECT order_id, 1, status, 0, 1, created_at FROM o),"                                     \
      " d AS (INSERT INTO due SELECT order_id FROM o)"                                             \
      " SELECT at FROM now"

/* The same for orders with a name of the caller's own or an idempotency key: $6 client order ids,
 * $7 keys, $8 body hashes, $9 life of a key. A name or a live key that is taken inserts nothing. */
#define ACCEPT_KEYED                                                                               \
  NOW "u AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],"     \
      " $6::text[], $7::text[], $8::bytea[])"                                                      \
      " AS u(order_id, tenant, type, status, payload, own, key, hash)),"                           \
      " k AS (INSERT INTO idempotency_keys AS k (tenant, key, request_hash, order_id, expires_at)" \
      " SELECT u.tenant, u.key, u.hash, u.order_id, now.at + $9::bigint * interval '1 second'"     \
      " FROM u, now WHERE u.key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM orders x"                \
      " WHERE x.tenant = u.tenant AND x.client_order_id = u.own)"                                  \
      " ON CONFLICT (tenant, key) DO UPDATE SET request_hash = excluded.request_hash,"             \
      " order_id = excluded.order_id, response = NULL, expires_at = excluded.expires_at"           \
      " WHERE k.expires_at < clock_timestamp() RETURNING k.order_id),"                             \
      " o AS (INSERT INTO orders (order_id, tenant, client_order_id, request_hash, type, status,"  \
      " payload, created_at, updated_at)"                                                          \
      " SELECT u.order_id, u.tenant, u.own, u.hash, u.type, u.status, u.payload::json, now.at,"    \
      " now.at FROM u, now WHERE u.key IS NULL OR (u.order_id IN (SELECT order_id FROM k)) IS "    \
      "TRUE"                                                                                       \
      " ON CONFLICT DO NOTHING RETURNING order_id, status, created_at),"                           \
      " e AS (INSERT INTO order_events (order_id, seq, status, phase, attempt, at)"                \
      " SELECT order_id, 1, status, 0, 1, created_at FROM o),"                                     \
      " d AS (INSERT INTO due SELECT order_id FROM o)"                                             \
      " SELECT order_id, created_at FROM o"

/* A key must not outlive the insert that lost its race for the name. $1 ids. */
#define ACCEPT_TIDY                                                                                \
  "DELETE FROM idempotency_keys k USING unnest($1::uuid[], $2::text[], $3::text[])"                \
  " AS u(order_id, tenant, key) WHERE k.tenant = u.tenant AND k.key = u.key"                       \
  " AND k.order_id = u.order_id"                                                                   \
  " AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_id = k.order_id)"

/* Who has the name or the key. $1 ids, $2 tenants, $3 client order ids, $4 keys. */
#define ACCEPT_FIRST                                                                               \
  "SELECT u.order_id, f.order_id, f.request_hash, o.created_at"                                    \
  " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS u(order_id, tenant, own, key)"  \
  " CROSS JOIN LATERAL (SELECT x.order_id, x.request_hash FROM orders x"                           \
  " WHERE x.tenant = u.tenant AND x.client_order_id = u.own"                                       \
  " UNION ALL SELECT k.order_id, k.request_hash FROM idempotency_keys k"                           \
  " WHERE k.tenant = u.tenant AND k.key = u.key LIMIT 1) f"                                        \
  " JOIN orders o ON o.order_id = f.order_id"

/* A claim. $1 ids, $2 hand-over deadlines (null: none), $3 session, $4 types this process runs, $5
 * their claim states, $6 lease in ms. A transaction that may still land is not walked away from:
 * the claim state is entered only when none is open. */
#define CLAIM                                                                                      \
  NOW "m AS (UPDATE orders o SET fence = o.fence + 1, step = o.step + 1, owner = $3::uuid,"        \
      " phase = 1, attempt = o.attempt + o.bump, bump = 0,"                                        \
      " takeovers = o.takeovers + (o.owner IS NOT NULL)::integer::smallint,"                       \
      " status = CASE WHEN o.intent_open THEN o.status ELSE coalesce(k.state, o.status) END,"      \
      " ver = o.ver + (k.state IS NOT NULL AND NOT o.intent_open)::integer, updated_at = now.at"   \
      " FROM unnest($1::uuid[], $2::timestamptz[]) AS c(order_id, handover_by), now,"              \
      " unnest($4::text[], $5::text[]) AS k(type, state)"                                          \
      " WHERE o.order_id = c.order_id AND k.type = o.type AND o.phase < 2"                         \
      " AND (o.due_at IS NULL OR o.due_at <= now.at)"                                              \
      " AND (c.handover_by IS NULL OR now.at <= c.handover_by)"                                    \
      " AND (o.owner IS NULL OR o.owner = $3::uuid OR NOT EXISTS (SELECT 1 FROM worker_sessions s" \
      " WHERE s.id = o.owner AND session_alive(s, $6::bigint * interval '1 ms')))"                 \
      " RETURNING o.order_id, o.client_order_id, o.type, o.status, o.attempt, o.ver, o.step,"      \
      " o.fence, o.takeovers, o.intent_open, o.payload, o.state, o.created_at, o.updated_at,"      \
      " k.state IS NOT NULL AND NOT o.intent_open AS entered),"                                    \
      " e AS (INSERT INTO order_events (order_id, seq, status, phase, attempt, at)"                \
      " SELECT order_id, ver, status, 1, attempt, updated_at FROM m WHERE entered)"                \
      " SELECT * FROM m"

/* The open transactions of orders that were claimed a moment ago in this transaction. $1 ids. */
#define CLAIM_INTENTS                                                                              \
  "SELECT order_id, venue, tx_hash, bytes, in_amount, min_out, expires_at FROM intents"            \
  " WHERE order_id = ANY($1::uuid[]) AND outcome IS NULL"

/* Why a claim was refused. $1 ids, $2 lease in ms, $3 types. */
#define CLAIM_WHY                                                                                  \
  "SELECT o.order_id, o.phase, o.owner IS NOT NULL AND EXISTS (SELECT 1 FROM worker_sessions s"    \
  " WHERE s.id = o.owner AND session_alive(s, $2::bigint * interval '1 ms'))"                      \
  " OR o.type <> ALL($3::text[]),"                                                                 \
  " greatest(0, ceil(extract(epoch FROM o.due_at - clock_timestamp()) * 1000))::bigint"            \
  " FROM orders o WHERE o.order_id = ANY($1::uuid[])"

/* The compare-and-set of a step, by (fence, step). $1 ids, $2 fences, $3 steps, $4 seq of the
 * newest event, $5 states (null: unchanged), $6 phases, $7 what becomes of it (0 keep, 1 retry, 2
 * release), $8 delays, $9 results, $10 errors, $11 blobs, $12 what it does to the intent (0
 * nothing, 1 opens, 2 closes); events: $13 ids, $14 seqs, $15 states, $16 phases, $17 attempts, $18
 * data. */
#define STEP                                                                                       \
  NOW "u AS (SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::integer[],"         \
      " $5::text[], $6::smallint[], $7::smallint[], $8::bigint[], $9::text[], $10::text[],"        \
      " $11::bytea[], $12::smallint[]) AS u(order_id, fence, step, ver, status, phase, hold, "     \
      "delay,"                                                                                     \
      " result, error, keep, intent)),"                                                            \
      " m AS (UPDATE orders o SET status = coalesce(u.status, o.status), phase = u.phase,"         \
      " ver = u.ver, step = o.step + 1, fence = o.fence + (u.hold <> 0)::integer,"                 \
      " owner = CASE WHEN u.hold = 0 AND u.phase < 2 THEN o.owner END, bump = (u.hold = "          \
      "1)::integer,"                                                                               \
      " due_at = CASE u.hold WHEN 0 THEN o.due_at ELSE now.at + u.delay * interval '1 ms' END,"    \
      " state = coalesce(u.keep, o.state), result = coalesce(u.result::json, o.result),"           \
      " error = coalesce(u.error::json, o.error), intents = o.intents + (u.intent = 1)::integer,"  \
      " intent_open = CASE u.intent WHEN 0 THEN o.intent_open ELSE u.intent = 1 END,"              \
      " updated_at = now.at, completed_at = CASE WHEN u.phase >= 2 THEN now.at END"                \
      " FROM u, now WHERE o.order_id = u.order_id AND o.fence = u.fence AND o.step = u.step"       \
      " AND o.phase < 2 AND NOT (u.intent = 1 AND o.intent_open)"                                  \
      " RETURNING o.order_id, o.intents, o.phase, now.at),"                                        \
      " e AS (INSERT INTO order_events (order_id, seq, status, phase, attempt, at, data)"          \
      " SELECT u.order_id, u.seq, u.status, u.phase, u.attempt, now.at, u.data::json"              \
      " FROM unnest($13::uuid[], $14::integer[], $15::text[], $16::smallint[], $17::integer[],"    \
      " $18::text[]) AS u(order_id, seq, status, phase, attempt, data), now"                       \
      " WHERE (u.order_id IN (SELECT order_id FROM m)) IS TRUE)"
#define STEP_END " SELECT order_id, at FROM m"

/* Intents that the steps open: $19 ids, $20 venues, $21 hashes, $22 bytes, $23 amounts, $24 floors,
 * $25 expiries, $26 fences. */
#define STEP_INTENT                                                                                \
  ", i AS (INSERT INTO intents (order_id, n, venue, tx_hash, bytes, in_amount, min_out, "          \
  "expires_at,"                                                                                    \
  " fence) SELECT u.order_id, m.intents, u.venue, u.tx_hash, u.bytes, u.in_amount, u.min_out,"     \
  " u.expires_at, u.fence FROM unnest($19::uuid[], $20::text[], $21::text[], $22::bytea[],"        \
  " $23::bigint[], $24::bigint[], $25::timestamptz[], $26::bigint[])"                              \
  " AS u(order_id, venue, tx_hash, bytes, in_amount, min_out, expires_at, fence)"                  \
  " JOIN m ON m.order_id = u.order_id)"

/* Intents that the steps close, with the fill when it landed, and orders that ended: $19 ids, $20
 * outcomes, $21 venues, $22 hashes, $23 in, $24 out, $25 landing times. */
#define STEP_SETTLE                                                                                \
  ", s AS (SELECT u.* FROM unnest($19::uuid[], $20::text[], $21::text[], $22::text[], "            \
  "$23::bigint[],"                                                                                 \
  " $24::bigint[], $25::timestamptz[])"                                                            \
  " AS u(order_id, outcome, venue, tx_hash, in_amount, out_amount, landed_at)"                     \
  " WHERE (u.order_id IN (SELECT order_id FROM m)) IS TRUE),"                                      \
  " c AS (UPDATE intents i SET outcome = s.outcome FROM s"                                         \
  " WHERE i.order_id = s.order_id AND i.order_id = ANY(ARRAY(SELECT order_id FROM s))"             \
  " AND i.outcome IS NULL),"                                                                       \
  " f AS (INSERT INTO fills (venue, tx_hash, order_id, in_amount, out_amount, landed_at)"          \
  " SELECT venue, tx_hash, order_id, in_amount, out_amount, landed_at FROM s"                      \
  " WHERE outcome = 'landed'),"                                                                    \
  " d AS (DELETE FROM due"                                                                         \
  " WHERE order_id = ANY(ARRAY(SELECT order_id FROM m WHERE phase >= 2)))"

/* What orders look like whose transaction is in doubt. $1 ids. */
#define DOUBT                                                                                      \
  "SELECT order_id, fence, step, phase, created_at, updated_at FROM orders"                        \
  " WHERE order_id = ANY($1::uuid[])"

const struct pg_statement journal_statements[] = {
    {"planner", PLANNER},
    {"ping", "SELECT 1"},
    {"accept", ACCEPT},
    {"accept_keyed", ACCEPT_KEYED},
    {"accept_tidy", ACCEPT_TIDY},
    {"accept_first", ACCEPT_FIRST},
    {"claim", CLAIM},
    {"claim_intents", CLAIM_INTENTS},
    {"claim_why", CLAIM_WHY},
    {"step", STEP STEP_END},
    {"step_intent", STEP STEP_INTENT STEP_END},
    {"step_settle", STEP STEP_SETTLE STEP_END},
    {"doubt", DOUBT},
};
const size_t n_journal_statements = sizeof journal_statements / sizeof *journal_statements;
