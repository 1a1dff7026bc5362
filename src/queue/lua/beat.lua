-- beat LEASE_MS (ID TOKEN)... -> the ids whose lease is not ours any more
local lease, ids, lost, ends = tonumber(ARGV[2]), {}, {}, {}
for i = 3, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
if #ids == 0 then return lost end

even_when_full()
local now = tick(redis.call('GET', clock))
local held = redis.call('HMGET', leases, unpack(ids))
for i, id in ipairs(ids) do
  if held[i] == ARGV[2 * i + 2] then
    ends[#ends + 1], ends[#ends + 2] = now + lease + 1, id
  else
    lost[#lost + 1] = id
  end
end
if #ends > 0 then redis.call('ZADD', active, unpack(ends)) end
return lost
