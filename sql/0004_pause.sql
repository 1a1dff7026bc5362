-- Whether the queue is paused: one row. Redis and every process hold a copy; version tells which is newer.
CREATE TABLE queue_pause (
  one        boolean     PRIMARY KEY DEFAULT true CHECK (one),
  paused     boolean     NOT NULL,
  version    bigint      NOT NULL,
  changed_at timestamptz NOT NULL
);
INSERT INTO queue_pause (paused, version, changed_at) VALUES (false, 1, clock_timestamp());
