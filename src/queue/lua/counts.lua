-- counts WINDOW_MS -> {waiting, active, delayed, completed, failed, used, paused, oldest id}
-- Changes nothing, the clock neither.
local now = time_from(redis.call('GET', clock))
local ended = redis.call('HMGET', counts, 'completed', 'failed')
return {
  redis.call('ZCARD', waiting) + redis.call('ZCARD', behind),
  redis.call('ZCARD', active),
  redis.call('ZCARD', delayed),
  tonumber(ended[1]) or 0,
  tonumber(ended[2]) or 0,
  redis.call('ZCOUNT', starts, now - ARGV[2], '+inf'),
  switch_stops(redis.call('GET', paused) or '0') and 1 or 0,
  redis.call('ZRANGE', waiting, 0, 0)[1] or '',
}
