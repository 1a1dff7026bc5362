-- hold RUN_ID MS: no starts for MS. The clock has leapt, and what the log has is younger than it seems.
-- Where the limiter is closed this opens it for this run, after that time.
local opened_by, at = string.match(redis.call('GET', epoch) or '', '^(.*)|(%d+)$')
even_when_full()
local opens_at = tick(redis.call('GET', clock)) + ARGV[3] + 1
if opened_by == ARGV[2] then opens_at = math.max(opens_at, tonumber(at)) end
redis.call('SET', epoch, ARGV[2] .. '|' .. string.format('%.0f', opens_at))
