/* statements.c - the text of the journal's statements; what each is for stands in front of it. */
#include "journal/statements.h"

/* When PostgreSQL took the statement up: one time for all of its rows. A row of its own to join
 * them with, WITH now AS (SELECT clock_timestamp()), costs each statement about as much as an
 * order. */
#define NOW "statement_timestamp()"

/* The planner must not bet on statistics that were taken while the tables were empty: every access
 * is by primary key, so everything but that is switched off for the connection. */
#define PLANNER                                                                                    \
  "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', "       \
  "false),"                                                                                        \
  " set_config('enable_mergejoin', 'off', false), set_config('enable_sort', 'off', false),"        \
  " set_config('enable_incremental_sort', 'off', false), set_config('jit', 'off', false),"         \
  " set_config('plan_cache_mode', 'force_generic_plan', false)"

/* Accepts: $1 rows of new_order (sql/0013_steps.sql). Gives the time of acceptance. An id that is
 * there already is refused, and then looked for: ON CONFLICT would cost every order a quarter more.
 */
#define ACCEPT                                                                                     \
  "WITH o AS (INSERT INTO orders (order_id, tenant, type, status, payload, created_at,"            \
  " updated_at, accepted_as)"                                                                      \
  " SELECT u.order_id, u.tenant, u.type, u.status, u.payload::json, " NOW ", " NOW ", u.status"    \
  " FROM unnest($1::new_order[]) AS u RETURNING order_id),"                                        \
  " a AS (INSERT INTO accepts (order_ids) SELECT array_agg(order_id) FROM o)"                      \
  " SELECT " NOW

/* The same for orders with a name of the caller's own or an idempotency key, and for those that are
 * moved by hand: $2 life of a key. A name or a live key that is taken inserts nothing. Keys and
 * names are taken in one order everywhere: two processes with the same ones wait for each other,
 * but not in a circle. NAMED(columns, values, from) lets more of an order come along. */
/* clang-format off */
#define NAMED(columns, values, from)                                                               \
  "WITH u AS (SELECT * FROM unnest($1::new_order[])),"                                             \
  " k AS (INSERT INTO idempotency_keys AS k (tenant, key, request_hash, order_id, expires_at)"     \
  " SELECT u.tenant, u.key, u.key_hash, u.order_id,"                                               \
  " " NOW " + $2::bigint * interval '1 second'"                                                    \
  " FROM u WHERE u.key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM orders x"                         \
  " WHERE x.tenant = u.tenant AND x.client_order_id = u.own) ORDER BY u.tenant, u.key"             \
  " ON CONFLICT (tenant, key) DO UPDATE SET request_hash = excluded.request_hash,"                 \
  " order_id = excluded.order_id, response = NULL, expires_at = excluded.expires_at"               \
  " WHERE k.expires_at < clock_timestamp() RETURNING k.order_id),"                                 \
  " o AS (INSERT INTO orders (order_id, tenant, client_order_id, request_hash, type, status,"      \
  " phase, by_hand, payload, created_at, updated_at, completed_at, accepted_as" columns ")"        \
  " SELECT u.order_id, u.tenant, u.own, u.hash, u.type, u.status, u.phase, u.by_hand,"             \
  " u.payload::json, " NOW ", " NOW ", CASE WHEN u.phase >= 2 THEN " NOW " END,"                   \
  " CASE WHEN u.phase = 0 THEN u.status END" values                                                \
  " FROM u" from                                                                                   \
  " WHERE u.key IS NULL OR (u.order_id IN (SELECT order_id FROM k)) IS TRUE"                       \
  " ORDER BY u.tenant, u.own"                                                                      \
  " ON CONFLICT DO NOTHING RETURNING order_id, status, phase, created_at),"                        \
  " e AS (INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"                     \
  " SELECT order_id, 0, 1, status, phase, 1, created_at FROM o WHERE phase > 0),"                  \
  " a AS (INSERT INTO accepts (order_ids)"                                                         \
  " SELECT array_agg(order_id) FROM o WHERE phase = 0 HAVING count(*) > 0)"                        \
  " SELECT order_id, created_at FROM o"
/* clang-format on */

#define ACCEPT_KEYED NAMED("", "", "")

