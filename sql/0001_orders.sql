-- The facts. Redis holds nothing that cannot be made again from here.
--
-- orders is slim and hot: room for HOT updates, and no index on a column that changes. What has to be
-- found by its state (who waits?) is in due, a small table of its own. Ids are ULIDs, stored as uuid;
-- payload, result, error and event data are json, not jsonb: amounts leave as they came.

CREATE TABLE orders (
  order_id        uuid        PRIMARY KEY,
  tenant          text        NOT NULL,
  client_order_id text,
  request_hash    bytea,                             -- SHA-256 of the body, when the caller named the order
  type            text        NOT NULL,
  status          text        NOT NULL,              -- the type's own word
  phase           smallint    NOT NULL DEFAULT 0,    -- 0 queued 1 active 2 succeeded 3 failed 4 cancelled
  attempt         integer     NOT NULL DEFAULT 1,
  bump            smallint    NOT NULL DEFAULT 0,    -- what the next claim adds to attempt
  takeovers       smallint    NOT NULL DEFAULT 0,
  ver             integer     NOT NULL DEFAULT 1,    -- seq of the newest event
  step            integer     NOT NULL DEFAULT 0,    -- one more with each update by the owner
  fence           bigint      NOT NULL DEFAULT 0,    -- one more with each claim, cancel or release
  intents         smallint    NOT NULL DEFAULT 0,    -- transactions built so far
  intent_open     boolean     NOT NULL DEFAULT false, -- the last of them may still land
  owner           uuid,                              -- the session that runs it
  due_at          timestamptz,                       -- not before; null: at once
  payload         json        NOT NULL,
  state           bytea,                             -- what the executor keeps between runs
  result          json,
  error           json,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  completed_at    timestamptz
) WITH (fillfactor = 40);

CREATE UNIQUE INDEX orders_client_order_id ON orders (tenant, client_order_id)
  WHERE client_order_id IS NOT NULL;

CREATE TABLE order_events (
  order_id uuid        NOT NULL,
  seq      integer     NOT NULL,
  status   text        NOT NULL,
  phase    smallint    NOT NULL,
  attempt  integer     NOT NULL,
  at       timestamptz NOT NULL,
  data     json,
  PRIMARY KEY (order_id, seq)
);

-- Every order that has not ended: what the sweeper walks. Written at accept, deleted with the last event.
CREATE TABLE due (
  order_id uuid PRIMARY KEY
);

-- A transaction that was, or may have been, sent. Committed before the first byte leaves.
CREATE TABLE intents (
  order_id   uuid        NOT NULL,
  n          integer     NOT NULL,
  venue      text        NOT NULL,
  tx_hash    text        NOT NULL,
  bytes      bytea       NOT NULL,
  in_amount  bigint      NOT NULL,
  min_out    bigint      NOT NULL,
  expires_at timestamptz NOT NULL,
  fence      bigint      NOT NULL,
  outcome    text        CHECK (outcome IN ('landed', 'reverted', 'dead')),
  PRIMARY KEY (order_id, n)
);
CREATE UNIQUE INDEX intents_one_open ON intents (order_id) WHERE outcome IS NULL;

CREATE TABLE fills (
  venue      text        NOT NULL,
  tx_hash    text        NOT NULL,
  order_id   uuid        NOT NULL,
  in_amount  bigint      NOT NULL,
  out_amount bigint      NOT NULL,
  landed_at  timestamptz NOT NULL,
  PRIMARY KEY (venue, tx_hash)
);

CREATE TABLE idempotency_keys (
  tenant       text        NOT NULL,
  key          text        NOT NULL,
  request_hash bytea       NOT NULL,
  order_id     uuid,
  response     text,
  expires_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

-- One row for each life of a worker process. expires_at moves with every beat and is never set back;
-- an expired session is over for good.
CREATE TABLE worker_sessions (
  id            uuid        PRIMARY KEY,
  started_at    timestamptz NOT NULL,
  expires_at    timestamptz NOT NULL,
  closed        boolean     NOT NULL DEFAULT false, -- ended in good order
  armed         boolean     NOT NULL DEFAULT false, -- set before its first hand-over
  last_start_at    timestamptz,      -- with closed: its newest hand-over; null: none
  last_start_token text              -- and the name of that start in the limiter's log
);

-- A session is over when it was closed or has expired; but PostgreSQL's own absence kills nobody: after
-- its restart everybody gets one lease to beat again.
CREATE FUNCTION session_alive(s worker_sessions, lease interval) RETURNS boolean
LANGUAGE sql STABLE AS
$$ SELECT NOT s.closed AND clock_timestamp() <= greatest(s.expires_at, pg_postmaster_start_time() + lease) $$;
