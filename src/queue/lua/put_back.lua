-- put_back REFUND (ID TOKEN DELAY_MS)...: ends leases that are ours. REFUND 1: the starts were never
-- handed over and leave the limiter's log, whoever holds the order by now.
local ids, tokens, delays, back = {}, {}, {}, {}
for i = 3, #ARGV, 3 do
  ids[#ids + 1], tokens[#tokens + 1] = ARGV[i], ARGV[i + 1]
  delays[ARGV[i]] = tonumber(ARGV[i + 2])
end
if #ids == 0 then return end

local held = redis.call('HMGET', leases, unpack(ids))
for i, id in ipairs(ids) do
  if held[i] == tokens[i] then back[#back + 1] = id end
end
if ARGV[2] == '1' then redis.call('ZREM', starts, unpack(tokens)) end
if #back > 0 then
  redis.call('ZREM', active, unpack(back))
  redis.call('HDEL', leases, unpack(back))
  put(back, delays)
end
