-- Orders that wait for something other than time, and what they wait for.

-- One row for each park, written with the step that begins it. It is in force as long as the order's fence
-- is the park's: whoever claims, cancels or ends the order raises that, and a row that is left behind wakes
-- nobody and is swept away. When the order is looked at again in any case is its due_at.
CREATE TABLE parks (
  order_id uuid        PRIMARY KEY,
  fence    bigint      NOT NULL,
  topic    text        NOT NULL,
  side     smallint    NOT NULL,     -- 1: wakes at level or above, -1: at level or below
  level    bigint      NOT NULL,
  since    timestamptz NOT NULL      -- what was published from then on it has not seen
) WITH (fillfactor = 70);
CREATE INDEX parks_trigger ON parks (topic, side, level);

-- The newest level of each topic. owed: it was published, and not all whom it wakes are known to be awake.
CREATE TABLE topics (
  topic text        PRIMARY KEY,
  level bigint      NOT NULL,
  ver   bigint      NOT NULL DEFAULT 1,
  at    timestamptz NOT NULL,
  owed  boolean     NOT NULL DEFAULT true
) WITH (fillfactor = 50);
CREATE INDEX topics_owed ON topics (topic) WHERE owed;
