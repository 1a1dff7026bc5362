-- enqueue (ID DELAY_MS)...: makes orders wait that are not known, and at once those that were delayed
-- but need not be any more. The others are left as they are. A delay below 0: it is behind another of
-- its group, and waits until it comes without.
local ids, delays, new, early, later = {}, {}, {}, {}, {}
for i = 2, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
  delays[ARGV[i]] = tonumber(ARGV[i + 1])
end
if #ids == 0 then return end

local in_waiting = redis.call('ZMSCORE', waiting, unpack(ids))
local in_delayed = redis.call('ZMSCORE', delayed, unpack(ids))
local in_active = redis.call('ZMSCORE', active, unpack(ids))
for i, id in ipairs(ids) do
  if in_delayed[i] and delays[id] == 0 then early[#early + 1] = id end
  if not (in_waiting[i] or in_active[i] or in_delayed[i]) then
    local to = delays[id] < 0 and later or new
    to[#to + 1] = id
  end
end
if #later > 0 then add(behind, later) end
if #early > 0 then
  redis.call('ZREM', delayed, unpack(early))
  make_wait(early)
  wake()
end
if #new > 0 then
  put(new, delays)
  redis.call('ZREM', behind, unpack(new)) -- later: a full Redis refuses what has written nothing yet
end