/* Makes room for orders in their groups, whose rows stay locked until the commit. */
#define ACCEPT_ROOM                                                                                \
  "INSERT INTO order_groups AS g (tenant, group_id, last_seq)"                                     \
  " SELECT u.tenant, u.group_id, count(*) FROM unnest($1::new_order[]) AS u"                       \
  " WHERE u.group_id IS NOT NULL GROUP BY u.tenant, u.group_id"                                    \
  " ORDER BY u.tenant, u.group_id"                                                                 \
  " ON CONFLICT (tenant, group_id) DO UPDATE SET last_seq = g.last_seq + excluded.last_seq"

/* The same as keyed, for a batch with orders of groups. They take the room that was made, in the
 * order of their ids. */
#define ACCEPT_GROUPED                                                                             \
  NAMED(", group_no, group_seq",                                                                   \
        ", g.group_no, g.last_seq + 1 - row_number() OVER (PARTITION BY u.tenant, u.group_id"      \
        " ORDER BY u.order_id DESC)",                                                              \
        " LEFT JOIN LATERAL (SELECT x.group_no, x.last_seq FROM order_groups x"                    \
        " WHERE x.tenant = u.tenant AND x.group_id = u.group_id LIMIT 1) g ON true")

/* A key must not outlive the insert that lost its race for the name. */
#define ACCEPT_TIDY                                                                                \
  "DELETE FROM idempotency_keys k USING unnest($1::new_order[]) AS u"                              \
  " WHERE k.tenant = u.tenant AND k.key = u.key AND k.order_id = u.order_id"                       \
  " AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_id = k.order_id)"

/* Who has the name or the key, and whether that was the same request; with both, whichever was
 * another counts. What is answered again is made of what never changes: the id, the first event and
 * its time. */
#define ACCEPT_FIRST                                                                               \
  "SELECT u.order_id, f.order_id, f.same, o.created_at, e.status"                                  \
  " FROM unnest($1::new_order[]) AS u"                                                             \
  " CROSS JOIN LATERAL (SELECT * FROM (SELECT x.order_id,"                                         \
  " coalesce(x.request_hash = u.hash, false) AS same FROM orders x"                                \
  " WHERE x.tenant = u.tenant AND x.client_order_id = u.own"                                       \
  " UNION ALL SELECT k.order_id, coalesce(k.request_hash = u.key_hash, false)"                     \
  " FROM idempotency_keys k WHERE k.tenant = u.tenant AND k.key = u.key) x"                        \
  " ORDER BY same LIMIT 1) f"                                                                      \
  " LEFT JOIN orders o ON o.order_id = f.order_id"                                                 \
  " LEFT JOIN LATERAL (SELECT x.status FROM order_events x"                                        \
  " WHERE x.order_id = f.order_id AND x.seq = 1 LIMIT 1) e ON true"

/* The key of a batch, with the answer. $1 tenant, $2 key, $3 hash of the request, $4 the batch, in
 * the place of an order's id, $5 answer, $6 life of a key. */
#define BATCH_KEY                                                                                  \
  "INSERT INTO idempotency_keys AS k (tenant, key, request_hash, order_id, response, expires_at)"  \
  " VALUES ($1::text, $2::text, $3::bytea, $4::uuid, $5::text,"                                    \
  " clock_timestamp() + $6::bigint * interval '1 second')"                                         \
  " ON CONFLICT (tenant, key) DO UPDATE SET request_hash = excluded.request_hash,"                 \
  " order_id = excluded.order_id, response = excluded.response,"                                   \
  " expires_at = excluded.expires_at WHERE k.expires_at < clock_timestamp()"

/* Divides by zero, which rolls all of it back, unless the key is the batch's and every one of its
 * orders is there. Gives their time of acceptance. $1 tenant, $2 key, $3 the batch, $4 ids. */
#define BATCH_CHECK                                                                                \
  "SELECT 1 / (coalesce((SELECT k.order_id = $3::uuid FROM idempotency_keys k"                     \
  " WHERE k.tenant = $1::text AND k.key = $2::text), false)"                                       \
  " AND count(o.order_id) = cardinality($4::uuid[]))::integer, max(o.created_at)"                  \
  " FROM orders o WHERE o.order_id = ANY($4::uuid[])"

