-- Who may call, and the tickets that stand in for a token where a browser cannot send one.

-- A client is never deleted: its orders are its own for good, and who has its tokens must be told that they
-- count no more.
CREATE TABLE clients (
  client_id   text        PRIMARY KEY,
  name        text        NOT NULL,
  scopes      text        NOT NULL,              -- with spaces between
  secret_hash text        NOT NULL,              -- scrypt, salted
  state       text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'removed')),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX clients_name ON clients (name) WHERE state <> 'removed';
CREATE INDEX clients_barred ON clients (client_id) WHERE state <> 'active';

-- Who deletes a row has used the ticket: that happens once, whichever process it is.
CREATE TABLE tickets (
  hash             bytea       PRIMARY KEY,      -- SHA-256 of the ticket
  client_id        text        NOT NULL,
  scopes           integer     NOT NULL,
  token_expires_ms bigint      NOT NULL,         -- of the token that it was had for; Unix time
  expires_at       timestamptz NOT NULL
);
CREATE INDEX tickets_expiry ON tickets (expires_at);
