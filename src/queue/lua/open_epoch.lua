-- open_epoch RUN_ID CLOSED_MS: the limiter's log is complete from now on, so claims may start when
-- CLOSED_MS have passed. The starts that are known stay: they did happen.
local opened_by = string.match(redis.call('GET', epoch) or '', '^(.*)|%d+$')
if opened_by == ARGV[2] then return end
even_when_full()
local opens_at = tick(redis.call('GET', clock)) + ARGV[3] + 1
redis.call('SET', epoch, ARGV[2] .. '|' .. string.format('%.0f', opens_at))
