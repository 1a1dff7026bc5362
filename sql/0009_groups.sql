-- FIFO groups: orders of one group run one at a time, in the order of accept.

-- last_seq moves under the lock of the group's row, which is held until the commit. So an order that cannot
-- be seen yet comes behind all that can.
CREATE TABLE order_groups (
  group_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant   text   NOT NULL,
  group_id text   NOT NULL,
  last_seq bigint NOT NULL,
  UNIQUE (tenant, group_id)
) WITH (fillfactor = 50);

ALTER TABLE orders ADD COLUMN group_no bigint, ADD COLUMN group_seq bigint;

-- The first entry of a group is the one order of it that may run.
CREATE UNIQUE INDEX orders_group ON orders (group_no, group_seq)
  WHERE completed_at IS NULL AND group_no IS NOT NULL;
