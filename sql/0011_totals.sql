-- How orders ended, as sums: an end is final. They hold what was written by transactions before upto; whoever
-- asks for totals carries them on, and counts what came later.
CREATE TABLE totals (
  status  text   PRIMARY KEY,
  n       bigint NOT NULL,
  done    bigint NOT NULL,   -- of them: those that succeeded
  took_ms bigint NOT NULL    -- these, from accept to end, all together
) WITH (fillfactor = 50);
CREATE TABLE totals_upto (
  one  boolean PRIMARY KEY DEFAULT true CHECK (one),
  upto xid8    NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION totals_recount(below xid8) RETURNS void LANGUAGE sql AS
$$
  DELETE FROM totals;
  DELETE FROM totals_upto;
  INSERT INTO totals_upto (upto) VALUES (below);
  INSERT INTO totals (status, n, done, took_ms)
  SELECT status, count(*), count(*) FILTER (WHERE phase = 2),
         coalesce(sum(extract(epoch FROM completed_at - created_at) * 1000) FILTER (WHERE phase = 2), 0)
  FROM orders
  WHERE completed_at IS NOT NULL
    AND order_id NOT IN (SELECT e.order_id FROM order_events e WHERE e.xid >= below AND e.phase >= 2)
  GROUP BY status;
$$;
SELECT totals_recount(pg_snapshot_xmin(pg_current_snapshot()));

-- Where events stand is told by a counter of the server's. In a dump that was restored on another one, which has
-- not counted as far, they stood in the future: they are taken for those of this transaction.
CREATE FUNCTION positions_adopt() RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
  IF (SELECT max(xid) FROM order_events) >= pg_snapshot_xmax(pg_current_snapshot()) THEN
    LOCK TABLE order_events IN EXCLUSIVE MODE;
    UPDATE order_events SET xid = pg_current_xact_id();
    PERFORM totals_recount((pg_current_xact_id()::text::bigint + 1)::text::xid8);
  END IF;
END
$$;
