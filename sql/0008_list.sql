-- A user's deliveries, for lists: other types of order do not pay for it.
CREATE INDEX orders_user ON orders ((payload->>'user_id'), order_id) WHERE type = 'delivery';

-- The orders of one client among many. Where there is only one nobody pays for it.
CREATE INDEX orders_client ON orders (tenant, order_id) WHERE tenant <> 'default';
