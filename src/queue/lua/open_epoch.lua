-- open_epoch RUN_ID CLOSED_MS PROOF: the limiter's log is complete from now on, so claims may start when
-- CLOSED_MS have passed. The starts that are known stay: they did happen. PROOF names the newest starts
-- of all who made any: Redis loses the end of what was written, never the middle, so where they are
-- still there nothing is lost, and the limiter opens at once.
local opened_by = string.match(redis.call('GET', epoch) or '', '^(.*)|%d+$')
if opened_by == ARGV[2] then return end
even_when_full()
local whole = ARGV[4] ~= ''
for token in string.gmatch(ARGV[4], '%S+') do
  whole = whole and redis.call('ZSCORE', starts, token)
end
local closed_ms = whole and 0 or ARGV[3]
local opens_at = tick(redis.call('GET', clock)) + closed_ms + 1
redis.call('SET', epoch, ARGV[2] .. '|' .. string.format('%.0f', opens_at))
