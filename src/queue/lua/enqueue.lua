-- enqueue (DELAY_MS ID)...: makes orders wait that are not known, and at once those that were delayed
-- but need not be any more. The others are left as they are. A delay below 0: it is behind another of
-- its group, and waits until it comes without.
if #ARGV < 2 then return end

local function named()
  local ids = {}
  for i = 2, #ARGV, 2 do ids[#ids + 1] = ARGV[i + 1] end
  return ids
end

-- As nearly always: all are to wait and nobody is delayed, so who is known waits already or runs, and
-- the arguments are what ZADD wants.
local function plain()
  for i = 2, #ARGV, 2 do
    if ARGV[i] ~= '0' then return false end
  end
  if redis.call('EXISTS', delayed, behind, active) == 0 then return true end
  if redis.call('EXISTS', delayed, behind) > 0 then return false end
  for _, runs in ipairs(redis.call('ZMSCORE', active, unpack(named()))) do
    if runs then return false end
  end
  return true
end
if plain() then
  if redis.call('ZADD', waiting, 'NX', unpack(ARGV, 2)) > 0 then wake() end
  return
end

local ids, delays, new, early, later = named(), {}, {}, {}, {}
for i, id in ipairs(ids) do delays[id] = tonumber(ARGV[2 * i]) end

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
