-- pause VERSION:PAUSED: what PostgreSQL says, unless something newer is known here. 1 stops the claims,
-- 0 lets them go on.
local known = redis.call('GET', paused) or ''
if switch_version(ARGV[2]) <= switch_version(known) then return end
even_when_full()
redis.call('SET', paused, ARGV[2])
if not switch_stops(ARGV[2]) then wake() end