/* A batch that waits for a key or a name longer than that is told so. */
#define BATCH_PATIENCE "SELECT set_config('lock_timeout', '1s', false)"

/* Of a group the first order that has not ended may run; one of no group always may. */
#define IN_TURN                                                                                    \
  "(o.group_no IS NULL OR o.order_id = (SELECT h.order_id FROM orders h"                           \
  " WHERE h.group_no = o.group_no AND h.completed_at IS NULL ORDER BY h.group_seq LIMIT 1))"

/* Whose turn it is in the groups of orders that came or ended, and how long until he may be
 * claimed. $1 ids. */
#define TURN                                                                                       \
  "SELECT f.order_id, greatest(0, ceil(extract(epoch FROM f.due_at - clock_timestamp()) * 1000))"  \
  "::bigint FROM (SELECT DISTINCT o.group_no FROM orders o WHERE o.order_id = ANY($1::uuid[])"     \
  " AND o.group_no IS NOT NULL) g CROSS JOIN LATERAL (SELECT h.order_id, h.owner, h.by_hand,"      \
  " h.due_at FROM orders h WHERE h.group_no = g.group_no AND h.completed_at IS NULL"               \
  " ORDER BY h.group_seq LIMIT 1) f WHERE f.owner IS NULL AND NOT f.by_hand"

/* What Redis and the processes have of it are copies, which may be older. */
#define PAUSED "(SELECT p.paused FROM queue_pause p WHERE p.one)"

/* The state that a claim of the order enters; null: none. */
#define ENTERS "($5::text[])[array_position($4::text[], o.type)]"

/* A claim. $1 ids, $2 hand-over deadlines (null: none), $3 session, $4 types this process runs, $5
 * their claim states (null: what has happened so far is what shows), $6 lease in ms. A transaction
 * that may still land is not walked away from: the claim state is entered only when none is open.
 */
#define CLAIM                                                                                      \
  "WITH m AS (UPDATE orders o SET fence = o.fence + 1, step = o.step + 1, owner = $3::uuid,"       \
  " phase = CASE WHEN " ENTERS " IS NULL THEN o.phase ELSE 1 END,"                                 \
  " attempt = o.attempt + o.bump, bump = 0,"                                                       \
  " takeovers = o.takeovers + (o.owner IS NOT NULL)::integer::smallint,"                           \
  " status = CASE WHEN o.intent_open THEN o.status ELSE coalesce(" ENTERS ", o.status) END,"       \
  " ver = o.ver + (" ENTERS " IS NOT NULL AND NOT o.intent_open)::integer, updated_at = " NOW      \
  " FROM unnest($1::uuid[], $2::timestamptz[]) AS c(order_id, handover_by)"                        \
  " WHERE o.order_id = c.order_id AND o.type = ANY($4::text[]) AND o.phase < 2 AND NOT o.by_hand"  \
  " AND (o.due_at IS NULL OR o.due_at <= " NOW ") AND NOT " PAUSED                                 \
  " AND (c.handover_by IS NULL OR " NOW " <= c.handover_by)"                                       \
  " AND (o.owner IS NULL OR o.owner = $3::uuid OR NOT EXISTS (SELECT 1 FROM worker_sessions s"     \
  " WHERE s.id = o.owner AND session_alive(s, $6::bigint * interval '1 ms')))"                     \
  " AND " IN_TURN                                                                                  \
  " RETURNING o.order_id, o.client_order_id, o.type, o.status, o.attempt, o.ver, o.step,"          \
  " o.fence, o.takeovers, o.intent_open, o.payload, o.state, o.created_at, o.updated_at,"          \
  " " ENTERS " IS NOT NULL AND NOT o.intent_open AS entered, o.group_no IS NOT NULL),"             \
  " e AS (INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"                     \
  " SELECT order_id, step, ver, status, 1, attempt, updated_at FROM m WHERE entered)"              \
  " SELECT * FROM m"

