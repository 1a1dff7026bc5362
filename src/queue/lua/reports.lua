-- reports MAX -> (ID, AGE_MS, TEXT)... of the processes that said something in the last 5 s
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found = redis.call(
  'ZREVRANGEBYSCORE', workers, '+inf', now - 5000, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local out = {}
for i = 1, #found, 2 do
  local text = redis.call('HGET', reports, found[i])
  if text then
    out[#out + 1], out[#out + 2], out[#out + 3] =
      found[i], math.max(now - tonumber(found[i + 1]), 0), text
  end
end
return out
