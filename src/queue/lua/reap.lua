-- reap MAX -> the ids whose lease ran out; they wait again
even_when_full()
local now = tick(redis.call('GET', clock))
local ids = redis.call('ZRANGEBYSCORE', active, '-inf', now, 'LIMIT', 0, ARGV[2])
if #ids > 0 then
  redis.call('ZREM', active, unpack(ids))
  redis.call('HDEL', leases, unpack(ids))
  make_wait(ids)
  wake()
end
return ids
