-- enqueue (ID DELAY_MS)...: makes orders wait that are not known. The others are left as they are.
local ids, delays, new = {}, {}, {}
for i = 2, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
  delays[ARGV[i]] = tonumber(ARGV[i + 1])
end
if #ids == 0 then return end

local in_waiting = redis.call('ZMSCORE', waiting, unpack(ids))
local in_delayed = redis.call('ZMSCORE', delayed, unpack(ids))
local in_active = redis.call('ZMSCORE', active, unpack(ids))
for i, id in ipairs(ids) do
  if not (in_waiting[i] or in_delayed[i] or in_active[i]) then new[#new + 1] = id end
end
if #new > 0 then put(new, delays) end