/* The open transactions of orders that were claimed a moment ago in this transaction. $1 ids. */
#define CLAIM_INTENTS                                                                              \
  "SELECT i.order_id, i.venue, i.tx_hash, i.bytes, i.in_amount, i.min_out, i.expires_at"           \
  " FROM orders o JOIN steps i ON i.order_id = o.order_id AND i.n = o.intents"                     \
  " WHERE o.order_id = ANY($1::uuid[]) AND o.intent_open AND i.venue IS NOT NULL"

/* Why a claim was refused. $1 ids, $2 lease in ms, $3 types. An order that was taken over by hand
 * has ended as far as workers are concerned. */
#define CLAIM_WHY                                                                                  \
  "SELECT o.order_id, CASE WHEN o.by_hand THEN 2 ELSE o.phase END, o.owner IS NOT NULL AND "       \
  "EXISTS (SELECT 1 FROM worker_sessions s"                                                        \
  " WHERE s.id = o.owner AND session_alive(s, $2::bigint * interval '1 ms'))"                      \
  " OR o.type <> ALL($3::text[]),"                                                                 \
  " greatest(0, ceil(extract(epoch FROM o.due_at - clock_timestamp()) * 1000))::bigint,"           \
  " " IN_TURN ", " PAUSED " FROM orders o WHERE o.order_id = ANY($1::uuid[])"

/* The compare-and-set of a step, by (fence, step). $1 rows of new_step (sql/0013_steps.sql). An
 * order that succeeds has its last event's data for its result. What more a step brings is handed
 * on by RETURNING, so that nothing has to be joined: STEP(returning). */
/* clang-format off */
#define STEP(returning)                                                                            \
  "WITH m AS (UPDATE orders o SET status = coalesce(u.status, o.status), phase = u.phase,"         \
  " ver = u.ver, step = o.step + 1, fence = o.fence + (u.hold <> 0)::integer,"                     \
  " owner = CASE WHEN u.hold = 0 AND u.phase < 2 THEN o.owner END,"                                \
  " bump = (u.hold = 1)::integer,"                                                                 \
  " due_at = CASE u.hold WHEN 0 THEN o.due_at ELSE " NOW " + u.delay * interval '1 ms' END,"       \
  " state = coalesce(u.keep, o.state),"                                                            \
  " result = CASE WHEN u.phase = 2 THEN coalesce(u.data, '{}')::json ELSE o.result END,"           \
  " error = CASE WHEN u.phase <> 2 THEN coalesce(u.error::json, o.error) END,"                     \
  " intents = o.intents + (u.venue IS NOT NULL)::integer,"                                         \
  " intent_open = u.venue IS NOT NULL OR o.intent_open AND u.outcome IS NULL,"                     \
  " updated_at = " NOW ","                                                                         \
  " completed_at = CASE WHEN u.phase >= 2 THEN " NOW " END"                                        \
  " FROM unnest($1::new_step[]) AS u WHERE o.order_id = u.order_id"                                \
  " AND o.fence = u.fence AND o.step = u.step"                                                     \
  " AND o.phase < 2 AND NOT (o.intent_open AND u.venue IS NOT NULL)"                               \
  " RETURNING o.order_id, o.step, o.ver, o.updated_at AS at, u.attempt, u.shows, u.status,"        \
  " u.data, u.before,"                                                                             \
  " CASE WHEN u.venue IS NOT NULL OR u.outcome IS NOT NULL THEN o.intents END AS n, u.venue,"      \
  " u.tx_hash, u.bytes, u.in_amount, u.min_out, u.expires_at, u.outcome, u.out_amount,"            \
  " u.landed_at, o.fence, o.result" returning "),"                                                 \
  " e AS (INSERT INTO steps (order_id, step, seq, at, attempt, phase, status, data, before, n,"    \
  " venue, tx_hash, bytes, in_amount, min_out, expires_at, outcome, out_amount, landed_at, fence)" \
  " SELECT order_id, step, ver, at, attempt, shows, status,"                                       \
  " CASE shows WHEN 2 THEN result ELSE data::json END, before::json, n, venue, tx_hash, bytes,"    \
  " in_amount, min_out, expires_at, outcome, out_amount, landed_at,"                               \
  " CASE WHEN venue IS NOT NULL THEN fence END FROM m"                                             \
  " WHERE status IS NOT NULL OR n IS NOT NULL)"
