-- The first event of an order that waits is in the order's own row, where nothing of it changes: a row of steps for
-- it was a quarter of what an accept cost. Which transaction that was is kept once for all the orders that came
-- with it. Orders from before, and those that begin in another phase, have their first event in steps, as step 0.
ALTER TABLE orders ADD COLUMN accepted_as text;  -- status of its first event; null: that is in steps

CREATE TABLE accepts (
  xid       xid8   NOT NULL DEFAULT pg_current_xact_id(),
  order_ids uuid[] NOT NULL                      -- those with accepted_as
);
ALTER TABLE accepts ALTER order_ids SET STORAGE EXTERNAL;
CREATE INDEX accepts_xid ON accepts (xid);

DROP VIEW order_events;
CREATE VIEW step_events AS
SELECT s.order_id, s.seq - e.behind AS seq, e.status, e.phase, s.attempt, s.at, e.data, s.xid
FROM steps s CROSS JOIN LATERAL (
  SELECT 0 AS behind, s.status, s.phase, s.data WHERE s.phase IS NOT NULL
  UNION ALL
  SELECT (json_array_length(s.before) + 1 - b.i)::integer, b.event->>'status', (b.event->>'phase')::smallint,
         b.event->'data'
  FROM json_array_elements(s.before) WITH ORDINALITY AS b(event, i)) e;

CREATE VIEW accept_events AS
SELECT u.order_id, 1 AS seq, o.accepted_as AS status, 0::smallint AS phase, 1 AS attempt, o.created_at AS at,
       NULL::json AS data, a.xid
FROM accepts a CROSS JOIN unnest(a.order_ids) AS u(order_id) CROSS JOIN LATERAL (
  SELECT accepted_as, created_at FROM orders WHERE orders.order_id = u.order_id LIMIT 1) o;

-- The same of one order, which is found by its id and not by its position.
CREATE VIEW order_events AS
SELECT order_id, 1 AS seq, accepted_as AS status, 0::smallint AS phase, 1 AS attempt, created_at AS at,
       NULL::json AS data
FROM orders WHERE accepted_as IS NOT NULL
UNION ALL
SELECT order_id, seq, status, phase, attempt, at, data FROM step_events;

CREATE OR REPLACE FUNCTION positions_adopt() RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
  IF greatest((SELECT max(xid) FROM steps), (SELECT max(xid) FROM accepts))
     >= pg_snapshot_xmax(pg_current_snapshot()) THEN
    LOCK TABLE steps, accepts IN EXCLUSIVE MODE;
    UPDATE steps SET xid = pg_current_xact_id();
    UPDATE accepts SET xid = pg_current_xact_id();
    PERFORM totals_recount((pg_current_xact_id()::text::bigint + 1)::text::xid8);
  END IF;
END
$$;
