-- enqueue (ID DELAY_MS)... -> how many are new. Known orders are left as they are.
local ids, delays = {}, {}
for i = 2, #ARGV, 2 do
  if not delays[ARGV[i]] then ids[#ids + 1] = ARGV[i] end
  delays[ARGV[i]] = tonumber(ARGV[i + 1])
end
if #ids == 0 then return 0 end

local in_waiting = redis.call('ZMSCORE', waiting, unpack(ids))
local in_delayed = redis.call('ZMSCORE', delayed, unpack(ids))
local in_active = redis.call('ZMSCORE', active, unpack(ids))
local new = {}
for i, id in ipairs(ids) do
  if not (in_waiting[i] or in_delayed[i] or in_active[i]) then new[#new + 1] = id end
end
put(new, delays)
return #new
