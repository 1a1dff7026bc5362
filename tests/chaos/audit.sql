-- The checker's own record of what happened to every order's row, made by PostgreSQL itself as it
-- happens: by a trigger, in the superuser's schema, out of the daemon's reach.
CREATE SCHEMA audit;
CREATE TABLE audit.moves (
  n           bigserial PRIMARY KEY,
  at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  order_id    uuid NOT NULL,
  fence_was   bigint, fence   bigint,
  step_was    integer, step   integer,
  ver_was     integer, ver    integer,
  phase_was   smallint, phase smallint,
  owner_was   uuid, owner     uuid,
  attempt_was integer, attempt integer,
  bump        smallint,
  takeovers   integer,
  intent_open boolean,
  status      text,
  due_at      timestamptz,
  stamped     timestamptz NOT NULL,
  port        integer DEFAULT inet_client_port() -- the connection it came over
);

CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = audit, pg_temp AS $$
BEGIN
  INSERT INTO audit.moves (order_id, fence_was, fence, step_was, step, ver_was, ver, phase_was,
    phase, owner_was, owner, attempt_was, attempt, bump, takeovers, intent_open, status, due_at,
    stamped)
  VALUES (NEW.order_id, OLD.fence, NEW.fence, OLD.step, NEW.step, OLD.ver, NEW.ver, OLD.phase,
    NEW.phase, OLD.owner, NEW.owner, OLD.attempt, NEW.attempt, NEW.bump, NEW.takeovers,
    NEW.intent_open, NEW.status, NEW.due_at, NEW.updated_at);
  RETURN NULL;
END $$;

CREATE TRIGGER audit_note AFTER INSERT OR UPDATE ON public.orders
FOR EACH ROW EXECUTE FUNCTION audit.note();
