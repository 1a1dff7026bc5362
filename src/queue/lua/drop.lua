-- drop ID...: forgets orders, whoever holds them
if #ARGV == 1 then return end
for _, key in ipairs({waiting, behind, delayed, active}) do
  redis.call('ZREM', key, unpack(ARGV, 2))
end
redis.call('HDEL', leases, unpack(ARGV, 2))
