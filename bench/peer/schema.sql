CREATE TABLE orders (
  order_id       text PRIMARY KEY,
  token_in       text        NOT NULL,
  token_out      text        NOT NULL,
  amount         numeric     NOT NULL CHECK (amount > 0),
  slippage       numeric     NOT NULL,
  status         text        NOT NULL DEFAULT 'pending',
  dex            text,
  executed_price numeric,
  tx_hash        text,
  error          text,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE order_events (
  seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text        NOT NULL REFERENCES orders,
  status   text        NOT NULL,
  data     jsonb,
  at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX order_events_order_id ON order_events (order_id);