#define STEP_GIVES " SELECT order_id, at FROM m"

#define STEP_MOVES STEP("") STEP_GIVES

/* A step that begins a park, which is in force under the fence that the step leaves the order with. */
#define STEP_PARKS                                                                                 \
  STEP(", u.topic, u.side, u.level, u.since")                                                      \
  ", p AS (INSERT INTO parks (order_id, fence, topic, side, level, since)"                         \
  " SELECT order_id, fence, topic, side, level, since FROM m"                                      \
  " ON CONFLICT (order_id) DO UPDATE SET fence = excluded.fence, topic = excluded.topic,"          \
  " side = excluded.side, level = excluded.level, since = excluded.since)" STEP_GIVES
/* clang-format on */

/* Cancels, and moves by hand. $1 ids in their order; a row for each way to move one: $2 ids, $3 the
 * state it must be in, $4 the state it moves to, $5 only if it waits, $6 the phase it moves to, $7
 * by hand. A row that is locked is passed over. */
#define CANCEL                                                                                     \
  "WITH l AS MATERIALIZED (SELECT order_id, owner IS NOT NULL AS owned FROM orders"                \
  " WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE SKIP LOCKED),"                   \
  " m AS (UPDATE orders o SET status = u.target, phase = u.phase, ver = o.ver + 1,"                \
  " step = o.step + 1, fence = o.fence + 1, owner = NULL, due_at = NULL,"                          \
  " by_hand = o.by_hand OR u.by_hand, updated_at = " NOW ","                                       \
  " completed_at = CASE WHEN u.phase >= 2 THEN " NOW " END"                                        \
  " FROM unnest($2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::smallint[],"                \
  " $7::boolean[]) AS u(order_id, origin, target, waits, phase, by_hand)"                          \
  " WHERE o.order_id = u.order_id AND (u.order_id IN (SELECT order_id FROM l)) IS TRUE"            \
  " AND o.status = u.origin AND o.phase < 2"                                                       \
  " AND NOT (u.waits AND (o.phase <> 0 OR o.owner IS NOT NULL))"                                   \
  " AND NOT o.intent_open AND NOT EXISTS (SELECT 1 FROM steps i"                                   \
  " WHERE i.order_id = o.order_id AND i.outcome = 'landed')"                                       \
  " RETURNING o.order_id, o.step, o.ver, o.attempt, o.status, o.phase, o.updated_at,"              \
  " o.group_no IS NOT NULL AS grouped),"                                                           \
  " e AS (INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"                     \
  " SELECT order_id, step, ver, status, phase, attempt, updated_at FROM m)"                        \
  " SELECT order_id, (order_id IN (SELECT order_id FROM l WHERE owned)) IS TRUE, ver,"             \
  " attempt, updated_at, status, grouped FROM m"

/* What the orders are like that were, or were not, moved a moment ago. $1 ids. */
#define CANCEL_WHY                                                                                 \
  "SELECT o.order_id, o.phase, o.status, o.intent_open OR EXISTS (SELECT 1 FROM steps i"           \
  " WHERE i.order_id = o.order_id AND i.outcome = 'landed')"                                       \
  " FROM orders o WHERE o.order_id = ANY($1::uuid[])"

/* A page of orders that wait, for a purge. $1 behind this id, $2 up to this id, $3 how many. */
#define PURGE_PAGE                                                                                 \
  "SELECT order_id, type FROM orders WHERE completed_at IS NULL AND NOT by_hand"                   \
  " AND order_id > $1::uuid AND order_id <= $2::uuid AND phase = 0 AND owner IS NULL"              \
  " ORDER BY by_hand, order_id LIMIT $3::bigint"

/* Redrives, in three statements. $1 dead letters, $2 the ids of the orders to be made of them; $3
 * types, $4 their initial states. Only what has surely moved nothing is placed anew. */
