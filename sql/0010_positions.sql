-- Where an event stands in the one order in which all of them were committed: by its transaction, then
-- by (order_id, seq). What is older than every transaction that is still running is complete for good.
-- The events that are there already are taken for those of this migration.

ALTER TABLE order_events ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX order_events_xid ON order_events (xid);
