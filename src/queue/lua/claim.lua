-- claim RUN_ID SESSION COUNTER MAX LIMIT WINDOW_MS LEASE_MS SWITCH -> {gate, wait_ms, now, id...}
-- SWITCH is what the caller was told of a pause. The newer of what he and Redis know counts; who knows
-- nothing gets nothing.
-- Tokens are SESSION:COUNTER, SESSION:COUNTER+1, ... in the order of the ids. max 0 only asks.
local OPEN, PAUSED, LIMITED, CLOSED = 0, 1, 2, 3
local PROMOTE_MAX = 1000
local run_id, session = ARGV[2], ARGV[3]
local counter, max, limit = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local window, lease = tonumber(ARGV[7]), tonumber(ARGV[8])

even_when_full()
local stored = redis.call('MGET', clock, epoch, paused)
local now = tick(stored[1])

-- The epoch first, so that a closed window passes while the queue is paused.
local opens_at = 0
if limit > 0 then
  local opened_by, at = string.match(stored[2] or '', '^(.*)|(%d+)$')
  if opened_by ~= run_id then return {CLOSED, -1, now} end
  opens_at = tonumber(at)
end
local switch = stored[3] or ''
local known = switch_version(ARGV[9])
if known > switch_version(switch) then switch = ARGV[9] end
if known < 0 or switch_stops(switch) then return {PAUSED, -1, now} end
if opens_at > now then return {LIMITED, opens_at - now, now} end

local due = next_due()
if due and due <= now then
  local ids = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, PROMOTE_MAX)
  redis.call('ZREM', delayed, unpack(ids))
  make_wait(ids)
  due = next_due()
end

local allowed = math.huge
if limit > 0 then
  redis.call('ZREMRANGEBYSCORE', starts, '-inf', now - window - 1)
  allowed = limit - redis.call('ZCARD', starts)
end

local n = math.min(max, allowed)
local popped = n > 0 and redis.call('ZPOPMIN', waiting, n) or {}
local given = #popped / 2
local reply = {OPEN, due and math.max(0, due - now) or -1, now}
if given > 0 then
  local ends, holders, log = {}, {}, {}
  local ends_at, started_at = string.format('%.0f', now + lease + 1), string.format('%.0f', now)
  for i = 1, given do
    local id, token = popped[2 * i - 1], session .. ':' .. (counter + i - 1)
    ends[2 * i - 1], ends[2 * i] = ends_at, id
    holders[2 * i - 1], holders[2 * i] = id, token
    if limit > 0 then log[2 * i - 1], log[2 * i] = started_at, token end
    reply[i + 3] = id
  end
  redis.call('ZADD', active, unpack(ends))
  redis.call('HSET', leases, unpack(holders))
  if limit > 0 then redis.call('ZADD', starts, unpack(log)) end
end
if given < n or redis.call('EXISTS', waiting) == 0 then return reply end

-- More are waiting: they may start when one more start than is allowed has left the window.
reply[2] = 0
if allowed <= given then
  local oldest = redis.call('ZRANGE', starts, given - allowed, given - allowed, 'WITHSCORES')
  reply[1], reply[2] = LIMITED, oldest[2] + window + 1 - now
end
return reply
