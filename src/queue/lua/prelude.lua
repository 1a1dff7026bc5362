-- Begins every script. KEYS are the same for all of them and share one hash tag; ARGV[1] is the
-- channel that wakes the claimers; a script's own arguments follow it. At most 500 orders a call,
-- for unpack() has a limit.
local clock, epoch, paused, counts, waiting, delayed, active, leases, starts, behind, workers, reports =
  unpack(KEYS)
local wake_channel = ARGV[1]

-- The queue's time in ms, made of what the key clock holds: "LAST AHEAD". It never goes back. When
-- TIME does, the queue's time runs on from LAST, from then on AHEAD ms before TIME; standing still
-- until TIME has caught up would hold up every lease, delay and start for as long. When TIME is set
-- right again, the queue's time runs on from LAST once more: what passed meanwhile is lost and AHEAD
-- may be below 0, but no start is ever taken for older than it is. A pause as long as AHEAD looks much
-- like that, so it must look like it by far: else a few of them wore AHEAD down, and TIME set right
-- would be a leap after all.
-- Rounded down: what happens now happened before now + 1, so whatever is to last d ms ends at
-- now + d + 1.
local function time_from(stored)
  local t = redis.call('TIME')
  local time = t[1] * 1000 + math.floor(t[2] / 1000)
  local last, ahead = string.match(stored or '', '^(%d+) ?(%-?%d*)$')
  last, ahead = tonumber(last) or 0, tonumber(ahead) or 0
  if 3 * math.abs(time - last) < math.abs(time + ahead - last) then ahead = last - time end
  local now = math.max(last, time + ahead)
  return now, string.format('%.0f %.0f', now, now - time)
end

local function tick(stored)
  local now, new = time_from(stored)
  if new ~= stored then redis.call('SET', clock, new) end
  return now
end

-- Whether the queue is paused, "VERSION:1" or "VERSION:0": a copy of what PostgreSQL has.
local function switch_version(switch)
  return tonumber(string.match(switch, '^(-?%d+):')) or -1
end

local function switch_stops(switch)
  return string.sub(switch, -1) ~= '0'
end

-- A full Redis refuses a script at its first command that may need memory, unless it has written
-- before. Only enqueue is to be refused: what drains the queue begins with a write of nothing.
local function even_when_full()
  redis.call('HDEL', leases, '')
end

local function wake()
  redis.call('PUBLISH', wake_channel, '')
end

-- When the first of the delayed is due; nil: there is none.
local function next_due()
  return tonumber(redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2])
end

local function add(to, ids)
  local scored = {}
  for i, id in ipairs(ids) do
    scored[2 * i - 1], scored[2 * i] = '0', id
  end
  redis.call('ZADD', to, unpack(scored))
end

local function make_wait(ids)
  add(waiting, ids)
end

-- Makes orders wait, or delays them by delays[id] ms. Claimers are woken when there is work, and
-- when one is due before all that were delayed already: they set their timers by the first.
local function put(ids, delays)
  local at_once, later, first = {}, {}, math.huge
  local now = tick(redis.call('GET', clock))
  for _, id in ipairs(ids) do
    if delays[id] > 0 then
      local due = now + delays[id] + 1
      later[#later + 1], later[#later + 2] = due, id
      first = math.min(first, due)
    else
      at_once[#at_once + 1] = id
    end
  end
  local sooner = #later > 0 and first < (next_due() or math.huge)
  if #later > 0 then redis.call('ZADD', delayed, unpack(later)) end
  if #at_once > 0 then make_wait(at_once) end
  if #at_once > 0 or sooner then wake() end
end
