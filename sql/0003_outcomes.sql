-- What an order's steps write is only ever added, but for the order's own row: how a transaction ended
-- is a row of its own, and who has not ended is a partial index, which costs less than rows that come
-- and go.

CREATE TABLE outcomes (
  order_id   uuid    NOT NULL,
  n          integer NOT NULL,                       -- of the intent
  outcome    text    NOT NULL CHECK (outcome IN ('landed', 'reverted', 'dead')),
  in_amount  bigint  NOT NULL,
  out_amount bigint  NOT NULL,
  landed_at  timestamptz,
  PRIMARY KEY (order_id, n)
);

INSERT INTO outcomes (order_id, n, outcome, in_amount, out_amount, landed_at)
SELECT i.order_id, i.n, i.outcome, coalesce(f.in_amount, 0), coalesce(f.out_amount, 0), f.landed_at
FROM intents i LEFT JOIN fills f ON f.venue = i.venue AND f.tx_hash = i.tx_hash
WHERE i.outcome IS NOT NULL;

-- That an order has one open intent at most is checked on its locked row: orders.intent_open.
DROP INDEX intents_one_open;
ALTER TABLE intents DROP COLUMN outcome;

DROP TABLE fills;
CREATE VIEW fills AS
SELECT i.venue, i.tx_hash, o.order_id, o.in_amount, o.out_amount, o.landed_at
FROM outcomes o JOIN intents i USING (order_id, n) WHERE o.outcome = 'landed';

-- Its first column is null throughout: who orders by both columns gets this index and no other.
CREATE INDEX orders_unfinished ON orders (completed_at, order_id) WHERE completed_at IS NULL;
DROP TABLE due;
