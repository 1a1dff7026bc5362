-- Dead letters: orders that failed. An order's events are never changed, so who failed is an index on them.
CREATE INDEX order_events_failed ON order_events (order_id) WHERE phase = 3;

-- Terminal is final: a redrive is a new order. One for each dead letter, for good.
CREATE TABLE redrives (
  order_id    uuid        PRIMARY KEY,    -- the dead letter
  redriven_as uuid        NOT NULL,
  at          timestamptz NOT NULL
);
ALTER TABLE orders ADD COLUMN redrive_of uuid;
