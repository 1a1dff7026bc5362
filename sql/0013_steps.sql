-- What an order's row went through: one row for each step that has anything to tell, written with the
-- compare-and-set of the order's row and never changed. Its newest event, the events before that one, and
-- the transaction that it opened or closed are one row, which costs a third less than rows of their own.
-- order_events, intents, outcomes and fills are views of it.
CREATE TABLE steps (
  order_id   uuid        NOT NULL,
  step       integer     NOT NULL,                  -- orders.step after it; 0: accept
  seq        integer     NOT NULL,                  -- orders.ver after it: that of its newest event
  at         timestamptz NOT NULL,
  xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
  attempt    integer     NOT NULL,
  phase      smallint,                              -- of its newest event; null: it has none
  n          smallint,                              -- of the transaction that it opened or closed; null: neither
  in_amount  bigint,                                -- with n
  min_out    bigint,                                -- with venue
  fence      bigint,
  expires_at timestamptz,
  out_amount bigint,                                -- with outcome
  landed_at  timestamptz,
  status     text,                                  -- with phase
  data       json,
  before     json,                                  -- its events before that one: [{"status", "phase", "data"}, ...]
  venue      text,                                  -- it opened a transaction: this was, or may have been, sent
  tx_hash    text,
  bytes      bytea,
  outcome    text,                                  -- it closed one: landed, reverted, dead
  PRIMARY KEY (order_id, step)
);

INSERT INTO steps (order_id, step, seq, at, xid, attempt, phase, status, data)
SELECT order_id, seq - 1, seq, at, xid, attempt, phase, status, data FROM order_events;

-- With which of the events a transaction was opened and closed is not known: they stand behind the newest.
INSERT INTO steps (order_id, step, seq, at, xid, attempt, n, in_amount, min_out, fence, expires_at, venue, tx_hash,
                   bytes)
SELECT i.order_id, e.seq + 2 * i.n - 2, e.seq, e.at, e.xid, e.attempt, i.n, i.in_amount, i.min_out, i.fence,
       i.expires_at, i.venue, i.tx_hash, i.bytes
FROM intents i JOIN orders o USING (order_id) JOIN order_events e ON e.order_id = o.order_id AND e.seq = o.ver;
INSERT INTO steps (order_id, step, seq, at, xid, attempt, n, in_amount, out_amount, landed_at, outcome)
SELECT x.order_id, e.seq + 2 * x.n - 1, e.seq, e.at, e.xid, e.attempt, x.n, x.in_amount, x.out_amount, x.landed_at,
       x.outcome
FROM outcomes x JOIN orders o USING (order_id) JOIN order_events e ON e.order_id = o.order_id AND e.seq = o.ver;
UPDATE orders SET step = step + ver + 2 * intents WHERE completed_at IS NULL;

DROP VIEW fills;
DROP TABLE outcomes, intents, order_events;

-- Orders and steps as the journal sends them, in arrays of such rows. Another version of one is another type.
CREATE TYPE new_order AS (
  order_id uuid,
  tenant   text,
  type     text,
  status   text,
  payload  text,
  own      text,                                    -- its client_order_id; null: none, as below
  key      text,                                    -- its idempotency key
  hash     bytea,                                   -- of its body, with own
  key_hash bytea,                                   -- of the request, with key
  phase    smallint,
  by_hand  boolean,
  group_id text
);

CREATE TYPE new_step AS (
  order_id   uuid,
  fence      bigint,                                -- as they were before it, as is step
  step       integer,
  ver        integer,                               -- as they are after it, as is phase
  status     text,                                  -- null: it has no event
  phase      smallint,
  hold       smallint,                              -- 0 keep 1 retry 2 release
  delay      bigint,                                -- ms
  error      text,
  keep       bytea,                                 -- the executor's
  shows      smallint,                              -- the phase of its newest event
  attempt    integer,
  data       text,
  before     text,
  venue      text,
  tx_hash    text,
  bytes      bytea,
  in_amount  bigint,
  min_out    bigint,
  expires_at timestamptz,
  outcome    text,
  out_amount bigint,
  landed_at  timestamptz,
  topic      text,                                  -- with these it begins a park
  side       smallint,
  level      bigint,
  since      timestamptz
);

CREATE INDEX steps_xid ON steps (xid);
-- An end is the newest event of its step. Who failed, dead letters among them, and who was cancelled.
CREATE INDEX steps_ended ON steps (phase, order_id) WHERE phase >= 3;

CREATE VIEW order_events AS
SELECT s.order_id, s.seq - e.behind AS seq, e.status, e.phase, s.attempt, s.at, e.data, s.xid
FROM steps s CROSS JOIN LATERAL (
  SELECT 0 AS behind, s.status, s.phase, s.data WHERE s.phase IS NOT NULL
  UNION ALL
  SELECT (json_array_length(s.before) + 1 - b.i)::integer, b.event->>'status', (b.event->>'phase')::smallint,
         b.event->'data'
  FROM json_array_elements(s.before) WITH ORDINALITY AS b(event, i)) e;

CREATE VIEW intents AS
SELECT order_id, n, venue, tx_hash, bytes, in_amount, min_out, expires_at, fence FROM steps WHERE venue IS NOT NULL;

CREATE VIEW outcomes AS
SELECT order_id, n, outcome, in_amount, out_amount, landed_at FROM steps WHERE outcome IS NOT NULL;

CREATE VIEW fills AS
SELECT i.venue, i.tx_hash, o.order_id, o.in_amount, o.out_amount, o.landed_at
FROM outcomes o JOIN intents i USING (order_id, n) WHERE o.outcome = 'landed';

CREATE OR REPLACE FUNCTION totals_recount(below xid8) RETURNS void LANGUAGE sql AS
$$
  DELETE FROM totals;
  DELETE FROM totals_upto;
  INSERT INTO totals_upto (upto) VALUES (below);
  INSERT INTO totals (status, n, done, took_ms)
  SELECT status, count(*), count(*) FILTER (WHERE phase = 2),
         coalesce(sum(extract(epoch FROM completed_at - created_at) * 1000) FILTER (WHERE phase = 2), 0)
  FROM orders
  WHERE completed_at IS NOT NULL
    AND order_id NOT IN (SELECT s.order_id FROM steps s WHERE s.xid >= below AND s.phase >= 2)
  GROUP BY status;
$$;

CREATE OR REPLACE FUNCTION positions_adopt() RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
  IF (SELECT max(xid) FROM steps) >= pg_snapshot_xmax(pg_current_snapshot()) THEN
    LOCK TABLE steps IN EXCLUSIVE MODE;
    UPDATE steps SET xid = pg_current_xact_id();
    PERFORM totals_recount((pg_current_xact_id()::text::bigint + 1)::text::xid8);
  END IF;
END
$$;