#define REDRIVE                                                                                    \
  "INSERT INTO redrives (order_id, redriven_as, at)"                                               \
  " SELECT u.order_id, u.new_id, clock_timestamp()"                                                \
  " FROM unnest($1::uuid[], $2::uuid[]) AS u(order_id, new_id), orders o"                          \
  " WHERE o.order_id = u.order_id AND o.phase = 3 AND NOT o.by_hand"                               \
  " AND o.type = ANY($3::text[])"                                                                  \
  " AND NOT o.intent_open AND coalesce(o.error->>'outcome', 'none') = 'none'"                      \
  " AND NOT EXISTS (SELECT 1 FROM steps x"                                                         \
  " WHERE x.order_id = o.order_id AND x.outcome = 'landed')"                                       \
  " ON CONFLICT (order_id) DO NOTHING"

/* Those that were redriven a moment ago in this transaction. */
#define REDRIVEN                                                                                   \
  " FROM redrives r JOIN orders x ON x.order_id = r.order_id"                                      \
  " LEFT JOIN order_groups g ON g.group_no = x.group_no"                                           \
  " WHERE r.order_id = ANY($1::uuid[]) AND r.redriven_as = ANY($2::uuid[])"

/* Room for them in their groups. $1 and $2 as above. */
#define REDRIVE_ROOM                                                                               \
  "INSERT INTO order_groups AS g (tenant, group_id, last_seq)"                                     \
  " SELECT g.tenant, g.group_id, count(*)" REDRIVEN " AND g.group_id IS NOT NULL"                  \
  " GROUP BY g.tenant, g.group_id ORDER BY g.tenant, g.group_id"                                   \
  " ON CONFLICT (tenant, group_id) DO UPDATE SET last_seq = g.last_seq + excluded.last_seq"

/* The new orders, behind the others of their groups. $1 to $4 as above. */
#define REDRIVE_ORDERS                                                                             \
  "WITH o AS (INSERT INTO orders (order_id, tenant, type, status, payload, redrive_of, group_no,"  \
  " group_seq, created_at, updated_at, accepted_as)"                                               \
  " SELECT u.*, u.at, u.state FROM (SELECT r.redriven_as, x.tenant, x.type,"                       \
  " ($4::text[])[array_position($3::text[], x.type)] AS state, x.payload, r.order_id, g.group_no," \
  " g.last_seq + 1 - row_number() OVER (PARTITION BY g.group_no ORDER BY x.group_seq DESC),"       \
  " r.at" REDRIVEN ") u RETURNING order_id)"                                                       \
  " INSERT INTO accepts (order_ids) SELECT array_agg(order_id) FROM o HAVING count(*) > 0"

/* What has become of them. $1 and $2 as above. */
#define REDRIVE_ROWS                                                                               \
  "SELECT o.order_id, o.type, o.phase = 3 AND NOT o.by_hand, o.intent_open"                        \
  " OR coalesce(o.error->>'outcome', 'none') <> 'none' OR EXISTS (SELECT 1 FROM steps x"           \
  " WHERE x.order_id = o.order_id AND x.outcome = 'landed'),"                                      \
  " r.redriven_as, r.at, coalesce(r.redriven_as = ANY($2::uuid[]), false), o.group_no IS NOT NULL" \
  " FROM orders o LEFT JOIN redrives r ON r.order_id = o.order_id"                                 \
  " WHERE o.order_id = ANY($1::uuid[])"

/* A page of dead letters. $1 behind this id, $2 up to this id, $3 how many. */
#define REDRIVE_PAGE                                                                               \
  "SELECT e.order_id FROM steps e WHERE e.phase = 3 AND e.data IS NOT NULL"                        \
  " AND e.order_id > $1::uuid AND e.order_id <= $2::uuid"                                          \
  " AND NOT EXISTS (SELECT 1 FROM redrives r WHERE r.order_id = e.order_id)"                       \
  " ORDER BY e.order_id LIMIT $3::bigint"

/* Stops the queue or lets it go on. $1 paused. Gives the version of that, and since when. */
#define PAUSE                                                                                      \
  "UPDATE queue_pause SET paused = $1::boolean,"                                                   \
  " version = version + (paused <> $1::boolean)::integer,"                                         \
  " changed_at = CASE WHEN paused <> $1::boolean THEN clock_timestamp() ELSE changed_at END"       \
  " RETURNING version, changed_at"

