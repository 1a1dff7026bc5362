-- finish FIELD (ID TOKEN)...: forgets orders that ended, and adds them to FIELD of counts. An empty
-- token: it ended without a lease. One that somebody else holds is left to him: he will be told.
local ids, ours, ended = {}, {}, 0
for i = 3, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
if #ids == 0 then return end

local held = redis.call('HMGET', leases, unpack(ids))
for i, id in ipairs(ids) do
  local token = ARGV[2 * i + 2]
  if held[i] == token then
    ours[#ours + 1] = id
  elseif not held[i] then
    -- The lease ran out, or it never had one. It must not start again.
    local known = redis.call('ZREM', waiting, id) + redis.call('ZREM', delayed, id)
    if known > 0 or token == '' then ended = ended + 1 end
  elseif token == '' then
    ended = ended + 1
  end
end
if #ours > 0 then
  redis.call('ZREM', active, unpack(ours))
  ended = ended + redis.call('HDEL', leases, unpack(ours))
end
if ended > 0 then redis.call('HINCRBY', counts, ARGV[2], ended) end
