-- enqueue (DELAY_MS ID)...: makes orders wait that are not known, and at once those that were delayed
-- but need not be any more. The others are left as they are. A delay below 0: it is behind another of
-- its group, and waits until it comes without.
if #ARGV < 2 then return end

-- As nearly always where orders are only accepted: nobody can be known but by waiting already, and the
-- arguments are what ZADD wants.
local plain = redis.call('EXISTS', delayed, active, behind) == 0
for i = 2, #ARGV, 2 do plain = plain and ARGV[i] == '0' end
if plain then
  if redis.call('ZADD', waiting, 'NX', unpack(ARGV, 2)) > 0 then wake() end
  return
end

local ids, delays, new, early, later = {}, {}, {}, {}, {}
for i = 2, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i + 1]
  delays[ARGV[i + 1]] = tonumber(ARGV[i])
end

local function scores(set)
  if redis.call('EXISTS', set) == 0 then return {} end
  return redis.call('ZMSCORE', set, unpack(ids))
end

local in_waiting, in_delayed, in_active = scores(waiting), scores(delayed), scores(active)
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
