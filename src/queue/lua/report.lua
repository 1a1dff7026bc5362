-- report ID TEXT: what a worker process says of itself. One that has said nothing for 10 s is forgotten.
even_when_full()
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', workers, now, ARGV[2])
redis.call('HSET', reports, ARGV[2], ARGV[3])
local silent = redis.call('ZRANGEBYSCORE', workers, '-inf', now - 10000, 'LIMIT', 0, 100)
if #silent > 0 then
  redis.call('ZREM', workers, unpack(silent))
  redis.call('HDEL', reports, unpack(silent))
end