/* What orders look like whose transaction is in doubt. $1 ids. */
#define DOUBT                                                                                      \
  "SELECT order_id, fence, step, phase, created_at, updated_at, status, by_hand FROM orders"       \
  " WHERE order_id = ANY($1::uuid[])"

/* A page of the orders that have not ended, each with whether it waits for somebody, how long until
 * it may be claimed, whether it is its turn, and whether this process owns it, and has not moved it
 * for a second: who runs it may be ending it while this page is read. $1 behind this id, $2 lease
 * in ms, $3 how many, $4 our session (null: none). */
#define SWEEP_PAGE                                                                                 \
  "SELECT o.order_id, o.owner IS NULL OR NOT EXISTS (SELECT 1 FROM worker_sessions s"              \
  " WHERE s.id = o.owner AND session_alive(s, $2::bigint * interval '1 ms')),"                     \
  " greatest(0, ceil(extract(epoch FROM o.due_at - clock_timestamp()) * 1000))::bigint,"           \
  " " IN_TURN ", coalesce(o.owner = $4::uuid"                                                      \
  " AND o.updated_at < clock_timestamp() - interval '1 second', false)"                            \
  " FROM orders o WHERE o.completed_at IS NULL AND NOT o.by_hand AND o.order_id > $1::uuid"        \
  " ORDER BY o.by_hand, o.order_id LIMIT $3::bigint"

/* How many worker processes live, and how many died without saying so: their orders wait for
 * nobody. Whether the queue is paused. */
#define SWEEP_SESSIONS                                                                             \
  "SELECT count(*) FILTER (WHERE session_alive(s, $1::bigint * interval '1 ms')),"                 \
  " count(*) FILTER (WHERE NOT s.closed AND NOT session_alive(s, $1::bigint * interval '1 ms')),"  \
  " (SELECT paused FROM queue_pause), (SELECT version FROM queue_pause)"                           \
  " FROM worker_sessions s"

/* Deletes a page of keys whose time is over, and says how many. $1 how many at most. */
#define SWEEP_KEYS                                                                                 \
  "WITH d AS (DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(SELECT ctid"                     \
  " FROM idempotency_keys WHERE expires_at < clock_timestamp() - interval '1 minute'"              \
  " ORDER BY expires_at LIMIT $1::bigint FOR UPDATE SKIP LOCKED)) RETURNING 1)"                    \
  " SELECT count(*) FROM d"

const struct pg_statement journal_statements[] = {
    {"planner", PLANNER},
    {"types", "SELECT 'new_order'::regtype::oid::bigint, 'new_step'::regtype::oid::bigint"},
    {"ping", "SELECT 1"},
    {"accept", ACCEPT},
    {"accept_keyed", ACCEPT_KEYED},
    {"accept_room", ACCEPT_ROOM},
    {"accept_grouped", ACCEPT_GROUPED},
    {"accept_tidy", ACCEPT_TIDY},
    {"accept_first", ACCEPT_FIRST},
    {"batch_key", BATCH_KEY},
    {"batch_check", BATCH_CHECK},
    {"batch_patience", BATCH_PATIENCE},
    {"turn", TURN},
    {"claim", CLAIM},
    {"claim_intents", CLAIM_INTENTS},
    {"claim_why", CLAIM_WHY},
    {"step", STEP_MOVES},
    {"step_park", STEP_PARKS},
    {"cancel", CANCEL},
    {"cancel_why", CANCEL_WHY},
    {"purge_page", PURGE_PAGE},
    {"redrive", REDRIVE},
    {"redrive_room", REDRIVE_ROOM},
    {"redrive_orders", REDRIVE_ORDERS},
    {"redrive_rows", REDRIVE_ROWS},
    {"redrive_page", REDRIVE_PAGE},
    {"pause", PAUSE},
    {"doubt", DOUBT},
};
const size_t n_journal_statements = sizeof journal_statements / sizeof *journal_statements;

const struct pg_statement sweeper_statements[] = {
    {"planner", PLANNER},
    {"page", SWEEP_PAGE},
    {"sessions", SWEEP_SESSIONS},
    {"keys", SWEEP_KEYS},
};
const size_t n_sweeper_statements = sizeof sweeper_statements / sizeof *sweeper_statements;
