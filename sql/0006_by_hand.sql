-- Orders that clients move by hand: those of a type that nobody runs, and those that were taken over from
-- whoever ran them. They are neither queued nor claimed. Who has not ended is found by both, the sweeper's first.
ALTER TABLE orders ADD COLUMN by_hand boolean NOT NULL DEFAULT false;
DROP INDEX orders_unfinished;
CREATE INDEX orders_unfinished ON orders (by_hand, order_id) WHERE completed_at IS NULL;

-- A dead letter is an order that somebody ran and that failed with an error. Failing by hand is a decision.
DROP INDEX order_events_failed;
CREATE INDEX order_events_failed ON order_events (order_id) WHERE phase = 3 AND data IS NOT NULL;

-- Who failed, and who was cancelled, for lists: few beside those that succeeded.
CREATE INDEX order_events_ended ON order_events (phase, order_id) WHERE phase >= 3;
